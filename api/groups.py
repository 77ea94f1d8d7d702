"""Commands on the kinds of stream beside complaints: to begin one, to act on it, and to see what may be done."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from api import operations, render
from api.acting import (
    CLI_ACTOR,
    ActorId,
    As,
    At,
    Expected,
    Given,
    Json,
    Key,
    KnownAt,
    Version,
    act_on,
    actor_id,
    names_in,
    perform,
    print_history,
    print_next,
    stream_id,
    told,
)
from api.arguments import body_of, names_of, read_arguments, summary_of
from api.running import running
from api.settings import load_settings
from domain.errors import UnknownStream
from domain.kind import Kind
from domain.office.establishment import Level
from domain.streams import FUND, GRADE, GRIEVANCE, KINDS, MEASURE, MERCHANT, OFFICE, PLATFORM, ROOM, SUBJECT
from domain.values import Actor, Role

#: The groups of commands on kinds of stream, by prefix: as whom one acts if nothing is said, and the help.
GROUPS: dict[str, tuple[Role, str]] = {
    MERCHANT.prefix: (Role.MERCHANT, "Merchants: memberships, policies, figures, listings."),
    PLATFORM.prefix: (Role.PLATFORM, "Platforms: rules, notices of the authority, audits, reports on merchants."),
    ROOM.prefix: (Role.PLATFORM, "Live rooms: who stands behind them, labels of what machines made, records."),
    GRADE.prefix: (Role.MERCHANT, "Grades of how merchants handle complaints: appeals against falls."),
    GRIEVANCE.prefix: (Role.MERCHANT, "What merchants complain of about platforms."),
    OFFICE.prefix: (Role.REGULATOR, "Offices of the authority: mediators, warnings, evaluations."),
    MEASURE.prefix: (
        Role.REGULATOR,
        "Measures of platforms, penalties of authorities, and what is done against them.",
    ),
    FUND.prefix: (Role.REGULATOR, "Protection funds: what they advance to consumers, and recover from merchants."),
    SUBJECT.prefix: (Role.CONSUMER, "Persons whose data are held: consents, leaks."),
}


def _group(kind: Kind, default: Role, about: str) -> typer.Typer:
    """Make the commands on a kind of stream: to act on one, to list what may be done, and to begin one."""
    group = typer.Typer(no_args_is_help=True, help=about)

    def act(
        stream: str,
        action: str,
        given: Given = None,
        at: At = None,
        expected: Expected = None,
        key: Key = None,
        role: As = default,
        actor: ActorId = CLI_ACTOR,
        as_json: Json = False,
    ) -> None:
        act_on(stream_id(kind, stream), action, given, Actor(actor_id(actor), role), at, key, expected, as_json)

    def actions(
        stream: Annotated[str | None, typer.Argument(help="Only what is legal on this one now.")] = None,
        role: As = default,
        as_json: Json = False,
    ) -> None:
        if stream is None:
            _print_actions(kind, as_json)
        else:
            print_next(stream_id(kind, stream), role, as_json)

    def history(stream: str, at: KnownAt = None, version: Version = None, as_json: Json = False) -> None:
        print_history(stream_id(kind, stream), stream, at, version, as_json)

    def begin(
        given: Given = None,
        at: At = None,
        key: Key = None,
        role: As = default,
        actor: ActorId = CLI_ACTOR,
        as_json: Json = False,
    ) -> None:
        assert kind.begin is not None
        name = kind.begin.name
        arguments = read_arguments(body_of(None, name), list(given or ()), name)
        perform(name, None, arguments, Actor(actor_id(actor), role), at, key, None, as_json)

    # Names of this function are out of sight for whoever reads annotations.
    history.__annotations__["stream"] = Annotated[str, typer.Argument(help=f"{kind.prefix}-<uuid>, or the bare uuid.")]
    act.__annotations__ |= {
        "stream": history.__annotations__["stream"],
        "action": Annotated[str, typer.Argument(help=f"What to do: {names_in(kind)}.")],
    }
    group.command("act", help=f"Act on a {kind.prefix}.")(act)
    group.command("actions", help=f"List what may be done with a {kind.prefix}, with the arguments.")(actions)
    group.command("history", help=f"List the events of a {kind.prefix}, all or as known at a time.")(history)
    if kind.begin is not None and kind not in (MERCHANT, OFFICE):
        names, needed = names_of(body_of(None, kind.begin.name))
        more = ", ".join(f"{name}=" for name in names if name not in needed)
        about = f"{summary_of(kind.begin)[0]}; prints its id. Needs {', '.join(f'{name}=' for name in needed)}"
        about += f"; takes {more} too" if more else ""
        group.command(kind.begin.name.replace("_", "-"), help=f"{about}.")(begin)
    return group


groups = {prefix: _group(KINDS[prefix], role, about) for prefix, (role, about) in GROUPS.items()}
office = groups[OFFICE.prefix]


@office.command("establish")
def establish(
    title: Annotated[str, typer.Argument(help="What it is called.")],
    level: Annotated[Level, typer.Option(help="Its place in the tree.")],
    division: Annotated[str, typer.Option(help="Six digits of GB/T 2260.")],
    superior: Annotated[str | None, typer.Option(help="The office above it; the national one has none.")] = None,
    key: Key = None,
    actor: ActorId = CLI_ACTOR,
    as_json: Json = False,
) -> None:
    """Establish an office; prints its id."""
    given = [f"title={title}", f"level={level.value}", f"division={division}"]
    given += [] if superior is None else [f"superior={stream_id(OFFICE, superior)}"]
    arguments = read_arguments(body_of(None, "establish"), given, "establish")
    perform("establish", None, arguments, Actor(actor_id(actor), Role.REGULATOR), None, key, None, as_json)


@office.command("workload")
def workload(
    office: Annotated[str, typer.Argument(help="office-<uuid>, or the bare uuid.")], as_json: Json = False
) -> None:
    """Show the mediators of an office, and how many open cases each has."""
    stream = stream_id(OFFICE, office)
    with running(load_settings(), render.say) as system:
        history = system.ledger.history(stream)
        if not history:
            raise UnknownStream(f"there is no {stream}", hint="check the id")
        render.wait(system)
        state = OFFICE.fold(recorded.event for recorded in history)
        found = [one.model_dump(mode="json") for one in operations.workload(system.ledger.recorder.pool, state)]
    for one in found:
        one["classes"], one["conflicts"] = sorted(one["classes"]), sorted(one["conflicts"])
    if as_json:
        render.print_json(found)
        return
    table = Table(title=stream, title_justify="left")
    for column in ("mediator_id", "kind", "load", "capacity", "classes", "conflicts"):
        table.add_column(column.replace("_", " "), justify="right" if column in ("load", "capacity") else "left")
    for one in found:
        lists = [", ".join(one[name]) for name in ("classes", "conflicts")]
        row = [one["mediator_id"], one["kind"], one["load"], one["capacity"], *lists]
        table.add_row(*(render.clean(value) for value in row))
    render.out.print(table)


def _print_actions(kind: Kind, as_json: bool) -> None:
    rows = [(name, *names_of(body_of(kind.prefix, name)), summary_of(one)[0]) for name, one in kind.actions.items()]
    if as_json:
        names = ("name", "arguments", "required", "summary")
        render.print_json([dict(zip(names, row, strict=True)) for row in rows])
        return
    for name, arguments, required, summary in rows:
        render.out.print(render.clean(f"{name} {told(arguments, required)}".strip() + f": {summary}"))
