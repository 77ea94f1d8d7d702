"""``complaints rulebook``: what rules hold where and when, due dates, code lists, and publishing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.table import Table

from adapters.rulebook import RulebookReader, publish_all, read_publications
from api import operations, render
from api.running import Running, running
from api.settings import load_settings
from domain.calendar import SHANGHAI, Term, Unit
from domain.calendar import due as due_of
from domain.errors import InvalidInput
from domain.event import Event
from domain.rulebook.book import Authority, Part, Rulebook, RuleSet
from domain.values import Actor, Role, format_instant, parse_instant

app = typer.Typer(no_args_is_help=True, help="See the rules in force, reckon due dates, publish rules.")

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
EDITOR = "c0a5b1de-3f64-4c7b-9e28-7d4a1f0b6e93"


@app.command("list")
def list_command(as_json: Json = False) -> None:
    """List the rule sets."""
    with _book() as (_, book):
        found = sorted(book.rule_sets.values(), key=lambda one: (one.authority, one.region, one.in_force_from))
    if as_json:
        render.print_json([{**_summary(book, one), "title": one.title} for one in found])
        return
    table = Table()
    for column in ("id", "authority", "region", "in force from", "to", "edition"):
        table.add_column(column, justify="right" if column == "edition" else "left")
    for one in found:
        table.add_row(*(render.clean("" if value is None else value) for value in _summary(book, one).values()))
    render.out.print(table)


@app.command()
def show(
    rule_set: Annotated[str, typer.Argument(help="Id of a rule set, as `list` shows it.")], as_json: Json = False
) -> None:
    """Show a rule set with its terms, limits and grounds."""
    with _book() as (_, book):
        found = book.rule_set(rule_set)
    _print_rules(book, found, as_json)


@app.command()
def terms(
    authority: Annotated[Authority, typer.Option(help="Whose rules.")] = Authority.MARKET_REGULATOR,
    region: Annotated[str, typer.Option(help="Six digits of GB/T 2260; 000000 is the whole country.")] = "000000",
    on: Annotated[str | None, typer.Option(help="The day, YYYY-MM-DD. Default: today in Shanghai.")] = None,
    as_json: Json = False,
) -> None:
    """Show the rules that hold in a region on a day."""
    day = datetime.now(SHANGHAI).date() if on is None else _day(on)
    with _book() as (_, book):
        found = book.rules(authority, region, day)
    _print_rules(book, found, as_json)


@app.command()
def calendar(year: Annotated[int, typer.Argument(help="A year, such as 2026.")], as_json: Json = False) -> None:
    """Show the holidays and the worked weekends of a year."""
    with _book() as (_, book):
        found = book.calendar.years.get(year)
    if found is None:
        published = ", ".join(map(str, sorted(book.calendar.years)))
        raise InvalidInput(f"the calendar of {year} is not published", hint=f"published are: {published or 'none'}")
    told = {"year": year, "holidays": sorted(found.holidays), "workdays": sorted(found.workdays)}
    if as_json:
        render.print_json(told)
        return
    for name, days in (("holidays", found.holidays), ("worked", found.workdays)):
        render.out.print(f"{name:<9}{' '.join(day.strftime('%a %m-%d') for day in sorted(days))}")


@app.command()
def due(
    start: Annotated[str, typer.Option("--from", help="When the term begins, with zone: 2026-01-31T09:30:00+08:00.")],
    term: Annotated[int, typer.Option(min=1, max=3650, help="How many units.")],
    unit: Annotated[Unit, typer.Option(help="What the term is counted in.")] = Unit.WORKING_DAYS,
    rolls: Annotated[bool, typer.Option("--rolls", help="A last day off moves to the next working day; days.")] = False,
    as_json: Json = False,
) -> None:
    """Reckon when a term ends: the last instant that is in time."""
    if rolls and unit is not Unit.DAYS:
        raise InvalidInput(f"--rolls is for days, not {unit.value}", hint="leave it out, or give --unit days")
    begins = parse_instant(start)
    with _book() as (_, book):
        found = due_of(begins, Term(n=term, unit=unit, source="asked", rolls=rolls), book.calendar)
    if as_json:
        render.print_json({"due": format_instant(found.at), "provisional": found.provisional})
        return
    why = " (provisional: the calendar of a year that it needs is not published yet)" if found.provisional else ""
    render.out.print(render.local(found.at) + why)


@app.command()
def codes(
    scheme: Annotated[
        str | None, typer.Argument(help="A code list, such as 'GB/T 2260'. Default: which there are.")
    ] = None,
    under: Annotated[str | None, typer.Option(help="Only what lies directly under this code.")] = None,
    as_json: Json = False,
) -> None:
    """List the codes of a list, or the lists."""
    with _book() as (_, book):
        lists = book.code_lists
    if scheme is None:
        if under is not None:
            raise InvalidInput("--under needs a code list", hint="name the list before it")
        rows = [
            {"scheme": one.scheme, "codes": len(one.entries), "title": one.title, "source": one.source}
            for one in lists.values()
        ]
    elif scheme not in lists:
        raise InvalidInput(f"there is no code list {scheme!r}", hint=f"published are: {', '.join(sorted(lists))}")
    elif under is not None and under not in lists[scheme].entries:
        raise InvalidInput(f"{scheme} has no code {under!r}", hint="list it without --under")
    else:
        entries = lists[scheme].entries if under is None else lists[scheme].under(under)
        rows = [{"code": code, **entry.model_dump(exclude_none=True)} for code, entry in entries.items()]
    if as_json:
        render.print_json(rows)
        return
    for row in rows:
        render.out.print("  ".join(render.clean(value) for value in row.values()))


@app.command()
def publish(
    file: Annotated[
        Path, typer.Argument(help="JSON: {publish: KIND, edition: N, content: {...}}, or a list of these.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be published, or what is wrong.")] = False,
    actor: Annotated[str, typer.Option("--actor", help="Random id of who publishes.")] = EDITOR,
    key: Annotated[
        str | None, typer.Option(help="Idempotency key: the same file under the same key counts once.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Publish rules from a file: all that it holds, or nothing."""
    publications = read_publications(file)
    stream = operations.stream_for(publications, str(file))
    by, now = Actor(_id(actor), Role.RULEBOOK_EDITOR), datetime.now(UTC)
    with _book() as (system, book):
        if dry_run:
            events: tuple[Event, ...] = tuple(publish_all(book, publications, now, by))
            told: dict[str, Any] = {"id": stream, "version": None, "position": None, "repeated": False}
        else:
            done = operations.publish(system.ledger, system.settings.key(), publications, by=by, now=now, key=key)
            events = done.events
            told = {"id": done.stream, "version": done.version, "position": done.position, "repeated": done.repeated}
    if as_json:
        render.print_json({**told, "events": [event.name for event in events]})
    else:
        was = "would be appended" if dry_run else "had been appended before" if told["repeated"] else "appended"
        render.out.print(f"{stream}: {', '.join(event.name for event in events)} {was}")


