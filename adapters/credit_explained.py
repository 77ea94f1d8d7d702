"""What the score of one merchant is made of: each complaint with its weight and what it adds, and what was taken off.

It costs what one merchant costs: of all others it takes only the means of their industries, from scores that are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from adapters import credit_then
from adapters.credit import PARTS, Row, Scores, as_json, parameters_of, read, rows, scores
from adapters.database import Pool
from adapters.read_store import complete_to
from adapters.snapshots import snapshot
from domain.calendar import start_of_day
from domain.errors import UnknownStream

#: The units of a complaint in n.
WHOLE = 2**40
#: What tells why a complaint counts as it does, of a row of read.complaint_details.
REASONS = (
    "status",
    "answer_due",
    "answered_at",
    "answered_on_time",
    "answer_missed",
    "resolution_missed",
    "reopened_soon",
)


def explain(pool: Pool, merchant_id: str, as_of: date, known: Scores | None = None) -> Row:
    """Return all that the score of a merchant is made of, read at once; raises UnknownStream without complaints.

    Only the means of the industries are those of scores that are ``known``: of the day, and as ``scores`` gives them
    where not given. ``score``: its row of read.credit_scores. ``complaints``: each with its weight, its share and what
    it adds, in units, of which ``one`` are a weight of 1, and ``why``: per part, what did it, as docs/definitions.md
    lists it; None where it does not count in the part. ``rates``: per part, k and n as the sums of what they add, in
    units and as weights; they are those of the score. ``violations`` with what each takes off, ``volumes`` reported,
    and the complaints ``paid_then_withdrawn``. ``means_complete_to``: what the means know of.
    """
    known = known or scores(pool, as_of)
    with snapshot(pool) as moment, moment.cursor() as cursor:
        position = complete_to(cursor)
        own = _members(cursor, merchant_id)
        parameters = parameters_of(cursor, as_of)
        half_life = parameters["half_life"]
        cursor.execute("select read.credit_units(%s, %s)", (as_of, half_life))
        one = int(cursor.fetchone()[0])
        stood = credit_then.stood(
            cursor, as_of, own, [one for member in own for one in (known.stood or {}).get(member, ())]
        )
        complaints = rows(
            cursor,
            "select c.* from read.credit_complaints(%(as_of)s, array(select complaint_id from read.complaint_details "
            "where merchant_id = any(%(own)s) union select unnest(%(ids)s::text[])), %(stood)s) c where "
            "c.filed_on <= %(as_of)s and c.merchant_id = any(%(own)s) order by c.filed_on, c.complaint_id",
            as_of=as_of,
            own=own,
            ids=[row["complaint_id"] for row in stood or ()],
            stood=as_json(stood),
        )
        if not complaints:
            raise UnknownStream(
                f"nothing is known of how {merchant_id} handles complaints",
                hint="check the id (rankings show ids), or give min_position",
            )
        known_now = rows(
            cursor,
            f"select complaint_id, {', '.join(REASONS)} from read.complaint_details where merchant_id = any(%(own)s)",
            own=own,
        )
        reasons = {row["complaint_id"]: row for row in (*known_now, *(stood or ()))}
        score = _score(cursor, as_of, own, known.means, stood)
        if score is None:
            known = read(cursor, as_of)
            score = known.of(merchant_id)
            assert score is not None
        violations = rows(
            cursor,
            "select v.*, round(round(read.credit_units(v.found_on, %(half_life)s), 40) / %(one)s, 12) * %(points)s "
            "as deducts from read.credit_violations(%(as_of)s) v "
            "where v.merchant_id = any(%(own)s) order by v.found_on, v.stream, v.number",
            half_life=half_life,
            one=one,
            points=parameters["violation_points"],
            own=own,
            as_of=as_of,
        )
        volumes = rows(
            cursor,
            "select * from read.credit_volumes(%(as_of)s) where merchant_id = any(%(own)s) order by 1, 2, 3",
            as_of=as_of,
            own=own,
        )
        withdrawn = rows(
            cursor,
            "select complaint_id, version, position, withdrawn_at, recovered_fen from read.complaint_details "
            "where merchant_id = any(%(own)s) and kind = 'complaint' and status = 'withdrawn' and paid_when_withdrawn "
            "and (%(until)s::timestamptz is null or withdrawn_at < %(until)s) order by withdrawn_at, complaint_id",
            own=own,
            until=start_of_day(as_of + timedelta(days=1)) if stood is not None else None,
        )
    told = [_told(complaint, reasons[complaint["complaint_id"]], one, as_of) for complaint in complaints]
    return {
        "as_of": as_of,
        "complete_to": position,
        "means_complete_to": known.complete_to,
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


def _members(cursor: Any, merchant_id: str) -> list[str]:
    """Return the merchants that share the history of one, by id."""
    cursor.execute(
        "with found as materialized (select merchant_id, group_id from read.merchant_groups()) select merchant_id "
        "from found where group_id = (select group_id from found where merchant_id = %s) order by 1",
        (merchant_id,),
    )
    return [member for (member,) in cursor] or [merchant_id]


def _score(cursor: Any, as_of: date, own: Sequence[str], means: str, stood: Sequence[Row] | None) -> Row | None:
    """Return the score of those that share a history; None if the means do not know of all that it takes."""
    found = rows(
        cursor,
        "select s.*, m.trade_name as name from read.credit_scored(%(as_of)s, %(own)s, %(means)s, %(stood)s) s "
        "left join read.merchants m on m.merchant_id = s.group_id",
        as_of=as_of,
        own=list(own),
        means=means,
        stood=as_json(stood),
    )
    if not found or (found[0]["volume_mean"] is None and found[0]["per_10000"] is not None):
        return None
    return found[0]


def _told(complaint: Row, reasons: Row, one: int, as_of: date) -> Row:
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
        **{name: reasons[name] for name in ("status", "answer_due", "answered_at")},
        "why": _why(reasons, resolved),
    }


def _why(reasons: Row, resolved: bool) -> dict[str, str | None]:
    """Return what decided each part."""
    in_time = {True: "answered_in_time", False: "answered_late", None: "answered_not_stated"}
    missed = "answer_missed" if reasons["answer_missed"] else None
    settled = "resolved_late" if reasons["resolution_missed"] else "resolved_in_time"
    confirmed = "reopened_soon" if reasons["reopened_soon"] else "not_reopened_soon"
    return {
        "response": missed if reasons["answered_at"] is None else in_time[reasons["answered_on_time"]],
        "resolution": settled if resolved else "not_resolved",
        "confirmed": confirmed if resolved else None,
    }


def _rate(complaints: list[Row], part: str, one: int) -> Row:
    sums = {side: sum(complaint["adds"][part][side] for complaint in complaints) for side in ("k", "n")}
    return {**{f"{side}_units": units for side, units in sums.items()}} | {
        side: _weight(units, one) for side, units in sums.items()
    }


def _weight(units: int, one: int) -> Decimal:
    """Return units as a weight, rounded half-up to 12 decimals."""
    return Decimal((2 * units * 10**12 + one) // (2 * one)).scaleb(-12).quantize(Decimal("1e-12"), ROUND_HALF_UP)
