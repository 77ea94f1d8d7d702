"""Notices of the authority to a platform: a measure has to follow within a term."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from domain.action import action
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.measure.target import check_about
from domain.merchant.state import Merchant, not_before
from domain.platform.state import Notice, NoticeStatus, Platform, Status
from domain.rulebook.book import Rulebook, TermName
from domain.rulebook.terms import RunningTerm, begin
from domain.tracing import Traced
from domain.values import CLOCK, Actor, ComplaintId, MeasureId, MerchantId, OfficeId, Role, ShortText

DURING = (Status.ADMITTED,)
SOURCE = "E-Commerce Law, art. 29"
#: Notices that still wait for the platform.
WAITING = (NoticeStatus.OPEN, NoticeStatus.MISSED)


class NoticeGiven(Event):
    """The authority demands a measure on a merchant, within a term. ``number`` counts from 1."""

    name = "platform.notice_given"

    number: int
    office_id: OfficeId
    merchant_id: MerchantId
    demand: ShortText
    basis: ShortText
    complaints: tuple[ComplaintId, ...]
    term: RunningTerm | None = None


class NoticeDeclined(Event):
    """The platform takes no measure, and says why. ``late``: its term had passed."""

    name = "platform.notice_declined"

    number: int
    reason: ShortText
    late: bool


class NoticeAnswered(Event):
    """The platform took the measure. ``late``: the term of the notice had passed."""

    name = "platform.notice_answered"

    number: int
    measure: MeasureId
    late: bool


class NoticeMissed(Event):
    """The term of a notice passed without a measure. ``occurred_at`` is its last instant, however late noticed."""

    name = "platform.notice_missed"

    number: int


NoticeEvent = NoticeGiven | NoticeDeclined | NoticeAnswered | NoticeMissed


def evolve(state: Platform, event: NoticeEvent) -> Platform:
    match event:
        case NoticeGiven():
            due = None if event.term is None else event.term.due
            return replace(state, notices=(*state.notices, Notice(event.merchant_id, event.occurred_at, due)))
        case NoticeDeclined():
            return _became(state, event.number, NoticeStatus.DECLINED)
        case NoticeAnswered():
            return _became(state, event.number, NoticeStatus.ANSWERED)
        case NoticeMissed():
            return _became(state, event.number, NoticeStatus.MISSED)
        case _:
            assert_never(event)


def _became(state: Platform, number: int, status: NoticeStatus) -> Platform:
    notices = list(state.notices)
    notices[number - 1] = replace(notices[number - 1], status=status)
    return replace(state, notices=tuple(notices))


@action("notice-to-a-platform", roles=(Role.REGULATOR,), during=DURING, source=SOURCE)
def give_notice(
    state: Platform,
    *,
    at: datetime,
    by: Actor,
    book: Rulebook,
    office_id: OfficeId,
    merchant_id: MerchantId,
    merchant: Merchant,
    demand: ShortText,
    basis: ShortText,
    complaints: tuple[ComplaintId, ...],
    traced: tuple[Traced, ...],
) -> list[NoticeEvent]:
    """Demand a measure on a merchant, because of complaints; the platform has a term to take one."""
    check_about(merchant_id, merchant, traced)
    return [
        NoticeGiven(
            occurred_at=at,
            actor=by,
            number=len(state.notices) + 1,
            office_id=office_id,
            merchant_id=merchant_id,
            demand=demand,
            basis=basis,
            complaints=complaints,
            term=begin(TermName.NOTICE, at, book),
        )
    ]


def _none_waits(state: Platform, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    return None if any(one.status in WAITING for one in state.notices) else _not_waiting("no notice waits")


def _not_waiting(why: str) -> RuleViolation:
    return RuleViolation("decline-what-waits", f"{why} for the platform", hint="name a notice that waits for an answer")


@action("decline-what-waits", roles=(Role.PLATFORM,), during=DURING, source=SOURCE, unless=_none_waits)
def decline_notice(state: Platform, *, at: datetime, by: Actor, number: int, reason: ShortText) -> list[NoticeEvent]:
    """Decline a notice, and say why. That it was missed before stays on record."""
    if not 1 <= number <= len(state.notices):
        raise InvalidInput(f"there is no notice {number}", hint=f"numbers go from 1 to {len(state.notices)}")
    notice = state.notices[number - 1]
    if notice.status not in WAITING:
        raise _not_waiting(f"notice {number} is {notice.status}; it no longer waits")
    not_before(notice.given, at, f"notice {number} was given")
    return [NoticeDeclined(occurred_at=at, actor=by, number=number, reason=reason, late=_late(notice, at))]


def _late(notice: Notice, at: datetime) -> bool:
    return notice.due is not None and notice.due < at


def answer_notice(state: Platform, *, at: datetime, by: Actor, number: int, measure: str) -> list[NoticeEvent]:
    """Note that a measure answers a notice; nothing if one did before, or if there is no such notice.

    ``at`` is when the measure was imposed. Within the term it is in time, even if the miss was recorded here before the
    measure was known.
    """
    if not 1 <= number <= len(state.notices) or state.notices[number - 1].status is NoticeStatus.ANSWERED:
        return []
    answered = NoticeAnswered(
        occurred_at=at, actor=by, number=number, measure=measure, late=_late(state.notices[number - 1], at)
    )
    return [*fall_due(state, at=at), answered]


def fall_due(state: Platform, *, at: datetime, book: Rulebook | None = None) -> list[NoticeEvent]:
    """Return the notices that were missed by ``at``, in the order of their terms."""
    overdue = sorted(
        (notice.due, number)
        for number, notice in enumerate(state.notices, 1)
        if notice.status is NoticeStatus.OPEN and notice.due is not None and notice.due < at
    )
    return [NoticeMissed(occurred_at=due, actor=CLOCK, number=number) for due, number in overdue]


def next_due(state: Platform) -> datetime | None:
    """Return when the next notice is missed, unless something is done before."""
    return min(
        (one.due for one in state.notices if one.status is NoticeStatus.OPEN and one.due is not None), default=None
    )
