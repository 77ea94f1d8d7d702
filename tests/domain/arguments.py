"""Arguments for any action on a request, made by chance from its state: sensible ones mostly, and now and then others.

One function per name of an argument, or per action and name where a name means several things.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from inspect import Parameter, signature
from random import Random
from typing import Any

from domain.action import Action
from domain.complaint.clocks import rules_of
from domain.complaint.filing import Joint, Order
from domain.complaint.jurisdiction import Sale, Shop
from domain.complaint.mediation import Candidate, MediatorKind
from domain.complaint.negotiation import AnswerKind, Regime
from domain.complaint.settlement import MONEY, left_of
from domain.complaint.state import Complaint, Outcome, OutcomeKind, RequestKind, Side
from domain.merchant.state import Adoption, Merchant
from domain.merchant.state import Status as Standing
from domain.rulebook.book import Rulebook
from domain.rulebook.fees import Complexity
from domain.subject.state import Purpose, Subject
from domain.values import Actor, Channel, Code, Money, Origin, Role

IDS = tuple(f"{n:08d}-1111-4111-8111-111111111111" for n in range(1, 9))
MERCHANTS = tuple(f"merchant-{one}" for one in IDS[:2])
OFFICES = tuple(f"office-{one}" for one in IDS[:3])
DIVISIONS = ("330106", "330100", "310115")
WORDS = ("a", "b", "c")
#: One actor per role.
ACTORS = tuple(Actor(f"{n:08d}-2222-4222-8222-222222222222", role) for n, role in enumerate(Role))


@dataclass(frozen=True)
class Occasion:
    """On what, when and by whose choice something is tried."""

    state: Complaint
    at: datetime
    by: Actor
    book: Rulebook
    chance: Random

    def one_of(self, *choices: Any) -> Any:
        return self.chance.choice(choices)

    def odd(self) -> bool:
        """Now and then: something that may well be refused."""
        return self.chance.random() < 0.1


def arguments(action: Action, occasion: Occasion) -> dict[str, Any]:
    """Make arguments for an action; those with a default are left out half of the time."""
    made = {}
    for name, parameter in signature(action.decide).parameters.items():
        if name in ("state", "at", "by", "book") or parameter.kind is Parameter.VAR_KEYWORD:
            continue
        if (make := MAKERS.get((action.name, name)) or MAKERS.get(name)) is None:
            raise AssertionError(f"nothing is known to make {name!r} of {action.name}; add it to {__name__}")
        if parameter.default is not Parameter.empty and name not in NEEDED and occasion.chance.random() < 0.5:
            continue
        made[name] = make(occasion)
    if (further := FURTHER.get(action.name)) is not None:
        made |= further(occasion)
    if by_model := {"model", "model_version", "confidence"} & made.keys():
        made |= (
            {"model": "m", "model_version": "1", "confidence": 900, "law": ("art. 24",)} if len(by_model) > 1 else {}
        )
    return made


def amount(occasion: Occasion) -> Money:
    return Money(fen=occasion.chance.randint(1, 10**6), currency="USD" if occasion.odd() else "CNY")


def yuan(occasion: Occasion) -> Money:
    return Money(fen=occasion.chance.randint(1, 10**6))


def earlier(occasion: Occasion) -> datetime:
    return occasion.at - timedelta(minutes=occasion.chance.randint(0, 60 * 24 * 60))


def later(occasion: Occasion) -> datetime:
    minutes = occasion.chance.randint(1, 60 * 24 * 20)
    return occasion.at + timedelta(minutes=-minutes if occasion.odd() else minutes)


def words(occasion: Occasion) -> str:
    return str(occasion.one_of(*WORDS))


def an_id(occasion: Occasion) -> str:
    return str(occasion.one_of(*IDS))


def origin(occasion: Occasion) -> Origin:
    return Origin(register_name=words(occasion), reference=str(occasion.chance.randint(1, 999)))


def terms(occasion: Occasion) -> tuple[Outcome, ...]:
    kinds = occasion.chance.sample(list(OutcomeKind), occasion.chance.randint(1, 3))
    if OutcomeKind.FULL_REFUND in kinds and OutcomeKind.PARTIAL_REFUND in kinds and not occasion.odd():
        kinds.remove(OutcomeKind.PARTIAL_REFUND)
    payers = {"merchant", *(party for party, _ in occasion.state.respondents)}
    if occasion.odd():
        payers |= {"platform", "payment_provider"}
    return tuple(
        Outcome(
            kind=kind,
            amount=yuan(occasion) if kind in MONEY else None,
            payer=occasion.one_of(None, *sorted(payers)) if kind in MONEY else None,
        )
        for kind in kinds
    )


def order(occasion: Occasion) -> Order:
    return Order(
        source="s",
        reference=words(occasion),
        purchased_at=earlier(occasion),
        amount=yuan(occasion),
        merchant_id=occasion.one_of(None, *MERCHANTS),
        platform=occasion.one_of(None, "platform"),
        payment_provider=occasion.one_of(None, "provider"),
    )


def merchant(occasion: Occasion) -> Merchant:
    since = occasion.at - timedelta(days=400)
    policies = tuple(Adoption(policy, 1, since) for policy in occasion.book.policies.values())
    return Merchant(
        Standing.MERGED if occasion.odd() else Standing.REGISTERED,
        promises=occasion.one_of((), ((since, None),)),
        enrolments=occasion.one_of((), ((since, None),)),
        adoptions=occasion.one_of((), (), policies),
        merged_into=MERCHANTS[0],
    )


def candidates(occasion: Occasion) -> tuple[Candidate, ...]:
    return tuple(
        Candidate(
            mediator_id=one,
            kind=occasion.one_of(*MediatorKind),
            conflicts=frozenset({occasion.state.consumer_id}) if occasion.odd() else frozenset(),
            load=occasion.chance.randint(0, 20 if occasion.odd() else 3),
        )
        for one in occasion.chance.sample(IDS, 3)
    )


def ground(name: str) -> Callable[[Occasion], str]:
    def make(occasion: Occasion) -> str:
        rules = rules_of(occasion.state, occasion.book, occasion.at)
        codes = [one.code for one in getattr(rules, name)] if rules is not None else []
        return str(occasion.one_of(*codes)) if codes and not occasion.odd() else "unheard-of"

    return make


def _where(occasion: Occasion) -> dict[str, Any]:
    division = occasion.one_of(*DIVISIONS)
    return {"division": division, "shop": Shop(division=occasion.one_of(*DIVISIONS) if occasion.odd() else division)}


def _performed(occasion: Occasion) -> dict[str, Any]:
    settlement = occasion.state.settlement
    left = sorted(set(range(len(settlement.terms))) - settlement.done) or [0]
    item = occasion.one_of(*left)
    agreed = settlement.terms[item].amount if settlement.terms else None
    if agreed is None:
        return {"item": item, "amount": None}
    rest = agreed.fen - settlement.performed[item]
    fen = rest + 1 if occasion.odd() else occasion.one_of(rest, occasion.chance.randint(1, max(rest, 1)))
    reference = None if occasion.odd() else words(occasion)
    return {"item": item, "amount": Money(fen=fen, currency=agreed.currency), "reference": reference}


def _advanced(occasion: Occasion) -> dict[str, Any]:
    settlement = occasion.state.settlement
    owed = [
        item
        for item in range(len(settlement.terms))
        if left_of(settlement, item)
        and settlement.terms[item].kind is not OutcomeKind.PUNITIVE_DAMAGES
        and not occasion.state.advance_pending(item)
    ]
    return {"item": occasion.one_of(*owed) if owed and not occasion.odd() else occasion.chance.randint(0, 3)}


def _abroad(occasion: Occasion) -> dict[str, Any]:
    partner = words(occasion)
    use = (occasion.one_of(*Purpose) if occasion.odd() else Purpose.CROSS_BORDER_TRANSFER, partner)
    return {"partner": partner, "subject": Subject(consents={use: ((occasion.at - timedelta(days=1), None),)})}


def _verified(occasion: Occasion) -> dict[str, Any]:
    verified = occasion.one_of(True, False)
    loss = amount(occasion) if verified and occasion.one_of(True, False) else None
    return {"verified": verified, "legal_steps": verified and occasion.one_of(True, False), "loss": loss}


def _named(occasion: Occasion) -> dict[str, Any]:
    known = occasion.state.merchant_id
    return {"merchant_id": known if known and not occasion.odd() else occasion.one_of(*MERCHANTS)}


def _received(occasion: Occasion) -> dict[str, Any]:
    return _where(occasion) | (_named(occasion) if occasion.one_of(True, False) else {})


def _called_back(occasion: Occasion) -> dict[str, Any]:
    reached = occasion.one_of(True, False)
    return {"reached": reached, "satisfaction": occasion.chance.randint(1, 5) if reached or occasion.odd() else None,
            "solved": occasion.one_of(True, False) if reached else None}  # fmt: skip


def _corrected(occasion: Occasion) -> dict[str, Any]:
    known = {"product": "c", "disputed": occasion.one_of(True, False), "answer": occasion.one_of(*AnswerKind)}
    return {name: known[name] for name in occasion.chance.sample(sorted(known), occasion.chance.randint(0, 2))}


def _filed(occasion: Occasion) -> dict[str, Any]:
    """What belongs together in a filing."""
    kind = occasion.one_of(*RequestKind, RequestKind.COMPLAINT, RequestKind.COMPLAINT, RequestKind.COMPLAINT)
    joint = Joint(incident="i", representatives=(IDS[0], IDS[1]))
    return {
        "kind": kind,
        "anonymous": True if kind is RequestKind.REPORT else None,
        "joint": joint if kind is RequestKind.COMPLAINT and occasion.odd() else None,
        "origin": origin(occasion) if occasion.odd() and kind is RequestKind.COMPLAINT else None,
    }


#: Arguments that are always made, though they have a default.
NEEDED = frozenset({"side", "amount"})
#: Arguments that depend on one another.
FURTHER: dict[str, Callable[[Occasion], dict[str, Any]]] = {
    "file": _filed,
    "receive": _received,
    "impose_penalty": _named,
    "perform": _performed,
    "request_advance": _advanced,
    "send_abroad": _abroad,
    "verify_fraud": _verified,
    "call_back": _called_back,
    "correct": _corrected,
    "route": lambda occasion: {"answer_due": later(occasion)} if occasion.odd() else {"answer_due": None},
    "reopen": lambda occasion: {"answer_due": None if occasion.state.office_id else later(occasion)},
    "answer": lambda occasion: occasion.one_of(
        {"kind": AnswerKind.MONETARY_RELIEF, "relief": yuan(occasion)}, {"kind": AnswerKind.NO_RELIEF, "relief": None}
    ),
}

MAKERS: dict[str | tuple[str, str], Callable[[Occasion], Any]] = {
    "addressee": words,
    "agent_id": an_id,
    "amount": yuan,
    "anonymous": lambda occasion: None,
    "answer_due": later,
    "appraiser": words,
    "attempt": origin,
    "basis": lambda occasion: occasion.one_of("phone_number", "account", "identity_document"),
    ("resolve", "basis"): lambda occasion: occasion.one_of("relief_granted", "agreement", "consumer_confirmed"),
    ("impose_penalty", "basis"): lambda occasion: " " if occasion.odd() else words(occasion),
    "candidates": candidates,
    "case_number": words,
    "channel": lambda occasion: occasion.one_of(*Channel),
    "claim": amount,
    "commission": words,
    "complexity": lambda occasion: occasion.one_of(*Complexity),
    "confidence": lambda occasion: occasion.chance.randint(0, 1000),
    "consumer_id": an_id,
    ("leave", "consumer_id"): lambda occasion: occasion.one_of(*(sorted(occasion.state.members) or IDS)),
    "cost": amount,
    "court": words,
    "digest": lambda occasion: "ab" * 32,
    "division": lambda occasion: occasion.one_of(*DIVISIONS),
    "expires": later,
    "finding": words,
    "fine": yuan,
    "fund_id": lambda occasion: f"fund-{an_id(occasion)}",
    "forwarded": origin,
    "ground": lambda occasion: occasion.one_of("answered", "no_agreement", "unfounded", "merchant_unreachable"),
    ("refuse", "ground"): ground("refusal_grounds"),
    ("end_mediation", "ground"): ground("ending_grounds"),
    "injured": lambda occasion: occasion.odd(),
    "into": lambda occasion: f"complaint-{an_id(occasion)}",
    "issue": words,
    "item": lambda occasion: 0,
    "items": lambda occasion: (words(occasion),),
    "joint": lambda occasion: None,
    "kind": lambda occasion: occasion.one_of(*AnswerKind),
    "law": lambda occasion: (words(occasion),),
    "legal_steps": lambda occasion: False,
    "loss": lambda occasion: None,
    "made_at": earlier,
    "mediator_id": lambda occasion: None if not occasion.odd() else an_id(occasion),
    "merchant": merchant,
    "merchant_id": lambda occasion: occasion.one_of(*MERCHANTS),
    "model": words,
    "model_version": words,
    "narrative": lambda occasion: occasion.one_of(*WORDS, "no-reason return", "a defect", "never arrived"),
    "number": lambda occasion: occasion.chance.randint(0, max(len(occasion.state.mediation.suggestions) - 1, 0)),
    "office_id": lambda occasion: occasion.one_of(*OFFICES),
    "order": order,
    "origin": lambda occasion: None,
    "outcome": words,
    "partner": words,
    "party": lambda occasion: occasion.one_of("platform", "payment_provider"),
    "party_id": lambda occasion: str(occasion.chance.randint(1, 9)),
    "payer": lambda occasion: occasion.one_of(*Side),
    "person_id": an_id,
    "platform_id": lambda occasion: f"platform-{an_id(occasion)}",
    "postal_code": words,
    "precision": lambda occasion: "instant",
    "product": words,
    "question": words,
    "reached": lambda occasion: True,
    "reason": words,
    "reasons": lambda occasion: " " if occasion.odd() else words(occasion),
    "recipient_id": lambda occasion: an_id(occasion) if occasion.odd() else occasion.state.consumer_id,
    "recovered": amount,
    "reference": words,
    "regime": lambda occasion: occasion.one_of(*Regime),
    "region": lambda occasion: Code(scheme="GB/T 2260", value=occasion.one_of(*DIVISIONS)),
    "relief": lambda occasion: None,
    "report": lambda occasion: "ab" * 32,
    "rules": words,
    "sale": lambda occasion: Sale(delivered="otherwise", receipt_division=occasion.one_of(*DIVISIONS)),
    "satisfaction": lambda occasion: None,
    "scenario": lambda occasion: occasion.one_of(*sorted(occasion.book.scenarios)),
    "scheme": words,
    "session": lambda occasion: occasion.one_of(*(sorted(occasion.state.mediation.cut_sessions) or WORDS)),
    ("cut_session", "session"): lambda occasion: str(occasion.chance.randint(1, 99)),
    "shop": lambda occasion: Shop(division="330106"),
    "side": lambda occasion: occasion.one_of(*Side) if occasion.by.role is Role.SERVICE else None,
    "solved": lambda occasion: None,
    "stage": lambda occasion: "packing" if occasion.odd() else "delivery",
    "stated": lambda occasion: occasion.one_of("in_time", "late", "not_stated") if occasion.state.imported else None,
    "sub_issue": words,
    "sub_product": words,
    "subject": lambda occasion: None,
    "taken": lambda occasion: occasion.chance.random() < 0.7,
    "terms": terms,
    "text": words,
    "verified": lambda occasion: False,
    "violation": lambda occasion: "unheard-of" if occasion.odd() else "price-fraud",
    "what": words,
}
