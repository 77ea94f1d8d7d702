-- The orders in which a search is read that are not by the time of filing.
create index complaint_details_due on read.complaint_details ((coalesce(next_due, 'infinity'::timestamptz)), complaint_id);
create index complaint_details_amount on read.complaint_details (dispute_fen, complaint_id);
