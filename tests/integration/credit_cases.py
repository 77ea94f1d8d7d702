"""Histories of merchants and what is complained of about them, by chance or by hand, and how they come into tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import date, datetime, timedelta
from random import Random
from uuid import UUID

from adapters.database import connect
from adapters.read_tables import write
from adapters.rulebook import PUBLISHER, first_edition
from domain.calendar import SHANGHAI
from domain.complaint.clocks import DeadlineMissed
from domain.complaint.ending import Closed, Reopened, Withdrawn
from domain.complaint.filing import Filed, Merged, Order
from domain.complaint.negotiation import Answered, Routed
from domain.complaint.reports import PenaltyImposed, PenaltyRevised
from domain.complaint.settlement import Resolved
from domain.complaint.state import Deadline, RequestKind
from domain.event import Event
from domain.measure.imposing import Imposed
from domain.measure.remedies import Appealed, Decided
from domain.merchant.registration import Linked, MergedInto, Registered, Relation, Unlinked
from domain.merchant.volumes import VolumeReported
from domain.room.opening import Opened, SubjectChanged
from domain.room.showing import LabelGapFound, SessionBegun
from domain.room.state import Subject
from domain.rulebook.book import Parameter, Parameters, Scale
from domain.rulebook.events import ParametersPublished
from domain.streams import kind_of
from domain.values import Channel, Code, Money
from projections.catalogue import PROJECTIONS
from tests.projections.histories import interleaved
from tests.reference.credit import PARAMETERS

Histories = dict[str, list[Event]]
FIRST_DAY = datetime(2024, 1, 1, tzinfo=SHANGHAI)
BY = PUBLISHER


def named(prefix: str, n: int) -> str:
    return f"{prefix}-{UUID(int=n)}"


def person(n: int) -> str:
    return str(UUID(int=n))


def on(day: float) -> datetime:
    """So many days after the first."""
    return FIRST_DAY + timedelta(days=day)


def merchant(n: int, industry: str | None = None) -> Registered:
    code = None if industry is None else Code(scheme="GB/T 4754", value=industry)
    return Registered(occurred_at=FIRST_DAY, actor=BY, trade_name=f"shop {n}", industry=code)


def complaint(
    at: float,
    shop: int,
    *,
    consumer: int,
    order: str | None = None,
    answered: bool | None = True,
    resolved: float | None = None,
    late: bool = False,
    ends: Sequence[Event] = (),
) -> list[Event]:
    """Filed on a day, answered in time or not, or not at all (None: missed), and resolved on a day."""
    about = None
    if order is not None:
        about = Order(
            source="pay", reference=order, purchased_at=on(0), amount=Money(fen=1), merchant_id=named("merchant", shop)
        )
    events: list[Event] = [
        Filed(
            occurred_at=on(at),
            actor=BY,
            kind=RequestKind.COMPLAINT,
            consumer_id=person(consumer),
            channel=Channel.APP,
            scheme="s",
            product="p",
            order=about,
        ),
        Routed(occurred_at=on(at), actor=BY, merchant_id=named("merchant", shop)),
    ]
    if answered is None:
        events.append(DeadlineMissed(occurred_at=on(at + 1), actor=BY, deadline=Deadline.ANSWER))
    else:
        events.append(Answered(occurred_at=on(at + 1), actor=BY, kind="explanation", in_time=answered))
    if late:
        events.append(DeadlineMissed(occurred_at=on(at + 2), actor=BY, deadline=Deadline.RESOLUTION))
    if resolved is not None:
        events.append(solved(resolved))
    return [*events, *ends]


def solved(day: float, fen: int = 0) -> Resolved:
    recovered = Money(fen=fen) if fen else None
    return Resolved(occurred_at=on(day), actor=BY, basis="consumer_confirmed", recovered=recovered)


def reopened(day: float) -> Reopened:
    return Reopened(occurred_at=on(day), actor=BY, reason="it broke again")


def withdrawn(day: float) -> Withdrawn:
    return Withdrawn(occurred_at=on(day), actor=BY)


def closed(day: float, ground: str = "no_agreement") -> Closed:
    return Closed(occurred_at=on(day), actor=BY, ground=ground)


def linked(shop: int) -> Linked:
    return Linked(occurred_at=on(1), actor=BY, other=named("merchant", shop), relation=Relation.SAME_OWNER, basis="b")


def penalty(day: float, shop: int, stands: bool = True) -> list[Event]:
    """A report that led to a penalty."""
    filed = complaint(day, shop, consumer=1)[0].model_copy(update={"kind": RequestKind.REPORT})
    imposed = PenaltyImposed(
        occurred_at=on(day + 3),
        actor=BY,
        case_number="1",
        basis="b",
        merchant_id=named("merchant", shop),
        violation="unfair-fees",
    )
    revised = PenaltyRevised(occurred_at=on(day + 9), actor=BY, measure=named("measure", 1), counts=False)
    return [filed, imposed, *(() if stands else (revised,))]


def measure(day: float, shop: int, stands: bool = True) -> list[Event]:
    imposed = Imposed(
        occurred_at=on(day),
        actor=BY,
        target=named("merchant", shop),
        imposed_by=named("platform", 1),
        kind="warning",
        reason="r",
        basis="b",
        remedies=(),
        violation="unfair-fees",
        complaints=(),
    )
    revoked = Decided(occurred_at=on(day + 1), actor=BY, remedy="appeal", outcome="revoked", reasons="r", counts=False)
    contested = Appealed(occurred_at=on(day), actor=BY, grounds="g")
    return [imposed, *(() if stands else (contested, revoked))]


def room(day: float, shop: int, gaps: int, later: int | None = None) -> list[Event]:
    """A room with gaps that end a day, two, three later; ``later``: who takes it over in the second day."""
    opened = Opened(
        occurred_at=on(day), actor=BY, platform_id=named("platform", 1), operator=named("merchant", shop), host="h"
    )
    found = [
        LabelGapFound(
            occurred_at=on(day + n),
            actor=BY,
            session=1,
            content_id="c",
            kind="ai_image",
            first=on(day),
            until=on(day + n),
            violation="unlabelled-ai",
        )
        for n in range(1, gaps + 1)
    ]
    taken_over = SubjectChanged(
        occurred_at=on(day + 1.5), actor=BY, which=Subject.OPERATOR, to=named("merchant", later or shop)
    )
    begun = SessionBegun(occurred_at=on(day), actor=BY, session=1)
    return [opened, begun, *found[:1], *([taken_over] if later else []), *found[1:]]


def volume(first: date, last: date, transactions: int, edition: int = 1, stage: str = "sale") -> VolumeReported:
    return VolumeReported(
        occurred_at=on(1),
        actor=BY,
        first=first,
        last=last,
        stage=stage,
        transactions=transactions,
        active_users=1,
        edition=edition,
    )


def parameters(at: datetime, edition: int, changed: Mapping[str, int]) -> ParametersPublished:
    (first,) = (one.content for one in first_edition() if getattr(one.content, "name", "") == "credit_score")
    assert isinstance(first, Parameters)
    values = {name: one.value for name, one in first.values.items()}
    assert values.items() >= PARAMETERS.items()
    given = {name: Parameter(value=value, scale=Scale.COUNT) for name, value in {**values, **changed}.items()}
    published = Parameters(name="credit_score", values=given, source="s")
    return ParametersPublished(occurred_at=at, actor=BY, edition=edition, parameters=published)


def by_chance(seed: int, complaints: int) -> Histories:
    """A few merchants, linked and merged, with consumers and orders that come again and again."""
    chance = Random(seed)
    shops = 9
    found: Histories = {
        named("merchant", n): [merchant(n, chance.choice(["51", "52", None]))] for n in range(1, shops + 1)
    }
    found[named("merchant", 2)].append(linked(1))
    found[named("merchant", 4)].append(linked(3))
    undone = Unlinked(occurred_at=on(2), actor=BY, other=named("merchant", 3), reason="r")
    found[named("merchant", 4)] += chance.sample([undone], chance.randint(0, 1))
    found[named("merchant", 5)].append(MergedInto(occurred_at=on(9), actor=BY, into=named("merchant", 6), basis="b"))
    for n in chance.sample(range(1, shops), 5):
        found[named("merchant", n)] += [
            volume(date(2024, 5, 1), date(2024, 5, 31), chance.randint(1, 90_000)),
            volume(date(2024, 5, 1), date(2024, 5, 31), 90_000, stage="use"),
            volume(date(2024, 6, 3), date(2024, 8, 9), chance.randint(0, 99_000)),
            volume(date(2024, 6, 3), date(2024, 8, 9), chance.randint(1, 99_000), edition=2),
        ]
    for n in range(1, complaints + 1):
        at, shop = chance.uniform(0, 300), min(chance.randint(1, shops), chance.randint(1, shops))
        answered = chance.choice([True, True, False, None])
        day = at + chance.uniform(1.1, 60) if chance.random() < 0.7 else None
        ends: list[Event] = []
        if day is not None and chance.random() < 0.3:
            later = day + chance.choice([1, 29, 31])
            ends = [reopened(later), *chance.sample([solved(later + 5, 100), withdrawn(later + 5)], 1)]
        elif day is None and chance.random() < 0.4:
            ends = [chance.choice([closed(at + 3), closed(at + 3, "unfounded"), withdrawn(at + 3)])]
        elif day is None and chance.random() < 0.1:
            ends = [Merged(occurred_at=on(at + 3), actor=BY, into=named("complaint", 1))]
        found[named("complaint", n)] = complaint(
            at,
            shop,
            consumer=chance.randint(1, complaints // 4),
            order=None if chance.random() < 0.5 else f"o{shop}-{chance.randint(1, complaints // 8)}",
            answered=answered,
            resolved=day,
            late=chance.random() < 0.2,
            ends=ends,
        )
    for n in range(1, 5):
        shop, day = chance.randint(1, shops), chance.uniform(0, 290)
        found[named("complaint", 10_000 + n)] = penalty(day, shop, chance.random() < 0.7)
        found[named("measure", n)] = measure(day, chance.randint(1, shops), chance.random() < 0.7)
        found[named("room", n)] = room(day, chance.randint(1, shops), chance.randint(0, 3), chance.choice([None, shop]))
    return found


def fill(url: str, histories: Mapping[str, Sequence[Event]], chance: Random) -> None:
    """Put into empty tables what projectors make of events, in any batches of any interleaving."""
    with closing(connect(url, None, autocommit=False)) as conn, conn, conn.cursor() as cursor:
        for projection in PROJECTIONS:
            tables = [projection.table, *(sums.table for sums in projection.sums)]
            cursor.execute(f"truncate {', '.join(tables)}")
            own = {stream: events for stream, events in histories.items() if kind_of(stream) is projection.kind}
            facts = interleaved(own, chance)
            while facts:
                size = chance.randint(1, 400)
                failed = write(cursor, projection, facts[:size], False, None)
                assert not failed, failed
                facts = facts[size:]
