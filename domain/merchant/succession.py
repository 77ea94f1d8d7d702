"""What mergers and verified frauds bring to a merchant: recorded by process managers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from domain.errors import RuleViolation
from domain.merchant import standing
from domain.merchant.registration import Absorbed, RegistrationEvent, Separated
from domain.merchant.standing import Listed, ListingExtended, ListingRemoved, StandingEvent
from domain.merchant.state import Listing, ListName, Merchant, Status
from domain.rulebook.book import Rulebook, TermName
from domain.rulebook.terms import RunningTerm, begin
from domain.values import Actor


def absorb(
    state: Merchant,
    *,
    at: datetime,
    by: Actor,
    book: Rulebook,
    merchant_id: str,
    earlier: tuple[str, ...] = (),
    listings: Iterable[Listing] = (),
    through: tuple[str, ...] = (),
) -> list[RegistrationEvent | StandingEvent]:
    """Record that this merchant goes on in place of ``merchant_id``, and on the lists that it was on."""
    if state.status is Status.NONE:
        return []
    carried = standing.fall_due(state, at=at, book=book)
    for event in carried:
        state = standing.evolve(state, event)
    numbers = list[int]()
    new = len(state.listings)
    for one in listings:
        origin = one.carried_from or merchant_id
        number = state.listed(one.name, one.authority)
        if number is not None:
            carried += _extended(state.listings[number - 1], one, number, origin, at, by)
        else:
            number = new = new + 1
            carried.append(_carried(one, number, origin, at, by))
        numbers.append(number)
    absorbed = Absorbed(
        occurred_at=at, actor=by, merchant_id=merchant_id, earlier=earlier, listings=tuple(numbers), through=through
    )
    return [*carried, absorbed]


def _carried(one: Listing, number: int, origin: str, at: datetime, by: Actor) -> StandingEvent:
    return Listed(
        occurred_at=at,
        actor=by,
        number=number,
        list=one.name,
        authority=one.authority,
        title=one.title,
        basis=one.basis,
        conditions=one.conditions,
        complaints=one.complaints,
        ends=one.ends,
        repair=one.repair,
        carried_from=origin,
    )


def _extended(own: Listing, one: Listing, number: int, origin: str, at: datetime, by: Actor) -> list[StandingEvent]:
    complaints = tuple(complaint for complaint in one.complaints if complaint not in own.complaints)
    ends = one.ends if _longer(one.ends, own.ends) and own.ends is not None else None
    repair = one.repair if _longer(one.repair, own.repair) else None
    if not complaints and ends is None and repair is None:
        return []
    return [
        ListingExtended(
            occurred_at=at,
            actor=by,
            number=number,
            complaints=complaints,
            ends=ends,
            repair=repair,
            carried_from=origin,
        )
    ]


def _longer(one: RunningTerm | None, own: RunningTerm | None) -> bool:
    return one is not None and (own is None or own.due < one.due)


def separate(
    state: Merchant,
    *,
    at: datetime,
    by: Actor,
    merchant_id: str,
    earlier: tuple[str, ...] = (),
    reason: str,
    through: tuple[str, ...] = (),
) -> list[RegistrationEvent | StandingEvent]:
    """Record that ``merchant_id`` goes on by itself again, and take back the listings that were carried from it."""
    if state.status is Status.NONE:
        return []
    removed = [
        ListingRemoved(occurred_at=at, actor=by, number=number, reason=reason)
        for number, one in enumerate(state.listings, 1)
        if one.active and one.carried_from in {merchant_id, *earlier}
    ]
    separated = Separated(
        occurred_at=at, actor=by, merchant_id=merchant_id, earlier=earlier, reason=reason, through=through
    )
    return [*removed, separated]


def blacklist(
    state: Merchant,
    *,
    at: datetime,
    by: Actor,
    book: Rulebook,
    platform_id: str,
    complaint_id: str,
    basis: str,
) -> list[StandingEvent]:
    """Put the merchant on the blacklist of a platform for a verified fraud; once for each complaint.

    Who was merged is put on it too, from where it goes on with who goes on.
    """
    if state.status is Status.NONE or (complaint_id, platform_id) in state.frauds:
        return []
    number = state.listed(ListName.BLACKLIST, platform_id)
    if number is not None:
        return [
            ListingExtended(occurred_at=at, actor=by, number=number, complaints=(complaint_id,), fraud=complaint_id)
        ]
    try:
        repair = begin(TermName.REPAIR, at, book)
    except RuleViolation:  # No rules were in force then.
        repair = None
    return [
        Listed(
            occurred_at=at,
            actor=by,
            number=len(state.listings) + 1,
            list=ListName.BLACKLIST,
            authority=platform_id,
            title="Verified fraud",
            basis=basis,
            conditions="pay every consumer concerned what is owed, and undertake not to do it again",
            complaints=(complaint_id,),
            repair=repair,
            fraud=complaint_id,
        )
    ]
