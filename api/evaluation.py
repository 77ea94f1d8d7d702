"""Evaluations of a quarter or half-year, computed from the read models: over HTTP and as a command."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from rich.table import Table

from adapters.evaluation import ReadModelsBehind, Wanted, record_evaluations, told, top_office
from adapters.execute import Result
from adapters.rulebook import RulebookReader
from api import bodies, render
from api.acting import CLI_ACTOR, ActorId, As, Json, Key, actor_id, stream_id
from api.problems import ReadModelBehind, responses
from api.requests import IdempotencyKey, IfMatch, OfficeId, Principal, Shared
from api.running import running
from api.settings import load_settings
from domain.errors import InvalidInput
from domain.office.evaluation import EvaluationRecorded
from domain.periods import Period, period
from domain.streams import OFFICE
from domain.values import Actor, Role, StreamId

router = APIRouter(tags=["regulator", "auditor"])

#: How long a request waits for the read models, which are mostly a fraction of a second behind.
WAIT_S = 1.0


class Evaluate(BaseModel):
    """Whose work in which period; without ``evaluated`` everybody's who has enough cases."""

    model_config = ConfigDict(extra="forbid")
    period: str = Field(max_length=20, description="A quarter or half-year.", examples=["2025Q4"])
    evaluated: list[StreamId] | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="Platforms, offices, funds, merchants.",
        examples=[[bodies.MERCHANT]],
    )
    again: bool = Field(False, strict=True, description="A new edition, where there is one.")


class Evaluated(bodies.Done):
    """What was recorded, each with its figures; none of them is null but where there was nothing to tell it from."""

    items: list[dict[str, Any]]


def a_part_of_a_year(name: str, letters: str) -> Period:
    """Return the quarter or half-year of a name; raises InvalidInput."""
    own = period(name, letters)
    if own.kind == "year":
        raise InvalidInput(f"{own.name} is a year", hint="evaluate a quarter or a half-year")
    return own


def evaluated(result: Result, events: list[EvaluationRecorded]) -> dict[str, Any]:
    """Return what an evaluation did, for programs."""
    return {
        "id": result.stream,
        "events": [event.name for event in result.events],
        "items": [told(event) for event in events],
        "version": result.version,
        "position": result.position,
        "repeated": result.repeated,
    }


@router.post("/offices/{office_id}/evaluations", responses=responses(400, 404, 408, 409, 412, 413, 415))
def evaluate(
    office_id: OfficeId,
    body: Evaluate,
    by: Principal,
    shared: Shared,
    response: Response,
    idempotency_key: IdempotencyKey = None,
    if_match: IfMatch = None,
) -> Evaluated:
    """Compute how somebody did in a quarter or half-year, and record it; later changes do not change it."""
    own = a_part_of_a_year(body.period, "QH")
    try:
        result, events = record_evaluations(
            shared.ledger,
            shared.service_key,
            office_id,
            Wanted(None if body.evaluated is None else tuple(body.evaluated), own.first, own.last, body.again),
            by=by,
            now=datetime.now(UTC),
            book=shared.rulebook.current(),
            wait_s=WAIT_S,
            key=idempotency_key,
            expected=None if if_match is None else int(if_match.strip('"')),
        )
    except ReadModelsBehind as behind:
        raise ReadModelBehind(behind.message, hint=behind.hint) from None
    response.headers["ETag"] = f'"{result.version}"'
    return Evaluated(**evaluated(result, events))


def evaluate_command(
    whose: Annotated[
        list[str] | None, typer.Option("--evaluated", help="Platform, office, fund or merchant, by its whole id.")
    ] = None,
    everybody: Annotated[
        bool,
        typer.Option(
            "--all",
            help="Every merchant with at least 30 complaints that ended, every office, platform and fund with cases.",
        ),
    ] = False,
    quarter: Annotated[str | None, typer.Option(help="Such as 2026Q1.")] = None,
    half: Annotated[str | None, typer.Option(help="Such as 2026H1.")] = None,
    office: Annotated[
        str | None, typer.Option(help="The office that evaluates. Default: the one above all others.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="A new edition, where there is one.")] = False,
    key: Key = None,
    role: As = Role.REGULATOR,
    actor: ActorId = CLI_ACTOR,
    as_json: Json = False,
) -> None:
    """Compute how somebody did in a quarter or half-year, and record it; later changes do not change it.

    Cases, median hours to resolution, satisfaction and success are defined in docs/definitions.md.
    """
    if (quarter is None) == (half is None):
        raise InvalidInput("give a quarter or a half-year", hint="as in --quarter 2026Q1 or --half 2026H1")
    if bool(whose) == everybody:
        raise InvalidInput("give whose work it is about", hint="as in --evaluated merchant-…, or --all")
    own = a_part_of_a_year(quarter, "Q") if quarter is not None else a_part_of_a_year(half or "", "H")
    with running(load_settings(), render.say) as system:
        if office is None:
            render.wait(system)
        stream = top_office(system.ledger.recorder.pool) if office is None else stream_id(OFFICE, office)
        result, events = record_evaluations(
            system.ledger,
            system.settings.key(),
            stream,
            Wanted(tuple(whose) if whose else None, own.first, own.last, again),
            by=Actor(actor_id(actor), role),
            now=datetime.now(UTC),
            book=RulebookReader(system.ledger).current(),
            wait_s=system.settings.wait_s,
            key=key,
        )
    if as_json:
        render.print_json({"period": own.name, **evaluated(result, events)})
        return
    table = Table(title=f"{own.name}, by {stream}", title_justify="left")
    names = ("evaluated", "edition", "cases", "resolution_hours_median", "satisfaction_permille", "success_permille")
    for column in (*names, "as_of"):
        table.add_column(column.replace("_", " "), justify="left" if column == "evaluated" else "right")
    for event in events:
        shown = told(event)
        table.add_row(*("–" if shown[name] is None else render.clean(shown[name]) for name in (*names, "as_of")))
    render.out.print(table)
    if not events:
        render.out.print("nothing new: everybody who has cases is evaluated (--again makes a new edition)")
