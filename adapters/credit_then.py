"""How complaints stood at the end of a past day: what happened to them later is left out, whenever it was recorded.

The read models say how they stand now. Those of which anything was recorded after the day are folded again from the
ledger, up to its end; all others stood as they do now. Events of a day that has not ended are all in, so that the
scores of today cost nothing more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from adapters.record import read_record
from domain.calendar import start_of_day
from domain.errors import InvalidInput
from projections.complaint_details import COMPLAINT_DETAILS

#: So many complaints are read from the ledger at once.
MAX_STREAMS = 2_000
#: What counts in credit of a row of read.complaint_details, and tells why.
COLUMNS = (
    *("merchant_id", "consumer_id", "order_reference", "kind", "status", "filed_at", "resolved", "resolved_at"),
    *("answered_at", "answer_missed", "answered_on_time", "resolution_missed", "reopened_soon", "counts", "ground"),
    "answer_due",
)

Row = dict[str, Any]


def stood(
    cursor: Any,
    as_of: date,
    merchants: Sequence[str] | None = None,
    others: Sequence[str] = (),
    most: int | None = None,
) -> list[Row] | None:
    """Return the rows of complaints that stood otherwise at the end of a day, as far as they count in credit.

    None where nothing was recorded since. ``merchants``: only complaints that are about them now, and ``others`` by id.
    Complaints that were filed later are not in it. Raises InvalidInput where more than ``most`` are to be read.
    """
    until = start_of_day(as_of + timedelta(days=1))
    before = _recorded_before(cursor, until)
    if before is None:
        return None
    cursor.execute(
        "select complaint_id, version from read.complaint_details where position > %s and filed_at < %s "
        "and (%s::text[] is null or merchant_id = any(%s) or complaint_id = any(%s))",
        (before, until, *[merchants and list(merchants)] * 2, list(others)),
    )
    changed: list[tuple[str, int]] = cursor.fetchall()
    if most is not None and len(changed) > most:
        raise InvalidInput(
            f"since {as_of} {len(changed)} complaints have changed, more than {most}",
            hint="ask for a later day, take the grades of months, or: complaints credit ranking --as-of",
        )
    return [
        row
        for begin in range(0, len(changed), MAX_STREAMS)
        for row in _folded(cursor, dict(changed[begin : begin + MAX_STREAMS]), until)
    ]


def _recorded_before(cursor: Any, until: datetime) -> int | None:
    """Return the last position that was recorded before a time; None if all were."""
    cursor.execute("select position from ledger.head")
    (high,) = cursor.fetchone()
    if high == 0 or _recorded_at(cursor, high) < until:
        return None
    low = 0
    # Times of recording never go back from one position to the next.
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _recorded_at(cursor, middle) < until else (low, middle)
    return low


def _recorded_at(cursor: Any, position: int) -> datetime:
    cursor.execute("select recorded_at from ledger.events where position = %s", (position,))
    (at,) = cursor.fetchone()
    assert isinstance(at, datetime)
    return at


def _folded(cursor: Any, versions: dict[str, int], until: datetime) -> Iterator[Row]:
    """Fold complaints up to a time, of those versions that the read model has."""
    cursor.execute(
        "select stream, version, position, record from ledger.events where stream = any(%s) order by stream, version",
        (list(versions),),
    )
    for stream, own in groupby(cursor, key=lambda one: str(one[0])):
        row, last, at = None, 0, 0
        for _, version, position, record in own:
            if version > versions[stream]:
                break
            event = read_record(bytes(record)).event
            if event.occurred_at >= until:
                break
            row, last, at = COMPLAINT_DETAILS.fold(row, event), version, position
        if row is not None and last < versions[stream]:
            told = {name: getattr(row, name) for name in COLUMNS}
            yield {"complaint_id": stream, "version": last, "position": at, **told}
