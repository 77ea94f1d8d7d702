"""The complaint-handling score: ranking, one merchant, and what it comes from. docs/definitions.md says how it is made.

Scores of a day are kept, with the position to which they are complete: making them anew takes a second with a million
complaints. Whoever asks for scores that are some seconds old gets them at once, and they are made anew behind his back.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from weakref import WeakKeyDictionary

import psycopg2

from adapters.database import Pool
from adapters.read_store import complete_to
from domain.errors import InvalidInput, UnknownStream

log = logging.getLogger("api")

#: Scores that are older are made anew when they are asked for; those that are much older are waited for.
KEPT_S, OLD_S = 10.0, 300.0
#: Of how many days they are kept.
KEPT_DAYS = 8
#: Before it units are too small to divide by.
FIRST_DAY = date(2000, 1, 1)
#: The parts of the score, with the columns in which a complaint is counted.
PARTS = {"response": ("on_time", "ended"), "resolution": ("settled", "counts"), "confirmed": ("confirmed", "resolved")}
WHOLE = 2**40

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of a day, best first by ``lower_score``, then by n, then by id; who shares a history with whom.

    Rates, weights and scores are decimals as read.credit_scores gives them.
    """

    as_of: date
    complete_to: int
    ranked: list[Row]
    group_of: Mapping[str, str]
    members: Mapping[str, list[str]]
    parameters: Row
    taken: float = field(compare=False)

    def of(self, merchant_id: str) -> Row | None:
        """Return the score of a merchant, or of those that it is linked with; None where there are no complaints."""
        group = self.group_of.get(merchant_id, merchant_id)
        return next((row for row in self.ranked if row["group_id"] == group), None)


@dataclass
class _Kept:
    lock: threading.Lock = field(default_factory=threading.Lock)
    days: dict[date, Scores] = field(default_factory=dict)


_kept: WeakKeyDictionary[Pool, _Kept] = WeakKeyDictionary()
_kept_lock = threading.Lock()


def scores(pool: Pool, as_of: date, *, min_position: int = 0, max_age_s: float = OLD_S) -> Scores:
    """Return the scores of a day, at most so many seconds old; made anew where they do not know of ``min_position``."""
    if as_of < FIRST_DAY:
        raise InvalidInput(f"there are no scores of {as_of}", hint=f"ask for a day from {FIRST_DAY} on")
    with _kept_lock:
        kept = _kept.setdefault(pool, _Kept())
    found = kept.days.get(as_of)
    if found is None or _is_old(found, min_position, max_age_s):
        with kept.lock:
            found = kept.days.get(as_of)
            if found is None or _is_old(found, min_position, max_age_s):
                found = _renew(pool, kept, as_of)
    elif _is_old(found, min_position, KEPT_S) and kept.lock.acquire(blocking=False):
        threading.Thread(target=_renew_behind, args=(pool, kept, as_of), daemon=True).start()
    return found


def _is_old(found: Scores, min_position: int, max_age_s: float) -> bool:
    return found.complete_to < min_position or time.monotonic() - found.taken > max_age_s


def _renew(pool: Pool, kept: _Kept, as_of: date) -> Scores:
    """Make the scores of a day anew, as the holder of the lock."""
    with _reading(pool) as cursor:
        found = _read(cursor, as_of)
    # Another dictionary, since readers look into the one there is without the lock.
    days = {day: one for day, one in kept.days.items() if day != as_of}
    kept.days = {**dict(list(days.items())[-(KEPT_DAYS - 1) :]), as_of: found}
    return found


def _renew_behind(pool: Pool, kept: _Kept, as_of: date) -> None:
    """Make the scores of a day anew for those who ask next, and give back the lock."""
    try:
        _renew(pool, kept, as_of)
    except psycopg2.Error as error:
        log.warning("the scores of %s stay as they are: %s", as_of, type(error).__name__)
    finally:
        kept.lock.release()


