"""What offices do beside the cases, what comes of funds, and what people consent to."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from adapters.simulation.market import Life, Market, Move, identifier
from adapters.simulation.moves.common import DAY, Weight, always, digest, while_filing
from adapters.simulation.moves.parties import ABROAD_TO
from domain.complaint.mediation import MediatorKind
from domain.fund.state import Status as FundStatus
from domain.office.state import Status as OfficeStatus
from domain.subject.state import Purpose
from domain.subject.state import Status as SubjectStatus
from domain.values import Money, Role

#: The one fund that is closed before the end, and never has much.
POOR = 2
USES = (
    (Purpose.CROSS_BORDER_TRANSFER, ABROAD_TO),
    (Purpose.PUBLICATION, "the office's page"),
    (Purpose.SHARING_WITH_MERCHANT, "the merchant"),
)


def _has_mediators(weight: float) -> Weight:
    return lambda life: while_filing(weight)(life) if life.state.mediators else 0


def _mediator(life: Life) -> str:
    return str(life.chance.choice(sorted(life.state.mediators)))


def _enrol(life: Life, market: Market) -> dict[str, Any]:
    return {
        "mediator_id": identifier(life.stream, "mediator", life.tries),
        "kind": life.chance.choice(tuple(MediatorKind)),
        "capacity": 10_000,
    }


def _list(life: Life, market: Market) -> dict[str, Any]:
    year = max(life.state.warnings.values())
    chosen = [number for number, of in life.state.warnings.items() if of == year]
    return {"year": year, "warnings": tuple(chosen[-10:])}


def _unfound(life: Life) -> float:
    return 20 if life.state.findings < len(life.state.evaluations) else 0


def _finding(life: Life, market: Market) -> dict[str, Any]:
    return {"evaluation": life.state.findings + 1, "text": "It takes too long until somebody reads it."}


def _to_act_on(life: Life) -> list[int]:
    return [number for number, one in life.state.open_findings.items() if one.acted is None]


def _again(life: Life) -> Iterator[dict[str, int]]:
    """The findings that a later evaluation shows something about."""
    evaluations = life.state.evaluations
    for number, finding in life.state.open_findings.items():
        old = evaluations[finding.evaluation]
        for later, one in evaluations.items():
            same = one.evaluated == old.evaluated and one.first > old.last
            if same and finding.acted is not None and one.last >= finding.acted:
                yield {"finding": number, "evaluation": later}


OFFICE_MOVES: dict[StrEnum, tuple[Move, ...]] = {
    OfficeStatus.ESTABLISHED: (
        Move("enrol_mediator", Role.REGULATOR, (5 * DAY, 60 * DAY), _has_mediators(2), _enrol),
        Move(
            "declare_conflict",
            Role.MEDIATOR,
            (2 * DAY, 40 * DAY),
            _has_mediators(4),
            lambda life, market: {
                "mediator_id": _mediator(life),
                "party_id": life.chance.choice(market.shopkeepers).merchant_id,
            },
        ),
        Move(
            "release_mediator",
            Role.REGULATOR,
            (5 * DAY, 60 * DAY),
            lambda life: while_filing(2)(life) if len(life.state.mediators) > 4 else 0,
            lambda life, market: {"mediator_id": _mediator(life), "reason": "retires"},
        ),
        Move("publish_yearly_list", Role.REGULATOR, (5 * DAY, 40 * DAY), while_filing(4), _list),
        Move("record_finding", Role.AUDITOR, (DAY, 10 * DAY), _unfound, _finding),
        Move(
            "take_action",
            Role.REGULATOR,
            (DAY, 10 * DAY),
            lambda life: 20 if _to_act_on(life) else 0,
            lambda life, market: {"finding": _to_act_on(life)[0], "text": "Two more people read what comes in."},
        ),
        Move(
            "measure_again",
            Role.AUDITOR,
            (DAY, 10 * DAY),
            lambda life: 30 if next(_again(life), None) else 0,
            lambda life, market: next(_again(life), {}),
        ),
    ),
}


def paid_in(life: Life, market: Market) -> dict[str, Any]:
    """Money that comes in: little to one of the funds."""
    most = 50_000 if life.number == POOR else 200_000_000
    return {
        "contributor": life.chance.choice(market.platforms),
        "amount": Money(fen=life.chance.randrange(most // 10, most)),
        "reference": f"deposit-{life.version}",
    }


def _recovered(life: Life, market: Market) -> dict[str, Any]:
    number, left = min(life.state.outstanding.items())
    part = left if left < 1_000 or life.chance.random() < 0.7 else left // 2
    return {"advance": number, "amount": Money(fen=part), "reference": f"recovery-{life.version}"}


def _to_close(life: Life) -> float:
    return 3 if life.number == POOR and life.tries > 3 else 0


FUND_MOVES: dict[StrEnum, tuple[Move, ...]] = {
    FundStatus.OPEN: (
        Move("pay_in", Role.REGULATOR, (3 * DAY, 30 * DAY), while_filing(5), paid_in),
        Move("recover", Role.REGULATOR, (0.5 * DAY, 12 * DAY), always(60), _recovered),
        Move(
            "write_off",
            Role.REGULATOR,
            (5 * DAY, 30 * DAY),
            always(8),
            lambda life, market: {"advance": min(life.state.outstanding), "reason": "the merchant is bankrupt"},
        ),
        Move(
            "close_fund",
            Role.REGULATOR,
            (10 * DAY, 40 * DAY),
            _to_close,
            lambda life, market: {"reason": "another fund takes its place"},
        ),
    ),
}


def _consent(life: Life, market: Market) -> dict[str, Any]:
    purpose, recipient = USES[len(life.state.consents)]
    return {"purpose": purpose, "recipient": recipient, "text": digest(life)}


def _withdrawal(life: Life, market: Market) -> dict[str, Any]:
    now = [use for use in life.state.consents if life.state.consents_now(*use)]
    purpose, recipient = now[-1]
    return {"purpose": purpose, "recipient": recipient}


def _leaked(life: Life) -> bool:
    """Whether it is one of the few whose data leak, and it has not come out yet."""
    return life.number % 5 == 0 and life.version < 4 and bool(life.market.complaints_of(life.shop.merchant_id))


SUBJECT_MOVES: dict[StrEnum, tuple[Move, ...]] = {
    SubjectStatus.OPEN: (
        Move(
            "give_consent",
            Role.CONSUMER,
            (0.1, 20),
            lambda life: 40 if len(life.state.consents) <= life.number % len(USES) else 0,
            _consent,
        ),
        Move(
            "withdraw_consent",
            Role.CONSUMER,
            (10 * DAY, 60 * DAY),
            lambda life: 3 if life.number % 2 else 0,
            _withdrawal,
        ),
        Move(
            "record_leak",
            Role.REGULATOR,
            (5 * DAY, 60 * DAY),
            lambda life: 4 if _leaked(life) else 0,
            lambda life, market: {
                "source": "the shop's list of customers",
                "what": "telephone numbers",
                "complaints": market.complaints_of(life.shop.merchant_id)[-1:],
            },
        ),
    ),
}
