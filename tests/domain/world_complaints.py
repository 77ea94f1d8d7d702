"""Arguments for actions on complaints that name other streams: of what there is in the world."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from domain.complaint.filing import Joint, Order
from domain.complaint.jurisdiction import Shop
from domain.complaint.negotiation import Regime
from domain.complaint.settlement import left_of
from domain.complaint.state import RequestKind
from domain.values import Money
from tests.domain.arguments import DIVISIONS, IDS, OFFICES
from tests.domain.world import Scene


def _offices(scene: Scene) -> dict[str, Any]:
    """The office of a division, mostly."""
    number = scene.chance.randrange(len(OFFICES))
    return {"office_id": OFFICES[number], "division": DIVISIONS[number]}


def _received(scene: Scene) -> dict[str, Any]:
    where = _offices(scene)
    return {**where, "shop": Shop(division=where["division"])}


def _order(scene: Scene) -> Order | None:
    """A purchase of these days, of which a policy may know what to do."""
    if scene.chance.random() < 0.3:
        return None
    return Order(
        source="s",
        reference=str(scene.chance.randint(1, 10**6)),
        purchased_at=scene.at - timedelta(hours=scene.chance.randint(1, 150)),
        amount=Money(fen=scene.chance.randint(1, 10**5)),
        merchant_id=scene.any_of("merchant"),
    )


def _filed(scene: Scene) -> dict[str, Any]:
    reported = "begin_verification" in scene.plot
    kind = RequestKind.REPORT if reported else RequestKind.COMPLAINT if scene.plot else scene.one_of(*RequestKind)
    joint = scene.chance.random() < 0.05 and kind is RequestKind.COMPLAINT
    return {
        "kind": kind,
        "consumer_id": scene.one_of(*IDS[:4]),
        "order": _order(scene) if kind is RequestKind.COMPLAINT else None,
        "anonymous": True if kind is RequestKind.REPORT else None,
        "origin": None,
        "claim": scene.yuan(),
        "joint": Joint(incident="i", representatives=IDS[:2]) if joint else None,
        "narrative": "no-reason return" if scene.chance.random() < 0.5 else "never arrived",
    }


def _routed(scene: Scene) -> dict[str, Any]:
    merchant = scene.state.merchant_id or scene.any_of("merchant")
    signed = scene.world.state(merchant).had_signed(scene.state.filed_at)
    regime = Regime.PROMISE if signed and not scene.odd() else scene.one_of(None, *Regime)
    due = scene.later(9) if regime is None and scene.chance.random() < 0.7 else None
    return {"merchant_id": merchant, "regime": regime, "answer_due": due}


def _advanced(scene: Scene) -> dict[str, Any]:
    """An item of which something is left, whether or not a fund was asked already."""
    settlement = scene.state.settlement
    owed = [item for item in range(len(settlement.terms)) if left_of(settlement, item)]
    return {"item": scene.one_of(*(owed or [0]))}


FURTHER: dict[str, Callable[[Scene], dict[str, Any]]] = {
    "file": _filed,
    "route": _routed,
    "receive": _received,
    "begin_verification": _offices,
    "transfer": _offices,
    "request_advance": _advanced,
    "verify_fraud": lambda scene: {"verified": True, "loss": scene.yuan()} if scene.plot else {},
}

MAKERS: dict[str | tuple[str, str], Callable[[Scene], Any]] = {
    ("accept", "merchant_id"): lambda scene: None,
    ("allege_fraud", "platform_id"): lambda scene: scene.any_of("platform"),
    ("impose_penalty", "merchant_id"): lambda scene: scene.any_of("merchant"),
    ("merge", "into"): lambda scene: scene.any_of("complaint"),
    ("name_merchant", "merchant_id"): lambda scene: scene.any_of("merchant"),
    ("receive", "merchant_id"): lambda scene: None if scene.state.merchant_id else scene.any_of("merchant"),
    ("request_advance", "fund_id"): lambda scene: scene.any_of("fund"),
    ("supervise", "office_id"): lambda scene: OFFICES[-1],
}
