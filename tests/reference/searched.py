"""What docs/definitions.md, "Search", says of fields, facets and orders, by a walk over all events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from adapters.search import Search
from domain.complaint.advances import AdvancePaid
from domain.complaint.clocks import MediationEnded, Published
from domain.complaint.ending import Closed, Corrected, Disputed, Withdrawn
from domain.complaint.filing import AccountMatched, MatchCorrected
from domain.complaint.handling import Refused
from domain.complaint.mediation import MediatorAssigned, MediatorRecused
from domain.complaint.negotiation import Routed
from domain.complaint.publication import Withheld
from domain.complaint.settlement import Performed, Resolved
from domain.complaint.state import OPEN, Complaint
from domain.complaint.ways import Decided
from domain.streams import COMPLAINT
from tests.reference import figures, money
from tests.reference.complaints import dimensions
from tests.reference.history import (
    ELSEWHERE,
    Events,
    after,
    all_of,
    before,
    day_filed,
    filing,
    last_of,
    last_round,
    resolution,
    way,
)

FACETS = ("status", "kind", "channel", "region", "product", "scenario", "stage", "merchant")
FOREVER = datetime.max.replace(tzinfo=UTC)


def state(events: Events) -> Complaint:
    found = COMPLAINT.fold(events)
    assert isinstance(found, Complaint)
    return found


def consumer(events: Events) -> str:
    """Who asked, as the filing, an account or a correction of it says."""
    found = filing(events).consumer_id
    for event in events:
        if isinstance(event, (AccountMatched, MatchCorrected)):
            found = event.consumer_id
    return found


def mediator(events: Events) -> str:
    """Who was assigned in this round, and did not recuse himself."""
    assigned = [one for one in last_round(events) if isinstance(one, (MediatorAssigned, MediatorRecused))]
    return assigned[-1].mediator_id if assigned and isinstance(assigned[-1], MediatorAssigned) else ""


def ground(events: Events) -> str:
    """On which ground it ended, if that ended it which has one."""
    own = last_round(events)
    elsewhere = [event for event in own if isinstance(event, ELSEWHERE)]
    found = ""
    for event in after(own, elsewhere[-1]) if elsewhere else own:
        if isinstance(event, (Closed, Refused, MediationEnded)):
            found = event.ground
        elif isinstance(event, Decided):
            found = found if event.for_consumer else "decided_for_merchant"
        elif event.name in (
            "complaint.penalty_imposed",
            "complaint.case_declined",
            "complaint.case_dismissed",
            "complaint.consultation_answered",
            "complaint.suggestion_acknowledged",
        ):
            found = event.name.removeprefix("complaint.")
    return found


def paid_when_withdrawn(events: Events) -> bool:
    """Whether it was withdrawn after something had been paid."""
    ends = last_of(events, Withdrawn)
    if ends is None:
        return False
    so_far = before(events, ends)
    sums = [one.recovered for one in all_of(so_far, Resolved)]
    sums += [one.amount for one in all_of(so_far, Performed)]
    sums += [one.amount for one in all_of(so_far, AdvancePaid) if not one.performs]
    return any(one is not None and one.fen > 0 for one in sums)


def disputed(events: Events) -> bool:
    """Whether the consumer disputes the answer, in this round, or as a register says."""
    found = False
    for event in last_round(events):
        if isinstance(event, Disputed):
            found = True
        if isinstance(event, Corrected) and event.disputed is not None:
            found = event.disputed
    return found


def in_dispute(events: Events) -> int:
    """The claim, with those of who joined and did not leave; of any request, valid or not."""
    claim = filing(events).claim
    return 0 if claim is None else money.yuan(claim) + sum(map(money.yuan, money.members(events).values()))


def public(events: Events) -> bool:
    told = [event for event in events if isinstance(event, (Published, Withheld))]
    return bool(told) and isinstance(told[-1], Published)


@dataclass(frozen=True)
class Known:
    """What is known of a complaint: values by field, empty where they are not known, and what it is sorted by."""

    stream: str
    events: Events
    values: Mapping[str, str]
    is_so: Mapping[str, Callable[[datetime], bool]]
    region_scheme: str
    due: datetime
    fen: int

    @property
    def filed_at(self) -> datetime:
        return filing(self.events).occurred_at


def known(stream: str, events: Events) -> Known:
    """Walk over the events of a complaint."""
    own = filing(events)
    found = {name: (scheme, key) for name, scheme, key in dimensions(events)}
    stands = state(events)
    routed = last_of(events, Routed)
    how = way(events)
    values = {
        "status": stands.status.value,
        **{name: key for name, (_, key) in found.items() if name != "all"},
        "reference": "" if own.origin is None else own.origin.reference,
        "order": "" if own.order is None else f"{own.order.source}/{own.order.reference}",
        "mediator": mediator(events),
        "consumer": consumer(events),
        "holder": stands.holder,
        "platform": "" if own.order is None else own.order.platform or "",
        "regime": "" if routed is None or routed.regime is None else routed.regime.value,
        "way": "" if how is None else how.value,
        "ground": ground(events),
    }
    is_so: dict[str, Callable[[datetime], bool]] = {
        "open": lambda now: stands.status in OPEN,
        "overdue": lambda now: bool(figures.overdue(events, now)),
        "resolved": lambda now: resolution(events) is not None,
        "disputed": lambda now: disputed(events),
        "public": lambda now: public(events),
        "paid-when-withdrawn": lambda now: paid_when_withdrawn(events),
    }
    due = min((one.due for one in figures.running(events)), default=FOREVER)
    return Known(stream, events, values, is_so, found["region"][0], due, in_dispute(events))


def _is(one: Known, field: str, value: str, now: datetime) -> bool:
    if field in one.is_so:
        return one.is_so[field](now) == (value == "yes")
    if one.values[field] == value:
        return True
    if field == "region" and one.region_scheme == "GB/T 2260" and len(value) == 6 and value.endswith("00"):
        # A whole province has four zeros, the whole country six.
        digits = value[:0] if value == "000000" else value[:2] if value.endswith("0000") else value[:4]
        return one.values[field].startswith(digits)
    return False


def fits(one: Known, asked: Search, now: datetime, *, but: str = "") -> bool:
    """Whether a complaint is asked for, by all but one field's own filters."""
    return (
        all(any(_is(one, name, value, now) for value in own) for name, own in asked.filters.items() if name != but)
        and not any(_is(one, name, value, now) for name, own in asked.exclude.items() for value in own)
        and (asked.first is None or day_filed(one.events) >= asked.first)
        and (asked.last is None or day_filed(one.events) <= asked.last)
        and (asked.least_fen is None or one.fen >= asked.least_fen)
        and (asked.most_fen is None or one.fen <= asked.most_fen)
        and (asked.whose is None or one.values[asked.whose[0]] == asked.whose[1])
    )


ORDERS: dict[str, tuple[Callable[[Known], Any], bool]] = {
    "newest": (lambda one: (one.filed_at, one.stream), True),
    "oldest": (lambda one: (one.filed_at, one.stream), False),
    "due": (lambda one: (one.due, one.stream), False),
    "amount": (lambda one: (one.fen, one.stream), True),
}


def found(complaints: Iterable[Known], asked: Search, now: datetime) -> list[str]:
    """What a search finds, in its order."""
    key, falls = ORDERS[asked.sort]
    return [one.stream for one in sorted(filter(lambda one: fits(one, asked, now), complaints), key=key, reverse=falls)]


def facet(
    complaints: Sequence[Known], asked: Search, name: str, now: datetime
) -> tuple[int, list[tuple[str | None, int]]]:
    """Of how many a facet is, and its twenty most frequent values; ties in the order of the values, unknown first."""
    own = [one for one in complaints if fits(one, replace(asked, sort="newest"), now, but=name)]
    counts = Counter(one.values[name] for one in own)
    in_order = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:20]
    return len(own), [(value or None, count) for value, count in in_order]