@contextmanager
def _book() -> Iterator[tuple[Running, Rulebook]]:
    with running(load_settings(), render.say) as system:
        yield system, RulebookReader(system.ledger).current()


def _summary(book: Rulebook, one: RuleSet) -> dict[str, Any]:
    return {
        "id": one.id,
        "authority": one.authority.value,
        "region": one.region,
        "in_force_from": one.in_force_from,
        "in_force_to": one.in_force_to,
        "edition": book.edition(Part.RULES, one.id),
    }


def _print_rules(book: Rulebook, rules: RuleSet, as_json: bool) -> None:
    if as_json:
        render.print_json(
            {**rules.model_dump(mode="json", exclude_none=True), "edition": book.edition(Part.RULES, rules.id)}
        )
        return
    until = f"to {rules.in_force_to}" if rules.in_force_to else "on"
    render.out.print(f"{render.clean(rules.id)}: {render.clean(rules.title)}")
    render.out.print(f"{rules.authority.value} in {rules.region}, in force from {rules.in_force_from} {until}")
    for name, term in rules.terms.items():
        unit = term.unit.value.replace("_", " ") + (", rolling" if term.rolls else "")
        render.out.print(f"  {name.value:<24}{term.n} {unit}  ({render.clean(term.source)})")
    for limit, number in rules.limits.items():
        render.out.print(f"  {limit.value:<24}{number:,}")
    for title, grounds in (("refusal", rules.refusal_grounds), ("ending", rules.ending_grounds)):
        for ground in grounds:
            render.out.print(f"  {title}: {render.clean(ground.code)}  {render.clean(ground.text)}")
    render.out.print(f"source: {render.clean(rules.source)}")
    if rules.note:
        render.out.print(f"note: {render.clean(rules.note)}")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{text!r} is not a day", hint="write it as in 2026-01-31") from None


def _id(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise InvalidInput(f"{text!r} is not an id", hint="write a uuid, 8-4-4-4-12 hexadecimal digits") from None
