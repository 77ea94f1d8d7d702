"""What follows a measure: payment, appeal, review, suit, decision, damages."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from adapters.simulation.market import NO_SHOP, Life, Market, Move
from adapters.simulation.moves.common import DAY, Weight, always
from domain.measure.remedies import DecisionOutcome
from domain.measure.state import WITH_AMOUNT, WITH_END, MeasureKind, RemedyKind, Sanction, Status
from domain.values import Money, Role

#: What is milder than each, where it is of no amount and no end.
MILDER = {
    MeasureKind.ACCOUNT_CLOSURE: MeasureKind.WARNING,
    MeasureKind.LICENCE_REVOKED: MeasureKind.PENALTY_WARNING,
}


def _of_a_shop(weight: float) -> Weight:
    return lambda life: weight if life.shop is not NO_SHOP else 0


def _of_a_platform(weight: float) -> Weight:
    return lambda life: weight if life.shop is NO_SHOP else 0


def _appeal(life: Life, market: Market) -> dict[str, Any]:
    damages = Money(fen=life.chance.randrange(10_000, 900_000)) if life.chance.random() < 0.4 else None
    return {"grounds": "The goods were as described.", "damages": damages}


def _review(life: Life, market: Market) -> dict[str, Any]:
    return {"grounds": "The fine is out of proportion.", "body": "人民政府"}


def _sue(life: Life, market: Market) -> dict[str, Any]:
    return {"court": "杭州互联网法院", "reference": f"浙行初{life.number}", "grounds": "The facts are wrong."}


def _pay(life: Life, market: Market) -> dict[str, Any]:
    left = life.state.left_fen
    part = left if left < 1_000 or life.chance.random() < 0.7 else left // 2
    return {"amount": Money(fen=part), "reference": f"fine-{life.number}-{life.tries}"}


def _milder(life: Life, sanction: Sanction) -> dict[str, Any]:
    if sanction.kind in WITH_AMOUNT and sanction.amount is not None and sanction.amount.fen > 1:
        return {"kind": sanction.kind, "amount": Money(fen=sanction.amount.fen // 2)}
    if sanction.kind in WITH_END and sanction.until is not None:
        return {"kind": sanction.kind, "until": life.at + (sanction.until - life.at) / 2}
    return {"kind": MILDER[sanction.kind]} if sanction.kind in MILDER else {}


def _decide(life: Life, market: Market) -> dict[str, Any]:
    state = life.state
    outcome = life.chance.choices(tuple(DecisionOutcome), weights=(5, 3, 4))[0]
    varied = _milder(life, state.sanction) if outcome is DecisionOutcome.VARIED and not state.over else {}
    if outcome is DecisionOutcome.VARIED and not varied:
        outcome = DecisionOutcome.UPHELD
    claimed = state.claimed if outcome is not DecisionOutcome.UPHELD else None
    damages = None if claimed is None else Money(fen=claimed.fen * life.chance.randrange(3) // 2)
    return {"outcome": outcome, "reasons": "What was shown does not bear more.", "damages": damages, **varied}


def _award(life: Life, market: Market) -> dict[str, Any]:
    return {"amount": Money(fen=life.state.claimed.fen * 3 // 5), "reasons": "Sales that were lost, as shown."}


def _contesting(weight: float) -> tuple[Move, ...]:
    return (
        Move("appeal", Role.MERCHANT, (12, 14 * DAY), _of_a_shop(5 * weight), _appeal),
        Move("seek_review", Role.MERCHANT, (5 * DAY, 55 * DAY), _of_a_shop(2 * weight), _review),
        Move("seek_review", Role.PLATFORM, (5 * DAY, 55 * DAY), _of_a_platform(2 * weight), _review),
        Move("sue", Role.MERCHANT, (5 * DAY, 120 * DAY), _of_a_shop(weight), _sue),
        Move("sue", Role.PLATFORM, (5 * DAY, 120 * DAY), _of_a_platform(weight), _sue),
    )


def _deciding(role: Role, remedy: RemedyKind, soonest: float, latest: float) -> Move:
    return Move(
        "decide_appeal",
        role,
        (soonest * DAY, latest * DAY),
        lambda life: 100 if life.state.contested_by is remedy else 0,
        _decide,
    )


def _paying(weight: float) -> tuple[Move, ...]:
    return (
        Move("pay", Role.MERCHANT, (2 * DAY, 40 * DAY), _of_a_shop(weight), _pay),
        Move("pay", Role.PLATFORM, (2 * DAY, 40 * DAY), _of_a_platform(weight), _pay),
    )


def _claim(life: Life, market: Market) -> dict[str, Any]:
    return {"amount": Money(fen=life.chance.randrange(10_000, 900_000)), "grounds": "The shop was not to be found."}


def _withdrawal(life: Life, market: Market) -> dict[str, Any]:
    return {"reason": "settled otherwise"}


_LIFTED: dict[str, Any] = {"reason": "what was asked for is done"}
MOVES: dict[StrEnum, tuple[Move, ...]] = {
    Status.IN_FORCE: (
        *_contesting(4),
        *_paying(30),
        *(
            Move(
                "lift",
                role,
                (5 * DAY, 40 * DAY),
                lambda life: 6 if life.number % 3 == 0 else 0,
                lambda life, market: _LIFTED,
            )
            for role in (Role.PLATFORM, Role.REGULATOR)
        ),
    ),
    Status.CONTESTED: (
        _deciding(Role.PLATFORM, RemedyKind.APPEAL, 1, 25),
        _deciding(Role.REGULATOR, RemedyKind.APPEAL, 1, 20),
        _deciding(Role.APPEAL_REVIEWER, RemedyKind.REVIEW, 20, 60),
        _deciding(Role.ADJUDICATOR, RemedyKind.SUIT, 30, 120),
        Move("withdraw_remedy", Role.MERCHANT, (DAY, 14 * DAY), _of_a_shop(8), _withdrawal),
        Move("withdraw_remedy", Role.PLATFORM, (DAY, 14 * DAY), _of_a_platform(8), _withdrawal),
        *_paying(20),
    ),
    Status.ENDED: _contesting(0.5),
    Status.REVOKED: (
        Move("claim_damages", Role.MERCHANT, (5 * DAY, 30 * DAY), _of_a_shop(3), _claim),
        Move("claim_damages", Role.PLATFORM, (5 * DAY, 30 * DAY), _of_a_platform(3), _claim),
        *(
            Move("award_damages", role, (5 * DAY, 60 * DAY), always(10), _award)
            for role in (Role.PLATFORM, Role.APPEAL_REVIEWER, Role.ADJUDICATOR)
        ),
    ),
}
