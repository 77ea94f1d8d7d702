"""How valid complaints develop by period: docs/definitions.md, slowly."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from tests.reference.figures import filed_between, growth, total
from tests.reference.history import Events, day_filed
from tests.reference.statistics import first_day, following

#: Valid complaints, whether the period is incomplete, and the growth.
Line = tuple[int, bool, str | None]


def trend(streams: Sequence[Events], grain: str, first: date, last: date, today: date) -> dict[date, Line]:
    """Each period in which requests were filed on one of the days, by its first day."""

    def is_whole(begun: date) -> bool:
        ended = following(begun, grain) - timedelta(days=1)
        return first <= begun and ended <= last and ended < today

    def valid(begun: date) -> int:
        days = max(begun, first), min(following(begun, grain) - timedelta(days=1), last)
        return total(filed_between(streams, *days), "valid")

    found: dict[date, Line] = {}
    own = [one for one in filed_between(streams, first, last) if total([one], "requests")]
    for begun in {first_day(day_filed(one), grain) for one in own}:
        before = first_day(begun - timedelta(days=1), grain)
        grown = growth(valid(begun), valid(before)) if is_whole(begun) and is_whole(before) else None
        found[begun] = valid(begun), not is_whole(begun), grown
    return found