@contextmanager
def _reading(pool: Pool) -> Iterator[Any]:
    """Lend a cursor to which the tables stand still."""
    with pool.cursor() as cursor:
        cursor.execute("begin isolation level repeatable read read only")
        try:
            yield cursor
        finally:
            cursor.execute("rollback")


def _rows(cursor: Any, sql: str, **parameters: object) -> list[Row]:
    cursor.execute(sql, parameters)
    names = [column.name for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _read(cursor: Any, as_of: date) -> Scores:
    taken = time.monotonic()
    position = complete_to(cursor)
    ranked = _rows(
        cursor,
        "select s.*, m.trade_name as name from read.credit_scores(%(as_of)s) s "
        "left join read.merchants m on m.merchant_id = s.group_id "
        'order by s.lower_score desc, s.n desc, s.group_id collate "C"',
        as_of=as_of,
    )
    cursor.execute("select merchant_id, group_id from read.merchant_groups()")
    group_of = dict(cursor.fetchall())
    members: dict[str, list[str]] = {}
    for merchant_id in sorted(group_of):
        members.setdefault(group_of[merchant_id], []).append(merchant_id)
    (parameters,) = _rows(cursor, "select * from read.credit_parameters(%(as_of)s)", as_of=as_of)
    return Scores(as_of, position, ranked, group_of, members, parameters, taken)


def ranking(
    found: Scores, *, industry: str | None = None, least: Decimal | int = 0, after: int = 0, limit: int = 100
) -> tuple[list[Row], int, int]:
    """Return merchants by the score with lower bounds, with ``rank``, behind ``after``; how many; how many left out.

    Those with fewer than ``least`` complaints that count, and those without a grade, are not ranked, but counted.
    """
    own = [row for row in found.ranked if industry is None or row["industry"] == industry]
    enough = [row for row in own if row["n"] >= least and row["grade_now"] != "NR"]
    page = [{**row, "rank": rank} for rank, row in enumerate(enough[after : after + limit], after + 1)]
    return page, len(enough), len(own) - len(enough)


def merchants_of(found: Scores, group: str) -> list[str]:
    """Return the merchants that share a history, by id."""
    return found.members.get(group, [group])


def history(pool: Pool, merchant_id: str) -> list[Row]:
    """Return the grades of a merchant by month, latest first, with the appeal against each where there was one."""
    with pool.cursor() as cursor:
        return _rows(
            cursor,
            "select g.month, g.grade, g.grade_now, g.score, g.lower_score, g.n, g.edition, g.complete_to, g.fell, "
            "g.fell_from, g.fell_to, array(select c.complaint_id from read.credit_grade_complaints c "
            "where c.grade_id = g.grade_id and c.month = g.month order by 1) as complaints, "
            "nullif(g.appealed_at, timestamptz '9999-12-30 00:00:00+00') as appealed_at, nullif(g.outcome, '') "
            "as outcome from read.credit_grades g where g.merchant_id = %(merchant_id)s order by g.month desc",
            merchant_id=merchant_id,
        )


def published(pool: Pool, merchant_id: str) -> Row | None:
    """Return the grade that a merchant has now, with the month that it is of; None before the first."""
    with pool.cursor() as cursor:
        found = _rows(
            cursor,
            "select grade_id, grade, month, status from read.credit_graded where merchant_id = %(merchant_id)s",
            merchant_id=merchant_id,
        )
    return found[0] if found else None


def explain(pool: Pool, merchant_id: str, as_of: date) -> Row:
    """Return all that the score of a merchant is made of, read at once; raises UnknownStream without complaints.

    ``score``: its row of read.credit_scores. ``complaints``: each with its weight, its share and what it adds, in
    units, of which ``one`` are a weight of 1. ``rates``: per part, k and n as the sums of what they add, in units and
    as weights; they are those of the score. ``violations`` with what each takes off, ``volumes`` reported, and the
    complaints ``paid_then_withdrawn``.
    """
    if as_of < FIRST_DAY:
        raise InvalidInput(f"there are no scores of {as_of}", hint=f"ask for a day from {FIRST_DAY} on")
    with _reading(pool) as cursor:
        found = _read(cursor, as_of)
        score = found.of(merchant_id)
        if score is None:
            raise UnknownStream(
                f"nothing is known of how {merchant_id} handles complaints", hint="check the id, or give min_position"
            )
        own = merchants_of(found, score["group_id"])
        parameters = found.parameters
        half_life = parameters["half_life"]
        cursor.execute("select read.credit_units(%s, %s)", (as_of, half_life))
        one = int(cursor.fetchone()[0])
        complaints = _rows(
            cursor,
            "select c.* from read.credit_complaints(%(as_of)s, array(select complaint_id from read.complaint_details "
            "where merchant_id = any(%(own)s))) c where c.filed_on <= %(as_of)s order by c.filed_on, c.complaint_id",
            as_of=as_of,
            own=own,
        )
        violations = _rows(
            cursor,
            "select v.*, round(round(read.credit_units(v.found_on, %(half_life)s), 40) / %(one)s, 12) * %(points)s "
            "as deducts from read.credit_violations() v "
            "where v.merchant_id = any(%(own)s) and v.found_on <= %(as_of)s order by v.found_on, v.stream, v.number",
            half_life=half_life,
            one=one,
            points=parameters["violation_points"],
            own=own,
            as_of=as_of,
        )
        volumes = _rows(
            cursor,
            "select * from read.credit_volumes(%(as_of)s) where merchant_id = any(%(own)s) order by 1, 2, 3",
            as_of=as_of,
            own=own,
        )
        withdrawn = _rows(
            cursor,
            "select complaint_id, version, position, withdrawn_at, recovered_fen from read.complaint_details "
            "where merchant_id = any(%(own)s) and kind = 'complaint' and status = 'withdrawn' and paid_when_withdrawn "
            "order by withdrawn_at, complaint_id",
            own=own,
        )
    told = [_told(complaint, one, as_of) for complaint in complaints]
    return {
        "as_of": as_of,
        "complete_to": found.complete_to,
        "merchants": own,
        "parameters": parameters,
        "score": score,
        "one": one,
        "complaints": told,
        "rates": {part: _rate(told, part, one) for part in PARTS},
        "violations": violations,
        "volumes": volumes,
        "paid_then_withdrawn": withdrawn,
    }


def _told(complaint: Row, one: int, as_of: date) -> Row:
    units = int(complaint["units"])
    resolved = complaint["resolved_on"] is not None
    counted = {**complaint, "counts": True, "resolved": resolved}
    return {
        **{name: complaint[name] for name in ("complaint_id", "version", "position", "merchant_id", "consumer_id")},
        **{name: complaint[name] for name in ("order_reference", "filed_on", "resolved_on", "of_order")},
        "age_days": max(0, (as_of - complaint["resolved_on"]).days) if resolved else None,
        "weight": _weight(int(complaint["full_units"]), one),
        "of_order_weight": _weight(int(complaint["shared_units"]), one),
        "counted_weight": _weight(units, one),
        "counted": Decimal(int(complaint["count_units"])) / WHOLE,
        "adds": {
            part: {"k": units if counted[k] else 0, "n": units if counted[n] else 0} for part, (k, n) in PARTS.items()
        },
    }


def _rate(complaints: list[Row], part: str, one: int) -> Row:
    sums = {side: sum(complaint["adds"][part][side] for complaint in complaints) for side in ("k", "n")}
    return {**{f"{side}_units": units for side, units in sums.items()}} | {
        side: _weight(units, one) for side, units in sums.items()
    }


def _weight(units: int, one: int) -> Decimal:
    """Return units as a weight, rounded half-up to 12 decimals."""
    return Decimal((2 * units * 10**12 + one) // (2 * one)).scaleb(-12).quantize(Decimal("1e-12"), ROUND_HALF_UP)
