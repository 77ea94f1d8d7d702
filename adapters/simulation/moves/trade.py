"""What platforms do about notices and grievances, and what goes on in live rooms."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from adapters.simulation.market import Life, Market, Move
from adapters.simulation.moves.common import DAY, Weight, always, digest, violation
from domain.grievance.state import Status as GrievanceStatus
from domain.platform.notices import WAITING
from domain.platform.state import Status as PlatformStatus
from domain.room.state import ContentKind, Subject
from domain.room.state import Status as RoomStatus
from domain.values import Role

#: For how long records are kept at least, and somewhat more.
KEPT = (1_100 * DAY, 1_120 * DAY)


def _waiting(life: Life) -> list[int]:
    return [number for number, one in enumerate(life.state.notices, 1) if one.status in WAITING]


PLATFORM_MOVES: dict[StrEnum, tuple[Move, ...]] = {
    PlatformStatus.ADMITTED: (
        Move(
            "decline_notice",
            Role.PLATFORM,
            (1, 200),
            always(1),
            lambda life, market: {"number": _waiting(life)[0], "reason": "nothing was found"},
        ),
    ),
}


def _answer(life: Life, market: Market) -> dict[str, Any]:
    return {"text": "The rule is the same for all who sell here."}


def _settle(life: Life, market: Market) -> dict[str, Any]:
    return {"terms": "The fee is paid back for three months."}


def _decide(life: Life, market: Market) -> dict[str, Any]:
    upheld = life.chance.random() < 0.5
    other = upheld and life.chance.random() < 0.3
    return {
        "upheld": upheld,
        "reasons": "The terms were changed within a day.",
        "violation": violation(life) if other else None,
    }


_SETTLE = Move("settle_grievance", Role.MERCHANT, (DAY, 20 * DAY), always(6), _settle)
_WITHDRAW = Move(
    "withdraw_grievance", Role.MERCHANT, (DAY, 20 * DAY), always(3), lambda life, market: {"reason": "left it"}
)
_TAKE_UP = Move(
    "take_up", Role.REGULATOR, (DAY, 30 * DAY), always(10), lambda life, market: {"office_id": market.national}
)
GRIEVANCE_MOVES: dict[StrEnum, tuple[Move, ...]] = {
    GrievanceStatus.OPEN: (
        Move("answer_grievance", Role.PLATFORM, (DAY, 25 * DAY), always(40), _answer),
        _SETTLE,
        _WITHDRAW,
    ),
    GrievanceStatus.ANSWERED: (_SETTLE, _WITHDRAW, _TAKE_UP),
    GrievanceStatus.UNANSWERED: (
        Move("answer_grievance", Role.PLATFORM, (DAY, 20 * DAY), always(8), _answer),
        _WITHDRAW,
        _TAKE_UP,
    ),
    GrievanceStatus.TAKEN_UP: (
        Move("decide_grievance", Role.REGULATOR, (5 * DAY, 60 * DAY), always(20), _decide),
        Move("answer_grievance", Role.PLATFORM, (DAY, 20 * DAY), always(5), _answer),
        _SETTLE,
    ),
}


def _hidden(life: Life) -> list[str]:
    """What could be shown, and is not."""
    return [one for one in ("host", "backdrop", "model") if one not in life.state.shown]


def _show(life: Life, market: Market) -> dict[str, Any]:
    content = life.chance.choice(_hidden(life))
    return {
        "content_id": content,
        "kind": ContentKind.DIGITAL_HOST if content == "host" else ContentKind.AI_IMAGE,
    }


def _unlabelled(life: Life) -> list[str]:
    shown = [one for one in life.state.shown if one not in life.state.labels]
    return shown or [one for one in ("host", "backdrop") if one not in life.state.labels]


def _label(life: Life, market: Market) -> dict[str, Any]:
    return {"content_id": _unlabelled(life)[0], "text": "AI 生成"}


def _record(life: Life, market: Market) -> dict[str, Any]:
    return {"session": len(life.state.sessions), "digest": digest(life), "what": "recording of the session"}


def _change(life: Life, market: Market) -> dict[str, Any]:
    return {"which": life.chance.choice(tuple(Subject)), "to": f"host {life.tries}"}


def _old(life: Life) -> bool:
    """Whether it was opened long before the filings."""
    return life.number < 0


def _few(most: int) -> Weight:
    return lambda life: 20 if len(life.state.sessions) < most else 0


def _to_destroy(life: Life) -> list[int]:
    return [number for number, one in enumerate(life.state.sessions, 1) if one.records and _old(life)]


def _destroying(hours: tuple[float, float], over: bool) -> Move:
    """Destroy records: those of the first session after their term, the others soon after these."""
    return Move(
        "destroy_record",
        Role.PLATFORM,
        hours,
        lambda life: 1 if _to_destroy(life) and over == (not life.state.sessions[0].records) else 0,
        lambda life, market: {"session": _to_destroy(life)[0], "reason": "the term is over"},
    )


ROOM_MOVES: dict[StrEnum, tuple[Move, ...]] = {
    RoomStatus.OPEN: (
        Move("begin_session", Role.MERCHANT, (DAY, 6 * DAY), _few(3)),
        Move("change_subject", Role.MERCHANT, (DAY, 6 * DAY), lambda life: 2 if life.version < 60 else 0, _change),
        Move(
            "keep_record",
            Role.PLATFORM,
            (0.5, 20),
            lambda life: 40 if life.state.sessions and not life.state.sessions[-1].records else 0,
            _record,
        ),
        Move(
            "close_room",
            Role.MERCHANT,
            (5 * DAY, 30 * DAY),
            lambda life: 4 if life.state.sessions else 0,
            lambda life, market: {"reason": "the season is over"},
        ),
    ),
    RoomStatus.LIVE: (
        Move("show_content", Role.MERCHANT, (0.05, 0.8), lambda life: 20 if _hidden(life) else 0, _show),
        Move("show_label", Role.MERCHANT, (0.01, 0.5), lambda life: 25 if _unlabelled(life) else 0, _label),
        Move(
            "hide_label",
            Role.MERCHANT,
            (0.05, 0.5),
            always(3),
            lambda life, market: {"content_id": min(life.state.labels)},
        ),
        Move(
            "stop_content",
            Role.MERCHANT,
            (0.05, 0.8),
            always(8),
            lambda life, market: {"content_id": min(life.state.shown)},
        ),
        Move("end_session", Role.MERCHANT, (0.5, 3), always(10)),
    ),
    RoomStatus.CLOSED: (_destroying(KEPT, over=False), _destroying((10 * DAY, 60 * DAY), over=True)),
}
