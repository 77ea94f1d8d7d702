"""Who a merchant is, whom it belongs with, and who goes on in its place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from domain.action import action
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.merchant.state import Merchant, Status, not_before
from domain.rulebook.book import Rulebook
from domain.rulebook.codes import valid_credit_code
from domain.tracing import Traced
from domain.values import Actor, Code, MerchantId, Role, ShortText, TimePrecision

#: The code list of unified social credit codes.
CREDIT_CODES = "GB 32100"
#: The code list of industries.
INDUSTRIES = "GB/T 4754"
ROLES = (Role.MERCHANT, Role.PLATFORM, Role.REGULATOR)
DURING = (Status.REGISTERED,)


class Registered(Event):
    """A merchant became known, under a name and, where there is one, an official identifier.

    ``industry``: what it does, by a code list such as GB/T 4754.
    """

    name = "merchant.registered"

    trade_name: ShortText
    identifier: Code | None = None
    register_name: ShortText | None = None
    precision: TimePrecision = TimePrecision.INSTANT
    industry: Code | None = None


class Classified(Event):
    """What the merchant does was stated, for the first time or anew. What was stated before stays in its history."""

    name = "merchant.classified"

    industry: Code


class Relation(StrEnum):
    """What one merchant is of another."""

    BRANCH_OF = "branch_of"
    SAME_OWNER = "same_owner"
    SAME_CONTROL = "same_control"
    AGENT_OF = "agent_of"


class Linked(Event):
    """The merchant is ``relation`` the other: a branch of it, say."""

    name = "merchant.linked"

    other: MerchantId
    relation: Relation
    basis: ShortText


class LinkedBack(Event):
    """The other merchant is ``relation`` this one; recorded there as linked."""

    name = "merchant.linked_back"

    other: MerchantId
    relation: Relation
    basis: ShortText


class Unlinked(Event):
    """The merchant no longer belongs with the other."""

    name = "merchant.unlinked"

    other: MerchantId
    reason: ShortText


class UnlinkedBack(Event):
    """The other merchant no longer belongs with this one; recorded there as unlinked."""

    name = "merchant.unlinked_back"

    other: MerchantId
    reason: ShortText


class MergedInto(Event):
    """The merchant is no more; ``into`` goes on in its place. ``earlier`` are those that had merged into this one."""

    name = "merchant.merged_into"

    into: MerchantId
    earlier: tuple[MerchantId, ...] = ()
    basis: ShortText


class MergerUndone(Event):
    """The merchant goes on by itself again, with ``earlier``, those that had merged into it."""

    name = "merchant.merger_undone"

    into: MerchantId
    earlier: tuple[MerchantId, ...] = ()
    reason: ShortText


class Absorbed(Event):
    """This merchant goes on in place of another, and of those that had merged into that one.

    ``listings`` are the numbers under which its listings go on here; ``through`` are those that it had merged into,
    and that were merged themselves by then.
    """

    name = "merchant.absorbed"

    merchant_id: MerchantId
    earlier: tuple[MerchantId, ...] = ()
    listings: tuple[int, ...] = ()
    through: tuple[MerchantId, ...] = ()


class Separated(Event):
    """Another goes on by itself again that had merged into this merchant, or into one ``through`` which it came here.

    ``earlier`` are those that had merged into that one.
    """

    name = "merchant.separated"

    merchant_id: MerchantId
    earlier: tuple[MerchantId, ...] = ()
    reason: ShortText
    through: tuple[MerchantId, ...] = ()


RegistrationEvent = (
    Registered
    | Classified
    | Linked
    | LinkedBack
    | Unlinked
    | UnlinkedBack
    | MergedInto
    | MergerUndone
    | Absorbed
    | Separated
)


def evolve(state: Merchant, event: RegistrationEvent) -> Merchant:
    match event:
        case Registered():
            return replace(state, status=Status.REGISTERED, industry=event.industry)
        case Classified():
            return replace(state, industry=event.industry)
        case Linked():
            return replace(state, linked={**state.linked, event.other: event.occurred_at})
        case Unlinked():
            return replace(state, linked={other: at for other, at in state.linked.items() if other != event.other})
        case LinkedBack():
            return replace(state, linked_back=state.linked_back | {event.other})
        case UnlinkedBack():
            return replace(state, linked_back=state.linked_back - {event.other})
        case MergedInto():
            return replace(state, status=Status.MERGED, merged_into=event.into, merged_at=event.occurred_at)
        case MergerUndone():
            return replace(state, status=Status.REGISTERED, merged_into="", merged_at=None)
        case Absorbed():
            return replace(state, absorbed=state.absorbed | {event.merchant_id, *event.earlier})
        case Separated():
            return replace(state, absorbed=state.absorbed - {event.merchant_id, *event.earlier})
        case _:
            assert_never(event)


def check_identifier(identifier: Code | None) -> None:
    """Raise InvalidInput for a unified social credit code that is none."""
    if identifier is not None and identifier.scheme == CREDIT_CODES and not valid_credit_code(identifier.value):
        raise InvalidInput(
            f"{identifier.value!r} is not a unified social credit code",
            hint="it has 18 digits and capitals, and the last checks the others (GB 32100); look at the licence",
        )


def check_industry(industry: Code | None, book: Rulebook) -> None:
    """Raise InvalidInput for an industry that the published list of industries does not have."""
    if industry is None or industry.scheme != INDUSTRIES or INDUSTRIES not in book.code_lists:
        return
    if book.code(INDUSTRIES, industry.value) is None:
        raise InvalidInput(
            f"{industry.value!r} is no industry of the published list {INDUSTRIES}",
            hint="give the letter of a section or the two digits of a division that is published in it",
        )


@action("merchant-registered-once", roles=tuple(Role), during=(Status.NONE,), to=Status.REGISTERED)
def register(
    state: Merchant,
    *,
    at: datetime,
    by: Actor,
    book: Rulebook,
    trade_name: ShortText,
    identifier: Code | None = None,
    register_name: ShortText | None = None,
    precision: TimePrecision = TimePrecision.INSTANT,
    industry: Code | None = None,
) -> list[RegistrationEvent]:
    """Make a merchant known. Its unified social credit code (GB 32100) and its industry (GB/T 4754) are checked."""
    check_identifier(identifier)
    check_industry(industry, book)
    return [
        Registered(
            occurred_at=at,
            actor=by,
            trade_name=trade_name,
            identifier=identifier,
            register_name=register_name,
            precision=precision,
            industry=industry,
        )
    ]


@action("classified-anew", roles=(Role.MERCHANT, Role.REGULATOR), during=DURING)
def classify_merchant(
    state: Merchant, *, at: datetime, by: Actor, book: Rulebook, industry: Code
) -> list[RegistrationEvent]:
    """State what the merchant does, by a code list of industries; it takes the place of what was stated before."""
    check_industry(industry, book)
    if industry == state.industry:
        raise RuleViolation(
            "classified-anew", f"its industry is {industry.scheme} {industry.value} already", hint="state another one"
        )
    return [Classified(occurred_at=at, actor=by, industry=industry)]


@action("linked-once", roles=ROLES, during=DURING)
def link_merchant(
    state: Merchant,
    *,
    at: datetime,
    by: Actor,
    own_id: MerchantId,
    other: MerchantId,
    relation: Relation,
    basis: ShortText,
) -> list[RegistrationEvent]:
    """Link the merchant to another that it belongs with: as its branch, its agent, or by owner or control."""
    if other == own_id:
        raise InvalidInput("a merchant is not linked to itself", hint="name the other merchant")
    if other in state.linked:
        raise RuleViolation("linked-once", f"it is linked to {other} already", hint="unlink it first")
    return [Linked(occurred_at=at, actor=by, other=other, relation=relation, basis=basis)]


def _linked_to_none(state: Merchant, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if state.linked:
        return None
    return RuleViolation("unlinked-when-linked", "it is linked to no other merchant", hint="link it first")


@action("unlinked-when-linked", roles=ROLES, during=DURING, unless=_linked_to_none)
def unlink_merchant(
    state: Merchant, *, at: datetime, by: Actor, other: MerchantId, reason: ShortText
) -> list[RegistrationEvent]:
    """End a link that this merchant has to another; one that another has to it is ended there."""
    if other not in state.linked:
        raise RuleViolation(
            "unlinked-when-linked", f"it is not linked to {other}", hint="end the link where it was recorded"
        )
    not_before(state.linked[other], at, "it was linked")
    return [Unlinked(occurred_at=at, actor=by, other=other, reason=reason)]


@action("merged-once", roles=(Role.REGULATOR,), during=DURING, to=Status.MERGED)
def merge_merchant(
    state: Merchant,
    *,
    at: datetime,
    by: Actor,
    own_id: MerchantId,
    merchant_id: MerchantId,
    merchant: Merchant,
    basis: ShortText,
) -> list[RegistrationEvent]:
    """Merge into another merchant, ``merchant_id``, which goes on in its place, with its complaints and listings."""
    if merchant_id == own_id:
        raise InvalidInput("a merchant is not merged into itself", hint="name the one that goes on")
    if merchant.status is not Status.REGISTERED:
        where = f"merged into {merchant.merged_into}" if merchant.merged_into else "not registered"
        raise RuleViolation(
            "merged-into-who-goes-on",
            f"{merchant_id} is {where}",
            hint=f"merge into {merchant.merged_into or 'one that is registered'}",
        )
    return [MergedInto(occurred_at=at, actor=by, into=merchant_id, earlier=tuple(sorted(state.absorbed)), basis=basis)]


@action("undone-when-merged", roles=(Role.REGULATOR,), during=(Status.MERGED,), to=Status.REGISTERED)
def undo_merger(state: Merchant, *, at: datetime, by: Actor, reason: ShortText) -> list[RegistrationEvent]:
    """Undo a merger, with the reason: the merchant goes on by itself again."""
    assert state.merged_at is not None
    not_before(state.merged_at, at, "it was merged")
    earlier = tuple(sorted(state.absorbed))
    return [MergerUndone(occurred_at=at, actor=by, into=state.merged_into, earlier=earlier, reason=reason)]


def link_back(
    state: Merchant, *, at: datetime, by: Actor, other: str, relation: Relation, basis: str
) -> list[RegistrationEvent]:
    """Record on the other side that ``other`` is linked to this merchant."""
    if state.status is Status.NONE:
        return []
    return [LinkedBack(occurred_at=at, actor=by, other=other, relation=relation, basis=basis)]


def unlink_back(state: Merchant, *, at: datetime, by: Actor, other: str, reason: str) -> list[RegistrationEvent]:
    """Record on the other side that ``other`` is no longer linked to this merchant."""
    if state.status is Status.NONE:
        return []
    return [UnlinkedBack(occurred_at=at, actor=by, other=other, reason=reason)]


def as_own(state: Merchant, own_id: str, traced: Iterable[Traced]) -> list[Traced]:
    """Return the requests with those that were sent to a merchant merged into this one as its own."""
    return [replace(one, merchant_id=own_id) if one.merchant_id in state.absorbed else one for one in traced]
