"""The redacted public feed: of each complaint what everybody may see at the time, and nothing personal.

One message per event that changes what is public, made of the complaint's own events up to that one and of nothing
else: whoever makes it again makes the same bytes. The merchant's name stands with the merchant, and may change there.
Left out are who complained, acted or mediated, all that was told or answered in own words, orders, claims, and postal
codes.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, NamedTuple

from pydantic import BaseModel, Field

from domain.calendar import day_of
from domain.complaint.ending import Corrected, Reopened
from domain.complaint.filing import DIVISIONS, UNSPECIFIED, AccountMatched, Filed
from domain.complaint.negotiation import Answered, AnswerKind, Routed
from domain.complaint.publication import OutcomePublished
from domain.complaint.state import NEW, Complaint, OutcomeKind, RequestKind, Status, Way
from domain.event import Event
from domain.rulebook.codes import Slug
from domain.streams import COMPLAINT
from domain.values import FROZEN, Channel, Code, ComplaintId, LongText, MerchantId, Money, ShortText
from projections.projection import Fact

#: Lists of products and issues that are nobody's: what stands there is in the consumer's own words.
OWN_WORDS = frozenset({"free", UNSPECIFIED})
#: Lists of regions no finer than a city that registers of origin use. Administrative divisions are cut to one.
COARSE_REGIONS = frozenset({"us-state"})


class PublicOutcome(BaseModel):
    """How it ended. Only what was published, with the consent of both parties where the way is confidential (D3).

    ``kinds`` is what was agreed or decided, ``recovered`` what has come back so far, by currency, punitive damages
    aside; ``text`` tells process, timetable, outcome and reasons, and names nobody.
    """

    model_config = FROZEN
    way: Way
    ended_on: date | None = None
    kinds: tuple[OutcomeKind, ...] = ()
    recovered: tuple[Money, ...] = ()
    text: LongText


class PublicComplaint(BaseModel):
    """A complaint as everybody may see it.

    ``position`` is that of the event in the ledger that made it so; a message with a higher one replaces it.
    ``publication`` counts the messages with a value about this complaint: 1 when it became public, more with each
    correction. Absent is what is not known, or not public. ``product`` and the like are values of the code list
    ``scheme``; words of the consumer's own are left out. ``region`` is no finer than a city. Days are Shanghai's.
    ``answered_in_time`` is absent before the answer, and where a register of origin does not say.
    """

    model_config = FROZEN
    complaint_id: ComplaintId
    publication: Annotated[int, Field(ge=1)]
    position: Annotated[int, Field(ge=1)]
    status: Status
    filed_on: date
    channel: Channel
    merchant_id: MerchantId | None = None
    region: Code | None = None
    scenario: Slug | None = None
    scheme: ShortText | None = None
    product: ShortText | None = None
    sub_product: ShortText | None = None
    issue: ShortText | None = None
    sub_issue: ShortText | None = None
    answer: AnswerKind | None = None
    answered_in_time: bool | None = None
    resolved: bool
    reopened: Annotated[int, Field(ge=0)]
    outcome: PublicOutcome | None = None


class Row(NamedTuple):
    """What the feed knows of a complaint, public or not.

    ``shown`` is its public view, without count and position, None when there is none; ``position`` is that of the event
    that made it so, ``publication`` how many values were sent by then. ``unread``: an event could not be read.
    """

    state: Complaint
    channel: Channel
    filed_on: date
    scheme: str
    product: str
    sub_product: str | None = None
    issue: str | None = None
    sub_issue: str | None = None
    region: Code | None = None
    merchant_id: str | None = None
    answer: AnswerKind | None = None
    answered_in_time: bool | None = None
    text: str | None = None
    way: Way | None = None
    shown: PublicComplaint | None = None
    publication: int = 0
    position: int = 0
    unread: bool = False


def fold(row: Row | None, fact: Fact) -> Row:
    """Return the row after a complaint's next event; its ``position`` is that of ``fact`` if that is to be told.

    Raises ValueError when a stream does not begin with its filing.
    """
    if row is not None and row.unread:
        return row
    row = _take_up(row, fact.event)
    shown = _shown(fact.stream, row)
    if shown == row.shown:
        return row
    return row._replace(shown=shown, publication=row.publication + (shown is not None), position=fact.position)


def hide(row: Row | None, position: int) -> Row | None:
    """Return the row behind an event that cannot be read: it may withhold the complaint, which is shown no more."""
    if row is None:
        return None
    return row._replace(unread=True, shown=None, position=row.position if row.shown is None else position)


def public_view(row: Row | None) -> PublicComplaint | None:
    """Return what everybody may see of a complaint; None when that is nothing."""
    if row is None or row.shown is None:
        return None
    return row.shown.model_copy(update={"publication": row.publication, "position": row.position})


def _take_up(row: Row | None, event: Event) -> Row:
    if isinstance(event, Filed):
        return Row(
            state=COMPLAINT.evolve(NEW, event),
            channel=event.channel,
            filed_on=day_of(event.occurred_at),
            scheme=event.scheme,
            product=event.product,
            sub_product=event.sub_product,
            issue=event.issue,
            sub_issue=event.sub_issue,
            region=event.region,
            merchant_id=event.order.merchant_id if event.order else None,
        )
    if row is None:
        raise ValueError(f"{event.name} before complaint.filed")
    state: Complaint = COMPLAINT.evolve(row.state, event)
    merchant_id = row.merchant_id if state.merchant_id == row.state.merchant_id else state.merchant_id
    row = row._replace(state=state, merchant_id=merchant_id or None)
    # What decides on publication is in the state. An event that is new in the world adds nothing here by itself.
    match event:
        case Routed():
            return row._replace(merchant_id=event.merchant_id)
        case AccountMatched():
            return row._replace(region=row.region or event.region)
        case Answered():
            return row._replace(answer=event.kind, answered_in_time=event.in_time)
        case OutcomePublished():
            return row._replace(text=event.text, way=event.way)
        case Reopened():
            return row._replace(answer=None, answered_in_time=None)
        case Corrected():
            names = ("merchant_id", "channel", "product", "sub_product", "issue", "sub_issue", "region", "answer")
            stated = {name: value for name in names if (value := getattr(event, name)) is not None}
            return row._replace(
                **stated, answered_in_time=row.answered_in_time if event.in_time is None else event.in_time
            )
        case _:
            return row


def _visible(state: Complaint) -> bool:
    """Whether everybody may see it: it was made public, or how it ended was, and nobody has taken that back.

    A matter that was merged into another is shown there. Only complaints are shown: who reports stays hidden.
    """
    if state.kind is not RequestKind.COMPLAINT or state.withheld or state.status is Status.MERGED:
        return False
    return state.published or state.settlement.decision_published


def _shown(stream: str, row: Row) -> PublicComplaint | None:
    state = row.state
    if not _visible(state):
        return None
    # Whoever files here names any list, and what he says is of it is not looked up: it may be his name. Only a register
    # of origin tells codes for certain.
    coded = state.imported and row.scheme not in OWN_WORDS
    return PublicComplaint(
        complaint_id=stream,
        publication=1,
        position=1,
        status=state.status,
        filed_on=row.filed_on,
        channel=row.channel,
        merchant_id=row.merchant_id,
        region=_region(row.region, state.imported),
        scenario=state.scenario or None,
        scheme=row.scheme if coded else None,
        product=row.product if coded else None,
        sub_product=row.sub_product if coded else None,
        issue=row.issue if coded else None,
        sub_issue=row.sub_issue if coded else None,
        answer=row.answer,
        answered_in_time=row.answered_in_time,
        resolved=state.status is Status.RESOLVED,
        reopened=state.reopened,
        outcome=_outcome(row),
    )


def _region(region: Code | None, imported: bool) -> Code | None:
    if region is None or (imported and region.scheme in COARSE_REGIONS):
        return region
    if region.scheme != DIVISIONS or not re.fullmatch("[0-9]{6}", region.value):
        return None
    # Province, city and county have two digits each.
    return Code(scheme=DIVISIONS, value=f"{region.value[:4]}00")


def _outcome(row: Row) -> PublicOutcome | None:
    state = row.state
    if not state.settlement.decision_published or row.way is None or row.text is None:
        return None
    return PublicOutcome(
        way=row.way,
        ended_on=None if state.ended_at is None else day_of(state.ended_at),
        kinds=tuple(sorted({outcome.kind for outcome in state.settlement.terms})),
        recovered=tuple(Money(fen=fen, currency=currency) for currency, fen in sorted(state.recovered.items()) if fen),
        text=row.text,
    )
