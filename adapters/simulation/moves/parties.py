"""What people do next in a request: parts of the table that stand in several of its rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from adapters.simulation.market import OFFICIALS, REGIONS, Life, Manner, Market, Move, identifier
from adapters.simulation.moves.common import DAY, Weight, always, by_manner, digest, one_in
from domain.complaint.jurisdiction import Shop
from domain.complaint.negotiation import AnswerKind, Regime
from domain.complaint.settlement import left_of
from domain.complaint.state import Outcome, OutcomeKind, RequestKind, Side
from domain.streams import SUBJECT
from domain.subject.state import Purpose
from domain.values import Money, Origin, Role

#: The partner abroad, to whom nothing is sent without consent.
ABROAD_TO = "Hong Kong Consumer Council"


def terms(case: Life, share: float, *extra: OutcomeKind) -> tuple[Outcome, ...]:
    claim = case.state.claim.fen if case.state.claim is not None else 10_000
    fen = min(claim, max(100, int(claim * share)))
    kind = OutcomeKind.FULL_REFUND if share >= 1 else OutcomeKind.PARTIAL_REFUND
    return (Outcome(kind=kind, amount=Money(fen=fen)), *(Outcome(kind=one) for one in extra))


def route(regime: Regime) -> Callable[[Life, Market], dict[str, Any]]:
    def arguments(case: Life, market: Market) -> dict[str, Any]:
        case.shop = market.going_on(case.shop)
        return {"merchant_id": case.shop.merchant_id, "regime": regime}

    return arguments


def enrolled(case: Life) -> bool:
    state = case.market.lives[case.shop.merchant_id].state
    return case.state.filed_at is not None and bool(state.was_enrolled(case.state.filed_at))


def one_click(case: Life) -> float:
    bought, filed = case.state.purchased_at, case.state.filed_at
    fresh = bought is not None and filed is not None and filed - bought < timedelta(days=27)
    return 50 if fresh and case.shop.region.startswith("3301") else 0


def answer(case: Life, market: Market) -> dict[str, Any]:
    if case.shop.manner is Manner.FAIR:
        return {"kind": AnswerKind.MONETARY_RELIEF, "relief": Money(fen=5_000), "text": "非常抱歉, 我们退款。"}
    return {"kind": AnswerKind.EXPLANATION, "text": "The goods were as described."}


def offer(case: Life, market: Market) -> dict[str, Any]:
    share = {Manner.FAIR: 1.0, Manner.SLOW: 0.6, Manner.CHEAT: 0.9, Manner.SILENT: 0.2}[case.shop.manner]
    extra = (OutcomeKind.RETURN,) if case.chance.random() < 0.3 else ()
    return {"terms": terms(case, share * case.chance.uniform(0.5, 1.2), *extra)}


def suggest(case: Life, market: Market) -> dict[str, Any]:
    return {
        "terms": terms(case, case.chance.uniform(0.4, 1.1)),
        "law": ("Consumer Protection Law, art. 24",),
        "text": "建议退还部分货款。",
        "model": "rules",
        "model_version": "1",
        "confidence": case.chance.randrange(400, 990),
    }


def answer_suggestion(side: Side) -> Callable[[Life, Market], dict[str, Any]]:
    def arguments(case: Life, market: Market) -> dict[str, Any]:
        mediation = case.state.mediation
        open_ones = [n for n, taken in enumerate(mediation.taken) if side not in taken and n not in mediation.refused]
        return {"number": open_ones[0], "taken": case.chance.random() < 0.7}

    return arguments


def perform(case: Life, market: Market) -> dict[str, Any]:
    settlement = case.state.settlement
    item = min(set(range(len(settlement.terms))) - settlement.done)
    amount = settlement.terms[item].amount
    if amount is None:
        return {"item": item}
    left = amount.fen - settlement.performed[item]
    part = left if left < 1_000 or case.chance.random() < 0.8 else left // 2
    return {"item": item, "amount": Money(fen=part, currency=amount.currency), "reference": f"pay-{case.number}"}


def receive(case: Life, market: Market) -> dict[str, Any]:
    return {
        "office_id": market.offices[case.shop.region],
        "division": case.shop.region,
        "shop": Shop(division=case.shop.region),
    }


def begin_verification(case: Life, market: Market) -> dict[str, Any]:
    return {"office_id": market.offices[case.shop.region], "division": case.shop.region}


def decide(case: Life, market: Market) -> dict[str, Any]:
    wins = case.chance.random() < 0.7
    punitive = (Outcome(kind=OutcomeKind.PUNITIVE_DAMAGES, amount=Money(fen=50_000)),)
    deceived = case.shop.manner is Manner.CHEAT
    return {
        "reasons": "The goods were not as described." if wins else "No defect was found.",
        "terms": (terms(case, 1.0) + (punitive if deceived else ())) if wins else (),
        "law": ("Consumer Protection Law, art. 55",) if deceived else ("Consumer Protection Law, art. 24",),
    }


def elsewhere(case: Life) -> str:
    return REGIONS[case.number % len(REGIONS)]


def kind(kind: RequestKind, weight: float) -> Weight:
    return lambda case: weight if case.state.kind is kind else 0


TALK = (
    Move("offer", Role.MERCHANT, (1, 30), lambda case: by_manner(30, 15, 0, 20)(case) / (1 + case.state.offers), offer),
    Move("accept_offer", Role.CONSUMER, (0.5, 40), by_manner(40, 15, 5, 25)),
    Move("decline_offer", Role.CONSUMER, (0.5, 40), by_manner(5, 15, 15, 10)),
    Move("withdraw", Role.CONSUMER, (1, 72), always(2), lambda case, market: {"reason": "settled elsewhere"}),
    Move("request_person", Role.CONSUMER, (0.1, 2), lambda case: 0 if case.state.mediation.person_wanted else 1),
    Move(
        "reach_person",
        Role.MEDIATOR,
        (0.1, 5),
        always(20),
        lambda case, market: {"person_id": OFFICIALS[Role.MEDIATOR]},
    ),
)
RARE = (
    Move(
        "classify",
        Role.MEDIATOR,
        (0.1, 20),
        lambda case: 0.5 if case.market.book.scenarios and case.version < 12 else 0,
        lambda case, market: {"scenario": case.chance.choice(sorted(market.book.scenarios))},
    ),
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
        lambda case, market: {"party": "platform", "party_id": market.platforms[0]},
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
        always(20),
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
        always(0.5),
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
        always(5),
        lambda case, market: {"consumer_id": max(case.state.members)},
    ),
    Move(
        "withhold",
        Role.REGULATOR,
        (1, 90),
        always(0.3),
        lambda case, market: {"reason": "it names a person"},
    ),
)


def _consented(case: Life) -> float:
    subject = case.market.state(f"{SUBJECT.prefix}-{case.state.consumer_id}", SUBJECT.new)
    return 10 if subject.consents_now(Purpose.CROSS_BORDER_TRANSFER, ABROAD_TO) else 0


def _to_allege(case: Life) -> float:
    return by_manner(0.02, 0.05, 0.1, 2)(case) if case.shop.platform else 0


FRAUD = (
    Move(
        "allege_fraud",
        Role.CONSUMER,
        (0.5, 40),
        _to_allege,
        lambda case, market: {"text": "The goods were never there.", "platform_id": case.shop.platform},
    ),
    Move(
        "submit_evidence",
        Role.MERCHANT,
        (0.5, 30),
        lambda case: by_manner(60, 40, 0, 20)(case) if case.state.fraud.evidence_due else 0,
        lambda case, market: {"digest": digest(case), "what": "waybill"},
    ),
    Move(
        "submit_evidence",
        Role.CONSUMER,
        (0.5, 20),
        lambda case: 20 if case.state.fraud.evidence_due else 0,
        lambda case, market: {"digest": digest(case), "what": "photographs"},
    ),
    Move(
        "verify_fraud",
        Role.PLATFORM,
        (25, 4 * DAY),
        always(200),
        lambda case, market: {
            "verified": case.chance.random() < 0.6,
            "reasons": "The waybill is of another parcel.",
        },
    ),
)
ABROAD = (
    Move(
        "send_abroad",
        Role.REGULATOR,
        (1, 40),
        _consented,
        lambda case, market: {"partner": ABROAD_TO, "reference": f"CC-{case.number}"},
    ),
    Move(
        "return_from_abroad",
        Role.PARTNER,
        (DAY, 9 * DAY),
        always(30),
        lambda case, market: {"outcome": "the shop was found"},
    ),
)
ARBITRATION = (
    Move("agree_arbitration", Role.CONSUMER, (1, 40), always(0.7)),
    Move(
        "agree_arbitration", Role.MERCHANT, (1, 40), lambda case: 8 if case.state.settlement.arbitration_agreed else 0
    ),
    Move(
        "refer_to_arbitration",
        Role.CONSUMER,
        (1, 40),
        always(30),
        lambda case, market: {"commission": "杭州仲裁委员会", "reference": f"杭仲{case.number}"},
    ),
)
PUBLIC = (
    Move("consent_to_publication", Role.CONSUMER, (1, 90), one_in(9)),
    Move("consent_to_publication", Role.MERCHANT, (1, 90), one_in(9)),
    Move(
        "publish_outcome",
        Role.REGULATOR,
        (DAY, 9 * DAY),
        one_in(3),
        lambda case, market: {"text": "The seller refunds a part; the reasons are those of the decision."},
    ),
)


def _unpaid(case: Life) -> int:
    terms = case.state.settlement.terms
    left = (item for item in range(len(terms)) if left_of(case.state.settlement, item))
    lost = (item for item in left if terms[item].kind is not OutcomeKind.PUNITIVE_DAMAGES)
    return next(item for item in lost if not case.state.advance_pending(item))


ADVANCE = Move(
    "request_advance",
    Role.CONSUMER,
    (DAY, 20 * DAY),
    lambda case: 60 if case.state.advances.requested < 2 else 0,
    lambda case, market: {"item": _unpaid(case), "fund_id": market.funds[case.number % len(market.funds)]},
)
NAME_MERCHANT = Move(
    "name_merchant",
    Role.REGULATOR,
    (0.1, 40),
    lambda case: 0 if case.state.merchant_id else 12,
    lambda case, market: {"merchant_id": market.going_on(case.shop).merchant_id},
)
