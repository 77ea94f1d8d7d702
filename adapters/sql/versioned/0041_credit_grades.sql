create table read.credit_graded (
  grade_id        text not null,
  version         bigint not null,
  position        bigint not null,
  merchant_id     text not null,
  status          text not null,
  grade           text not null,
  month           date not null,
  contested_month date,
  items           text not null,
  primary key (grade_id)
);
create index on read.credit_graded (merchant_id);

comment on table read.credit_graded is 'Published grades of how merchants handle complaints, as they stand now.';
comment on column read.credit_graded.grade_id is 'The stream: grade-<uuid>, of a merchant.';
comment on column read.credit_graded.version is 'Version of the last event that is in the row.';
comment on column read.credit_graded.position is 'Ledger position of that event.';
comment on column read.credit_graded.merchant_id is 'The merchant.';
comment on column read.credit_graded.status is 'graded, fallen (an appeal is possible within its term) or contested.';
comment on column read.credit_graded.grade is 'A, B, C, D or NR (not rated).';
comment on column read.credit_graded.month is 'First day of the month of the last grade.';
comment on column read.credit_graded.contested_month is 'Month of the fall that is appealed against.';
comment on column read.credit_graded.items is 'What the tables of items are made of, as canonical JSON; for the projection, not for queries.';

grant select on read.credit_graded to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.credit_graded to ledger_projector;

create table read.credit_grades (
  grade_id          text not null,
  number            integer not null,
  merchant_id       text not null,
  month             date not null,
  grade             text not null,
  grade_now         text not null,
  score             integer not null,
  lower_score       integer not null,
  n                 bigint not null,
  edition           integer not null,
  complete_to       bigint not null,
  points_response   bigint not null,
  points_resolution bigint not null,
  points_confirmed  bigint not null,
  points_volume     bigint not null,
  points_violations bigint not null,
  given_at          timestamptz not null,
  fell              text not null,
  fell_from         bigint not null,
  fell_to           bigint not null,
  appealed_at       timestamptz not null,
  missed_at         timestamptz not null,
  decided_at        timestamptz not null,
  outcome           text not null,
  items             bigint not null,
  primary key (grade_id, number, merchant_id, month, grade, grade_now, score, lower_score, n, edition, complete_to, points_response, points_resolution, points_confirmed, points_volume, points_violations, given_at, fell, fell_from, fell_to, appealed_at, missed_at, decided_at, outcome)
);
create index on read.credit_grades (merchant_id);

comment on table read.credit_grades is 'Grades by month: given for the end of the month in Shanghai, and not changed afterwards.';
comment on column read.credit_grades.grade_id is 'The stream: grade-<uuid>, of a merchant.';
comment on column read.credit_grades.number is '1, 2, 3 … within the stream.';
comment on column read.credit_grades.merchant_id is 'The merchant.';
comment on column read.credit_grades.month is 'First day of the month.';
comment on column read.credit_grades.grade is 'What was published: A, B, C, D or NR (not rated).';
comment on column read.credit_grades.grade_now is 'What the score of this month alone gives.';
comment on column read.credit_grades.score is 'Score in hundredths of a point.';
comment on column read.credit_grades.lower_score is 'Score with the lower bounds, in hundredths of a point.';
comment on column read.credit_grades.n is 'Complaints that count, in millionths.';
comment on column read.credit_grades.edition is 'Edition of the parameters.';
comment on column read.credit_grades.complete_to is 'Ledger position up to which the score knows of everything.';
comment on column read.credit_grades.points_response is 'What the rate of answers in time gave, in millionths of a point.';
comment on column read.credit_grades.points_resolution is 'What the rate of resolutions in time gave, in millionths of a point.';
comment on column read.credit_grades.points_confirmed is 'What the rate of confirmed resolutions gave, in millionths of a point.';
comment on column read.credit_grades.points_volume is 'What complaints per 10,000 transactions gave, in millionths of a point.';
comment on column read.credit_grades.points_violations is 'What verified violations took, not positive, in millionths of a point.';
comment on column read.credit_grades.given_at is 'When it was given.';
comment on column read.credit_grades.fell is 'Part of the score that fell most, if the grade fell; empty if not.';
comment on column read.credit_grades.fell_from is 'Its points in the month before, in millionths.';
comment on column read.credit_grades.fell_to is 'Its points in this month.';
comment on column read.credit_grades.appealed_at is 'When the merchant appealed against the fall; 9999-12-30 00:00 UTC: never, or not yet.';
comment on column read.credit_grades.missed_at is 'When the term to decide on that passed; 9999-12-30 00:00 UTC: never, or not yet.';
comment on column read.credit_grades.decided_at is 'When it was decided on; 9999-12-30 00:00 UTC: never, or not yet.';
comment on column read.credit_grades.outcome is 'granted or upheld; empty while there is none.';
comment on column read.credit_grades.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.credit_grades to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.credit_grades to ledger_projector;

create table read.credit_grade_complaints (
  grade_id     text not null,
  month        date not null,
  complaint_id text not null,
  items        bigint not null,
  primary key (grade_id, month, complaint_id)
);

comment on table read.credit_grade_complaints is 'Complaints that weigh down the part of the score by which a grade fell: the latest 20.';
comment on column read.credit_grade_complaints.grade_id is 'The stream: grade-<uuid>, of a merchant.';
comment on column read.credit_grade_complaints.month is 'First day of the month.';
comment on column read.credit_grade_complaints.complaint_id is 'The complaint.';
comment on column read.credit_grade_complaints.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.credit_grade_complaints to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.credit_grade_complaints to ledger_projector;

create table read.credit_grade_texts (
  grade_id text not null,
  item     text not null,
  number   integer not null,
  field    text not null,
  part     integer not null,
  text     text not null,
  items    bigint not null,
  primary key (grade_id, item, number, field, part, text)
);

comment on table read.credit_grade_texts is 'What people wrote of the items of grades: each text in parts of at most 500 characters, to be joined in order of part.';
comment on column read.credit_grade_texts.grade_id is 'The stream: grade-<uuid>, of a merchant.';
comment on column read.credit_grade_texts.item is 'What it is of: grade (grounds of an appeal, reasons of its decision).';
comment on column read.credit_grade_texts.number is 'Number of the item within the stream.';
comment on column read.credit_grade_texts.field is 'Which text of the item.';
comment on column read.credit_grade_texts.part is '1, 2, 3 … of the text.';
comment on column read.credit_grade_texts.text is 'The part.';
comment on column read.credit_grade_texts.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.credit_grade_texts to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.credit_grade_texts to ledger_projector;
