-- Which list a code of a region is of is told by the index, too: facets of a scenario and a division count from it.
drop index read.complaint_details_theme;
create index complaint_details_theme on read.complaint_details (scenario, region, filed_at, region_scheme)
  where scenario is not null;
