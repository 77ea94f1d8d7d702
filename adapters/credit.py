"""The complaint-handling score: ranking, one merchant, and its grades. docs/definitions.md says how it is made.

Scores of a day are kept, with the position to which they are complete: making them anew takes a second with a million
complaints. Whoever asks for scores that are some seconds old gets them at once, and they are made anew behind his back.
Those of a past day take longer and hardly change: they are kept for longer.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from weakref import WeakKeyDictionary

import psycopg2

from adapters import credit_then
from adapters.database import Pool
from adapters.read_store import complete_to
from adapters.snapshots import snapshot
from domain.errors import InvalidInput

log = logging.getLogger("api")

#: Scores that are older are made anew when they are asked for; those that are much older are waited for.
KEPT_S, OLD_S = 10.0, 300.0
#: Those of a past day may be so many times older.
PAST = 30
#: Of how many days they are kept.
KEPT_DAYS = 8
#: Before it units are too small to divide by.
FIRST_DAY = date(2000, 1, 1)
#: The parts of the score, with the columns in which a complaint is counted.
PARTS = {"response": ("on_time", "ended"), "resolution": ("settled", "counts"), "confirmed": ("confirmed", "resolved")}

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of a day, best first by ``lower_score``, then by n, then by id; who shares a history with whom.

    Rates, weights and scores are decimals as read.credit_scores gives them. ``means``: those of the industries, as
    read.credit_scored takes them. ``stood``: the complaints that stood otherwise, by whom they were about; None
    unless the day is past. ``sql``: what gave the scores; it tells how these complaints stood, and whose they are.
    """

    as_of: date
    complete_to: int
    ranked: list[Row]
    group_of: Mapping[str, str]
    members: Mapping[str, list[str]]
    parameters: Row
    means: str
    stood: Mapping[str, list[str]] | None
    taken: float = field(compare=False)
    sql: str = field(compare=False, repr=False)

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


def scores(
    pool: Pool, as_of: date, *, min_position: int = 0, max_age_s: float = OLD_S, most: int | None = None
) -> Scores:
    """Return the scores of a day, at most so many seconds old; made anew where they do not know of ``min_position``.

    Raises InvalidInput for a day before there are any, and where more than ``most`` complaints have changed since.
    """
    if as_of < FIRST_DAY:
        raise InvalidInput(f"there are no scores of {as_of}", hint=f"ask for a day from {FIRST_DAY} on")
    with _kept_lock:
        kept = _kept.setdefault(pool, _Kept())
    found = kept.days.get(as_of)
    if found is None or _is_old(found, min_position, max_age_s):
        with kept.lock:
            found = kept.days.get(as_of)
            if found is None or _is_old(found, min_position, max_age_s):
                found = _renew(pool, kept, as_of, most)
    elif _is_old(found, min_position, KEPT_S) and kept.lock.acquire(blocking=False):
        threading.Thread(target=_renew_behind, args=(pool, kept, as_of), daemon=True).start()
    return found


def _is_old(found: Scores, min_position: int, max_age_s: float) -> bool:
    oldest_s = max_age_s * (PAST if found.stood is not None else 1)
    return found.complete_to < min_position or time.monotonic() - found.taken > oldest_s


def _renew(pool: Pool, kept: _Kept, as_of: date, most: int | None = None) -> Scores:
    """Make the scores of a day anew, as the holder of the lock."""
    with snapshot(pool) as moment, moment.cursor() as cursor:
        found = read(cursor, as_of, most)
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


