"""Statistics over many requests, and how long they took: every request is looked at for every figure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction

from domain.complaint.handling import Transferred
from tests.reference.complaints import dimensions, durations, measures
from tests.reference.history import SHANGHAI, Events, all_of, day_filed

#: (dimension, scheme, key, grain, first day)
Key = tuple[str, str, str, str, date]
GRAINS = ("day", "week", "month", "quarter", "half_year", "year")
MINUTE = timedelta(minutes=1)
TWENTY_YEARS = 20 * 365 * 24 * 60 + 5 * 24 * 60


def first_day(day: date, grain: str) -> date:
    """The first day of the day, week (from Monday), month, quarter, half-year, year or time in which a day lies."""
    match grain:
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "quarter":
            return date(day.year, {1: 1, 2: 1, 3: 1, 4: 4, 5: 4, 6: 4, 7: 7, 8: 7, 9: 7}.get(day.month, 10), 1)
        case "half_year":
            return date(day.year, 1 if day.month <= 6 else 7, 1)
        case "year":
            return date(day.year, 1, 1)
        case "all_time":
            return date(1, 1, 1)
        case _:
            raise ValueError(grain)


def following(first: date, grain: str) -> date:
    """The first day of the next period."""
    far = {"day": 1, "week": 7, "month": 31, "quarter": 92, "half_year": 184, "year": 366}[grain]
    return first_day(first + timedelta(days=far), grain)


def is_over(first: date, grain: str, today: date) -> bool:
    """Whether a period is complete; one that is not over is marked incomplete."""
    return following(first, grain) <= today


def statistics(
    streams: Iterable[Events], *grains: str, survivors: Mapping[str, str] | None = None
) -> dict[Key, dict[str, int]]:
    """The sum of each measure under each key; ``survivors``: merchant -> the one that it was merged into."""
    found: dict[Key, dict[str, int]] = {}
    for events in streams:
        own, day = measures(events), day_filed(events)
        for dimension, scheme, key in dimensions(events):
            goes_on = surviving(key, survivors or {}) if dimension == "merchant" else key
            for grain in grains:
                whole = (dimension, scheme, goes_on, grain, first_day(day, grain))
                before = found.get(whole, dict.fromkeys(own, 0))
                found[whole] = {name: before[name] + n for name, n in own.items()}
    return {key: sums for key, sums in found.items() if any(sums.values())}


def surviving(merchant: str, survivors: Mapping[str, str]) -> str:
    """Who goes on for a merchant; a merger that was undone is not in ``survivors``."""
    return surviving(survivors[merchant], survivors) if merchant in survivors else merchant


def boundaries() -> list[int]:
    """1, 2, 3 … minutes, then each a tenth more than the one before, rounded down; up to twenty years."""
    found = [1]
    while found[-1] < TWENTY_YEARS:
        found.append(max(found[-1] + 1, found[-1] * 11 // 10))
    return found


def bucket(took: timedelta) -> int:
    """The least boundary, in minutes, within which a time lies; the last one for what is longer."""
    return next((minutes for minutes in boundaries() if took <= minutes * MINUTE), boundaries()[-1])


def histograms(streams: Iterable[Events], *grains: str) -> dict[tuple[str, str, str, str, date, str, int], int]:
    """How many valid requests took so long, by key, what was waited for, and boundary."""
    found: dict[tuple[str, str, str, str, date, str, int], int] = {}
    for events in streams:
        for what, took in durations(events).items():
            minutes = bucket(took)
            for dimension in dimensions(events):
                for grain in grains:
                    key = (*dimension, grain, first_day(day_filed(events), grain), what, minutes)
                    found[key] = found.get(key, 0) + 1
    return found


def exact_quantile(times: Sequence[timedelta], share: Fraction) -> timedelta:
    """The least of the times within which at least that share of them is."""
    in_order = sorted(times)
    return next(one for n, one in enumerate(in_order, 1) if Fraction(n, len(in_order)) >= share)


def within_the_stated_error(minutes: int, exact: timedelta) -> bool:
    """Never less than the true one, and at most a tenth, or a minute, more."""
    true = Fraction(exact // timedelta(microseconds=1), 60_000_000)
    return true <= minutes <= max(true * Fraction(11, 10), true + 1)


def transfers(streams: Iterable[Events]) -> dict[tuple[str, str, date], int]:
    """How many requests one office handed to another on a day."""
    found: dict[tuple[str, str, date], int] = {}
    for events in streams:
        for event in all_of(events, Transferred):
            key = (event.from_office, event.to_office, event.occurred_at.astimezone(SHANGHAI).date())
            found[key] = found.get(key, 0) + 1
    return found
