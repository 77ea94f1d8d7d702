"""What platforms, rooms, persons and merchants seldom do, and complaints beside: as in ``active_offices``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from domain.calendar import Unit
from domain.complaint.ending import Withdrawn
from domain.complaint.filing import Filed, Order
from domain.complaint.handling import Received, Transferred
from domain.complaint.jurisdiction import OfficeBasis
from domain.complaint.mediation import MediatorAssigned, MediatorKind, MediatorRecused
from domain.complaint.settlement import Resolved
from domain.complaint.state import Clock, Deadline, RequestKind, Way
from domain.event import Event
from domain.merchant.corrections import CorrectiveActionTaken, CorrectiveResultReported
from domain.merchant.membership import CircleJoined, CircleLeft, ExpelledFromCircle
from domain.merchant.policies import PolicyAdopted, PolicyDropped
from domain.merchant.registration import Linked, MergedInto, MergerUndone, Registered, Relation, Unlinked
from domain.merchant.volumes import VolumeReported
from domain.platform.admission import Admitted
from domain.platform.supervision import PrivacyAuditRecorded, ReportedViolation, SupervisionReported
from domain.room import opening
from domain.room.showing import ContentShown, ContentStopped, LabelGapFound, SessionBegun, SessionEnded
from domain.room.state import ContentKind, Subject
from domain.rulebook.book import Rulebook
from domain.subject.consents import ConsentGiven, ConsentsOpened, ConsentWithdrawn
from domain.subject.leaks import LeakRecorded
from domain.subject.state import Purpose
from domain.values import Channel, Money
from tests.integration.active_offices import (
    AT,
    BOUNDARY,
    CIRCLE,
    FAR,
    INSTANT,
    MEDIATOR,
    NORTH,
    NOWHERE,
    PLATFORM,
    ROOM,
    SHOP,
    SOUTH,
    WEST,
    day,
    did,
    evaluations,
    funds,
    offices,
    own,
    published,
)


def platforms() -> Iterator[tuple[str, list[Event]]]:
    """Editions of a report, one of nothing, what no list knows; audits at one instant."""

    def violation(code: str, merchant: str, *complaints: int, measure: str | None = None) -> ReportedViolation:
        cited = tuple(own("complaint", n) for n in complaints)
        return ReportedViolation(merchant_id=merchant, violation=code, complaints=cited, measure=measure)

    fourth = {"first": date(2025, 10, 1), "last": date(2025, 12, 31), "new_complaints": ()}
    january = {**fourth, "first": date(2026, 1, 1), "last": date(2026, 1, 31)}
    first = (violation("fake-goods", SHOP, 1), violation("unlabelled-ai", SHOP, 2), violation("unfair-fee", SHOP, 3))
    last = (violation("of-no-list", own("merchant", 99), 3, 1, measure=own("measure", 1)), first[1])
    for n in (1, 2):
        audit = {
            "first": date(2025, 1, 1),
            "last": date(2025, 12, 31),
            "auditor": "a",
            "scope": "s",
            "report": "ab" * 32,
        }
        yield (
            own("platform", n),
            [
                did(Admitted, title=f"platform {n}"),
                did(PrivacyAuditRecorded, number=1, findings=(), conforms=True, **audit),
                did(
                    PrivacyAuditRecorded,
                    number=2,
                    findings=[f"{one}" for one in range(12, 0, -1)],
                    conforms=False,
                    **audit,
                ),
            ],
        )
    yield (
        PLATFORM,
        [
            did(SupervisionReported, **fourth, edition=1, violations=first),
            did(SupervisionReported, **january, edition=1, violations=()),
            did(SupervisionReported, day(1), **fourth, edition=2, violations=last),
        ],
    )
    yield own("platform", 2), [did(SupervisionReported, **fourth, edition=1, violations=first)]


def rooms() -> Iterator[tuple[str, list[Event]]]:
    """What is shown twice in a session, and still; an operator who comes later; a gap from before the law."""
    content = {"content_id": "banner", "kind": ContentKind.AI_IMAGE}

    def gap(session: int, first: datetime, until: datetime, violation: str | None = "unlabelled-ai") -> Event:
        what = {"session": session, "first": first, "until": until, "violation": violation}
        return did(LabelGapFound, max(until, AT), **what, **content)

    yield (
        ROOM,
        [
            did(opening.Opened, platform_id=PLATFORM, operator=SHOP, host="first host"),
            did(SessionBegun, session=1),
            did(ContentShown, **content),
            did(ContentStopped, day(0.5), content_id="banner"),
            gap(1, AT, day(0.1) + INSTANT),
            gap(1, AT, day(0.3)),
            did(ContentShown, day(0.6), **content),
            gap(1, day(0.7), day(0.8)),
            did(SessionEnded, day(0.8), session=1),
            did(opening.SubjectChanged, day(1), which=Subject.OPERATOR, to=own("merchant", 4)),
            did(SessionBegun, day(2), session=2),
            did(ContentShown, day(2), **content),
            did(ContentStopped, day(3) - INSTANT, content_id="banner"),
            gap(2, day(2), day(3) - INSTANT),
            did(ContentShown, day(4), **content),
        ],
    )
    before = datetime(2025, 8, 1, tzinfo=UTC)
    yield (
        own("room", 2),
        [
            did(opening.Opened, before, platform_id=own("platform", 9), operator="o", host="h"),
            did(SessionBegun, before, session=1),
            did(ContentShown, before, **content),
            gap(1, before, datetime(2025, 8, 31, 16, tzinfo=UTC), None),
            gap(1, datetime(2025, 8, 31, 16, tzinfo=UTC), AT),
            did(SessionEnded, AT, session=1),
        ],
    )
    yield (
        own("room", 3),
        [
            did(opening.Opened, platform_id=PLATFORM, operator="o", host="h"),
            did(SessionBegun, session=1),
            did(ContentShown, **content),
            did(ContentStopped, day(0.2), content_id="banner"),
            gap(1, AT, day(0.2)),
        ],
    )


def persons() -> Iterator[tuple[str, list[Event]]]:
    """Consents that are given again, and leaks that differ in what leaked alone."""
    use = {"purpose": Purpose.MARKETING, "recipient": "a shop"}
    for n in (1, 2):
        yield (
            own("subject", n),
            [
                did(ConsentsOpened, consumer_id=own("", n)[1:]),
                did(ConsentGiven, **use, text="ab" * 32),
                did(
                    LeakRecorded,
                    source="a list",
                    what=f"names {n}",
                    complaints=(own("complaint", 2), own("complaint", 1)),
                ),
                did(LeakRecorded, source="a list", what=f"addresses {n}", complaints=(own("complaint", 3),)),
                did(LeakRecorded, source="Another list", what="names", complaints=(own("complaint", 3),)),
            ],
        )
    yield own("subject", 1), [did(ConsentWithdrawn, day(1), **use), did(ConsentGiven, day(1), **use, text="ab" * 32)]


def merchants(book: Rulebook) -> Iterator[tuple[str, list[Event]]]:
    """Members that come back, groups that are named after neither the first nor the one merged, policies replaced."""
    for n in range(10):
        yield own("merchant", n), [did(Registered, trade_name=f"shop {n}")]
    link = {"relation": Relation.SAME_OWNER, "basis": "b"}
    yield own("merchant", 0), [did(MergedInto, into=own("merchant", 5), basis="b")]
    yield own("merchant", 5), [did(Linked, other=own("merchant", 7), **link)]
    yield (
        own("merchant", 6),
        [
            did(MergedInto, into=own("merchant", 8), basis="b"),
            did(MergerUndone, into=own("merchant", 8), reason="r"),
        ],
    )
    yield (
        own("merchant", 8),
        [
            did(Linked, other=own("merchant", 1), **link),
            did(Unlinked, other=own("merchant", 1), reason="r"),
        ],
    )
    yield (
        own("merchant", 9),
        [
            did(CircleJoined, BOUNDARY, circle=CIRCLE, standard="s"),
            did(MergedInto, day(50), into=SHOP, basis="b"),
        ],
    )
    joined, left = {"circle": CIRCLE, "standard": "first"}, {"circle": CIRCLE, "reason": "r"}
    for n in (2, 1):
        yield (
            own("merchant", n),
            [
                did(CircleJoined, **joined),
                did(CircleLeft, day(10 * (2 - n)), **left),
                did(CircleJoined, day(10 * (2 - n)), circle=CIRCLE, standard="again"),
                did(CircleJoined, circle="another", standard="s"),
                did(ExpelledFromCircle, day(20), **left),
            ],
        )
    changed = {"title": "t", "description": "d", "complaints": (own("complaint", 2), own("complaint", 1))}
    yield (
        SHOP,
        [
            did(CorrectiveActionTaken, number=1, stage="payment", effective_at=BOUNDARY, **changed),
            did(CorrectiveActionTaken, number=2, effective_at=BOUNDARY - INSTANT, **changed),
            did(CorrectiveActionTaken, number=3, effective_at=day(3_000), **changed),
            did(CorrectiveActionTaken, number=4, effective_at=BOUNDARY, **changed),
            *(did(CorrectiveResultReported, day(40 + n), number=1, text=f"result {n}") for n in range(11, 0, -1)),
        ],
    )
    sales = {"first": date(2025, 1, 1), "last": date(2025, 1, 31), "stage": "sale", "active_users": 0}
    yield (
        own("merchant", 2),
        [
            did(VolumeReported, **sales, transactions=1_000, edition=1),
            did(VolumeReported, **{**sales, "stage": "payment"}, transactions=10**15, edition=1),
            did(VolumeReported, day(1), **sales, transactions=0, edition=2),
            did(
                VolumeReported,
                **{**sales, "first": date(2024, 12, 1), "last": date(2024, 12, 31)},
                transactions=1,
                edition=1,
            ),
        ],
    )
    policy, other = list(book.policies.values())[:2]
    for n in (4, 2):
        yield (
            own("merchant", n),
            [
                did(PolicyAdopted, edition=1, policy=policy),
                did(PolicyAdopted, edition=1, policy=other),
                did(PolicyAdopted, day(5), edition=2, policy=policy.model_copy(update={"title_en": "Changed"})),
                did(PolicyDropped, day(9), policy_id=policy.id, reason="r"),
                did(PolicyAdopted, day(9), edition=2, policy=policy),
            ],
        )


def complaints() -> Iterator[tuple[str, list[Event]]]:
    """About two merchants of whom one was merged into the other, on both sides of a day in Shanghai; one that went from
    office to office; and those that offices have, with terms that pass at once and late, and mediators."""

    def filed(n: int, at: datetime, shop: str = SHOP, stage: str | None = None, **more: Any) -> tuple[str, list[Event]]:
        order = Order(source="test", reference=str(n), purchased_at=AT, amount=Money(fen=100), merchant_id=shop)
        what = {"kind": RequestKind.COMPLAINT, "consumer_id": own("", n)[1:], "channel": Channel.APP, "scheme": "test"}
        return own("complaint", n), [did(Filed, at, **{**what, "product": "p", "order": order, "stage": stage, **more})]

    for n, (at, stage) in enumerate([(BOUNDARY - INSTANT, "payment"), (BOUNDARY, "payment"), (BOUNDARY, "sale")], 1):
        yield filed(n, at, stage=stage)
        yield filed(n + 3, at, own("merchant", 9), stage)
    yield filed(7, BOUNDARY, kind=RequestKind.CONSULTATION)
    yield filed(8, BOUNDARY)
    for n, shop in ((9, 0), (10, 5), (11, 7), (12, 7), (13, 7)):
        yield filed(n, AT, own("merchant", shop))

    def received(office: str, *clocks: Clock, at: datetime = AT) -> Event:
        return did(Received, at, office_id=office, division="110000", basis=OfficeBasis.MERCHANT, clocks=clocks or None)

    def clock(deadline: Deadline, due: datetime) -> Clock:
        return Clock(deadline=deadline, since=AT, due=due, n=1, unit=Unit.DAYS, rule_set="r", source="s")

    def assigned(mediator: str, at: datetime = AT) -> Event:
        return did(MediatorAssigned, at, mediator_id=mediator, kind=MediatorKind.PERSON, load=0)

    yield own("complaint", 9), [received(NORTH, clock(Deadline.ACCEPTANCE, day(1))), assigned(MEDIATOR)]
    yield own("complaint", 10), [received(SOUTH, clock(Deadline.RESOLUTION, FAR)), assigned(own("", 2)[1:])]
    recused = did(MediatorRecused, mediator_id=MEDIATOR, reason="r")
    yield own("complaint", 11), [received(SOUTH, clock(Deadline.RESOLUTION, FAR)), assigned(MEDIATOR), recused]
    yield own("complaint", 12), [received(NORTH), assigned(MEDIATOR), did(Withdrawn)]
    agreed = did(Resolved, basis="agreement", way=Way.MEDIATION, clocks=(clock(Deadline.PERFORMANCE, FAR),))
    yield own("complaint", 13), [received(NORTH), assigned(MEDIATOR), agreed]

    def moved(at: datetime, sender: str, receiver: str) -> Event:
        return did(Transferred, at, from_office=sender, to_office=receiver, region="110000", reason="r")

    yield (
        own("complaint", 8),
        [
            received(NORTH, at=BOUNDARY),
            assigned(MEDIATOR, BOUNDARY),
            moved(BOUNDARY - INSTANT, NORTH, SOUTH),
            moved(BOUNDARY, SOUTH, NORTH),
            moved(BOUNDARY, NORTH, NOWHERE),
            moved(BOUNDARY + timedelta(days=1) - INSTANT, NOWHERE, WEST),
            moved(BOUNDARY + timedelta(days=1), WEST, NORTH),
        ],
    )


def streams(book: Rulebook) -> Iterator[tuple[str, list[Event]]]:
    """All of it; a stream may come more than once, and then goes on."""
    for told in (offices(), evaluations(), funds(), platforms(), rooms(), persons(), merchants(book), complaints()):
        yield from told
    yield from published()
