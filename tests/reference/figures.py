"""Rates, rankings, awards, alerts and what else docs/definitions.md derives of the statistics: exact fractions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction

from domain.complaint.clocks import DeadlineMissed, Upgraded
from domain.complaint.handling import Accepted
from domain.complaint.negotiation import Answered, OfferMade
from domain.complaint.reports import CaseFiled, VerificationBegun
from domain.complaint.settlement import Performed
from domain.complaint.state import OPEN, Clock, Deadline, Side, Status
from domain.event import Event
from domain.merchant.volumes import VolumeReported
from domain.streams import COMPLAINT
from domain.subject.leaks import LeakRecorded
from tests.reference.complaints import MEASURES, merchant, region, scenario, stage
from tests.reference.counting import valid
from tests.reference.flows import resolved_between
from tests.reference.history import ELSEWHERE, Events, after, all_of, day_filed, filing, has, is_ending, last_round
from tests.reference.statistics import bucket, exact_quantile

RATES = {
    "resolved_rate": ("resolved", "valid"),
    "answered_rate": ("answered", "answer_ended"),
    "answered_on_time_rate": ("answered_on_time", "answer_ended"),
    "resolved_on_time_rate": ("resolved_on_time", "valid"),
    "confirmed_rate": ("confirmed", "resolved"),
    "reopened_rate": ("reopened", "valid"),
    "self_settlement_rate": ("self_settled", "routed_here"),
    "settled_before_authority_rate": ("self_settled", "valid_here"),
    "first_check_on_time_rate": ("checked_on_time", "checked"),
    "accepted_rate": ("accepted", "checked"),
    "mediation_success_rate": ("mediation_succeeded", "mediated"),
    "concluded_rate": ("concluded", "received"),
    "concluded_on_time_rate": ("concluded_on_time", "concluded"),
    "without_person_rate": ("ended_without_person", "ended_here"),
    "person_reached_rate": ("person_reached", "person_requested"),
    "suggestion_taken_rate": ("suggestion_taken", "suggested"),
    "verified_on_time_rate": ("verified_on_time", "verified"),
    "case_rate": ("cases_filed", "verified"),
}
LEAST = 30


def share(part: int, whole: int) -> Fraction | None:
    """A rate as it is; none where there is nothing to divide by."""
    return Fraction(part, whole) if whole else None


def rounded(value: Fraction | None, decimals: int = 1) -> str | None:
    """With so many decimals, half-up: what lies in the middle goes away from zero."""
    if value is None:
        return None
    units = int(abs(value) * 10**decimals + Fraction(1, 2))
    sign = "-" if value < 0 and units else ""
    return f"{sign}{units // 10**decimals}.{units % 10**decimals:0{decimals}d}"


def percent(value: Fraction | None) -> str | None:
    """In percent, with one decimal."""
    return rounded(None if value is None else 100 * value)


def rates(sums: Mapping[str, int]) -> dict[str, str | None]:
    """Every rate of a group, in percent; satisfaction is an average from 1 to 5."""
    found = {name: percent(share(sums[part], sums[whole])) for name, (part, whole) in RATES.items()}
    return {**found, "satisfaction": rounded(share(sums["satisfaction_points"], sums["rated"]))}


def growth(this: int, before: int) -> str | None:
    """(this - before) / before; none where there was nothing before."""
    return percent(share(this - before, before))


def filed_between(streams: Iterable[Events], first: date, last: date) -> list[Events]:
    """Those filed from the first to the last day, both included."""
    return [events for events in streams if first <= day_filed(events) <= last]


def total(streams: Iterable[Events], measure: str) -> int:
    return sum(int(MEASURES[measure](events)) for events in streams)


def by_merchant(streams: Iterable[Events], survivors: Mapping[str, str] | None = None) -> dict[str, list[Events]]:
    """The requests about each known merchant, or about the one that it was merged into."""
    found: dict[str, list[Events]] = {}
    for events in streams:
        who = merchant(events)
        while survivors and who in survivors:
            who = survivors[who]
        if who:
            found.setdefault(who, []).append(events)
    return found


@dataclass(frozen=True)
class Ranked:
    """A place in a ranking: ``n`` is the denominator, ``share`` the exact rate."""

    key: str
    n: int
    share: Fraction


def ranking(groups: Mapping[str, Sequence[Events]], rate: str, least: int = LEAST) -> tuple[list[Ranked], int]:
    """By the exact fraction, ties by the greater n, then by id; and how many have less than the least number."""
    part, whole = RATES[rate]
    places = []
    for key, streams in groups.items():
        n = total(streams, whole)
        exact = share(total(streams, part), n)
        if exact is not None and n >= least:
            places.append(Ranked(key, n, exact))
    in_order = sorted(places, key=lambda one: (-one.share, -one.n, one.key))
    return in_order, len(groups) - len(in_order)


def awards(
    groups: Mapping[str, Sequence[Events]], industries: Mapping[str, str], least: int = LEAST
) -> dict[str, str | None]:
    """In each industry the merchant with the highest resolved rate among those with enough valid complaints."""
    winners: dict[str, str | None] = {}
    for industry in set(industries.values()):
        own = {key: streams for key, streams in groups.items() if industries.get(key) == industry}
        places, _ = ranking(own, "resolved_rate", least)
        winners[industry] = places[0].key if places else None
    return winners


def publication(
    streams: Sequence[Events], survivors: Mapping[str, str] | None = None, least: int = LEAST
) -> tuple[dict[str, dict[str, object]], dict[str, object]]:
    """The line of each merchant that is named, and the one line of all others together, known or not."""
    groups = by_merchant(streams, survivors)
    named = {key: own for key, own in groups.items() if total(own, "valid") >= least}
    theirs = {id(events) for own in named.values() for events in own}
    others = [events for events in streams if id(events) not in theirs]
    return {key: _line(own) for key, own in named.items()}, _line(others)


def _line(streams: Sequence[Events]) -> dict[str, object]:
    names = ("valid", "valid_here", "mediated", "mediation_succeeded", "self_settled")
    sums = {name: total(streams, name) for name in names}
    return {
        "complaints": sums["valid"],
        "mediation_success_rate": percent(share(sums["mediation_succeeded"], sums["mediated"])),
        "settled_before_authority_rate": percent(share(sums["self_settled"], sums["valid_here"])),
    }


def funnel(streams: Iterable[Events], top: int = 10) -> tuple[list[tuple[str, int]], Fraction | None]:
    """The most frequent scenarios of the valid complaints with a known one (ties: the id that sorts first), and the
    share that these have together."""
    known = [scenario(events) for events in streams if valid(events) and scenario(events)]
    counts = sorted(((one, known.count(one)) for one in set(known)), key=lambda pair: (-pair[1], pair[0]))
    return counts[:top], share(sum(count for _, count in counts[:top]), len(known))


def median_minutes(times: Sequence[timedelta]) -> int | None:
    """The median as a histogram tells it: the upper boundary of the bucket in which it lies."""
    return bucket(exact_quantile(times, Fraction(1, 2))) if times else None


def efficiency(streams: Sequence[Events], before: tuple[date, date], after: tuple[date, date]) -> str | None:
    """By how much the median time fell, in percent, from what was resolved in one period to what was in another."""
    old, new = (median_minutes(resolved_between(streams, *days)) for days in (before, after))
    return None if old is None or new is None else percent(Fraction(old - new, old))


def last_editions(reports: Iterable[VolumeReported]) -> list[VolumeReported]:
    """The last edition of what was reported for a stage and period counts."""
    latest: dict[tuple[str, date, date], VolumeReported] = {}
    for one in reports:
        known = latest.get((one.stage, one.first, one.last))
        if known is None or one.edition > known.edition:
            latest[one.stage, one.first, one.last] = one
    return list(latest.values())


def per_10_000(
    streams: Iterable[Events], reports: Iterable[VolumeReported], of: str, first: date, last: date
) -> tuple[str | None, str | None]:
    """Valid complaints of a merchant at a stage, filed in a period, by 10,000 transactions and active users."""
    complaints = total(filed_between([one for one in streams if stage(one) == of], first, last), "valid")
    own = [one for one in last_editions(reports) if (one.stage, one.first, one.last) == (of, first, last)]
    transactions, users = sum(one.transactions for one in own), sum(one.active_users for one in own)
    return rounded(share(complaints * 10_000, transactions), 2), rounded(share(complaints * 10_000, users), 2)


def around(streams: Sequence[Events], day: date, today: date) -> tuple[str | None, str | None, bool]:
    """Valid complaints per 30 days in the 180 days before a day, and in those from it on, at most 180 that are over;
    and whether the second are not all over yet."""
    before = total(filed_between(streams, day - timedelta(days=180), day - timedelta(days=1)), "valid")
    days = max(min((today - day).days, 180), 0)
    since = total(filed_between(streams, day, day + timedelta(days=days - 1)), "valid")
    return rounded(share(before * 30, 180), 2), rounded(share(since * 30, days), 2), days < 180


# Overdue and at risk


#: Terms whose passing leaves something undone, with the events by which it is done, if late, or due no more because
#: somebody else has the matter now. Those of settling and performing have none of these: see ``unheeded``.
HEEDED: dict[Deadline, tuple[type[Event], ...]] = {
    Deadline.ANSWER: (Answered, Upgraded, *ELSEWHERE),
    Deadline.FIRST_RESPONSE: (Answered, VerificationBegun, Accepted),
    Deadline.RESOLUTION: (),
    Deadline.ACCEPTANCE: (Accepted,),
    Deadline.MEDIATION: ELSEWHERE,
    Deadline.VERIFICATION: (CaseFiled,),
    Deadline.PERFORMANCE: (),
}
#: Those that an offer of the merchant's heeds, too.
OF_THE_MERCHANT = {Deadline.ANSWER, Deadline.FIRST_RESPONSE}


def running(events: Events) -> list[Clock]:
    """The clocks that run; a register of origin watches its own."""
    return [] if filing(events).origin else [one for one in COMPLAINT.fold(events).clocks if one.left is None]


def unheeded(events: Events, missed: DeadlineMissed) -> bool:
    """Whether what was due by a term that passed has not been done since."""
    since = after(events, missed)
    if missed.deadline is Deadline.PERFORMANCE:
        return not any(event.complete for event in all_of(since, Performed))
    offered = any(event.side is Side.MERCHANT for event in all_of(since, OfferMade))
    if any(is_ending(event) for event in since) or (offered and missed.deadline in OF_THE_MERCHANT):
        return False
    return not has(since, *HEEDED[missed.deadline])


def overdue(events: Events, at: datetime) -> set[Deadline]:
    """The terms that passed, of an open request or of what was agreed, and nothing was done since."""
    if COMPLAINT.fold(events).status not in OPEN | {Status.RESOLVED}:
        return set()
    noticed = [event for event in all_of(last_round(events), DeadlineMissed) if event.deadline in HEEDED]
    passed = {one.deadline for one in running(events) if one.due < at}
    return passed | {one.deadline for one in noticed if unheeded(events, one)}


def at_risk(events: Events, at: datetime) -> bool:
    """Of such a one that is not overdue: whether the term that ends first does so within the next 48 hours."""
    dues = [one.due for one in running(events) if COMPLAINT.fold(events).status in OPEN | {Status.RESOLVED}]
    return not overdue(events, at) and bool(dues) and min(dues) <= at + timedelta(hours=48)


def waits(events: Events) -> bool:
    """Whether it is open, or resolved while the performance of what was agreed is awaited."""
    state = COMPLAINT.fold(events)
    missed = [event for event in all_of(last_round(events), DeadlineMissed) if event.deadline is Deadline.PERFORMANCE]
    awaited = bool(state.clocks) or any(unheeded(events, one) for one in missed)
    return state.status in OPEN or (state.status is Status.RESOLVED and awaited)


# Alerts


def _rise(streams: Sequence[Events], today: date, least: int) -> list[Events]:
    """The valid ones of the last 7 complete days, if there are so many, and three times the own average of 7 days."""
    recent = [one for one in filed_between(streams, today - timedelta(days=7), today - timedelta(days=1)) if valid(one)]
    base = total(filed_between(streams, today - timedelta(days=63), today - timedelta(days=8)), "valid")
    average = Fraction(base * 7, 56)
    return recent if len(recent) >= least and len(recent) >= 3 * average else []


def sudden_rises(
    streams: Iterable[Events], today: date, least: int = 10, survivors: Mapping[str, str] | None = None
) -> dict[str, list[Events]]:
    """The merchants against which complaints rose, with those complaints."""
    found = {who: _rise(own, today, least) for who, own in by_merchant(streams, survivors).items()}
    return {who: cited for who, cited in found.items() if cited}


def themes(streams: Sequence[Events], today: date, least: int = 20) -> dict[tuple[str, tuple[str, str]], list[Events]]:
    """The scenarios of which there are many in one division, with those complaints: of counties, then of what no theme
    of a county has, by city, then likewise by province."""
    found: dict[tuple[str, tuple[str, str]], list[Events]] = {}
    left = [one for one in streams if scenario(one) and region(one)[1]]
    for level in ("county", "city", "province"):
        told: list[Events] = []
        for theme in {(scenario(one), division(region(one), level)) for one in left}:
            own = [one for one in left if (scenario(one), division(region(one), level)) == theme]
            cited = _rise(own, today, least) if theme[1] is not None else []
            if theme[1] is not None and cited:
                found[theme[0], theme[1]] = cited
                told += own
        left = [one for one in left if not any(one is other for other in told)]
    return found


def division(of: tuple[str, str], level: str) -> tuple[str, str] | None:
    """The county, city or province of a region, if it lies in one; codes of other lists are like counties."""
    scheme, code = of
    if scheme != "GB/T 2260":
        return of if level == "county" else None
    match level:
        case "county":
            return None if code.endswith("00") else of
        case "city":
            return None if code.endswith("0000") else (scheme, f"{code[:4]}00")
        case _:
            return scheme, f"{code[:2]}0000"


def leaks(recorded: Iterable[LeakRecorded], at: datetime) -> list[LeakRecorded]:
    """Each recorded leak of the last 30 days."""
    return [one for one in recorded if at - timedelta(days=30) <= one.occurred_at <= at]
