"""A ledger whose figures can be told by hand, and read models that follow it when they are told to."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from adapters import boards_activity
from adapters.database import Pool, connect
from adapters.evaluation import Wanted, record_evaluations
from adapters.execute import Ledger
from adapters.read_store import ensure_progress
from adapters.read_tables import write
from domain.calendar import SHANGHAI
from domain.complaint.ending import Closed
from domain.complaint.filing import Filed, Order
from domain.complaint.handling import CalledBack, Received
from domain.complaint.jurisdiction import OfficeBasis
from domain.complaint.negotiation import Routed
from domain.complaint.settlement import Resolved
from domain.complaint.state import RequestKind
from domain.event import Event
from domain.fund.advances import Advanced
from domain.fund.keeping import Opened, PaidIn
from domain.merchant.corrections import CorrectiveActionTaken
from domain.merchant.membership import CircleJoined
from domain.merchant.registration import Classified, MergedInto, Registered
from domain.merchant.volumes import VolumeReported
from domain.office.establishment import Established, Level
from domain.office.evaluation import EvaluationRecorded
from domain.office.warnings import ExternalFigure, WarningIssued, YearlyListPublished
from domain.periods import period
from domain.platform.admission import Admitted
from domain.rulebook.book import EMPTY
from domain.streams import TOPICS, kind_of
from domain.values import Actor, Channel, Code, Money, Role
from projections.catalogue import PROJECTIONS
from projections.projection import Fact
from tests.conftest import create_database
from tests.integration.deadlines import Desk

KEY = b"k" * 32
REGULATOR = Actor("12121212-1212-4212-8212-121212121212", Role.REGULATOR)
CONSUMER = "11111111-1111-4111-8111-111111111111"
IDS = "99999999-0000-4000-8000-00000000000"
GREAT, MERGED, SMALL = (f"merchant-{IDS}{n}" for n in (1, 2, 3))
OFFICE, PLATFORM, FUND = f"office-{IDS}1", f"platform-{IDS}1", f"fund-{IDS}1"
BEGUN = datetime(2020, 1, 1, tzinfo=UTC)
Q1 = period("2026Q1")
DAYS: dict[str, Any] = {"first": Q1.first, "last": Q1.last}
MAY = datetime(2026, 5, 1, tzinfo=UTC)


def shanghai(month: int, day: int, hour: int = 12) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=SHANGHAI)


def complaint(n: int) -> str:
    return f"complaint-99999999-0000-4000-8000-{n:012}"


def filed(at: datetime, merchant: str, stage: str | None = None, platform: str | None = None) -> list[Event]:
    """A complaint, sent to its merchant."""
    bought = {"source": "s", "reference": "r", "purchased_at": at, "amount": {"fen": 100}, "platform": platform}
    return [
        Filed(
            occurred_at=at,
            actor=REGULATOR,
            kind=RequestKind.COMPLAINT,
            consumer_id=CONSUMER,
            channel=Channel.APP,
            scheme="free",
            product="rice cooker",
            stage=stage,
            order=None if platform is None else Order.model_validate(bought),
        ),
        Routed(occurred_at=at, actor=REGULATOR, merchant_id=merchant),
    ]


def closed(at: datetime) -> Closed:
    """Without anything for the consumer."""
    return Closed(occurred_at=at, actor=REGULATOR, ground="no_agreement")


#: Of those that are not resolved: one ends on the last day of the quarter, one on the first day after it.
CLOSED = {30: shanghai(2, 20), 31: shanghai(2, 20), 32: shanghai(3, 31, 23), 39: shanghai(4, 1, 0)}


def complaints() -> Iterator[tuple[str, list[Event]]]:
    """One a day from 1 January 2026 on, of which 30 are resolved after 1, 2, 3 … hours and ten rated 1 to 5."""
    for n in range(40):
        # The first one in the evening of 2025, in UTC.
        at = datetime(2025, 12, 31, 16, 30, tzinfo=UTC) if n == 0 else shanghai(1, 1) + timedelta(days=n)
        events = filed(
            at, MERGED if n < 5 else GREAT, "delivery" if n % 2 else "payment", platform=PLATFORM if n < 8 else None
        )
        if n < 4:
            where = {"office_id": OFFICE, "division": "330106", "basis": next(iter(OfficeBasis))}
            events.append(Received(occurred_at=at, actor=REGULATOR, **where))
        if n < 30:
            later = at + timedelta(hours=n + 1)
            events.append(Resolved(occurred_at=later, actor=REGULATOR, basis="agreement"))
            if n < 10:
                told = {"reached": True, "satisfaction": 1 + n % 5}
                events.append(CalledBack(occurred_at=later, actor=REGULATOR, **told))
        if n in CLOSED:
            events.append(closed(CLOSED[n]))
        yield complaint(n), events
    # On 1 April in Shanghai.
    yield complaint(50), filed(datetime(2026, 3, 31, 16, tzinfo=UTC), GREAT)
    for n, day in enumerate((5, 6, 7)):
        one = filed(shanghai(1, day), SMALL, "payment" if n == 0 else None)
        yield complaint(60 + n), [*one, closed(shanghai(1, day + 1))]
    for n in range(20):
        one = filed(shanghai(2, 1).replace(year=2025) + timedelta(days=n), GREAT)
        yield complaint(100 + n), [*one, closed(shanghai(1, 2))] if n == 0 else one


def volume(stage: str, last: int, transactions: int, users: int, edition: int = 1) -> VolumeReported:
    days = {"first": date(2026, 1, 1), "last": date(2026, 1, last)}
    counts = {"transactions": transactions, "active_users": users}
    return VolumeReported(occurred_at=BEGUN, actor=REGULATOR, stage=stage, edition=edition, **days, **counts)


def others() -> Iterator[tuple[str, list[Event]]]:
    by: dict[str, Any] = {"occurred_at": BEGUN, "actor": REGULATOR}

    def merchant(name: str, *events: Event) -> list[Event]:
        industry = Code(scheme="GB/T 4754", value="52")
        return [Registered(**by, trade_name=name), Classified(**by, industry=industry), *events]

    yield (
        GREAT,
        merchant(
            "Great",
            volume("payment", 31, 60_000, 7_000),
            volume("payment", 31, 30_000, 7_000, edition=2),
            volume("delivery", 31, 13_000, 5_000),
            CircleJoined(**{**by, "occurred_at": shanghai(1, 20, 10)}, circle="quality", standard="s"),
            CorrectiveActionTaken(
                **by,
                number=1,
                title="t",
                description="d",
                complaints=(complaint(0),),
                stage="payment",
                effective_at=shanghai(1, 10, 0),
            ),
        ),
    )
    yield (
        MERGED,
        merchant(
            "Merged",
            volume("payment", 31, 10_000, 1_000),
            volume("delivery", 15, 1_000, 100),
            MergedInto(**by, into=GREAT, basis="b"),
        ),
    )
    yield SMALL, merchant("-Small", volume("payment", 31, 15_000, 0))
    yield (
        OFFICE,
        [
            Established(**by, title="Market Supervision", level=Level.NATIONAL, division="000000"),
            WarningIssued(**by, number=1, theme="pots", text="t", complaints=(complaint(0), complaint(2))),
            YearlyListPublished(
                **by,
                year=2026,
                edition=1,
                warnings=(1,),
                external=(ExternalFigure(source="=1+1", what="requests", value="2.63 million"),),
            ),
        ],
    )
    yield PLATFORM, [Admitted(**by, title="Market")]
    paid: dict[str, Any] = {"actor": REGULATOR, "contributor": "c", "reference": "r"}
    yuan = Money(fen=10_000)
    yield (
        FUND,
        [
            Opened(**by, title="Fund", office_id=OFFICE, currency="CNY"),
            PaidIn(occurred_at=shanghai(1, 5), amount=yuan, balance=yuan, **paid),
            *(
                Advanced(
                    occurred_at=shanghai(2, 1),
                    actor=REGULATOR,
                    number=n + 1,
                    complaint_id=complaint(30 + n),
                    request=1,
                    item=0,
                    amount=Money(fen=1_000),
                    payer="merchant",
                    balance=Money(fen=9_000 - 1_000 * n),
                )
                for n in range(2)
            ),
            PaidIn(occurred_at=shanghai(4, 1, 0), amount=yuan, balance=Money(fen=18_000), **paid),
        ],
    )


class World:
    """A ledger, and read models that follow it when they are told to."""

    def __init__(self, postgres_url: str) -> None:
        self.url = create_database(postgres_url, f"reports_{os.getpid()}_{uuid.uuid4().hex[:8]}")
        self.desk = Desk(self.url)
        self.pool = Pool(self.url, "ledger_api")
        self._position = 0

    @property
    def ledger(self) -> Ledger:
        return self.desk.ledger

    def append(self, stream: str, *events: Event) -> None:
        self.desk.append(stream, *events)

    def follow(self) -> int:
        """Bring the read models to the head."""
        facts = []
        for stored in self.ledger.recorder.select_notifications(self._position + 1, 1_000_000):
            recorded = self.ledger.mapper.to_domain_event(stored)
            facts.append(Fact(stored.id, recorded.originator_id, recorded.originator_version, recorded.event))
        conn = connect(self.url, "ledger_projector", autocommit=False)
        with conn:
            ensure_progress(conn, PROJECTIONS, [(topic, 0) for topic in TOPICS])
            with conn.cursor() as cursor:
                for projection in PROJECTIONS:
                    own = [fact for fact in facts if kind_of(fact.stream) is projection.kind]
                    assert write(cursor, projection, own, False, None) == {}
                self._position = self.ledger.recorder.max_notification_id() or 0
                cursor.execute("update read.progress set watermark = %s", (self._position,))
        conn.close()
        return self._position

    def evaluate(self, *evaluated: str, again: bool = False, now: datetime = MAY) -> list[EvaluationRecorded]:
        """Evaluate the quarter; of everybody, if nobody is named."""
        wanted = Wanted(evaluated or None, Q1.first, Q1.last, again)
        _, events = record_evaluations(self.ledger, KEY, OFFICE, wanted, by=REGULATOR, now=now, book=EMPTY, wait_s=0.0)
        return events

    def evaluations(self) -> list[dict[str, Any]]:
        return list(boards_activity.evaluations(self.pool))

    def close(self) -> None:
        self.desk.close()
        self.pool.close()


def filled(postgres_url: str) -> World:
    world = World(postgres_url)
    for stream, events in (*others(), *complaints()):
        world.append(stream, *events)
    world.follow()
    return world
