"""Gives grades for each month that has ended, by itself: a part of what watchers do (``adapters.watcher``).

A month is graded once it has been over for a while, all that fell due in it is recorded, and the read models hold
everything that was in the ledger by then; so what was missed while watchers or read models were away is made up for,
month by month. Grades are commands made of merchant and month: tried again, after a crash or by another watcher, they
are in the ledger once. Merchants follow each other by id, some at a time, so that deadlines do not wait for long.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple

from psycopg2.extensions import connection as Connection

from adapters import credit, metrics
from adapters.credit import Scores
from adapters.credit_grades import give_grades, month_after, to_grade
from adapters.execute import Ledger
from adapters.read_store import complete_to
from adapters.rulebook import RulebookReader
from domain.calendar import start_of_day
from domain.grade.grading import Given

log = logging.getLogger("grading")

#: A command that was decided before the end of a month may come into the ledger for so long after it.
GRACE = timedelta(minutes=1)
#: So many merchants are graded in one transaction.
MAX_MERCHANTS = 200
#: Names of the moments at which ``reached`` is called: where a crash is most interesting.
POINTS = ("before_grades", "after_grade", "between_grades_and_progress", "after_grading_progress")


@dataclass(frozen=True, slots=True)
class Grader:
    """A process that grades. ``conn`` autocommits; ``kept``: the scores of the month that it is at."""

    conn: Connection
    ledger: Ledger
    book: RulebookReader
    threads: ThreadPoolExecutor
    reached: Callable[[str], None]
    kept: dict[date, Scores]


class _Progress(NamedTuple):
    """The row of watch.grading: see the comments on its columns."""

    month: date | None
    seen: int | None = None
    target: int | None = None
    after: str = ""


def grade_ended(grader: Grader, now: datetime) -> bool:
    """Give the next merchants their grade of the first month that has ended without; returns whether there may be more.

    It waits for nothing: what is not ready is looked at again another time.
    """
    with grader.conn, grader.conn.cursor() as cursor:
        cursor.execute("set local synchronous_commit = off")
        cursor.execute("select month, seen, target, after from watch.grading for update skip locked")
        row = cursor.fetchone()
        if row is None:
            return False
        before = _Progress(*row)
        progress = _prepared(cursor, before, now)
        # What to wait for is kept before there are grades, which would otherwise be waited for too after a crash.
        ready = progress == before and progress.target is not None and complete_to(cursor) >= progress.target
        if ready:
            progress = _grade(grader, progress, now)
        if progress != before:
            cursor.execute("update watch.grading set (month, seen, target, after) = (%s, %s, %s, %s)", progress)
    if ready:
        grader.reached("after_grading_progress")
    return progress != before


def _prepared(cursor: Any, progress: _Progress, now: datetime) -> _Progress:
    """Return the progress with what is known by now of the month and of the positions to wait for."""
    month, seen, target, after = progress
    cursor.execute("select position from ledger.head")
    (head,) = cursor.fetchone()
    if month is None:
        if seen is None:
            return _Progress(None, head)
        month = _first_month(cursor) if complete_to(cursor) >= seen else None
        seen = None
    if month is None or now < start_of_day(month_after(month)) + GRACE:
        return _Progress(month, progress.seen if month is None else None)
    seen = head if seen is None else seen
    if target is None and _all_due_is_recorded(cursor, seen, start_of_day(month_after(month))):
        target = head
    return _Progress(month, seen, target, after)


def _first_month(cursor: Any) -> date | None:
    """Return the latest month of which there are grades, or that in which the ledger began; None if it has not."""
    cursor.execute(
        "select coalesce((select max(month) from read.credit_graded), (select date_trunc('month', "
        "recorded_at at time zone 'Asia/Shanghai')::date from ledger.events where position = 1))"
    )
    (month,) = cursor.fetchone()
    assert month is None or isinstance(month, date)
    return month


def _all_due_is_recorded(cursor: Any, seen: int, until: datetime) -> bool:
    """Whether all that the events up to a position bring about before a time is recorded, but for what fails."""
    cursor.execute(
        "select p.position >= %(seen)s and r.position >= %(seen)s and not exists (select from watch.dues d "
        "where d.next_due < %(until)s and not exists (select from watch.failed f where f.stream = d.stream)) "
        "from watch.progress p, watch.reactions r",
        {"seen": seen, "until": until},
    )
    (recorded,) = cursor.fetchone()
    return bool(recorded)


def _grade(grader: Grader, progress: _Progress, now: datetime) -> _Progress:
    """Give the next merchants their grades; returns the progress after that."""
    month, _, target, after = progress
    assert month is not None
    assert target is not None
    found = grader.kept.get(month)
    if found is None:
        last = month_after(month) - timedelta(days=1)
        found = credit.scores(grader.ledger.recorder.pool, last, min_position=target, max_age_s=0)
        grader.kept.clear()
        grader.kept[month] = found
    own = dict(islice(((one, row) for one, row in to_grade(found).items() if one > after), MAX_MERCHANTS))
    if not own:
        grader.kept.clear()
        log.info("all merchants have their grades of %s", f"{month:%Y-%m}")
        return _Progress(month_after(month))
    grader.reached("before_grades")
    given = give_grades(
        grader.ledger,
        grader.book.current(),
        found,
        month,
        own,
        now,
        grader.threads.map,
        lambda: grader.reached("after_grade"),
    )
    for _ in range(given.given):
        metrics.recorded_due(Given.name)
    grader.reached("between_grades_and_progress")
    return progress._replace(after=max(own))