def rows(cursor: Any, sql: str, **parameters: object) -> list[Row]:
    """Return the rows of a query."""
    cursor.execute(sql, parameters)
    names = [column.name for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def read(cursor: Any, as_of: date, most: int | None = None) -> Scores:
    """Make the scores of a day, of the tables as the cursor sees them."""
    taken = time.monotonic()
    position = complete_to(cursor)
    stood = credit_then.stood(cursor, as_of, most=most)
    ranked = rows(
        cursor,
        "select s.*, m.trade_name as name from read.credit_scored(%(as_of)s, null, null, %(stood)s) s "
        "left join read.merchants m on m.merchant_id = s.group_id "
        'order by s.lower_score desc, s.n desc, s.group_id collate "C"',
        as_of=as_of,
        stood=as_json(stood),
    )
    sql = str(cursor.query.decode())
    about: dict[str, list[str]] = {}
    for row in stood or ():
        about.setdefault(row["merchant_id"], []).append(row["complaint_id"])
    cursor.execute("select merchant_id, group_id from read.merchant_groups()")
    group_of = dict(cursor.fetchall())
    members: dict[str, list[str]] = {}
    for merchant_id in sorted(group_of):
        members.setdefault(group_of[merchant_id], []).append(merchant_id)
    parameters = parameters_of(cursor, as_of)
    past = None if stood is None else about
    return Scores(as_of, position, ranked, group_of, members, parameters, _means(ranked), past, taken, sql)


def as_json(stood: Sequence[Row] | None) -> str | None:
    """Return complaints as read.credit_scored takes them; None where nothing was recorded since.

    None of them is not that: those that were filed later are left out, and what came of them.
    """
    return None if stood is None else json.dumps(stood, default=datetime.isoformat)


def parameters_of(cursor: Any, as_of: date) -> Row:
    """Return the parameters in force at the end of a day."""
    (parameters,) = rows(cursor, "select * from read.credit_parameters(%(as_of)s)", as_of=as_of)
    return parameters


#: How read.credit_scored calls the means that are columns of a score.
_MEANS = {"a": "response_prior", "b": "resolution_prior", "c": "confirmed_prior", "per_10000": "volume_mean"}


def _means(ranked: Sequence[Row]) -> str:
    """Return the means of each industry as scores have them, as JSON."""
    found = {}
    for row in ranked:
        scheme, industry = row["industry_scheme"] or "", row["industry"] or ""
        if (scheme, industry) not in found:
            means = {name: None if row[of] is None else str(row[of]) for name, of in _MEANS.items()}
            counts = {f"{name}_of": row[f"{of}_of"] for name, of in _MEANS.items()}
            found[scheme, industry] = {"industry_scheme": scheme, "industry": industry, **means, **counts}
    return json.dumps(list(found.values()))


def ranking(
    found: Scores,
    *,
    industry: str | None = None,
    least: Decimal | int = 0,
    worst: bool = False,
    after: int = 0,
    limit: int = 100,
) -> tuple[list[Row], int, int]:
    """Return merchants by the score with lower bounds, with ``rank``, behind ``after``; how many; how many left out.

    Those with fewer than ``least`` complaints that count, and those without a grade, are not ranked, but counted.
    ``worst``: the last rank first; the ranks are the same.
    """
    own = [row for row in found.ranked if industry is None or row["industry"] == industry]
    enough = [row for row in own if row["n"] >= least and row["grade_now"] != "NR"]
    places = range(len(enough))
    shown = (places[::-1] if worst else places)[after : after + limit]
    page = [{**enough[place], "rank": place + 1} for place in shown]
    return page, len(enough), len(own) - len(enough)


def merchants_of(found: Scores, group: str) -> list[str]:
    """Return the merchants that share a history, by id."""
    return found.members.get(group, [group])


def grades(pool: Pool, merchant_id: str) -> tuple[Row | None, list[Row]]:
    """Return the grade that a merchant has now, with the month that it is of, and its grades by month; of one moment.

    None before the first. Latest first, with the appeal against each where there was one.
    """
    with snapshot(pool) as moment, moment.cursor() as cursor:
        found = rows(
            cursor,
            "select grade_id, grade, month, status from read.credit_graded where merchant_id = %(merchant_id)s",
            merchant_id=merchant_id,
        )
        history = rows(
            cursor,
            "select g.month, g.grade, g.grade_now, g.score, g.lower_score, g.n, g.edition, g.complete_to, g.fell, "
            "g.fell_from, g.fell_to, array(select c.complaint_id from read.credit_grade_complaints c "
            "where c.grade_id = g.grade_id and c.month = g.month order by 1) as complaints, "
            "nullif(g.appealed_at, timestamptz '9999-12-30 00:00:00+00') as appealed_at, nullif(g.outcome, '') "
            "as outcome from read.credit_grades g where g.merchant_id = %(merchant_id)s order by g.month desc",
            merchant_id=merchant_id,
        )
    return (found[0] if found else None), history
