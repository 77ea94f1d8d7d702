create index complaint_details_filed on read.complaint_details (filed_at, complaint_id);
create index complaint_details_merchant on read.complaint_details (merchant_id, filed_at, complaint_id);
