"""Policies that a merchant adopts beforehand, which settle a matching complaint by themselves."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, assert_never

from pydantic import Field

from domain.action import action
from domain.calendar import day_of
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.merchant.state import Adoption, Merchant, Status, not_before
from domain.rulebook.book import Part, Rulebook, is_in_force
from domain.rulebook.codes import Slug
from domain.rulebook.policies import PolicyTemplate
from domain.values import Actor, Role, ShortText

ROLES = (Role.MERCHANT, Role.PLATFORM)
DURING = (Status.REGISTERED,)
Edition = Annotated[int, Field(ge=1, le=10**6, strict=True)]


class PolicyAdopted(Event):
    """The merchant adopts an edition of a policy, whose terms hold for complaints filed from now on.

    It takes the place of an earlier edition of the same policy.
    """

    name = "merchant.policy_adopted"

    edition: Edition
    policy: PolicyTemplate


class PolicyDropped(Event):
    """The merchant drops a policy; complaints filed before stay under it."""

    name = "merchant.policy_dropped"

    policy_id: Slug
    reason: ShortText


PolicyEvent = PolicyAdopted | PolicyDropped


def evolve(state: Merchant, event: PolicyEvent) -> Merchant:
    match event:
        case PolicyAdopted():
            one = Adoption(event.policy, event.edition, event.occurred_at)
            return replace(state, adoptions=(*_over(state, event.policy.id, event.occurred_at), one))
        case PolicyDropped():
            return replace(state, adoptions=_over(state, event.policy_id, event.occurred_at))
        case _:
            assert_never(event)


def _over(state: Merchant, policy_id: str, at: datetime) -> tuple[Adoption, ...]:
    return tuple(
        replace(one, over=at) if one.over is None and one.policy.id == policy_id else one for one in state.adoptions
    )


def _last(state: Merchant, policy_id: str) -> Adoption | None:
    return next((one for one in reversed(state.adoptions) if one.policy.id == policy_id), None)


def _nothing_to_adopt(state: Merchant, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    held = {(one.policy.id, one.edition) for one in state.adoptions if one.over is None}
    if any((policy_id, book.edition(Part.POLICIES, policy_id)) not in held for policy_id in book.policies):
        return None
    return RuleViolation("policy-adopted-once", "every policy that is published is adopted", hint="wait for others")


@action("policy-adopted-once", roles=ROLES, during=DURING, unless=_nothing_to_adopt)
def adopt_policy(
    state: Merchant, *, at: datetime, by: Actor, book: Rulebook, policy_id: Slug, edition: Edition
) -> list[PolicyEvent]:
    """Adopt an edition of a published policy. Matching complaints filed from now on are settled by it at once."""
    policy = book.policies.get(policy_id)
    if policy is None:
        published = ", ".join(sorted(book.policies)) or "none"
        raise InvalidInput(f"there is no policy {policy_id!r}", hint=f"published are: {published}")
    newest = book.edition(Part.POLICIES, policy_id)
    if edition != newest:
        raise RuleViolation(
            "policy-as-published",
            f"the policy {policy_id} is published in edition {newest}, not {edition}",
            hint="read what is published, and adopt that",
        )
    if not is_in_force(policy, day_of(at)):
        raise RuleViolation(
            "policy-in-force",
            f"the policy {policy_id} is in force from {policy.in_force_from} to {policy.in_force_to or 'no end'}",
            hint="adopt one that is in force",
        )
    last = _last(state, policy_id)
    if last is not None:
        if last.over is None and last.edition == edition:
            raise RuleViolation(
                "policy-adopted-once", f"edition {edition} of {policy_id} is adopted already", hint="drop it first"
            )
        not_before(last.over or last.since, at, "what was adopted or dropped last")
    return [PolicyAdopted(occurred_at=at, actor=by, edition=edition, policy=policy)]


def _adopted_none(state: Merchant, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if any(one.over is None and one.since <= at for one in state.adoptions):
        return None
    return RuleViolation("policy-dropped-when-adopted", "no policy is adopted", hint="adopt one first")


@action("policy-dropped-when-adopted", roles=ROLES, during=DURING, unless=_adopted_none)
def drop_policy(state: Merchant, *, at: datetime, by: Actor, policy_id: Slug, reason: ShortText) -> list[PolicyEvent]:
    """Drop a policy. Complaints filed before stay under it."""
    last = _last(state, policy_id)
    if last is None or last.over is not None:
        raise RuleViolation("policy-dropped-when-adopted", f"the policy {policy_id} is not adopted")
    not_before(last.since, at, "the policy was adopted")
    return [PolicyDropped(occurred_at=at, actor=by, policy_id=policy_id, reason=reason)]
