"""Arguments for any action on any stream, made by chance of what there is in the world: sensible ones mostly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from inspect import Parameter
from itertools import pairwise
from typing import Any

from domain.action import Action
from domain.calendar import day_of
from domain.complaint.mediation import MediatorKind
from domain.measure.remedies import DecisionOutcome
from domain.measure.state import AUTHORITY_LADDER, PLATFORM_LADDER, WITH_AMOUNT, WITH_END, MeasureKind, RuleReference
from domain.merchant.registration import Relation
from domain.merchant.state import ListName
from domain.platform.state import NoticeStatus, rule_in_force
from domain.platform.supervision import ReportedViolation
from domain.room.state import ContentKind, Subject
from domain.rulebook.book import Part
from domain.streams import COMPLAINT, kind_of
from domain.subject.state import Purpose
from domain.values import Code, Money
from tests.domain import arguments as of_complaints
from tests.domain import world_complaints
from tests.domain.arguments import IDS
from tests.domain.world import Scene, parameters

WORDS = ("a", "b", "c")
VIOLATIONS = ("forged-reviews", "unfair-fee", "price-fraud")


def make(action: Action, scene: Scene) -> dict[str, Any]:
    """Make arguments for an action; those with a default are left out half of the time."""
    made = _of_a_complaint(action, scene) if kind_of(scene.stream) is COMPLAINT else {}
    for name, parameter in parameters(action).items():
        if name in FILLED_IN or parameter.kind is Parameter.VAR_KEYWORD:
            made.pop(name, None)
            continue
        maker = MAKERS.get((action.name, name))
        if kind_of(scene.stream) is COMPLAINT:
            if maker is not None:
                made[name] = maker(scene)
            continue
        maker = maker or MAKERS.get(name) or (lambda scene: scene.one_of(*WORDS))
        if parameter.default is Parameter.empty or scene.chance.random() < 0.5:
            made[name] = maker(scene)
    if (further := FURTHER.get(action.name)) is not None:
        made |= further(scene)
    return {name: value for name, value in made.items() if value is not None or name in ("side", "amount")}


#: What the program knows, and nobody sends.
FILLED_IN = {"state", "at", "by", "book", "own_id", "traced", "grieved", "merchant", "platform", "target_state",
             "subject", "candidates"}  # fmt: skip


def _of_a_complaint(action: Action, scene: Scene) -> dict[str, Any]:
    return of_complaints.arguments(
        action, of_complaints.Occasion(scene.state, scene.at, scene.by, scene.world.book, scene.chance)
    )


def about(scene: Scene, merchant: str | None, most: int = 2) -> tuple[str, ...]:
    """Complaints that were sent to a merchant, or any."""
    found = [
        one
        for one in scene.world.of("complaint")
        if merchant is None or scene.odd() or scene.world.state(one).merchant_id == merchant
    ]
    return tuple(scene.chance.sample(found, min(len(found), scene.chance.randint(1, most))))


def of_own(scene: Scene) -> tuple[str, ...]:
    """Complaints about the stream, which is a merchant's."""
    return about(scene, scene.stream)


def _imposed(scene: Scene) -> dict[str, Any]:
    """A measure of either ladder, which answers a notice if one waits."""
    world, by_platform = scene.world, scene.chance.random() < 0.6
    ladder = PLATFORM_LADDER if by_platform != scene.odd() else AUTHORITY_LADDER
    kind = scene.one_of(*ladder)
    imposer = scene.any_of("platform") if by_platform else scene.any_of("office")
    target = scene.any_of("merchant") if by_platform or scene.chance.random() < 0.8 else scene.any_of("platform")
    made: dict[str, Any] = {
        "imposed_by": imposer,
        "kind": kind,
        "amount": scene.yuan() if (kind in WITH_AMOUNT) != scene.odd() else None,
        "until": scene.later() if (kind in WITH_END) != scene.odd() else None,
        "reason": " " if scene.odd() else "r",
        "basis": " " if scene.odd() else "b",
        "violation": "unheard-of" if scene.odd() else scene.one_of(*VIOLATIONS),
        "case_number": None,
        "rule": None,
        "notice": None,
        "platform_id": None,
    }
    if by_platform:
        platform = world.state(imposer)
        made |= {"platform_id": imposer, "rule": _rule(scene, platform)}
        waiting = [n for n, one in enumerate(platform.notices, 1) if one.status is not NoticeStatus.ANSWERED]
        if waiting and not scene.odd():
            made["notice"] = scene.one_of(*waiting)
            target = platform.notices[made["notice"] - 1].merchant_id
    else:
        made["case_number"] = None if scene.odd() else str(scene.chance.randint(1, 10**6))
    merchant = target if target.startswith("merchant-") else None
    upheld = [
        one for one in world.of("grievance") if world.state(one).upheld and world.state(one).platform_id == target
    ]
    return {
        **made,
        "target": target,
        "grievances": tuple(upheld[:1]),
        "complaints": () if upheld and scene.chance.random() < 0.5 else about(scene, merchant),
    }


