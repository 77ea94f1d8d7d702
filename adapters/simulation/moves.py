"""What people do next in the simulated market: which moves, by whom, how soon, and how likely."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from adapters.simulation.market import OFFICIALS, REGIONS, Case, Manner, Market, Move, identifier
from domain.complaint.jurisdiction import Sale, Shop
from domain.complaint.negotiation import AnswerKind, Regime
from domain.complaint.state import Outcome, OutcomeKind, RequestKind, Side, Status
from domain.merchant.state import Merchant
from domain.rulebook.fees import Complexity
from domain.values import Money, Origin, Role


def _terms(case: Case, share: float, *extra: OutcomeKind) -> tuple[Outcome, ...]:
    claim = case.state.claim.fen if case.state.claim is not None else 10_000
    fen = min(claim, max(100, int(claim * share)))
    kind = OutcomeKind.FULL_REFUND if share >= 1 else OutcomeKind.PARTIAL_REFUND
    return (Outcome(kind=kind, amount=Money(fen=fen)), *(Outcome(kind=one) for one in extra))


def _route(regime: Regime) -> Callable[[Case, Market], dict[str, Any]]:
    def arguments(case: Case, market: Market) -> dict[str, Any]:
        shop = case.shop
        held = ((market.opened, None),)
        merchant = Merchant(promises=held if shop.signed else (), enrolments=held if shop.enrolled else ())
        return {"merchant": merchant, "merchant_id": shop.merchant_id, "regime": regime}

    return arguments


def _one_click(case: Case) -> float:
    bought, filed = case.state.purchased_at, case.state.filed_at
    fresh = bought is not None and filed is not None and filed - bought < timedelta(days=27)
    return 50 if fresh and case.shop.region.startswith("3301") else 0


def _answer(case: Case, market: Market) -> dict[str, Any]:
    if case.shop.manner is Manner.FAIR:
        return {"kind": AnswerKind.MONETARY_RELIEF, "relief": Money(fen=5_000), "text": "非常抱歉, 我们退款。"}
    return {"kind": AnswerKind.EXPLANATION, "text": "The goods were as described."}


def _offer(case: Case, market: Market) -> dict[str, Any]:
    share = {Manner.FAIR: 1.0, Manner.SLOW: 0.6, Manner.CHEAT: 0.9, Manner.SILENT: 0.2}[case.shop.manner]
    extra = (OutcomeKind.RETURN,) if case.chance.random() < 0.3 else ()
    return {"terms": _terms(case, share * case.chance.uniform(0.5, 1.2), *extra)}


def _suggest(case: Case, market: Market) -> dict[str, Any]:
    return {
        "terms": _terms(case, case.chance.uniform(0.4, 1.1)),
        "law": ("Consumer Protection Law, art. 24",),
        "text": "建议退还部分货款。",
        "model": "rules",
        "model_version": "1",
        "confidence": case.chance.randrange(400, 990),
    }


def _answer_suggestion(side: Side) -> Callable[[Case, Market], dict[str, Any]]:
    def arguments(case: Case, market: Market) -> dict[str, Any]:
        mediation = case.state.mediation
        open_ones = [n for n, taken in enumerate(mediation.taken) if side not in taken and n not in mediation.refused]
        return {"number": open_ones[0], "taken": case.chance.random() < 0.7}

    return arguments


def _perform(case: Case, market: Market) -> dict[str, Any]:
    settlement = case.state.settlement
    item = min(set(range(len(settlement.terms))) - settlement.done)
    amount = settlement.terms[item].amount
    if amount is None:
        return {"item": item}
    left = amount.fen - settlement.performed[item]
    part = left if left < 1_000 or case.chance.random() < 0.8 else left // 2
    return {"item": item, "amount": Money(fen=part, currency=amount.currency), "reference": f"pay-{case.number}"}


def _receive(case: Case, market: Market) -> dict[str, Any]:
    return {
        "office_id": market.offices[case.shop.region],
        "division": case.shop.region,
        "shop": Shop(division=case.shop.region),
    }


def _begin_verification(case: Case, market: Market) -> dict[str, Any]:
    return {"office_id": market.offices[case.shop.region], "division": case.shop.region}


def _decide(case: Case, market: Market) -> dict[str, Any]:
    wins = case.chance.random() < 0.7
    punitive = (Outcome(kind=OutcomeKind.PUNITIVE_DAMAGES, amount=Money(fen=50_000)),)
    deceived = case.shop.manner is Manner.CHEAT
    return {
        "reasons": "The goods were not as described." if wins else "No defect was found.",
        "terms": (_terms(case, 1.0) + (punitive if deceived else ())) if wins else (),
        "law": ("Consumer Protection Law, art. 55",) if deceived else ("Consumer Protection Law, art. 24",),
    }


def _elsewhere(case: Case) -> str:
    return REGIONS[case.number % len(REGIONS)]


def _always(weight: float) -> Callable[[Case], float]:
    return lambda case: weight


def _by_manner(fair: float, slow: float, silent: float, cheat: float) -> Callable[[Case], float]:
    weights = {Manner.FAIR: fair, Manner.SLOW: slow, Manner.SILENT: silent, Manner.CHEAT: cheat}
    return lambda case: weights[case.shop.manner]


def _one_in(n: int) -> Callable[[Case], float]:
    """Give a weight in one case of ``n``, none in the others."""
    return lambda case: 10 if case.number % n == 0 else 0


def _kind(kind: RequestKind, weight: float) -> Callable[[Case], float]:
    return lambda case: weight if case.state.kind is kind else 0


_DAY = 24.0
_TALK = (
    Move(
        "offer", Role.MERCHANT, (1, 30), lambda case: _by_manner(30, 15, 0, 20)(case) / (1 + case.state.offers), _offer
    ),
    Move("accept_offer", Role.CONSUMER, (0.5, 40), _by_manner(40, 15, 5, 25)),
    Move("decline_offer", Role.CONSUMER, (0.5, 40), _by_manner(5, 15, 15, 10)),
    Move("withdraw", Role.CONSUMER, (1, 72), _always(2), lambda case, market: {"reason": "settled elsewhere"}),
    Move("request_person", Role.CONSUMER, (0.1, 2), lambda case: 0 if case.state.mediation.person_wanted else 1),
    Move(
        "reach_person",
        Role.MEDIATOR,
        (0.1, 5),
        _always(20),
        lambda case, market: {"person_id": OFFICIALS[Role.MEDIATOR]},
    ),
)
_RARE = (
    Move(
        "link_attempt",
        Role.CONSUMER,
        (0.1, 5),
        lambda case: 0.5 if case.version < 4 and not case.state.attempts else 0,
        lambda case, market: {
            "attempt": Origin(register_name="shop hotline", reference=str(case.number)),
            "made_at": case.state.filed_at,
            "outcome": "nobody answered",
        },
    ),
    Move(
        "add_respondent",
        Role.CONSUMER,
        (0.1, 5),
        lambda case: 0 if any(party == "platform" for party, _ in case.state.respondents) else 0.5,
        lambda case, market: {"party": "platform", "party_id": identifier(market.name, "platform", 0)},
    ),
    Move(
        "supervise",
        Role.REGULATOR,
        (1, 40),
        lambda case: 0.3 if case.version < 15 else 0,
        lambda case, market: {"office_id": market.national, "reason": "the consumer had tried everywhere"},
    ),
    Move(
        "cut_session",
        Role.CONSUMER,
        (0.1, 5),
        lambda case: 0.3 if case.version < 15 and not case.state.mediation.cut_sessions else 0,
        lambda case, market: {"session": f"session-{case.number}"},
    ),
    Move(
        "resume_session",
        Role.CONSUMER,
        (0.1, 5),
        _always(20),
        lambda case, market: {"session": f"session-{case.number}"},
    ),
    Move(
        "merge",
        Role.REGULATOR,
        (0.1, 20),
        lambda case: 0.5 if case.number and case.version < 6 else 0,
        lambda case, market: {"into": f"complaint-{identifier(market.name, 'complaint', case.number - 1)}"},
    ),
    Move(
        "correct_match",
        Role.REGULATOR,
        (0.1, 20),
        _always(0.5),
        lambda case, market: {"consumer_id": case.consumer.id, "reason": "the number is the neighbour's"},
    ),
    Move(
        "join",
        Role.CONSUMER,
        (0.1, 20),
        lambda case: 15 if case.state.representatives and len(case.state.members) < 12 else 0,
        lambda case, market: {
            "consumer_id": identifier(market.name, "member", case.number, case.version),
            "claim": Money(fen=case.chance.randrange(1_000, 90_000)),
        },
    ),
    Move(
        "leave",
        Role.CONSUMER,
        (0.1, 20),
        _always(1),
        lambda case, market: {"consumer_id": max(case.state.members)},
    ),
    Move(
        "withhold",
        Role.REGULATOR,
        (1, 90),
        _always(0.3),
        lambda case, market: {"reason": "it names a person"},
    ),
)
_ABROAD = (
    Move(
        "send_abroad",
        Role.REGULATOR,
        (1, 40),
        _always(1),
        lambda case, market: {"partner": "Hong Kong Consumer Council", "reference": f"CC-{case.number}"},
    ),
    Move(
        "return_from_abroad",
        Role.PARTNER,
        (_DAY, 9 * _DAY),
        _always(30),
        lambda case, market: {"outcome": "the shop was found"},
    ),
)
_ARBITRATION = (
    Move("agree_arbitration", Role.CONSUMER, (1, 40), _always(0.7)),
    Move(
        "agree_arbitration", Role.MERCHANT, (1, 40), lambda case: 2 if case.state.settlement.arbitration_agreed else 0
    ),
    Move(
        "refer_to_arbitration",
        Role.CONSUMER,
        (1, 40),
        _always(30),
        lambda case, market: {"commission": "杭州仲裁委员会", "reference": f"杭仲{case.number}"},
    ),
)
_PUBLIC = (
    Move("consent_to_publication", Role.CONSUMER, (1, 90), _one_in(9)),
    Move("consent_to_publication", Role.MERCHANT, (1, 90), _one_in(9)),
    Move(
        "publish_outcome",
        Role.REGULATOR,
        (_DAY, 9 * _DAY),
        _one_in(3),
        lambda case, market: {"text": "The seller refunds a part; the reasons are those of the decision."},
    ),
)
MOVES: dict[Status, tuple[Move, ...]] = {
    Status.FILED: (
        *_RARE,
        Move("route", Role.REGULATOR, (0.01, 1), _one_click, _route(Regime.ONE_CLICK)),
        Move("route", Role.REGULATOR, (0.1, 20), _always(25), _route(Regime.PROMISE)),
        Move(
            "route", Role.REGULATOR, (0.1, 20), lambda case: 30 if case.shop.enrolled else 0, _route(Regime.ENTERPRISE)
        ),
        Move("receive", Role.REGULATOR, (1, 60), _always(25), _receive),
        Move("begin_verification", Role.REGULATOR, (1, 90), _kind(RequestKind.REPORT, 50), _begin_verification),
        Move(
            "answer_consultation",
            Role.REGULATOR,
            (0.5, 100),
            _kind(RequestKind.CONSULTATION, 50),
            lambda case, market: {"text": "七日内可以无理由退货。"},
        ),
        Move("acknowledge_suggestion", Role.REGULATOR, (0.5, 100), _kind(RequestKind.SUGGESTION, 50)),
        Move(
            "match_account",
            Role.REGULATOR,
            (0.01, 0.1),
            _always(3),
            lambda case, market: {"consumer_id": identifier("account", case.number), "basis": "phone_number"},
        ),
    ),
    Status.ROUTED: (
        *_RARE,
        *_ARBITRATION,
        *_TALK,
        Move("answer", Role.MERCHANT, (0.5, 20), _by_manner(60, 0, 0, 30), _answer),
        Move("answer", Role.MERCHANT, (20, 12 * _DAY), _by_manner(5, 60, 0, 5), _answer),
        Move("upgrade", Role.CONSUMER, (5 * _DAY, 20 * _DAY), _by_manner(2, 5, 40, 10)),
    ),
    Status.ANSWERED: (
        *_RARE,
        *_ARBITRATION,
        *_TALK,
        Move(
            "resolve",
            Role.CONSUMER,
            (1, 5 * _DAY),
            _by_manner(50, 15, 0, 5),
            lambda case, market: {"basis": "consumer_confirmed"},
        ),
        Move(
            "dispute",
            Role.CONSUMER,
            (1, 5 * _DAY),
            _by_manner(3, 15, 10, 10),
            lambda case, market: {"text": "这不是事实。"},
        ),
        Move("upgrade", Role.CONSUMER, (1, 9 * _DAY), _by_manner(4, 20, 20, 25)),
        Move(
            "suggest", Role.MEDIATOR, (0.1, 5), lambda case: 6 if not case.state.mediation.suggestions else 0, _suggest
        ),
        Move("answer_suggestion", Role.CONSUMER, (0.5, 40), _always(20), _answer_suggestion(Side.CONSUMER)),
        Move(
            "answer_suggestion", Role.MERCHANT, (0.5, 40), _by_manner(25, 15, 0, 10), _answer_suggestion(Side.MERCHANT)
        ),
        Move("close", Role.REGULATOR, (5 * _DAY, 20 * _DAY), _always(4), lambda case, market: {"ground": "answered"}),
    ),
    Status.RECEIVED: (
        *_RARE,
        *_ABROAD,
        Move("receive", Role.REGULATOR, (1, 3 * _DAY), _always(200), _receive),
        Move("accept", Role.REGULATOR, (2, 9 * _DAY), _always(70)),
        Move(
            "ask_supplement",
            Role.REGULATOR,
            (2, 5 * _DAY),
            lambda case: 0 if case.state.missed else 10,
            lambda case, market: {"items": ("订单截图",)},
        ),
        Move(
            "refuse",
            Role.REGULATOR,
            (2, 8 * _DAY),
            _always(8),
            lambda case, market: {
                "ground": case.chance.choice(("not-a-consumer", "facts-missing", "handled-elsewhere"))
            },
        ),
        Move(
            "refer",
            Role.REGULATOR,
            (2, 8 * _DAY),
            _always(2),
            lambda case, market: {"addressee": "卫生健康委员会", "reason": "medical dispute"},
        ),
        Move(
            "transfer",
            Role.REGULATOR,
            (2, 8 * _DAY),
            lambda case: 2 if _elsewhere(case) != case.state.region else 0,
            lambda case, market: {
                "office_id": market.offices[_elsewhere(case)],
                "division": _elsewhere(case),
                "reason": "domicile",
            },
        ),
    ),
    Status.SUPPLEMENTING: (
        Move("supplement", Role.CONSUMER, (1, 20 * _DAY), _always(1), lambda case, market: {"text": "已补充。"}),
    ),
    Status.ACCEPTED: (
        *_RARE,
        *_ABROAD,
        *_ARBITRATION,
        Move("consent_to_mediation", Role.CONSUMER, (0.5, 3 * _DAY), _always(60)),
        Move("consent_to_mediation", Role.MERCHANT, (0.5, 10 * _DAY), _by_manner(60, 40, 5, 30)),
        Move("refuse_mediation", Role.MERCHANT, (1, 10 * _DAY), _by_manner(1, 5, 5, 15)),
        Move(
            "assign_mediator",
            Role.REGULATOR,
            (0.5, 3 * _DAY),
            _always(60),
            lambda case, market: {
                "candidates": market.mediators,
                "mediator_id": case.chance.choice(market.mediators).mediator_id,
            },
        ),
        Move(
            "recuse_mediator",
            Role.MEDIATOR,
            (0.5, _DAY),
            lambda case: 1 if case.version < 20 else 0,
            lambda case, market: {"reason": "the merchant is a relative"},
        ),
        Move("begin_mediation", Role.MEDIATOR, (0.5, 3 * _DAY), _always(200)),
        Move("grant_fast_track", Role.REGULATOR, (0.1, 5), _always(5)),
        Move(
            "charge_fee", Role.REGULATOR, (0.1, 5), _always(1), lambda case, market: {"complexity": Complexity.SIMPLE}
        ),
    ),
    Status.MEDIATING: (
        *_RARE,
        *_ARBITRATION,
        *_TALK,
        Move(
            "suggest",
            Role.MEDIATOR,
            (0.1, 2 * _DAY),
            lambda case: 40 if not case.state.mediation.suggestions else 0,
            _suggest,
        ),
        Move("answer_suggestion", Role.CONSUMER, (0.5, 2 * _DAY), _always(40), _answer_suggestion(Side.CONSUMER)),
        Move(
            "answer_suggestion",
            Role.MERCHANT,
            (0.5, 2 * _DAY),
            _by_manner(40, 25, 3, 20),
            _answer_suggestion(Side.MERCHANT),
        ),
        Move(
            "settle",
            Role.MEDIATOR,
            (_DAY, 9 * _DAY),
            _by_manner(30, 20, 2, 10),
            lambda case, market: {"terms": _terms(case, case.chance.uniform(0.3, 1.0))},
        ),
        Move(
            "order_appraisal",
            Role.MEDIATOR,
            (_DAY, 4 * _DAY),
            lambda case: 3 if case.version < 25 else 0,
            lambda case, market: {"appraiser": "质检院", "question": "是否存在质量问题", "payer": Side.MERCHANT},
        ),
        Move(
            "report_appraisal",
            Role.MEDIATOR,
            (5 * _DAY, 30 * _DAY),
            _always(500),
            lambda case, market: {"finding": "存在质量问题。"},
        ),
        Move(
            "end_mediation",
            Role.MEDIATOR,
            (5 * _DAY, 30 * _DAY),
            _by_manner(3, 8, 30, 12),
            lambda case, market: {"ground": "no-agreement"},
        ),
        Move(
            "open_adjudication",
            Role.CONSUMER,
            (_DAY, 9 * _DAY),
            _by_manner(1, 2, 6, 4),
            lambda case, market: {"rules": "platform rules, edition 2026"},
        ),
    ),
    Status.ADJUDICATING: (Move("decide", Role.ADJUDICATOR, (3 * _DAY, 60 * _DAY), _always(1), _decide),),
    Status.VERIFYING: (
        Move(
            "file_case",
            Role.REGULATOR,
            (2 * _DAY, 25 * _DAY),
            _by_manner(10, 15, 20, 50),
            lambda case, market: {"case_number": f"案{case.number}"},
        ),
        Move(
            "decline_case",
            Role.REGULATOR,
            (2 * _DAY, 25 * _DAY),
            _by_manner(40, 30, 20, 10),
            lambda case, market: {"reason": "证据不足"},
        ),
        Move(
            "extend_verification",
            Role.REGULATOR,
            (5 * _DAY, 14 * _DAY),
            _always(6),
            lambda case, market: {"reason": "复杂"},
        ),
    ),
    Status.CASE_FILED: (
        Move(
            "impose_penalty",
            Role.REGULATOR,
            (10 * _DAY, 60 * _DAY),
            _always(70),
            lambda case, market: {
                "case_number": f"案{case.number}",
                "basis": "Advertising Law, art. 55",
                "fine": Money(fen=case.chance.randrange(1, 60) * 100_000),
            },
        ),
        Move(
            "dismiss_case",
            Role.REGULATOR,
            (10 * _DAY, 60 * _DAY),
            _always(20),
            lambda case, market: {"reason": "情节轻微"},
        ),
    ),
    Status.RESOLVED: (
        Move(
            "confirm_judicially",
            Role.MEDIATOR,
            (_DAY, 20 * _DAY),
            _one_in(5),
            lambda case, market: {"court": "杭州互联网法院", "reference": f"浙0192民特{case.number}"},
        ),
        *_PUBLIC,
        Move("perform", Role.MERCHANT, (1, 12 * _DAY), _by_manner(90, 60, 20, 15), _perform),
        Move(
            "reopen",
            Role.CONSUMER,
            (2 * _DAY, 40 * _DAY),
            lambda case: 0 if case.state.reopened > 1 else _by_manner(1, 3, 20, 25)(case),
            lambda case, market: {"reason": "the money did not come"},
        ),
        Move("conclude", Role.REGULATOR, (2 * _DAY, 30 * _DAY), lambda case: 0 if case.state.clocks else 30),
        Move(
            "call_back",
            Role.REGULATOR,
            (_DAY, 20 * _DAY),
            _always(8),
            lambda case, market: {"reached": True, "solved": True, "satisfaction": case.chance.randint(3, 5)},
        ),
    ),
    Status.CLOSED: (
        *_PUBLIC,
        Move("conclude", Role.REGULATOR, (2 * _DAY, 30 * _DAY), _always(40)),
        Move(
            "refer_to_court",
            Role.CONSUMER,
            (_DAY, 30 * _DAY),
            lambda case: 0 if case.state.settlement.decided else _one_in(7)(case),
            lambda case, market: {"sale": Sale(delivered="otherwise", receipt_division=case.shop.region)},
        ),
        Move(
            "open_adjudication",
            Role.CONSUMER,
            (_DAY, 30 * _DAY),
            lambda case: 3 if not case.state.settlement.decided else 0,
            lambda case, market: {"rules": "platform rules, edition 2026"},
        ),
        Move(
            "grant_reward",
            Role.REGULATOR,
            (_DAY, 30 * _DAY),
            _always(60),
            lambda case, market: {"recipient_id": case.consumer.id, "injured": False},
        ),
        Move(
            "call_back",
            Role.REGULATOR,
            (_DAY, 20 * _DAY),
            _always(8),
            lambda case, market: {"reached": case.chance.random() < 0.8},
        ),
    ),
    Status.REFUSED: (Move("conclude", Role.REGULATOR, (_DAY, 20 * _DAY), _always(1)),),
    Status.REFERRED: (Move("conclude", Role.REGULATOR, (_DAY, 20 * _DAY), _always(1)),),
    Status.WITHDRAWN: (Move("conclude", Role.REGULATOR, (_DAY, 20 * _DAY), _always(1)),),
}
