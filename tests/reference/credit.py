"""The complaint-handling score as docs/definitions.md has it, in fractions, straight from the events of all streams."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import takewhile
from math import floor
from typing import Any

from domain.complaint.ending import Withdrawn
from domain.complaint.filing import AccountMatched, MatchCorrected
from domain.complaint.reports import PenaltyImposed, PenaltyRevised
from domain.event import Event
from domain.measure.imposing import Imposed
from domain.measure.remedies import Decided
from domain.merchant.registration import (
    Classified,
    Linked,
    MergedInto,
    MergerUndone,
    Registered,
    Unlinked,
)
from domain.merchant.volumes import VolumeReported
from domain.room.showing import LabelGapFound
from domain.room.state import Subject
from tests.reference import counting
from tests.reference.complaints import merchant
from tests.reference.history import SHANGHAI, Events, all_of, before, day_filed, filing, last_of, resolution
from tests.reference.money import was_paid
from tests.reference.rooms import at_the_end_of

Histories = Mapping[str, Sequence[Event]]
PARAMETERS = {
    "half_life": 180,
    "weight_response": 350,
    "weight_resolution": 350,
    "weight_confirmed": 200,
    "weight_volume": 100,
    "prior_strength": 2,
    "prior_least_complaints": 30,
    "z": 1645,
    "grade_a": 85,
    "grade_b": 70,
    "grade_c": 50,
    "least_complaints": 5,
    "consumer_cap": 3,
    "violation_points": 10,
    "volume_days": 365,
    "volume_zero": 2000,
}
WHOLE = 2**40


def rounded(value: Fraction, places: int) -> Fraction:
    """Half-up, of what is not negative."""
    return Fraction(floor(value * 10**places + Fraction(1, 2)), 10**places)


def to_whole(value: Fraction) -> int:
    return int(rounded(value, 0))


def units(day: date, half_life: int) -> int:
    """2^(40 + d / half-life), rounded within a half-life, then doubled or halved."""
    halvings, rest = divmod((day - date(2000, 1, 1)).days, half_life)
    with localcontext() as context:
        context.prec = 80
        within = to_whole(Fraction(2 ** (Decimal(40) + Decimal(rest) / Decimal(half_life))))
    return to_whole(within * Fraction(2) ** halvings)


def root(value: Fraction) -> Fraction:
    with localcontext() as context:
        context.prec = 80
        return Fraction((Decimal(value.numerator) / Decimal(value.denominator)).sqrt())


def bounds(k: Fraction, n: Fraction, mean: Fraction, s: int, z: Fraction) -> tuple[Fraction, Fraction, Fraction]:
    """The smoothed rate, and the lower and the upper bound."""
    whole = n + s
    p = (k + s * mean) / whole
    spread = z * root(p * (1 - p) / whole + z * z / (4 * whole * whole))
    middle = p + z * z / (2 * whole)
    return (
        rounded(p, 12),
        rounded((middle - spread) / (1 + z * z / whole), 12),
        rounded((middle + spread) / (1 + z * z / whole), 12),
    )


def groups(histories: Histories) -> dict[str, str]:
    """The history that each merchant shares: the least id of those that go on and are linked."""
    merchants = {stream: events for stream, events in histories.items() if stream.startswith("merchant-")}
    into: dict[str, str] = {}
    links: set[tuple[str, str]] = set()
    for stream, events in merchants.items():
        for event in events:
            match event:
                case MergedInto():
                    into[stream] = event.into
                case MergerUndone():
                    into.pop(stream)
                case Linked():
                    links.add((stream, event.other))
                case Unlinked():
                    links.discard((stream, event.other))

    def goes_on(stream: str) -> str:
        passed = set()
        while stream in into and stream not in passed:
            passed.add(stream)
            stream = into[stream]
        return stream

    found = {stream: goes_on(stream) for stream in merchants}
    changed = True
    while changed:
        changed = False
        for pair in links:
            one, other = (found[goes_on(end)] for end in pair)
            if one != other:
                changed = True
                found = {stream: min(one, other) if of in (one, other) else of for stream, of in found.items()}
    return found


def industry(events: Events) -> tuple[str, str]:
    told = [event.industry for event in events if isinstance(event, (Registered, Classified))]
    known = [one for one in told if one is not None]
    return (known[-1].scheme, known[-1].value) if known else ("", "")


def consumer(events: Events) -> str:
    known = [event.consumer_id for event in events if isinstance(event, (AccountMatched, MatchCorrected))]
    return known[-1] if known else filing(events).consumer_id


def order(events: Events) -> str | None:
    own = filing(events).order
    return None if own is None else f"{own.source}/{own.reference}"


def day_of(event: Event) -> date:
    return event.occurred_at.astimezone(SHANGHAI).date()


def violations(histories: Histories, as_of: date) -> list[tuple[str, date]]:
    """On whom and when."""
    found: list[tuple[str, date]] = []
    for stream, events in histories.items():
        if stream.startswith("complaint-") and (penalty := last_of(events, PenaltyImposed)) and penalty.merchant_id:
            revised = last_of(events, PenaltyRevised)
            if revised is None or revised.counts:
                found.append((penalty.merchant_id, day_of(penalty)))
        if stream.startswith("measure-"):
            (imposed,) = all_of(events, Imposed)
            decided = last_of(events, Decided)
            own = imposed.target.startswith("merchant-") and imposed.violation and imposed.report is None
            if own and (decided is None or decided.counts):
                found.append((imposed.target, day_of(imposed)))
        if stream.startswith("room-"):
            sessions: dict[tuple[str, int], date] = {}
            for gap in all_of(events, LabelGapFound):
                operator = at_the_end_of(gap, events, Subject.OPERATOR)
                until = gap.until.astimezone(SHANGHAI).date()
                if gap.violation and operator.startswith("merchant-") and until <= as_of:
                    sessions[operator, gap.session] = max(until, sessions.get((operator, gap.session), until))
            found += [(operator, until) for (operator, _), until in sessions.items()]
    return [(on, day) for on, day in found if day <= as_of]


def volume(histories: Histories, of: Iterable[str], as_of: date, days: int) -> tuple[int, int]:
    """Valid complaints in the periods of which transactions are reported, and the transactions."""
    complaints = transactions = 0
    for stream in of:
        newest = {(event.stage, event.first, event.last): event for event in all_of(histories[stream], VolumeReported)}
        periods: dict[tuple[date, date], int] = {}
        for (_, first, last), event in newest.items():
            periods[first, last] = max(event.transactions, periods.get((first, last), 0))
        for (first, last), reported in periods.items():
            if as_of - timedelta(days=days) < last <= as_of:
                transactions += reported
                complaints += sum(
                    1
                    for complaint, events in histories.items()
                    if complaint.startswith("complaint-")
                    and counting.valid(events)
                    and merchant(events) == stream
                    and first <= day_filed(events) <= last
                )
    return complaints, transactions


def shares(weights: Mapping[str, int], of: Callable[[str], str], most: int) -> dict[str, int]:
    """Cut what one consumer weighs down to the most."""
    sums: dict[str, int] = defaultdict(int)
    for one, weight in weights.items():
        sums[of(one)] += weight
    return {
        one: weight if sums[of(one)] <= most else to_whole(Fraction(weight * most, sums[of(one)]))
        for one, weight in weights.items()
    }


class History:
    """The complaints of merchants that share one, by id, and what each weighs, in units."""

    def __init__(self, complaints: Histories, as_of: date, half_life: int, cap: int) -> None:
        self.complaints = complaints
        self.one = units(as_of, half_life)
        about: dict[str, int] = defaultdict(int)
        for stream, events in complaints.items():
            about[order(events) or stream] += 1
        counted, weighed = {}, {}
        for stream, events in complaints.items():
            of_order = about[order(events) or stream]
            solved = resolution(events)
            own = self.one if solved is None else units(min(day_of(solved), as_of), half_life)
            weighed[stream] = to_whole(Fraction(own, of_order))
            counted[stream] = to_whole(Fraction(WHOLE, of_order))

        def of(stream: str) -> str:
            return consumer(complaints[stream])

        self.units = shares(weighed, of, cap * self.one)
        self.n = rounded(Fraction(sum(shares(counted, of, cap * WHOLE).values()), WHOLE), 6)

    def of(self, *measures: Callable[[Events], bool]) -> int:
        """Units of the complaints of which all of this is so."""
        return sum(
            self.units[stream] for stream, events in self.complaints.items() if all(one(events) for one in measures)
        )

    def weight(self, of: int) -> Fraction:
        return rounded(Fraction(of, self.one), 12)


RATES: dict[str, tuple[Callable[[Events], bool], Callable[[Events], bool]]] = {
    "response": (counting.answered_on_time, counting.answer_ended),
    "resolution": (counting.resolved_on_time, counting.valid),
    "confirmed": (counting.confirmed, counting.resolved),
}


def mean(values: Sequence[Fraction]) -> Fraction | None:
    return rounded(sum(values, Fraction()) / len(values), 12) if values else None


def then(histories: Histories, as_of: date) -> Histories:
    """What had happened to complaints by the end of a day."""
    return {
        stream: list(takewhile(lambda event: day_of(event) <= as_of, events))
        for stream, events in histories.items()
        if stream.startswith("complaint-") and day_filed(events) <= as_of
    }


def scores(
    histories: Histories, as_of: date, changed: Mapping[str, int] | None = None, stood: Histories | None = None
) -> dict[str, dict[str, Any]]:
    """Every figure of read.credit_scores, by group; rates as fractions. ``stood``: complaints as they were."""
    stood = histories if stood is None else stood
    given = {**PARAMETERS, **(changed or {})}
    of_merchant = groups(histories)
    members: dict[str, list[str]] = defaultdict(list)
    for one, group in of_merchant.items():
        members[group].append(one)
    own: dict[str, dict[str, Sequence[Event]]] = {group: {} for group in members}
    for stream, events in stood.items():
        if not stream.startswith("complaint-") or not merchant(events):
            continue
        if counting.valid(events) and day_filed(events) <= as_of:
            own[of_merchant[merchant(events)]][stream] = events
    known = {group: History(one, as_of, given["half_life"], given["consumer_cap"]) for group, one in own.items()}
    industries = {group: industry(histories[group]) for group in members}
    rates = {(group, part): (one.of(k, n), one.of(n)) for group, one in known.items() for part, (k, n) in RATES.items()}
    volumes = {group: volume(histories, own, as_of, given["volume_days"]) for group, own in members.items()}
    per_10000 = {
        group: rounded(Fraction(complaints * 10_000, transactions), 12)
        for group, (complaints, transactions) in volumes.items()
        if transactions
    }
    against = violations(histories, as_of)
    found = {}
    for group, shared in known.items():
        if not shared.n:
            continue
        row: dict[str, Any] = {"n": shared.n, "weight": shared.weight(shared.of(counting.valid))}
        means, lowers = Fraction(), Fraction()
        for part in RATES:
            k, n = (shared.weight(side) for side in rates[group, part])
            rest = {
                other: rounded(Fraction(*rates[other, part]), 12)
                for other in known
                if known[other].n >= given["prior_least_complaints"] and rates[other, part][1]
            }
            of_industry = [rate for other, rate in rest.items() if industries[other] == industries[group]]
            prior_of = of_industry or list(rest.values())
            prior = mean(prior_of)
            prior = Fraction(1, 2) if prior is None else prior
            smoothed, lower, upper = bounds(k, n, prior, given["prior_strength"], Fraction(given["z"], 1000))
            row |= {f"{part}_k": k, f"{part}_n": n, f"{part}_prior": prior, f"{part}_prior_of": len(prior_of)}
            row |= {part: smoothed, f"{part}_lower": lower, f"{part}_upper": upper}
            weight = Fraction(given[f"weight_{part}"], 1000)
            means, lowers = means + weight * smoothed, lowers + weight * lower
        of_volume = mean([rate for other, rate in per_10000.items() if industries[other] == industries[group]])
        if group not in per_10000:
            row["volume"] = Fraction(1, 2)
        elif not of_volume:
            row["volume"] = Fraction(1)
        else:
            left = 1 - per_10000[group] / (Fraction(given["volume_zero"], 1000) * of_volume)
            row["volume"] = rounded(left, 12) if left > 0 else Fraction()
        days = [day for on, day in against if of_merchant[on] == group]
        decayed = [rounded(Fraction(units(day, given["half_life"]), shared.one), 12) for day in days]
        row["violations"] = len(days)
        row["deducted"] = given["violation_points"] * sum(decayed, Fraction())
        of_volume_points = Fraction(given["weight_volume"], 1000) * row["volume"]
        for name, parts in (("score", means), ("lower_score", lowers)):
            points = 100 * (parts + of_volume_points) - row["deducted"]
            row[name] = rounded(points, 2) if points > 0 else Fraction()
        row["paid_then_withdrawn"] = sum(
            1
            for stream, events in stood.items()
            if stream.startswith("complaint-") and merchant(events) in members[group] and paid_then_withdrawn(events)
        )
        row["grade_now"] = grade(row["n"], row["score"], given)
        found[group] = row
    return found


def paid_then_withdrawn(events: Events) -> bool:
    """Whether it was withdrawn when anything had been paid."""
    withdrawal = last_of(events, Withdrawn)
    return counting.withdrawn(events) and withdrawal is not None and was_paid(before(events, withdrawal))


def grade(n: Fraction, score: Fraction, given: Mapping[str, int]) -> str:
    if n < given["least_complaints"]:
        return "NR"
    return next((name for name in "ABC" if score >= given[f"grade_{name.lower()}"]), "D")
