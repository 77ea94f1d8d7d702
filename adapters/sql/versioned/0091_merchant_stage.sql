-- Complaints about a merchant at one stage, set against what it reported of that stage, are found from the index.
drop index read.complaint_details_merchant;
create index complaint_details_merchant on read.complaint_details
  (merchant_id, filed_at, complaint_id, coalesce(stage, ''));
