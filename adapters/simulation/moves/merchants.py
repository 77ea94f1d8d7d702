"""What merchants do, and what is done with them, whatever the single complaint."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from adapters.simulation.market import Life, Manner, Market, Move
from adapters.simulation.moves.common import DAY, Weight, by_manner, while_filing
from domain.merchant.registration import Relation
from domain.merchant.state import Listing, Status
from domain.rulebook.book import Part
from domain.values import Role

CIRCLES = ("trusted-shops", "fresh-food")
#: Repair of a listing is asked for after its term, which is of a year.
A_YEAR = (366 * DAY, 395 * DAY)
#: Who has not asked by so long after the filings does not.
GIVEN_UP = timedelta(days=120)


def _batch(life: Life, market: Market) -> dict[str, Any]:
    return {"batch": f"{life.at:%Y-%m}"}


def _reason(text: str) -> Any:
    return lambda life, market: {"reason": text}


def _member(life: Life) -> list[str]:
    """The quality circles that it is in."""
    return [circle for circle, own in life.state.circles.items() if own[-1][1] is None]


def _join(life: Life, market: Market) -> dict[str, Any]:
    circle = life.chance.choice([one for one in CIRCLES if one not in _member(life)])
    return {"circle": circle, "standard": "answers within a day, takes back what is faulty"}


def _circle(reason: str) -> Any:
    return lambda life, market: {"circle": life.chance.choice(_member(life)), "reason": reason}


def _in_a_circle(weight: Weight) -> Weight:
    return lambda life: weight(life) if _member(life) else 0


def _other(life: Life, market: Market) -> str:
    """The merchant next to it in size."""
    return market.shopkeepers[life.number - 1].merchant_id


def _link(life: Life, market: Market) -> dict[str, Any]:
    return {
        "other": _other(life, market),
        "relation": life.chance.choice(tuple(Relation)),
        "basis": "the register of companies",
    }


def _to_merge(life: Life) -> float:
    """Of small merchants, one in five may merge into a larger one."""
    if life.number % 5 != 4 or life.tries < 3 or life.at >= life.market.ends:
        return 0
    return 4 if life.market.lives[_larger(life, life.market)].state.status is Status.REGISTERED else 0


def _larger(life: Life, market: Market) -> str:
    return market.shopkeepers[life.number // 2].merchant_id


def _to_adopt(life: Life) -> list[str]:
    held = {one.policy.id for one in life.state.adoptions if one.over is None}
    return [policy for policy in sorted(life.market.book.policies) if policy not in held]


def adopt(life: Life, market: Market) -> dict[str, Any]:
    """Adopt a policy that is published."""
    policy = life.chance.choice(_to_adopt(life))
    return {"policy_id": policy, "edition": market.book.edition(Part.POLICIES, policy)}


def _drop(life: Life, market: Market) -> dict[str, Any]:
    held = [one.policy.id for one in life.state.adoptions if one.over is None]
    return {"policy_id": life.chance.choice(held), "reason": "too many came back"}


def _result(life: Life, market: Market) -> dict[str, Any]:
    in_effect = [number for number, since in enumerate(life.state.corrections, 1) if since <= life.at]
    return {"number": in_effect[-1], "text": "Half as many complaints about it since."}


def _listed(life: Life, applied: bool, keeper: str = "") -> list[int]:
    """The numbers of listings that stand."""

    def fits(one: Listing) -> bool:
        return one.active and one.applied is applied and one.authority.startswith(keeper)

    return [number for number, one in enumerate(life.state.listings, 1) if fits(one)]


def _removal(keeper: Role, prefix: str) -> Move:
    return Move(
        "remove_listing",
        keeper,
        (10 * DAY, 60 * DAY),
        lambda life: while_filing(8)(life) if _listed(life, False, prefix) else 0,
        lambda life, market: {"number": _listed(life, False, prefix)[0], "reason": "every consumer was paid"},
    )


def _decision(keeper: Role, prefix: str) -> Move:
    return Move(
        "decide_repair",
        keeper,
        (DAY, 30 * DAY),
        lambda life: 500 if _listed(life, True, prefix) else 0,
        lambda life, market: {
            "number": _listed(life, True, prefix)[0],
            "granted": life.chance.random() < 0.7,
            "reasons": "What was undertaken was looked at on the spot.",
        },
    )


def _to_repair(life: Life) -> float:
    begun: datetime = life.market.ends
    repairs = begun <= life.at < begun + GIVEN_UP and life.shop.manner is not Manner.SILENT
    return 30 if repairs and _listed(life, False) else 0


MOVES: dict[StrEnum, tuple[Move, ...]] = {
    Status.REGISTERED: (
        Move(
            "sign_promise", Role.MERCHANT, (DAY, 40 * DAY), lambda m: while_filing(by_manner(12, 8, 1, 4)(m))(m), _batch
        ),
        Move("leave_promise", Role.MERCHANT, (5 * DAY, 60 * DAY), while_filing(1), _reason("too few people")),
        Move("enrol", Role.MERCHANT, (DAY, 40 * DAY), while_filing(4)),
        Move("end_enrolment", Role.MERCHANT, (5 * DAY, 60 * DAY), while_filing(1), _reason("the contract ended")),
        Move(
            "join_circle",
            Role.MERCHANT,
            (DAY, 40 * DAY),
            lambda m: while_filing(6)(m) if len(_member(m)) < len(CIRCLES) else 0,
            _join,
        ),
        Move("leave_circle", Role.MERCHANT, (5 * DAY, 60 * DAY), _in_a_circle(while_filing(1)), _circle("a new owner")),
        Move(
            "expel_from_circle",
            Role.PLATFORM,
            (5 * DAY, 60 * DAY),
            _in_a_circle(lambda m: while_filing(by_manner(0.2, 1, 6, 12)(m))(m)),
            _circle("does not answer within a day"),
        ),
        Move(
            "link_merchant",
            Role.REGULATOR,
            (DAY, 60 * DAY),
            lambda m: while_filing(2)(m) if m.number and _other(m, m.market) not in m.state.linked else 0,
            _link,
        ),
        Move(
            "unlink_merchant",
            Role.REGULATOR,
            (5 * DAY, 60 * DAY),
            while_filing(2),
            lambda m, market: {"other": min(m.state.linked), "reason": "sold"},
        ),
        Move(
            "merge_merchant",
            Role.REGULATOR,
            (5 * DAY, 40 * DAY),
            _to_merge,
            lambda m, market: {"merchant_id": _larger(m, market), "basis": "the register of companies"},
        ),
        Move(
            "adopt_policy",
            Role.MERCHANT,
            (DAY, 40 * DAY),
            lambda m: while_filing(by_manner(8, 3, 0, 1)(m))(m) if _to_adopt(m) else 0,
            adopt,
        ),
        Move("drop_policy", Role.MERCHANT, (5 * DAY, 60 * DAY), while_filing(1), _drop),
        Move("report_corrective_result", Role.MERCHANT, (DAY, 20 * DAY), while_filing(6), _result),
        _removal(Role.REGULATOR, "office"),
        _removal(Role.PLATFORM, "platform"),
        Move(
            "apply_for_repair",
            Role.MERCHANT,
            A_YEAR,
            _to_repair,
            lambda m, market: {"number": _listed(m, False)[0], "undertaking": "To answer every complaint in a day."},
        ),
        _decision(Role.REGULATOR, "office"),
        _decision(Role.PLATFORM, "platform"),
    ),
    Status.MERGED: (
        Move(
            "undo_merger",
            Role.REGULATOR,
            (5 * DAY, 60 * DAY),
            lambda m: while_filing(1)(m) if m.number % 2 == 0 else 0,
            _reason("it was entered by mistake"),
        ),
    ),
}
