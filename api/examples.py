"""Examples of what is sent: by the name of an argument, or else something that its type surely takes."""

from __future__ import annotations

import types
from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from api.bodies import EARLIER, MERCHANT, OFFICE, OTHER_MERCHANT, PERSON, Time, example_of
from domain.complaint.jurisdiction import DivisionCode
from domain.measure.state import Imposer, Target
from domain.rulebook.codes import CodeValue, Slug
from domain.values import (
    ComplaintId,
    FundId,
    MeasureId,
    MerchantId,
    OfficeId,
    PlatformId,
    RandomId,
    Sha256,
    StreamId,
)

_TERMS = [{"kind": "return"}, {"kind": "partial_refund", "amount": {"fen": 5000}}]
#: Examples by the name of the argument, or of operation and argument; the others follow from the type.
_EXAMPLES: dict[str, Any] = {
    "channel": "app",
    "file.product": "rice cooker",
    "scheme": "GB/T 36431",
    "issue": "does not heat",
    "region": {"scheme": "GB/T 2260", "value": "330106"},
    "claim": {"fen": 19900, "currency": "CNY"},
    "narrative": "The second one within a month.",
    "division": "330106",
    "shop": {"division": "330106"},
    "sale": {"delivered": "otherwise", "receipt_division": "330106"},
    "terms": _TERMS,
    "law": ["Consumer Protection Law, art. 24"],
    "items": ["the receipt"],
    "attempt": {"register_name": "12315", "reference": "4401"},
    "addressee": "Health Commission of Hangzhou",
    "partner": "Consumer Council, Hong Kong",
    "reference": "HK-2026-0042",
    "into": EARLIER,
    "answer.kind": "monetary_relief",
    "answer.text": "We return 50 yuan.",
    "resolve.basis": "agreement",
    "close.ground": "no_agreement",
    "refuse.ground": "not-competent",
    "end_mediation.ground": "no-agreement",
    "reopen.reason": "the money did not come",
    "withdraw.reason": "settled in the shop",
    "trade_name": "West Lake Appliances",
    "identifier": {"scheme": "GB 32100", "value": "91330106MA27XA1B2H"},
    "industry": {"scheme": "GB/T 4754", "value": "52"},
    "title": "Market Supervision of Xihu District",
    "level": "county",
    "superior": OFFICE,
    "batch": "2026-03",
    "other": OTHER_MERCHANT,
    "merge_merchant.merchant_id": OTHER_MERCHANT,
    "relation": "branch_of",
    "adopt_policy.policy_id": "seven-day-return",
    "drop_policy.policy_id": "seven-day-return",
    "stage": "payment",
    "first": "2025-10-01",
    "last": "2025-12-31",
    "year": 2025,
    "contributor": "West Lake Market",
    "admit_platform.title": "West Lake Market",
    "open_fund.title": "Protection fund of Xihu District",
    "announce_rule.title": "Returns of opened goods",
    "take_corrective_action.title": "The fee is shown before the order",
    "list_merchant.title": "Seriously untrustworthy",
    "list_merchant.list": "untrustworthy",
    "authority": OFFICE,
    "rule_id": "opened-goods",
    "effective_from": "2026-04-01T00:00:00+08:00",
    "impose.kind": "fine",
    "impose.imposed_by": OFFICE,
    "impose.reason": "It advertised a discount that there was not.",
    "impose.basis": "Advertising Law, art. 55",
    "impose.case_number": "2026-0042",
    "impose.amount": {"fen": 2_000_000},
    "violations": [{"merchant_id": MERCHANT, "violation": "false-advertising", "complaints": [EARLIER]}],
    "settle_grievance.terms": "The fee is paid back.",
    "recipient": "Consumer Council, Hong Kong",
}


def example_for(operation: str, name: str, hint: Any, needed: bool) -> Any:
    """Return an example of an argument of an operation; None for one that has none and is not needed."""
    named = _EXAMPLES.get(f"{operation}.{name}", _EXAMPLES.get(name))
    return example_by_type(hint) if named is None and needed else named


def plain_type(hint: Any) -> Any:
    """Return a type without None and annotations."""
    if get_origin(hint) is Annotated:
        return plain_type(get_args(hint)[0])
    if get_origin(hint) in (Union, types.UnionType):
        return plain_type(next(one for one in get_args(hint) if one is not type(None)))
    return hint


#: Named types of the domain, and what is one of them.
_OF_TYPE: tuple[tuple[Any, str], ...] = (
    (RandomId, PERSON),
    (ComplaintId, EARLIER),
    (MerchantId, MERCHANT),
    (OfficeId, OFFICE),
    (PlatformId, example_of("platform")),
    (MeasureId, example_of("measure")),
    (FundId, example_of("fund")),
    (StreamId, example_of("platform")),
    (Target, MERCHANT),
    (Imposer, OFFICE),
    (DivisionCode, "330106"),
    (Sha256, "ab" * 32),
    (Slug, "return-without-reason"),
    (CodeValue, "false-advertising"),
)


def example_by_type(hint: Any) -> Any:
    """Return something that a type surely takes."""
    named = next((found for known, found in _OF_TYPE if known == hint), None)
    if named is not None:
        return named
    plain = plain_type(hint)
    if plain is plain_type(Time):
        return "2026-03-02T09:00:00+08:00"
    if plain is date:
        return "2026-03-02"
    if get_origin(plain) is tuple:
        return [example_by_type(get_args(plain)[0])]
    if get_origin(plain) is Literal:
        return get_args(plain)[0]
    if isinstance(plain, type):
        if issubclass(plain, Enum):
            return next(iter(plain)).value
        if issubclass(plain, BaseModel):
            hints = get_type_hints(plain, include_extras=True)
            return {
                name: example_by_type(hints[name]) for name, field in plain.model_fields.items() if field.is_required()
            }
        if issubclass(plain, bool):
            return True
        if issubclass(plain, int):
            return 1
    return "as agreed by telephone"
