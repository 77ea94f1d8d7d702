create table watch.grading (
  one_row boolean primary key default true check (one_row),
  month   date,
  seen    bigint,
  target  bigint,
  after   text collate "C" not null
) with (fillfactor = 10);
insert into watch.grading (after) values ('');

comment on table watch.grading is 'How far the watchers are with the grades of months; its lock keeps two from doing the same at once.';
comment on column watch.grading.one_row is 'There is one row.';
comment on column watch.grading.month is 'First day of the month that is graded next, once it is over; null until that is known.';
comment on column watch.grading.seen is 'Position of the ledger when a watcher found the month over; null before.';
comment on column watch.grading.target is 'Position of the ledger when all that fell due in the month was recorded: the read models have to be complete to it. Null before.';
comment on column watch.grading.after is 'Merchants up to this id have their grade of the month, or failed.';

grant select on watch.grading to ledger_api;
grant select, update on watch.grading to ledger_watcher;