def _rule(scene: Scene, platform: Any) -> RuleReference | None:
    """A version in force, or in one of ten cases any."""
    known = [(rule, n) for rule, versions in platform.rules.items() for n in range(1, len(versions) + 1)]
    in_force = [one for one in known if rule_in_force(platform, *one, scene.at)]
    choices = known if scene.chance.random() < 0.1 or not in_force else in_force
    if not choices:
        return None
    rule, version = scene.one_of(*choices)
    return RuleReference(rule_id=rule, version=version)


def _decided(scene: Scene) -> dict[str, Any]:
    """Something milder, where it is varied."""
    outcome = scene.one_of(*DecisionOutcome)
    made: dict[str, Any] = {"outcome": outcome, "kind": None, "amount": None, "until": None, "damages": None}
    if outcome is DecisionOutcome.VARIED:
        kind = scene.one_of(MeasureKind.WARNING if scene.state.by_platform else MeasureKind.PENALTY_WARNING)
        made["kind"] = kind
    if scene.state.claimed is not None and outcome is DecisionOutcome.REVOKED:
        made["damages"] = scene.one_of(None, scene.state.claimed)
    return made


def _effective(scene: Scene) -> datetime:
    """After the term of announcement, and after whatever was announced before."""
    known = [scene.at + timedelta(days=8)]
    for versions in scene.state.rules.values():
        known += [at + timedelta(days=1) for one in versions for at in (one.effective_from, one.until) if at]
    return scene.at if scene.odd() else max(known)


def _quarter(scene: Scene) -> tuple[date, date]:
    """A quarter that is over."""
    starts = [date(year, month, 1) for year in range(2025, 2031) for month in (1, 4, 7, 10)]
    over = [(one, after - timedelta(days=1)) for one, after in pairwise(starts) if after <= day_of(scene.at)]
    first, last = scene.one_of(*over[-4:])
    return first, last


def _evaluated(scene: Scene) -> dict[str, Any]:
    first, last = _quarter(scene)
    known = [one.evaluated for one in scene.state.evaluations.values()]
    evaluated = scene.one_of(*(known or [scene.any_of("merchant", "platform")]))
    return {"first": first, "last": last, "evaluated": evaluated}


def _month(scene: Scene) -> dict[str, Any]:
    first = day_of(scene.at).replace(day=1)
    last = first - timedelta(days=1)
    return {"first": last.replace(day=1), "last": last}


def _violations(scene: Scene) -> tuple[ReportedViolation, ...]:
    merchants = [scene.any_of("merchant") for _ in range(scene.chance.randint(0, 2))]
    return tuple(
        ReportedViolation(merchant_id=one, violation=scene.one_of(*VIOLATIONS), complaints=complaints)
        for one in merchants
        if (complaints := about(scene, one))
    )


def _reported(scene: Scene) -> dict[str, Any]:
    violations = _violations(scene)
    named = tuple(dict.fromkeys(complaint for one in violations for complaint in one.complaints))
    return {**_month(scene), "violations": violations, "complaints": named}


def _notified(scene: Scene) -> dict[str, Any]:
    merchant = scene.any_of("merchant")
    return {"merchant_id": merchant, "complaints": about(scene, merchant)}


def _policy(scene: Scene) -> dict[str, Any]:
    policy = scene.one_of(*sorted(scene.world.book.policies))
    return {"policy_id": policy, "edition": scene.world.book.edition(Part.POLICIES, policy) + scene.odd()}


def _recovered(scene: Scene) -> dict[str, Any]:
    outstanding = scene.state.outstanding
    advance = scene.one_of(*(sorted(outstanding) or [1]))
    left = outstanding.get(advance, 1)
    return {"advance": advance, "amount": Money(fen=left + 1 if scene.odd() else scene.chance.randint(1, left))}


def _listed(scene: Scene) -> dict[str, Any]:
    authority = scene.any_of("office", "platform")
    by_platform = authority.startswith("platform-") and not scene.odd()
    return {"authority": authority, "list": ListName.BLACKLIST if by_platform else scene.one_of(*ListName)}


def _listing(applied: bool | None) -> Callable[[Scene], int]:
    def choose(scene: Scene) -> int:
        known = [n for n, one in enumerate(scene.state.listings, 1) if one.active and applied in (None, one.applied)]
        return int(scene.one_of(*(known or [1])))

    return choose


def _number(scene: Scene) -> int:
    most = max(len(getattr(scene.state, name, ())) for name in ("notices", "corrections", "sessions"))
    return scene.chance.randint(1, max(most, 1))


def _of(known: Callable[[Any], Sequence[Any]], otherwise: Any) -> Callable[[Scene], Any]:
    """One of what the state knows."""
    return lambda scene: scene.one_of(*(list(known(scene.state)) or [otherwise]))


