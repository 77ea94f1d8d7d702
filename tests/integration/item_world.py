"""A ledger with something on every board, projected through real Kafka and PostgreSQL."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from random import Random

from adapters.database import Pool
from adapters.execute import Ledger
from adapters.projector import ProjectorSettings, run_projector, wait_until_projected
from adapters.relay import RelaySettings, run_relay
from adapters.rulebook import PUBLISHER, RulebookReader, publish_first_edition
from adapters.simulation.run import simulate
from adapters.topics import ensure_topics
from adapters.watcher import WatcherSettings
from domain.calendar import SHANGHAI
from domain.complaint.mediation import MediatorKind
from domain.event import Event
from domain.fund.advances import Advanced, WrittenOff
from domain.fund.keeping import Opened, PaidIn
from domain.grievance.complaining import Complained
from domain.merchant.membership import PromiseSigned
from domain.merchant.registration import Linked, MergedInto, MergerUndone, Registered, Relation, Unlinked
from domain.office.establishment import Established, Level
from domain.office.mediators import ConflictDeclared, MediatorEnrolled
from domain.office.warnings import ExternalFigure, WarningIssued, YearlyListPublished
from domain.rulebook.codes import CodeList, Entry
from domain.rulebook.events import CodeListPublished
from domain.values import Money
from tests.conftest import create_database, running
from tests.integration import active_market
from tests.integration.contested import contested
from tests.integration.deadlines import Desk, watch_once

KEY = b"k" * 32
START = datetime(2026, 1, 5, tzinfo=SHANGHAI)
LIMIT = 60.0
OFFICE = "office-99999999-0000-4000-8000-000000000001"
SHOPS = tuple(f"merchant-99999999-0000-4000-8000-00000000000{n}" for n in range(7))
FUND = "fund-99999999-0000-4000-8000-000000000001"
GRIEVANCE = "grievance-99999999-0000-4000-8000-000000000001"
PLATFORM = "platform-99999999-0000-4000-8000-000000000001"
WARNED = "complaint-99999999-0000-4000-8000-000000000001"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class World:
    """What was projected: where it can be asked, what it was made of, and when the last of it happened."""

    pool: Pool
    histories: dict[str, list[Event]]
    until: datetime


def incompressible(length: int) -> str:
    """The longest that so many characters can be in an index: four bytes each, and no two alike in order."""
    chance = Random(length)
    return "".join(chr(chance.randrange(0x20000, 0x2A000)) for _ in range(length))


def by_hand(desk: Desk) -> None:
    """What a simulation does not come to: the longest texts, figures of others, links and mergers in rows."""
    at, by = START, PUBLISHER
    longest = incompressible(500)
    desk.append(
        OFFICE,
        Established(occurred_at=at, actor=by, title="Consumer council", level=Level.NATIONAL, division="000000"),
        MediatorEnrolled(occurred_at=at, actor=by, mediator_id=by.id, kind=MediatorKind.PERSON, capacity=1),
        ConflictDeclared(occurred_at=at, actor=by, mediator_id=by.id, party_id=longest),
        WarningIssued(
            occurred_at=at, actor=by, number=1, theme=longest, text=incompressible(8_000), complaints=(WARNED,)
        ),
        YearlyListPublished(
            occurred_at=at,
            actor=by,
            year=2026,
            edition=1,
            warnings=(1,),
            external=(ExternalFigure(source="12315 yearly report", what="requests", value="2.63 million"),),
        ),
    )
    money = Money(fen=5_000)
    desk.append(
        FUND,
        Opened(occurred_at=at, actor=by, title="Protection fund", office_id=OFFICE, currency="CNY"),
        PaidIn(occurred_at=at, actor=by, contributor="c", amount=money, reference="r", balance=money),
        Advanced(
            occurred_at=at,
            actor=by,
            number=1,
            complaint_id=WARNED,
            request=1,
            item=0,
            amount=money,
            payer="merchant",
            debtor=longest,
            balance=Money(fen=0),
        ),
        WrittenOff(occurred_at=at, actor=by, advance=1, amount=money, reason=longest),
    )
    desk.append(
        GRIEVANCE,
        Complained(
            occurred_at=at, actor=by, merchant_id=SHOPS[0], platform_id=PLATFORM, violation="unfair-fee", text=longest
        ),
    )
    registered = (Registered(occurred_at=at, actor=by, trade_name=longest),)
    links: dict[int, tuple[Event, ...]] = {
        0: (
            Linked(occurred_at=at, actor=by, other=SHOPS[1], relation=Relation.BRANCH_OF, basis="b"),
            PromiseSigned(occurred_at=at, actor=by, batch=longest),
        ),
        1: (MergedInto(occurred_at=at, actor=by, into=SHOPS[2], basis="b"),),
        2: (MergedInto(occurred_at=at, actor=by, into=SHOPS[3], earlier=(SHOPS[1],), basis="b"),),
        4: (
            Linked(occurred_at=at, actor=by, other=SHOPS[3], relation=Relation.SAME_OWNER, basis="b"),
            MergedInto(occurred_at=at, actor=by, into=SHOPS[5], basis="b"),
            MergerUndone(occurred_at=at, actor=by, into=SHOPS[5], reason="r"),
        ),
        5: (
            Linked(occurred_at=at, actor=by, other=SHOPS[4], relation=Relation.SAME_OWNER, basis="b"),
            Unlinked(occurred_at=at, actor=by, other=SHOPS[4], reason="r"),
        ),
    }
    for n, shop in enumerate(SHOPS):
        desk.append(shop, *registered, *links.get(n, ()))
    entries = {"a": Entry(name=longest, name_en=longest), "b" * 64: Entry(name="b", parent="a")}
    codes = CodeList(scheme=longest, title="t", source="s", entries=entries)
    desk.append("rulebook-other", CodeListPublished(occurred_at=at, actor=by, edition=1, part=1, parts=1, codes=codes))


def active(desk: Desk) -> None:
    """What offices, funds, platforms, rooms and merchants seldom do, in streams of their own."""
    for stream, events in active_market.streams(desk.book.current()):
        desk.append(stream, *events)


def histories(ledger: Ledger) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = {}
    for stored in ledger.recorder.select_notifications(1, 1_000_000):
        recorded = ledger.mapper.to_domain_event(stored)
        found.setdefault(recorded.originator_id, []).append(recorded.event)
    return found


@contextmanager
def items(postgres_url: str, kafka_bootstrap: str) -> Iterator[World]:
    """Publish, simulate two months, add what a simulation does not come to, and project it all."""
    name = f"i{os.getpid()}_{next(_numbers)}"
    url, prefix = create_database(postgres_url, name), f"{name}."
    ensure_topics(kafka_bootstrap, prefix)
    desk = Desk(url)
    publish_first_edition(desk.ledger)
    book = RulebookReader(desk.ledger).current()
    traffic = simulate(desk.ledger, KEY, book, complaints=150, seed=3, start=START, days=60)
    by_hand(desk)
    active(desk)
    contested(desk)
    assert traffic.until is not None
    watch_once(WatcherSettings(url), traffic.until)
    where = (url, kafka_bootstrap, prefix)
    with (
        running(lambda stop: run_relay(RelaySettings(*where), stop)),
        running(lambda stop: run_projector(ProjectorSettings(*where), stop)),
    ):
        head = desk.ledger.recorder.max_notification_id()
        assert head is not None
        assert wait_until_projected(url, head, LIMIT)
    pool = Pool(url, "ledger_api")
    yield World(pool, histories(desk.ledger), traffic.until)
    pool.close()
    desk.close()
