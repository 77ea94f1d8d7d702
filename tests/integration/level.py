"""A ledger in which much is level, lies on a boundary of time, or has the code of another list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from random import Random
from typing import Any

from domain.complaint.ending import Closed, Withdrawn
from domain.complaint.filing import Filed
from domain.complaint.handling import Received
from domain.complaint.jurisdiction import OfficeBasis
from domain.complaint.negotiation import Routed
from domain.complaint.settlement import Resolved
from domain.complaint.state import RequestKind
from domain.event import Event
from domain.merchant.registration import Classified, MergedInto, MergerUndone, Registered
from domain.merchant.volumes import VolumeReported
from domain.office.establishment import Established, Level
from domain.streams import COMPLAINT
from domain.values import Actor, Channel, Code, Role
from tests.reference.complaints import merchant
from tests.reference.history import day_filed

ACTOR = Actor("12121212-1212-4212-8212-121212121212", Role.REGULATOR)
CONSUMER = "11111111-1111-4111-8111-111111111111"
BY: dict[str, Any] = {"occurred_at": datetime(2019, 1, 1, tzinfo=UTC), "actor": ACTOR}
NATIONAL, OTHER = "GB/T 4754", "ISIC"


def merchant_id(n: int) -> str:
    return f"merchant-77777777-0000-4000-8000-{n:012}"


def office_id(n: int) -> str:
    return f"office-77777777-0000-4000-8000-{n:012}"


def complaint_id(n: int) -> str:
    return f"complaint-77777777-0000-4000-8000-{n:012}"


MERCHANTS, OFFICES = 14, 3
#: Merchant -> the one that it was merged into: a chain of three, and two into one.
SURVIVORS = {merchant_id(one): merchant_id(other) for one, other in ((11, 12), (12, 1), (13, 2))}
#: By merchant: code list and code; the others are in no industry.
INDUSTRIES = {
    **{merchant_id(n): (NATIONAL, "52") for n in (1, 2, 3, 4, 11)},
    **{merchant_id(n): (OTHER, "52") for n in (5, 6, 7)},
    **{merchant_id(n): (NATIONAL, "62") for n in (8, 13)},
}
INSTANT = timedelta(microseconds=1)
#: The first and the last instants of days in Shanghai on which months, half-years, years and weeks turn.
TURNS = [
    datetime(*day, tzinfo=UTC) - timedelta(hours=8) - before * INSTANT
    for day in ((2024, 2, 29), (2024, 3, 1), (2024, 7, 1), (2024, 12, 30), (2025, 1, 1), (2025, 1, 6), (2025, 3, 1))
    for before in (0, 1)
]


def _complaint(chance: Random, at: datetime) -> Iterator[Event]:
    by: dict[str, Any] = {"actor": ACTOR}
    region = chance.choice([("GB/T 2260", "330106"), ("GB/T 2260", "330108"), ("other list", "330106"), None])
    yield Filed(
        occurred_at=at,
        **by,
        kind=chance.choice([*[RequestKind.COMPLAINT] * 8, RequestKind.CONSULTATION]),
        consumer_id=CONSUMER,
        channel=chance.choice([Channel.APP, Channel.WEB]),
        scheme=chance.choice(["one list", "two list", "free"]),
        product=chance.choice(["a", "b"]),
        issue=chance.choice(["x", None]),
        region=None if region is None else Code(scheme=region[0], value=region[1]),
        scenario=chance.choice([*[f"s-{n:02}" for n in range(13)], None]),
        stage=chance.choice(["payment", "delivery", None]),
    )
    if chance.random() < 0.9:
        yield Routed(occurred_at=at, **by, merchant_id=merchant_id(chance.randint(1, MERCHANTS)))
    if chance.random() < 0.4:
        where = {"division": "330106", "basis": next(iter(OfficeBasis))}
        yield Received(occurred_at=at, **by, office_id=office_id(chance.randint(1, OFFICES)), **where)
    # Some end at the turn of a day, and some before they were filed here.
    later = chance.choice([at + timedelta(hours=chance.randint(1, 3_000)), chance.choice(TURNS)])
    match chance.choice(["resolved", "resolved", "closed", "withdrawn", "unfounded", "open", "open"]):
        case "resolved":
            yield Resolved(occurred_at=later, **by, basis="agreement")
        case "closed":
            yield Closed(occurred_at=later, **by, ground="no_agreement")
        case "unfounded":
            yield Closed(occurred_at=later, **by, ground="unfounded")
        case "withdrawn":
            yield Withdrawn(occurred_at=later, **by)


def _on_purpose() -> Iterator[list[Event]]:
    """What chance seldom brings: industries without valid complaints, and the edges of what was reported."""
    shanghai = timedelta(hours=8)
    complaint, consultation = RequestKind.COMPLAINT, RequestKind.CONSULTATION
    times = [
        *((datetime(2023, 6, 10), consultation, n) for n in (5, 8)),
        *((datetime(2023, 7, 10), complaint, n) for n in (8, 8, 5)),
        (datetime(2023, 2, 10), complaint, 1),
        *((datetime(*day), complaint, 8) for day in ((2024, 2, 28), (2025, 3, 10))),
        *((datetime(2025, 1, 1) - before, complaint, 2) for before in (timedelta(0), INSTANT)),
        *((datetime(2025, 2, 1) - before, complaint, 4) for before in (timedelta(0), INSTANT)),
        *((datetime(2025, 1, 6) - before, complaint, 7) for before in (timedelta(0), INSTANT)),
    ]
    for local, kind, n in times:
        by: dict[str, Any] = {"occurred_at": (local - shanghai).replace(tzinfo=UTC), "actor": ACTOR}
        of: dict[str, Any] = {"consumer_id": CONSUMER, "channel": Channel.APP, "scheme": "free", "product": "a"}
        yield [
            Filed(**by, **of, kind=kind, stage="payment"),
            Routed(**by, merchant_id=merchant_id(n)),
            *([Resolved(**by, basis="agreement")] if (local.year, n) == (2023, 5) and kind is complaint else []),
        ]


def _merchant(n: int) -> Iterator[Event]:
    own = merchant_id(n)
    yield Registered(**BY, trade_name=f"Merchant {MERCHANTS - n:02}")
    if own in INDUSTRIES:
        scheme, value = INDUSTRIES[own]
        yield Classified(**BY, industry=Code(scheme=scheme, value=value))
    if own in SURVIVORS:
        yield MergedInto(**BY, into=SURVIVORS[own], basis="b")
    if n == 14:
        yield MergedInto(**BY, into=merchant_id(3), basis="b")
        yield MergerUndone(**BY, into=merchant_id(3), reason="r")
    if n == 2:
        counts = {"transactions": 10, "active_users": 0}
        days = {"first": date(2025, 1, 1), "last": date(2025, 1, 31)}
        yield VolumeReported(**BY, stage="delivery", edition=1, **days, **counts)
    if n <= 9 or n == 11:
        for last, transactions in ((date(2025, 1, 31), 20_000), (date(2025, 1, 5), 10_000)):
            days = {"first": date(2025, 1, 1), "last": last}
            counts = {"transactions": transactions if n % 3 else 30_000, "active_users": n % 2 * 10_000}
            if n != 9 or last.day == 31:
                yield VolumeReported(**BY, stage="payment", edition=1, **days, **counts)


@cache
def streams() -> Mapping[str, list[Event]]:
    """What happened to each stream."""
    chance = Random(11)
    found = {merchant_id(n): list(_merchant(n)) for n in range(1, MERCHANTS + 1)}
    for n in range(1, OFFICES + 1):
        level = Level.NATIONAL if n == 1 else Level.PROVINCE
        found[office_id(n)] = [Established(**BY, title=f"Office {OFFICES - n}", level=level, division="000000")]
    spread = [datetime(2024, 1, 20, 3, tzinfo=UTC) + timedelta(hours=32 * n) for n in range(360)]
    for n, at in enumerate([*TURNS * 4, *spread]):
        found[complaint_id(n)] = list(_complaint(chance, at))
    found |= {complaint_id(1_000 + n): events for n, events in enumerate(_on_purpose())}
    return found


def requests() -> list[list[Event]]:
    return [events for stream, events in streams().items() if stream.startswith(COMPLAINT.prefix)]


def surviving(key: str) -> str:
    return surviving(SURVIVORS[key]) if key in SURVIVORS else key


def about(events: list[Event]) -> str:
    """The merchant that goes on for that which a request is about."""
    return surviving(merchant(events))


def industry(events: list[Event]) -> tuple[str, str]:
    """Code list and code of the industry of the merchant that goes on."""
    return INDUSTRIES.get(about(events), ("", ""))


def filed(first: date, last: date) -> list[list[Event]]:
    return [events for events in requests() if first <= day_filed(events) <= last]