FURTHER: dict[str, Callable[[Scene], dict[str, Any]]] = {
    **world_complaints.FURTHER,
    "impose": _imposed,
    "decide_appeal": _decided,
    "record_evaluation": _evaluated,
    "report_supervision": _reported,
    "record_privacy_audit": _month,
    "report_volume": _month,
    "give_notice": _notified,
    "adopt_policy": _policy,
    "recover": _recovered,
    "list_merchant": _listed,
}

MAKERS: dict[str | tuple[str, str], Callable[[Scene], Any]] = {
    **world_complaints.MAKERS,
    "active_users": lambda scene: scene.chance.randint(0, 99),
    "advance": _of(lambda state: sorted(state.outstanding), 1),
    "agent_id": lambda scene: scene.one_of(*IDS),
    "amount": Scene.yuan,
    ("award_damages", "amount"): lambda scene: scene.state.claimed or scene.yuan(),
    ("pay", "amount"): lambda scene: Money(fen=scene.chance.randint(1, max(scene.state.left_fen, 1))),
    ("pay_in", "amount"): lambda scene: scene.yuan(10**6),
    "capacity": lambda scene: 20,
    "cases": lambda scene: scene.chance.randint(1, 99),
    "circle": _of(lambda state: sorted(state.circles), "quality"),
    "claim": Scene.yuan,
    "classes": lambda scene: (),
    "complaints": lambda scene: about(scene, None),
    ("list_merchant", "complaints"): of_own,
    ("take_corrective_action", "complaints"): of_own,
    "conforms": lambda scene: True,
    "consumer_id": lambda scene: scene.stream.partition("-")[2],
    "content_id": lambda scene: scene.one_of("host", "image"),
    "currency": lambda scene: "USD" if scene.odd() else "CNY",
    "damages": Scene.yuan,
    "digest": lambda scene: scene.one_of("aa" * 32, "bb" * 32),
    "effective_at": Scene.later,
    ("take_corrective_action", "effective_at"): lambda scene: scene.at,
    "effective_from": _effective,
    "evaluation": _of(lambda state: list(state.evaluations), 1),
    "external": lambda scene: (),
    "finding": _of(lambda state: list(state.open_findings), 1),
    "findings": lambda scene: ("f",),
    "granted": lambda scene: scene.one_of(True, False),
    "identifier": lambda scene: None,
    "industry": lambda scene: Code(
        scheme="GB/T 4754", value=scene.one_of("52", "62", "F", "00" if scene.odd() else "I")
    ),
    "kind": lambda scene: scene.one_of(*ContentKind),
    ("enrol_mediator", "kind"): lambda scene: scene.one_of(*MediatorKind),
    "mediator_id": lambda scene: scene.one_of(*IDS),
    "merchant_id": lambda scene: scene.any_of("merchant"),
    "number": _number,
    ("apply_for_repair", "number"): _listing(False),
    ("decide_repair", "number"): _listing(True),
    ("remove_listing", "number"): _listing(None),
    "office_id": lambda scene: scene.any_of("office"),
    "other": lambda scene: scene.any_of("merchant"),
    ("unlink_merchant", "other"): _of(lambda state: sorted(state.linked), f"merchant-{IDS[7]}"),
    "outcome": lambda scene: scene.one_of(*DecisionOutcome),
    "platform_id": lambda scene: scene.any_of("platform"),
    "policy_id": _of(lambda state: [one.policy.id for one in state.adoptions if one.over is None], "unheard-of"),
    "precision": lambda scene: "instant",
    "purpose": lambda scene: scene.one_of(*Purpose),
    "relation": lambda scene: scene.one_of(*Relation),
    "report": lambda scene: "ab" * 32,
    "resolution_hours_median": lambda scene: scene.chance.randint(0, 99),
    "rule_id": lambda scene: scene.one_of("rule-a", "rule-b"),
    "satisfaction_permille": lambda scene: scene.chance.randint(0, 1000),
    "session": lambda scene: scene.chance.randint(1, max(len(getattr(scene.state, "sessions", ())), 1)),
    "stage": lambda scene: "packing" if scene.odd() else "delivery",
    "success_permille": lambda scene: scene.chance.randint(0, 1000),
    "text": lambda scene: "cd" * 32,
    "took_effect_at": lambda scene: scene.at - timedelta(days=scene.chance.randint(0, 9)),
    "transactions": lambda scene: scene.chance.randint(0, 99),
    "upheld": lambda scene: True,
    "violation": lambda scene: "unheard-of" if scene.odd() else scene.one_of(*VIOLATIONS),
    "warnings": _of(lambda state: [(one,) for one in state.warnings], (1,)),
    "which": lambda scene: scene.one_of(*Subject),
    "year": lambda scene: day_of(scene.at).year,
}
