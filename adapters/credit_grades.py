"""Gives merchants the grade for the end of a month, once for each merchant and month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

from adapters import credit, queries
from adapters.credit import PARTS, Row, Scores
from adapters.database import Pool
from adapters.evaluation import ReadModelsBehind
from adapters.execute import Command, Ledger
from domain.calendar import day_of
from domain.errors import InvalidInput
from domain.event import Event
from domain.grade.grading import NAMED, Given, Points, give
from domain.grade.life import GRADE
from domain.grade.state import Grade, Grades, Part, grades_of
from domain.rulebook.book import Rulebook
from domain.values import CLOCK

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Report:
    """What grading a month did: how many grades were given, how many were there, and how many of them rose or fell."""

    month: date
    complete_to: int
    given: int
    known: int
    fell: int


def grade_month(ledger: Ledger, book: Rulebook, month: date, *, now: datetime, wait_s: float = 60.0) -> Report:
    """Give every merchant that has complaints its grade for the end of the month of a day, under the rules in force.

    What was given before stays. Raises InvalidInput while the month is not over, ReadModelsBehind when the read
    models do not catch up with the ledger in time.
    """
    first = month.replace(day=1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    if last >= day_of(now):
        raise InvalidInput(f"{first:%Y-%m} is not over", hint="grade it on the first day of the next month")
    pool = ledger.recorder.pool
    head = ledger.recorder.max_notification_id() or 0
    if not queries.wait_until_complete(pool, head, wait_s):
        raise ReadModelsBehind(f"the read models are not complete to position {head}", hint="try again")
    found = credit.scores(pool, last, min_position=head, max_age_s=0)
    standing = _standing(pool)
    given = known = fell = 0
    for row in found.ranked:
        behind: Mapping[Part, Sequence[str]] | None = None
        for merchant_id in credit.merchants_of(found, row["group_id"]):
            grade, graded, goes_on = standing.get(merchant_id, (None, None, True))
            if not goes_on:
                continue
            if graded is not None and graded >= first:
                known += 1
                continue
            if behind is None and grade is not None and Grade(grade).is_above(Grade(row["grade_now"])):
                behind = _behind(pool, merchant_id, last, found)
            events = _give(ledger, book, found, row, merchant_id, first, now, behind or {})
            given += len(events)
            fell += sum(isinstance(event, Given) and event.fell is not None for event in events)
    return Report(first, found.complete_to, given, known, fell)


def _standing(pool: Pool) -> dict[str, tuple[str | None, date | None, bool]]:
    """Per merchant its grade, the month of that, and whether it was not merged into another."""
    with pool.cursor() as cursor:
        cursor.execute(
            "select m.merchant_id, g.grade, g.month, m.merged_into is null "
            "from read.merchants m left join read.credit_graded g using (merchant_id)"
        )
        return {merchant_id: (grade, month, goes_on) for merchant_id, grade, month, goes_on in cursor}


def points(row: Row, parameters: Row) -> Points:
    """Return what each part gives to a score, or takes, in millionths of a point, rounded half-up."""
    rates = ("response", "resolution", "confirmed", "volume")
    given = {part: _whole(100 * MILLION * parameters[f"weight_{part}"] * row[part]) for part in rates}
    return Points(**given, violations=_whole(-MILLION * row["deducted"]))


def _whole(value: Decimal) -> int:
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
) -> Sequence[Event]:
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

    done = ledger.execute(grades_of(merchant_id), decide, Command(identity[:32], identity), new=True)
    return () if done.repeated else done.events


def _behind(pool: Pool, merchant_id: str, last: date, found: Scores) -> dict[Part, list[str]]:
    """The complaints that weigh each part down, latest event first."""
    explained = credit.explain(pool, merchant_id, last)
    latest = sorted(explained["complaints"], key=lambda one: one["position"], reverse=True)
    told = {
        Part(part): [one["complaint_id"] for one in latest if one["adds"][part]["n"] > one["adds"][part]["k"]][:NAMED]
        for part in PARTS
    }
    penalties = [one["stream"] for one in explained["violations"] if one["kind"] == "penalty"]
    told[Part.VOLUME] = [one["complaint_id"] for one in latest][:NAMED]
    told[Part.VIOLATIONS] = penalties[::-1][:NAMED]
    return told
