"""Boards over HTTP: a route for each question of ``adapters.boards`` and ``adapters.boards_activity``."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from adapters import boards, boards_activity, effects
from api import bodies
from api.asking import AskedInPages, Asking
from api.problems import responses
from domain.values import TEXT

router = APIRouter(tags=["queries"])

BOARDS: tuple[Callable[..., boards.Rows], ...] = (
    boards.listings,
    boards.repairs,
    boards.consequences,
    boards.notices,
    boards.measures_in_force,
    boards.measure_counts,
    boards.violations,
    boards.grievances,
    boards_activity.warnings,
    boards_activity.yearly_lists,
    boards_activity.fund_balances,
    boards_activity.advances,
    boards_activity.supervision_reports,
    boards_activity.privacy_audits,
    boards_activity.label_gaps,
    boards_activity.leaks,
    boards_activity.consents,
    boards_activity.evaluations,
    boards_activity.circle_members,
    boards_activity.corrective_actions,
    effects.circle_effects,
    effects.corrective_effects,
    boards_activity.volumes,
    boards_activity.policies_adopted,
    boards_activity.office_tree,
    boards_activity.transfers,
    boards_activity.mediators,
    boards_activity.merchant_groups,
    boards_activity.scenarios,
    boards_activity.parameters,
)


class Board(bodies.Page):
    """Rows of a board; ``docs/read-models.md`` describes the tables behind them."""

    items: list[dict[str, Any]]
    explain: list[str] | None = Field(None, description="The queries, as they were run.")


def _of(kind: Any) -> Any:
    """Return how a parameter of a question is asked over HTTP."""
    if kind in (datetime, datetime | None):
        return Annotated[bodies.Time | None, Query(description="As of this time. Default: now.")]
    if kind is date:
        return Annotated[bodies.Day, Query(examples=["2026-03-31"])]
    if kind is int:
        return Annotated[int, Query(ge=1, le=9999, examples=[2026])]
    if kind == int | None:
        return Annotated[int | None, Query(ge=1, le=9999)]
    if kind in (str, str | None):
        return Annotated[kind, Query(max_length=200, pattern=TEXT, examples=["credit_score"])]
    return Annotated[kind, Query()]


def _route(question: Callable[..., boards.Rows]) -> Callable[..., Board]:
    asked = dict(list(inspect.signature(question, eval_str=True).parameters.items())[1:])

    def answer(asking: Asking, **values: Any) -> Board:
        complete_to, limit = asking.wait(), asking.limit
        if asked.keys() & {"at"}:
            values["at"] = values["at"] or datetime.now(UTC)
        found = question(asking.pool, **values).page(limit + 1, asking.offset)
        return Board(
            items=found[:limit],
            next=asking.next(more=len(found) > limit),
            complete_to=complete_to,
            **asking.explained(),
        )

    parameters = [inspect.Parameter("asking", inspect.Parameter.KEYWORD_ONLY, annotation=AskedInPages)]
    parameters += [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=_of(one.annotation),
            default=None if one.annotation in (datetime, datetime | None) else one.default,
        )
        for name, one in asked.items()
    ]
    answer.__name__, answer.__doc__ = f"read_{question.__name__}", question.__doc__
    answer.__signature__ = inspect.Signature(parameters, return_annotation=Board)  # type: ignore[attr-defined]
    answer.__annotations__ = {one.name: one.annotation for one in parameters} | {"return": Board}
    return answer


for _question in BOARDS:
    _path = f"/boards/{_question.__name__.replace('_', '-')}"
    _summary = f"Board: {_question.__name__.replace('_', ' ')}"
    router.get(_path, responses=responses(), summary=_summary)(_route(_question))
