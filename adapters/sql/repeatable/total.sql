-- Adds up whole numbers as sum does, but to a bigint: sum would make a numeric of each group, which takes longer than
-- the adding. Raises "bigint out of range" where it does not fit.
create or replace aggregate read.total(bigint) (
  sfunc = int8pl, stype = bigint, initcond = '0', combinefunc = int8pl, parallel = safe
);
comment on aggregate read.total(bigint) is 'The sum as a bigint; 0 of nothing.';
