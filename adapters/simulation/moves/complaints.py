"""What people do next in a request: which moves, by whom, how soon, and how likely."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from adapters.simulation.market import Life, Market, Move, identifier
from adapters.simulation.moves.common import DAY, always, by_manner, one_in, violation
from adapters.simulation.moves.parties import (
    ABROAD,
    ADVANCE,
    ARBITRATION,
    FRAUD,
    NAME_MERCHANT,
    PUBLIC,
    RARE,
    TALK,
    answer,
    answer_suggestion,
    begin_verification,
    decide,
    elsewhere,
    enrolled,
    kind,
    one_click,
    perform,
    receive,
    route,
    suggest,
    terms,
)
from domain.complaint.jurisdiction import Sale
from domain.complaint.negotiation import Regime
from domain.complaint.state import RequestKind, Side, Status
from domain.rulebook.fees import Complexity
from domain.streams import OFFICE
from domain.values import Money, Role


def _mediators(case: Life, market: Market) -> dict[str, Any]:
    """Name one of the mediators of the office that has it."""
    candidates = market.state(case.state.office_id, OFFICE.new).candidates({})
    return {
        "candidates": candidates,
        "mediator_id": case.chance.choice(candidates).mediator_id if candidates else None,
    }


MOVES: dict[StrEnum, tuple[Move, ...]] = {
    Status.FILED: (
        *RARE,
        Move("route", Role.REGULATOR, (0.01, 1), one_click, route(Regime.ONE_CLICK)),
        Move("route", Role.REGULATOR, (0.1, 20), always(25), route(Regime.PROMISE)),
        Move("route", Role.REGULATOR, (0.1, 20), lambda case: 30 if enrolled(case) else 0, route(Regime.ENTERPRISE)),
        Move("receive", Role.REGULATOR, (1, 60), always(25), receive),
        Move("begin_verification", Role.REGULATOR, (1, 90), kind(RequestKind.REPORT, 50), begin_verification),
        Move(
            "answer_consultation",
            Role.REGULATOR,
            (0.5, 100),
            kind(RequestKind.CONSULTATION, 50),
            lambda case, market: {"text": "七日内可以无理由退货。"},
        ),
        Move("acknowledge_suggestion", Role.REGULATOR, (0.5, 100), kind(RequestKind.SUGGESTION, 50)),
        Move(
            "match_account",
            Role.REGULATOR,
            (0.01, 0.1),
            always(3),
            lambda case, market: {"consumer_id": identifier("account", case.number), "basis": "phone_number"},
        ),
    ),
    Status.ROUTED: (
        *RARE,
        *FRAUD,
        *ARBITRATION,
        *TALK,
        Move("answer", Role.MERCHANT, (0.5, 20), by_manner(60, 0, 0, 30), answer),
        Move("answer", Role.MERCHANT, (20, 12 * DAY), by_manner(5, 60, 0, 5), answer),
        Move("upgrade", Role.CONSUMER, (5 * DAY, 20 * DAY), by_manner(2, 5, 40, 10)),
    ),
    Status.ANSWERED: (
        *RARE,
        *FRAUD,
        *ARBITRATION,
        *TALK,
        Move(
            "resolve",
            Role.CONSUMER,
            (1, 5 * DAY),
            by_manner(50, 15, 0, 5),
            lambda case, market: {"basis": "consumer_confirmed"},
        ),
        Move(
            "dispute",
            Role.CONSUMER,
            (1, 5 * DAY),
            by_manner(3, 15, 10, 10),
            lambda case, market: {"text": "这不是事实。"},
        ),
        Move("upgrade", Role.CONSUMER, (1, 9 * DAY), by_manner(4, 20, 20, 25)),
        Move(
            "suggest", Role.MEDIATOR, (0.1, 5), lambda case: 6 if not case.state.mediation.suggestions else 0, suggest
        ),
        Move("answer_suggestion", Role.CONSUMER, (0.5, 40), always(20), answer_suggestion(Side.CONSUMER)),
        Move("answer_suggestion", Role.MERCHANT, (0.5, 40), by_manner(25, 15, 0, 10), answer_suggestion(Side.MERCHANT)),
        Move("close", Role.REGULATOR, (5 * DAY, 20 * DAY), always(4), lambda case, market: {"ground": "answered"}),
    ),
    Status.RECEIVED: (
        NAME_MERCHANT,
        *RARE,
        *ABROAD,
        Move("receive", Role.REGULATOR, (1, 3 * DAY), always(200), receive),
        Move("accept", Role.REGULATOR, (2, 9 * DAY), always(70)),
        Move(
            "ask_supplement",
            Role.REGULATOR,
            (2, 5 * DAY),
            lambda case: 0 if case.state.missed else 10,
            lambda case, market: {"items": ("订单截图",)},
        ),
        Move(
            "refuse",
            Role.REGULATOR,
            (2, 8 * DAY),
            always(8),
            lambda case, market: {
                "ground": case.chance.choice(("not-a-consumer", "facts-missing", "handled-elsewhere"))
            },
        ),
        Move(
            "refer",
            Role.REGULATOR,
            (2, 8 * DAY),
            always(2),
            lambda case, market: {"addressee": "卫生健康委员会", "reason": "medical dispute"},
        ),
        Move(
            "transfer",
            Role.REGULATOR,
            (2, 8 * DAY),
            lambda case: 2 if elsewhere(case) != case.state.region else 0,
            lambda case, market: {
                "office_id": market.offices[elsewhere(case)],
                "division": elsewhere(case),
                "reason": "domicile",
            },
        ),
    ),
    Status.SUPPLEMENTING: (
        Move("supplement", Role.CONSUMER, (1, 20 * DAY), always(1), lambda case, market: {"text": "已补充。"}),
    ),
    Status.ACCEPTED: (
        NAME_MERCHANT,
        *RARE,
        *FRAUD,
        *ABROAD,
        *ARBITRATION,
        Move("consent_to_mediation", Role.CONSUMER, (0.5, 3 * DAY), always(60)),
        Move("consent_to_mediation", Role.MERCHANT, (0.5, 10 * DAY), by_manner(60, 40, 5, 30)),
        Move("refuse_mediation", Role.MERCHANT, (1, 10 * DAY), by_manner(1, 5, 5, 15)),
        Move(
            "assign_mediator",
            Role.REGULATOR,
            (0.5, 3 * DAY),
            always(60),
            _mediators,
        ),
        Move(
            "recuse_mediator",
            Role.MEDIATOR,
            (0.5, DAY),
            lambda case: 1 if case.version < 20 else 0,
            lambda case, market: {"reason": "the merchant is a relative"},
        ),
        Move("begin_mediation", Role.MEDIATOR, (0.5, 3 * DAY), always(200)),
        Move("grant_fast_track", Role.REGULATOR, (0.1, 5), always(5)),
        Move("charge_fee", Role.REGULATOR, (0.1, 5), always(1), lambda case, market: {"complexity": Complexity.SIMPLE}),
    ),
    Status.MEDIATING: (
        *RARE,
        *FRAUD,
        *ARBITRATION,
        *TALK,
        Move(
            "suggest",
            Role.MEDIATOR,
            (0.1, 2 * DAY),
            lambda case: 40 if not case.state.mediation.suggestions else 0,
            suggest,
        ),
        Move("answer_suggestion", Role.CONSUMER, (0.5, 2 * DAY), always(40), answer_suggestion(Side.CONSUMER)),
        Move(
            "answer_suggestion",
            Role.MERCHANT,
            (0.5, 2 * DAY),
            by_manner(40, 25, 3, 20),
            answer_suggestion(Side.MERCHANT),
        ),
        Move(
            "settle",
            Role.MEDIATOR,
            (DAY, 9 * DAY),
            by_manner(30, 20, 2, 10),
            lambda case, market: {"terms": terms(case, case.chance.uniform(0.3, 1.0))},
        ),
        Move(
            "order_appraisal",
            Role.MEDIATOR,
            (DAY, 4 * DAY),
            lambda case: 3 if case.version < 25 else 0,
            lambda case, market: {"appraiser": "质检院", "question": "是否存在质量问题", "payer": Side.MERCHANT},
        ),
        Move(
            "report_appraisal",
            Role.MEDIATOR,
            (5 * DAY, 30 * DAY),
            always(500),
            lambda case, market: {"finding": "存在质量问题。"},
        ),
        Move(
            "end_mediation",
            Role.MEDIATOR,
            (5 * DAY, 30 * DAY),
            by_manner(3, 8, 30, 12),
            lambda case, market: {"ground": "no-agreement"},
        ),
        Move(
            "open_adjudication",
            Role.CONSUMER,
            (DAY, 9 * DAY),
            by_manner(1, 2, 6, 4),
            lambda case, market: {"rules": "platform rules, edition 2026"},
        ),
    ),
    Status.ADJUDICATING: (Move("decide", Role.ADJUDICATOR, (3 * DAY, 60 * DAY), always(1), decide),),
    Status.VERIFYING: (
        NAME_MERCHANT,
        Move(
            "file_case",
            Role.REGULATOR,
            (2 * DAY, 25 * DAY),
            by_manner(10, 15, 20, 50),
            lambda case, market: {"case_number": f"案{case.number}"},
        ),
        Move(
            "decline_case",
            Role.REGULATOR,
            (2 * DAY, 25 * DAY),
            by_manner(40, 30, 20, 10),
            lambda case, market: {"reason": "证据不足"},
        ),
        Move(
            "extend_verification",
            Role.REGULATOR,
            (5 * DAY, 14 * DAY),
            always(6),
            lambda case, market: {"reason": "复杂"},
        ),
    ),
    Status.CASE_FILED: (
        NAME_MERCHANT,
        Move(
            "impose_penalty",
            Role.REGULATOR,
            (10 * DAY, 60 * DAY),
            always(70),
            lambda case, market: {
                "case_number": f"案{case.number}",
                "basis": "Advertising Law, art. 55",
                "fine": Money(fen=case.chance.randrange(1, 60) * 100_000),
                "merchant_id": case.state.merchant_id or market.going_on(case.shop).merchant_id,
                "violation": violation(case),
            },
        ),
        Move(
            "dismiss_case",
            Role.REGULATOR,
            (10 * DAY, 60 * DAY),
            always(20),
            lambda case, market: {"reason": "情节轻微"},
        ),
    ),
    Status.RESOLVED: (
        Move(
            "confirm_judicially",
            Role.MEDIATOR,
            (DAY, 20 * DAY),
            one_in(5),
            lambda case, market: {"court": "杭州互联网法院", "reference": f"浙0192民特{case.number}"},
        ),
        *PUBLIC,
        ADVANCE,
        Move("perform", Role.MERCHANT, (1, 12 * DAY), by_manner(90, 60, 20, 15), perform),
        Move(
            "reopen",
            Role.CONSUMER,
            (2 * DAY, 40 * DAY),
            lambda case: 0 if case.state.reopened > 1 else by_manner(1, 3, 20, 25)(case),
            lambda case, market: {"reason": "the money did not come"},
        ),
        Move("conclude", Role.REGULATOR, (2 * DAY, 30 * DAY), lambda case: 0 if case.state.clocks else 30),
        Move(
            "call_back",
            Role.REGULATOR,
            (DAY, 20 * DAY),
            always(8),
            lambda case, market: {"reached": True, "solved": True, "satisfaction": case.chance.randint(3, 5)},
        ),
    ),
    Status.CLOSED: (
        *PUBLIC,
        Move("conclude", Role.REGULATOR, (2 * DAY, 30 * DAY), always(40)),
        Move(
            "refer_to_court",
            Role.CONSUMER,
            (DAY, 30 * DAY),
            lambda case: 0 if case.state.settlement.decided else one_in(7)(case),
            lambda case, market: {"sale": Sale(delivered="otherwise", receipt_division=case.shop.region)},
        ),
        Move(
            "open_adjudication",
            Role.CONSUMER,
            (DAY, 30 * DAY),
            lambda case: 3 if not case.state.settlement.decided else 0,
            lambda case, market: {"rules": "platform rules, edition 2026"},
        ),
        Move(
            "grant_reward",
            Role.REGULATOR,
            (DAY, 30 * DAY),
            always(60),
            lambda case, market: {"recipient_id": case.state.consumer_id, "injured": False},
        ),
        Move(
            "call_back",
            Role.REGULATOR,
            (DAY, 20 * DAY),
            always(8),
            lambda case, market: {"reached": case.chance.random() < 0.8},
        ),
    ),
    Status.REFUSED: (Move("conclude", Role.REGULATOR, (DAY, 20 * DAY), always(1)),),
    Status.REFERRED: (Move("conclude", Role.REGULATOR, (DAY, 20 * DAY), always(1)),),
    Status.WITHDRAWN: (Move("conclude", Role.REGULATOR, (DAY, 20 * DAY), always(1)),),
}
