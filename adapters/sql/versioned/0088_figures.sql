-- Who was merged into whom is asked with most figures, and is a small part of all merchants.
create index merchants_merged on read.merchants (merchant_id, merged_into) where merged_into is not null;
-- The valid complaints of some weeks, by what a theme is of: counted from the index alone, among all that were filed then.
create index complaint_details_valid on read.complaint_details (filed_at, scenario, region, region_scheme)
  where scenario is not null and region is not null and kind = 'complaint'
    and (resolved or counts and ground is distinct from 'unfounded')
    and status not in ('withdrawn', 'refused', 'referred', 'merged');
