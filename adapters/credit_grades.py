"""Gives merchants the grade for the end of a month, once for each merchant and month."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

from adapters import credit, metrics, queries
from adapters.credit import PARTS, Row, Scores
from adapters.credit_explained import explain
from adapters.database import UNAVAILABLE, Pool
from adapters.evaluation import ReadModelsBehind
from adapters.execute import Command, Ledger, Result
from adapters.ledger import LedgerUnavailable
from domain.calendar import day_of
from domain.errors import InvalidInput
from domain.event import Event
from domain.grade.grading import NAMED, Given, Points, give
from domain.grade.life import GRADE
from domain.grade.state import Grade, Grades, Part, grades_of
from domain.rulebook.book import Rulebook
from domain.values import CLOCK

log = logging.getLogger("grading")

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Report:
    """What grading a month did: how many grades were given, how many of these are a fall, how many were there before,
    and how many could not be given."""

    month: date
    complete_to: int
    given: int
    known: int
    fell: int
    failed: int = 0


def grade_month(ledger: Ledger, book: Rulebook, month: date, *, now: datetime, wait_s: float = 60.0) -> Report:
    """Give every merchant that has complaints its grade for the end of the month of a day, under the rules in force.

    What was given before stays. Raises InvalidInput while the month is not over, ReadModelsBehind when the read
    models do not catch up with the ledger in time.
    """
    first = month.replace(day=1)
    last = month_after(first) - timedelta(days=1)
    if last >= day_of(now):
        raise InvalidInput(f"{first:%Y-%m} is not over", hint="grade it on the first day of the next month")
    pool = ledger.recorder.pool
    head = ledger.recorder.max_notification_id() or 0
    if not queries.wait_until_complete(pool, head, wait_s):
        raise ReadModelsBehind(f"the read models are not complete to position {head}", hint="try again")
    found = credit.scores(pool, last, min_position=head, max_age_s=0)
    return give_grades(ledger, book, found, first, to_grade(found), now)


def month_after(month: date) -> date:
    """Return the first day of the month behind that of a day."""
    return (month.replace(day=1) + timedelta(days=31)).replace(day=1)


def to_grade(found: Scores) -> dict[str, Row]:
    """Return the merchants that scores are of, by id, each with the score of the history that it shares."""
    of = {one: row for row in found.ranked for one in credit.merchants_of(found, row["group_id"])}
    return dict(sorted(of.items()))


def give_grades(
    ledger: Ledger,
    book: Rulebook,
    found: Scores,
    month: date,
    merchants: Mapping[str, Row],
    now: datetime,
    run: Callable[[Callable[[str], Report], Iterable[str]], Iterable[Report]] = map,
    after_each: Callable[[], None] = lambda: None,
) -> Report:
    """Give merchants their grades by scores of the end of the month, each once, and not those merged into others.

    One that cannot be graded does not stop the others: it is logged, counted, and can be graded by command later.
    Raises LedgerUnavailable, and what psycopg2 raises while PostgreSQL is away.
    """
    standing = _standing(ledger.recorder.pool, list(merchants))

    def one(merchant_id: str) -> Report:
        grade, graded, goes_on = standing.get(merchant_id, (None, None, True))
        nothing = Report(month, found.complete_to, 0, 0, 0)
        if not goes_on:
            return nothing
        if graded is not None and graded >= month:
            return replace(nothing, known=1)
        row = merchants[merchant_id]
        try:
            behind: Mapping[Part, Sequence[str]] = {}
            if grade is not None and Grade(grade).is_above(Grade(row["grade_now"])):
                behind = _behind(ledger.recorder.pool, merchant_id, found)
            done = _give(ledger, book, found, row, merchant_id, month, now, behind)
        except (*UNAVAILABLE, LedgerUnavailable):
            raise
        except Exception as error:
            metrics.watcher_failed()
            log.error("cannot be graded: %s", type(error).__name__, exc_info=error, extra={"stream": merchant_id})
            return replace(nothing, failed=1)
        after_each()
        fell = sum(isinstance(event, Given) and event.fell is not None for event in done.events)
        new = bool(done.events) and not done.repeated
        return replace(nothing, given=int(new), known=int(not new), fell=fell if new else 0)

    told = list(run(one, merchants))
    given, known, fell, failed = (
        sum(getattr(report, name) for report in told) for name in ("given", "known", "fell", "failed")
    )
    return Report(month, found.complete_to, given, known, fell, failed)


def _standing(pool: Pool, merchants: Sequence[str]) -> dict[str, tuple[str | None, date | None, bool]]:
    """Per merchant its grade, the month of that, and whether it was not merged into another."""
    with pool.cursor() as cursor:
        cursor.execute(
            "select m.merchant_id, g.grade, g.month, m.merged_into is null from read.merchants m "
            "left join read.credit_graded g using (merchant_id) where m.merchant_id = any(%s)",
            (merchants,),
        )
        return {merchant_id: (grade, month, goes_on) for merchant_id, grade, month, goes_on in cursor}


def points(row: Row, parameters: Row) -> Points:
    """Return what each part gives to a score, or takes, in millionths of a point, rounded half-up."""
    rates = ("response", "resolution", "confirmed", "volume")
    given = {part: _whole(100 * MILLION * parameters[f"weight_{part}"] * row[part]) for part in rates}
    return Points(**given, violations=-_whole(MILLION * row["deducted"]))


def _whole(value: Decimal) -> int:
    """Round half-up what is not negative: to divide a decimal cuts towards zero."""
    return int((value + Decimal("0.5")) // 1)


def _give(
    ledger: Ledger,
    book: Rulebook,
    found: Scores,
    row: Row,
    merchant_id: str,
    month: date,
    now: datetime,
    behind: Mapping[Part, Sequence[str]],
) -> Result:
    identity = sha256(f"grade of {merchant_id} for {month:%Y-%m}".encode()).hexdigest()
    arguments: dict[str, Any] = {
        "merchant_id": merchant_id,
        "month": month,
        "score": int(row["score"] * 100),
        "lower_score": int(row["lower_score"] * 100),
        "n": int(row["n"] * MILLION),
        "points": points(row, found.parameters),
        "grade_now": Grade(row["grade_now"]),
        "edition": row["edition"],
        "complete_to": found.complete_to,
        "behind": behind,
    }

    def decide(state: Grades) -> Sequence[Event]:
        return GRADE.act(give, state, at=now, by=CLOCK, book=book, **arguments)

    return ledger.execute(grades_of(merchant_id), decide, Command(identity[:32], identity), new=True)


def _behind(pool: Pool, merchant_id: str, found: Scores) -> dict[Part, list[str]]:
    """The complaints that weigh each part down, latest event first."""
    explained = explain(pool, merchant_id, found.as_of, found)
    latest = sorted(explained["complaints"], key=lambda one: one["position"], reverse=True)
    told = {
        Part(part): [one["complaint_id"] for one in latest if one["adds"][part]["n"] > one["adds"][part]["k"]][:NAMED]
        for part in PARTS
    }
    penalties = [one["stream"] for one in explained["violations"] if one["kind"] == "penalty"]
    told[Part.VOLUME] = [one["complaint_id"] for one in latest if _in_a_period(one, explained["volumes"])][:NAMED]
    told[Part.VIOLATIONS] = penalties[::-1][:NAMED]
    return told


def _in_a_period(complaint: Row, volumes: Sequence[Row]) -> bool:
    """Whether a complaint counts in the volume: whom it is about reported transactions of the day it was filed on."""
    return any(
        complaint["merchant_id"] == one["merchant_id"] and one["first_day"] <= complaint["filed_on"] <= one["last_day"]
        for one in volumes
    )
