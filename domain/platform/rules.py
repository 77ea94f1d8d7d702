"""The rules of a platform: versions announced before they take effect, and changes of membership likewise."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from domain.action import action
from domain.calendar import day_of
from domain.errors import RuleViolation
from domain.event import Event
from domain.merchant.state import not_before
from domain.platform.state import Platform, RuleVersion, Status
from domain.rulebook.book import Rulebook, TermName
from domain.rulebook.codes import CodeValue, Slug
from domain.rulebook.terms import RunningTerm, begin
from domain.tracing import Traced, check_traced
from domain.values import Actor, ComplaintId, Instant, Role, Sha256, ShortText, format_instant
from domain.violations import check_violation

DURING = (Status.ADMITTED,)
ANNOUNCED = "E-Commerce Law, art. 34"
#: The violation of who changes a membership without having announced it.
HIDDEN_CHANGE = "hidden-membership-change"


class RuleAnnounced(Event):
    """A version of a rule is public; it is in force from ``effective_from`` until the next one is, or it is withdrawn.

    ``announcement`` is the term that has to pass before.
    """

    name = "platform.rule_announced"

    rule_id: Slug
    rule_version: int
    title: ShortText
    text: Sha256
    effective_from: Instant
    announcement: RunningTerm | None = None


class RuleWithdrawn(Event):
    """From ``effective_at`` on no version of the rule is in force; those still to come never will be."""

    name = "platform.rule_withdrawn"

    rule_id: Slug
    effective_at: Instant
    announcement: RunningTerm | None = None


class MembershipChangeAnnounced(Event):
    """A programme of membership changes from ``effective_from`` on."""

    name = "platform.membership_change_announced"

    programme: ShortText
    change: ShortText
    effective_from: Instant
    announcement: RunningTerm | None = None


class HiddenChangeReported(Event):
    """A programme of membership was found changed, without an announcement."""

    name = "platform.hidden_change_reported"

    programme: ShortText
    change: ShortText
    took_effect_at: Instant
    violation: CodeValue
    complaints: tuple[ComplaintId, ...]


RuleEvent = RuleAnnounced | RuleWithdrawn | MembershipChangeAnnounced | HiddenChangeReported


def evolve(state: Platform, event: RuleEvent) -> Platform:
    match event:
        case RuleAnnounced():
            own = _ended(state.rules.get(event.rule_id, ()), event.effective_from)
            versions = (*own, RuleVersion(event.effective_from))
            return replace(
                state,
                rules={**state.rules, event.rule_id: versions},
                withdrawn=state.withdrawn - {event.rule_id},
                changed={**state.changed, event.rule_id: event.occurred_at},
            )
        case RuleWithdrawn():
            own = _ended(state.rules[event.rule_id], event.effective_at)
            return replace(
                state,
                rules={**state.rules, event.rule_id: own},
                withdrawn=state.withdrawn | {event.rule_id},
                changed={**state.changed, event.rule_id: event.occurred_at},
            )
        case MembershipChangeAnnounced():
            return replace(state, announced=state.announced | {(event.programme, day_of(event.effective_from))})
        case HiddenChangeReported():
            return state
        case _:
            assert_never(event)


def _ended(versions: tuple[RuleVersion, ...], at: datetime) -> tuple[RuleVersion, ...]:
    """Return the versions, none of which is in force at ``at`` or later; what was before stays."""
    return tuple(replace(one, until=at) if one.until is None or one.until > at else one for one in versions)


def _in_order(state: Platform, rule_id: str, at: datetime) -> None:
    if rule_id in state.changed:
        not_before(state.changed[rule_id], at, f"the last change of {rule_id}")


def _before_effect(effective_from: datetime, at: datetime, book: Rulebook) -> RunningTerm | None:
    """Return the term of announcement that begins at ``at``; raises RuleViolation unless it ends before the effect."""
    term = begin(TermName.ANNOUNCEMENT, at, book)
    if effective_from < at or (term is not None and effective_from <= term.due):
        last = at if term is None else term.due
        raise RuleViolation(
            "announce-before-effect",
            f"what is announced at {format_instant(at)} cannot take effect at {format_instant(effective_from)}",
            hint=f"let it take effect after {format_instant(last)}",
            source=ANNOUNCED if term is None else term.source,
        )
    return term


@action("announce-before-effect", roles=(Role.PLATFORM,), during=DURING, source=ANNOUNCED)
def announce_rule(
    state: Platform,
    *,
    at: datetime,
    by: Actor,
    book: Rulebook,
    rule_id: Slug,
    title: ShortText,
    text: Sha256,
    effective_from: Instant,
) -> list[RuleEvent]:
    """Announce a version of a rule, by the digest of its text, some days before it takes effect.

    It replaces the version before it from then on, and does not change what was in force earlier.
    """
    _in_order(state, rule_id, at)
    term = _before_effect(effective_from, at, book)
    versions = state.rules.get(rule_id, ())
    if versions:
        last = versions[-1]
        ended = max(one.until for one in versions if one.until is not None) if rule_id in state.withdrawn else None
        if effective_from <= last.effective_from if ended is None else effective_from < ended:
            raise RuleViolation(
                "versions-in-order",
                f"{rule_id} has a version that is in force until later",
                hint=f"let this one take effect after {format_instant(ended or last.effective_from)}",
            )
    return [
        RuleAnnounced(
            occurred_at=at,
            actor=by,
            rule_id=rule_id,
            rule_version=len(versions) + 1,
            title=title,
            text=text,
            effective_from=effective_from,
            announcement=term,
        )
    ]


def _nothing_stands(state: Platform, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    return None if state.rules.keys() - state.withdrawn else _unknown("no rule")


def _unknown(what: str) -> RuleViolation:
    return RuleViolation("withdraw-what-stands", f"{what} of this platform stands", hint="name one that was announced")


@action("withdraw-what-stands", roles=(Role.PLATFORM,), during=DURING, source=ANNOUNCED, unless=_nothing_stands)
def withdraw_rule(
    state: Platform, *, at: datetime, by: Actor, book: Rulebook, rule_id: Slug, effective_at: Instant
) -> list[RuleEvent]:
    """Withdraw a rule from a time on, with its versions still to come, announced as any change of the rules is.

    So what is in force now stays so for a while, whatever else is decided on at the same moment.
    """
    if rule_id not in state.rules or rule_id in state.withdrawn:
        raise _unknown(f"no rule {rule_id}")
    _in_order(state, rule_id, at)
    term = _before_effect(effective_at, at, book)
    return [RuleWithdrawn(occurred_at=at, actor=by, rule_id=rule_id, effective_at=effective_at, announcement=term)]


@action("announce-before-effect", roles=(Role.PLATFORM,), during=DURING, source=ANNOUNCED)
def announce_membership_change(
    state: Platform,
    *,
    at: datetime,
    by: Actor,
    book: Rulebook,
    programme: ShortText,
    change: ShortText,
    effective_from: Instant,
) -> list[RuleEvent]:
    """Announce a change of a membership programme, some days before it takes effect."""
    return [
        MembershipChangeAnnounced(
            occurred_at=at,
            actor=by,
            programme=programme,
            change=change,
            effective_from=effective_from,
            announcement=_before_effect(effective_from, at, book),
        )
    ]


@action("change-was-hidden", roles=(Role.REGULATOR, Role.AUDITOR), during=DURING, source=ANNOUNCED)
def report_hidden_change(
    state: Platform,
    *,
    at: datetime,
    by: Actor,
    book: Rulebook,
    programme: ShortText,
    change: ShortText,
    took_effect_at: Instant,
    complaints: tuple[ComplaintId, ...],
    traced: tuple[Traced, ...],
) -> list[RuleEvent]:
    """Record that a membership programme was changed without an announcement, as complaints show."""
    check_violation(HIDDEN_CHANGE, book)
    check_traced(traced, None)
    if took_effect_at > at:
        raise RuleViolation(
            "change-was-hidden", "it has not taken effect yet", hint="a change can be announced until its term begins"
        )
    if (programme, day_of(took_effect_at)) in state.announced:
        raise RuleViolation(
            "change-was-hidden", "a change of this programme was announced for that day", hint="see the announcement"
        )
    return [
        HiddenChangeReported(
            occurred_at=at,
            actor=by,
            programme=programme,
            change=change,
            took_effect_at=took_effect_at,
            violation=HIDDEN_CHANGE,
            complaints=complaints,
        )
    ]
