"""Whether it helped: complaints before and after joining a quality circle (B8), and a corrective action (B16)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from adapters.around import Turn, around
from adapters.boards import Row, Rows
from adapters.boards_activity import circle_members, corrective_actions
from adapters.database import Pool
from domain.calendar import day_of


def circle_effects(pool: Pool, at: datetime, *, circle: str | None = None) -> Rows:
    """Return every membership of a quality circle with the merchant's valid complaints ``before`` and ``after`` it
    joined (B8): at most 180 days each, and per 30 days; what is not over at ``at`` is ``incomplete``.

    Complaints of merchants that were merged count for the one that goes on. In the order of the memberships.
    """

    def then(pool: Pool, found: list[Row]) -> list[Row]:
        return _with(pool, found, [Turn(one["merchant_id"], day_of(one["begun_at"])) for one in found], day_of(at))

    return replace(circle_members(pool, circle=circle), then=then)


def corrective_effects(pool: Pool, at: datetime, *, merchant_id: str | None = None) -> Rows:
    """Return every corrective action with the merchant's valid complaints ``before`` and ``after`` it took effect
    (B16), as of circles; where the action names a stage of the product, the complaints of that stage only."""

    def then(pool: Pool, found: list[Row]) -> list[Row]:
        days = [Turn(one["merchant_id"], day_of(one["effective_at"]), one["stage"]) for one in found]
        return _with(pool, found, days, day_of(at))

    return replace(corrective_actions(pool, merchant_id=merchant_id), then=then)


def _with(pool: Pool, found: list[Row], turns: list[Turn], today: date) -> list[Row]:
    return [{**one, **sides} for one, sides in zip(found, around(pool, turns, today=today), strict=True)]
