"""What complaints do to a merchant's standing: the lists of authorities and platforms, and repair."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, assert_never

from pydantic import Field

from domain.action import Refusal, action
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.merchant.registration import as_own
from domain.merchant.state import Listing, ListName, Merchant, Status, not_before
from domain.rulebook.book import Rulebook, TermName
from domain.rulebook.terms import RunningTerm, begin
from domain.tracing import Traced, check_traced
from domain.values import CLOCK, Actor, ComplaintId, LongText, MerchantId, Role, ShortText, StreamId

DURING = (Status.REGISTERED,)
#: A merchant that was merged stays on its lists, should the merger be undone.
TO_REMOVE = (Status.REGISTERED, Status.MERGED)
Number = Annotated[int, Field(ge=1)]
AUTHORITIES = (Role.REGULATOR, Role.PLATFORM)
#: The streams of those who keep lists, and who acts for them.
KEEPERS = {"office": Role.REGULATOR, "platform": Role.PLATFORM}
#: The law of lists: who is put on one, and how he gets off it.
LISTS = "Measures on the List of Seriously Illegal and Untrustworthy Entities (Order 44, 2021)"


class Listed(Event):
    """An authority put the merchant on a list, because of these complaints.

    ``conditions``: what has to be done to get off it; ``ends``: when that comes by itself; ``repair``: the term after
    which it may be asked for; ``fraud``: the complaint whose verified fraud led to it by itself; ``carried_from``: the
    merchant that had been listed, and was merged into this one.
    """

    name = "merchant.listed"

    number: Number
    list: ListName
    authority: StreamId
    title: ShortText
    basis: LongText
    conditions: ShortText
    complaints: Annotated[tuple[ComplaintId, ...], Field(min_length=1)]
    ends: RunningTerm | None = None
    repair: RunningTerm | None = None
    fraud: ComplaintId | None = None
    carried_from: MerchantId | None = None


class ListingExtended(Event):
    """There is more behind a listing: these complaints, and later terms where they are given.

    It was for the same list of the same authority that ``fraud``, a complaint whose fraud was verified, would have
    listed the merchant, or that ``carried_from``, which was merged into it, was on.
    """

    name = "merchant.listing_extended"

    number: Number
    complaints: tuple[ComplaintId, ...] = ()
    ends: RunningTerm | None = None
    repair: RunningTerm | None = None
    fraud: ComplaintId | None = None
    carried_from: MerchantId | None = None


class ListingRemoved(Event):
    """Who had listed the merchant took it off the list."""

    name = "merchant.listing_removed"

    number: Number
    reason: ShortText


class RepairAppliedFor(Event):
    """The merchant asks to be taken off a list, and undertakes what is asked for."""

    name = "merchant.repair_applied_for"

    number: Number
    undertaking: LongText


class RepairDecided(Event):
    """Who had listed the merchant decided on its repair; where it is ``granted``, the merchant is off the list."""

    name = "merchant.repair_decided"

    number: Number
    granted: bool
    reasons: LongText


class ListingEnded(Event):
    """The term of a listing passed."""

    name = "merchant.listing_ended"

    number: Number


StandingEvent = Listed | ListingExtended | ListingRemoved | RepairAppliedFor | RepairDecided | ListingEnded


def evolve(state: Merchant, event: StandingEvent) -> Merchant:
    at = event.occurred_at
    match event:
        case Listed():
            one = Listing(
                name=event.list,
                authority=event.authority,
                title=event.title,
                basis=event.basis,
                conditions=event.conditions,
                complaints=event.complaints,
                ends=event.ends,
                repair=event.repair,
                carried_from=event.carried_from or "",
                latest=at,
            )
            return _fraud(replace(state, listings=(*state.listings, one)), event.fraud, event.authority)
        case ListingExtended():
            one = state.listings[event.number - 1]
            state = _changed(
                state,
                event.number,
                latest=max(one.latest, at),
                complaints=tuple(dict.fromkeys((*one.complaints, *event.complaints))),
                ends=event.ends or one.ends,
                repair=event.repair or one.repair,
            )
            return _fraud(state, event.fraud, one.authority)
        case ListingRemoved() | ListingEnded():
            return _changed(state, event.number, latest=at, active=False, applied=False)
        case RepairAppliedFor():
            return _changed(state, event.number, latest=at, applied=True)
        case RepairDecided():
            return _changed(state, event.number, latest=at, active=not event.granted, applied=False)
        case _:
            assert_never(event)


def _changed(state: Merchant, number: int, **changes: Any) -> Merchant:
    listings = list(state.listings)
    listings[number - 1] = replace(listings[number - 1], **changes)
    return replace(state, listings=tuple(listings))


def _fraud(state: Merchant, complaint_id: str | None, platform_id: str) -> Merchant:
    if complaint_id is None:
        return state
    return replace(state, frauds=state.frauds | {(complaint_id, platform_id)})


def fall_due(state: Merchant, *, at: datetime, book: Rulebook) -> list[StandingEvent]:
    """Return the listings that had ended by ``at``, in the order of their ends."""
    over = sorted((ends, number) for ends, number in _ends(state) if ends < at)
    return [ListingEnded(occurred_at=ends, actor=CLOCK, number=number) for ends, number in over]


def next_due(state: Merchant) -> datetime | None:
    """Return when the next listing ends."""
    return min((ends for ends, _ in _ends(state)), default=None)


def _ends(state: Merchant) -> list[tuple[datetime, int]]:
    return [
        (one.ends.due, number) for number, one in enumerate(state.listings, 1) if one.active and one.ends is not None
    ]


@action("listed-once", roles=AUTHORITIES, during=DURING, source=LISTS)
def list_merchant(
    state: Merchant,
    *,
    at: datetime,
    by: Actor,
    book: Rulebook,
    own_id: MerchantId,
    list: ListName,
    authority: StreamId,
    title: ShortText,
    basis: LongText,
    conditions: ShortText,
    complaints: tuple[ComplaintId, ...],
    traced: tuple[Traced, ...],
) -> list[StandingEvent]:
    """Put the merchant on a list of an authority, with the basis, and with what has to be done to get off it.

    A platform keeps a blacklist only. Every listing but a blacklist ends by itself.
    """
    keeper = KEEPERS.get(authority.partition("-")[0])
    if keeper is None:
        raise InvalidInput(f"{authority} keeps no lists", hint="name the office or the platform that does")
    if by.role not in (keeper, Role.SERVICE):
        raise RuleViolation("list-of-the-authority", f"a {by.role} keeps no list of {authority}", hint="name your own")
    if keeper is Role.PLATFORM and list is not ListName.BLACKLIST:
        raise RuleViolation(
            "list-of-the-authority", f"a platform keeps no list {list}", hint="a platform keeps a blacklist"
        )
    check_traced(as_own(state, own_id, traced), own_id)
    if state.listed(list, authority) is not None:
        raise RuleViolation("listed-once", f"it is on the list {list} of {authority}", hint="see its conditions")
    return [
        Listed(
            occurred_at=at,
            actor=by,
            number=len(state.listings) + 1,
            list=list,
            authority=authority,
            title=title,
            basis=basis,
            conditions=conditions,
            complaints=complaints,
            ends=None if list is ListName.BLACKLIST else begin(TermName.LISTING, at, book),
            repair=begin(TermName.REPAIR, at, book),
        )
    ]


def _listed(keeps: bool, applied: bool | None = None) -> Refusal:
    """Refuse where there is no such listing; ``keeps``: one of an authority for which the actor acts."""

    def refuse(state: Merchant, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
        if any(
            one.active and (not keeps or _keeps(by, one)) and applied in (None, one.applied) for one in state.listings
        ):
            return None
        what = {
            None: "it is on no list",
            False: "it is on no list that it has not asked to be off",
            True: "no repair is asked for",
        }
        return RuleViolation(
            "listing-that-stands", what[applied] + (" of yours" if keeps else ""), hint="see its listings"
        )

    return refuse


def _keeps(by: Actor, listing: Listing) -> bool:
    return by.role in (KEEPERS[listing.authority.partition("-")[0]], Role.SERVICE)


def _standing(state: Merchant, number: int, at: datetime, by: Actor | None = None) -> Listing:
    """Return a listing that stands; raises RuleViolation for one that does not, or is not for ``by`` to change."""
    if not 1 <= number <= len(state.listings):
        raise InvalidInput(f"there is no listing {number}", hint=f"there are {len(state.listings)}")
    one = state.listings[number - 1]
    if not one.active:
        raise RuleViolation("listing-that-stands", f"listing {number} is over", hint="name one that stands")
    if by is not None and not _keeps(by, one):
        raise RuleViolation(
            "list-of-the-authority", f"listing {number} is of {one.authority}", hint="who listed it decides on it"
        )
    not_before(one.latest, at, f"what happened last to listing {number}")
    return one


@action("listing-that-stands", roles=AUTHORITIES, during=TO_REMOVE, unless=_listed(keeps=True))
def remove_listing(
    state: Merchant, *, at: datetime, by: Actor, number: Number, reason: ShortText
) -> list[StandingEvent]:
    """Take the merchant off a list, as who put it there."""
    _standing(state, number, at, by)
    return [ListingRemoved(occurred_at=at, actor=by, number=number, reason=reason)]


def _no_repair_yet(state: Merchant, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    refused = _listed(keeps=False, applied=False)(state, at, by, book)
    if refused is not None or any(one.active and not one.applied and _repairable(one, at) for one in state.listings):
        return refused
    waiting = (one.repair for one in state.listings if one.active and not one.applied)
    return _too_early(min(repair.due for repair in waiting if repair is not None))


def _repairable(listing: Listing, at: datetime) -> bool:
    return listing.repair is None or listing.repair.due < at


def _too_early(repair_from: datetime) -> RuleViolation:
    return RuleViolation(
        "repair-after-its-term",
        f"repair cannot be asked for until the end of {repair_from:%Y-%m-%d}",
        hint="ask then",
        source=LISTS,
    )


@action("listing-that-stands", roles=(Role.MERCHANT,), during=DURING, source=LISTS, unless=_no_repair_yet)
def apply_for_repair(
    state: Merchant, *, at: datetime, by: Actor, number: Number, undertaking: LongText
) -> list[StandingEvent]:
    """Ask to be taken off a list, and undertake what its conditions ask for; not before its term has passed."""
    one = _standing(state, number, at)
    if one.applied:
        raise RuleViolation("listing-that-stands", f"the repair of listing {number} is asked for already", hint="wait")
    if one.repair is not None and not _repairable(one, at):
        raise _too_early(one.repair.due)
    return [RepairAppliedFor(occurred_at=at, actor=by, number=number, undertaking=undertaking)]


@action("repair-asked-for", roles=AUTHORITIES, during=DURING, unless=_listed(keeps=True, applied=True))
def decide_repair(
    state: Merchant, *, at: datetime, by: Actor, number: Number, granted: bool, reasons: LongText
) -> list[StandingEvent]:
    """Decide on a repair, with reasons, as who listed the merchant; granted, it takes the merchant off the list."""
    if not _standing(state, number, at, by).applied:
        raise RuleViolation(
            "repair-asked-for", f"no repair of listing {number} is asked for", hint="remove the listing"
        )
    return [RepairDecided(occurred_at=at, actor=by, number=number, granted=granted, reasons=reasons)]
