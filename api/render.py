"""How results look: JSON for programs, tables for people."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import orjson
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from adapters.cfpb_import import Report
from adapters.record import Recorded
from adapters.verify import Check
from api.running import Running
from domain.calendar import SHANGHAI, day_of
from projections.rates import percent

#: Width of tables where there is no terminal to ask.
WIDTH = 140

out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDTH)
err = Console(stderr=True, highlight=False, soft_wrap=True)

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if code != 0x0A}


def clean(value: object) -> str:
    """Make text from outside harmless to a terminal: control characters and markup are shown, not obeyed."""
    return escape(str(value).translate(_CONTROLS))


def say(message: str) -> None:
    """Tell a person what is going on, beside the result."""
    err.print(f"[dim]{clean(message)}[/dim]")


def json_text(value: object) -> str:
    """Return a result for programs."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode() + "\n"


def print_json(value: object) -> None:
    """Write a result for programs."""
    sys.stdout.write(json_text(value))
    sys.stdout.flush()


def print_sql(sql: str, as_json: bool) -> None:
    """Write a query, for PostgreSQL or for programs."""
    if as_json:
        print_json({"sql": sql})
    else:
        sys.stdout.write(f"{sql};\n")
        sys.stdout.flush()


def wait(system: Running, at_least_s: float = 0.0) -> None:
    """Wait until the read models are complete, for a while; say so if they are not."""
    complete, head = system.wait_for_head(at_least_s)
    if not complete:
        err.print(
            f"[yellow]the read models have not reached position {head} within {system.settings.wait_s:g} s: "
            "what follows may lack the newest events (see: complaints status)[/yellow]"
        )


@contextmanager
def progress_bar(unit: str) -> Iterator[Progress]:
    """Show progress on a terminal, nothing elsewhere."""
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    ) as progress:
        yield progress


def local(at: datetime | None) -> str:
    """Write a time as in Shanghai, with its zone."""
    return "" if at is None else at.astimezone(SHANGHAI).isoformat(sep=" ", timespec="seconds")


def report_json(report: Report) -> dict[str, Any]:
    """The contract of ``import --json``."""
    return {
        "read": report.read,
        "imported": report.imported,
        "already": report.already,
        "updated": report.updated,
        "refused": [{"line": refused.line, "reason": refused.reason} for refused in report.refused],
    }


def print_report(report: Report, most: int = 20) -> None:
    """Print what became of a file's rows."""
    out.print(
        f"complaints read {report.read:,}, imported {report.imported:,}, already known {report.already:,}, "
        f"updated {report.updated:,}, refused {len(report.refused):,}"
    )
    for refused in report.refused[:most]:
        out.print(f"  refused line {refused.line}: {clean(refused.reason)}")
    if len(report.refused) > most:
        out.print(f"  … and {len(report.refused) - most:,} more; --json lists them all")


def print_statistics(by: str, rows: Sequence[Mapping[str, Any]], limit: int | None) -> None:
    """Print sums as a table, with the total of all rows, also those not shown."""
    table = Table(title=f"Complaints by {by}", title_justify="left")
    periods = any(row["period"] for row in rows)
    for column in (by, *(("period",) if periods else ())):
        table.add_column(column, overflow="fold", max_width=40)
    columns = ("valid", "answered", "answered_on_time", "resolved", "resolved_rate", "disputed", "reopened")
    for column in (*columns, "recovered CNY"):
        table.add_column(column.replace("_", " "), justify="right", no_wrap=True)
    shown = rows if limit is None else rows[:limit]
    for row in shown:
        period = f"{row['period']}{' (not whole)' if row['incomplete'] else ''}"
        name = clean(row["key"]) or ("all" if by == "all" else "(not known)")
        table.add_row(name, *([period] if periods else []), *_figures(row, columns))
    total = {name: sum(row[name] for row in rows) for name in (*columns, "recovered_fen") if name != "resolved_rate"}
    total["resolved_rate"] = percent(total["resolved"], total["valid"])
    table.add_section()
    of_all = f"all {len(rows):,}" if len(shown) < len(rows) else "all"
    table.add_row(of_all, *([""] if periods else []), *_figures(total, columns))
    out.print(table)


def print_found(items: Sequence[Mapping[str, Any]]) -> None:
    """Print complaints as a table."""
    table = Table()
    for column in ("complaint", "filed", "status", "merchant", "product", "issue"):
        table.add_column(column, overflow="fold")
    for item in items:
        names = [clean(item[name] or "") for name in ("status", "merchant", "product", "issue")]
        table.add_row(item["complaint_id"], f"{day_of(item['filed_at'])}", *names)
    out.print(table)


def print_facets(counted: Mapping[str, Any]) -> None:
    """Print how many match, and how many with each value of a facet."""
    out.print(f"{_counted(counted['count'], counted['exact'])} found")
    for name, facet in counted["facets"].items():
        told = ", ".join(
            f"{clean(one.get('title') or one['value'] or '(not known)')} {_counted(one['count'], facet['exact'])}"
            for one in facet["values"]
        )
        out.print(f"{name}: {told or 'none'}")


def _counted(count: int, exact: bool) -> str:
    return f"{count:,}" if exact else f"{count:,}+"


def _figures(row: Mapping[str, Any], columns: Sequence[str]) -> list[str]:
    cells = []
    for column in columns:
        value = row[column]
        cells.append("n/a" if value is None else f"{value} %" if column == "resolved_rate" else f"{value:,}")
    fen = row["recovered_fen"]
    return [*cells, f"{fen // 100:,}.{fen % 100:02d}"]


def print_details(details: Mapping[str, Any]) -> None:
    """Print one complaint."""
    table = Table(show_header=False, box=None)
    for name, value in details.items():
        if value is not None:
            shown = local(value) if isinstance(value, datetime) else value
            table.add_row(f"[dim]{name.replace('_', ' ')}[/dim]", clean(shown))
    out.print(table)


def print_standing(told: Mapping[str, Any]) -> None:
    """Print the clocks of a complaint, the offer on the table and what was agreed."""
    table = Table(show_header=False, box=None)
    for clock in told["clocks"]:
        due = "stands still" if clock["stopped"] else local(datetime.fromisoformat(clock["due"]))
        how = [name for name in ("overdue", "provisional") if clock[name]] + [clock["source"] or ""]
        table.add_row(f"[dim]clock[/dim] {clock['deadline']}", due, clean(", ".join(filter(None, how))))
    for missed in told["missed"]:
        table.add_row(f"[dim]missed[/dim] {missed}")
    for outcome in (told["offer"] or {"terms": ()})["terms"]:
        table.add_row(f"[dim]offered[/dim] {outcome['kind']}", _amount(outcome["amount"]))
    for item in told["terms"]:
        done = "performed" if item["done"] else "to be performed"
        table.add_row(f"[dim]agreed[/dim] {item['item']} {item['kind']}", _amount(item["amount"]), done)
    if table.row_count:
        out.print(table)


def _amount(money: Mapping[str, Any] | None) -> str:
    return "" if money is None else f"{money['fen'] // 100:,}.{money['fen'] % 100:02d} {money['currency']}"


def history_json(history: Sequence[Recorded]) -> list[dict[str, Any]]:
    """Each event with its version, times and data."""
    return [
        {
            "version": recorded.originator_version,
            "type": recorded.event.name,
            "occurred_at": recorded.event.occurred_at,
            "recorded_at": recorded.recorded_at,
            "actor": recorded.event.actor.id,
            "role": recorded.event.actor.role,
            "data": event_data(recorded),
        }
        for recorded in history
    ]


def event_data(recorded: Recorded) -> dict[str, Any]:
    """What an event says, without its time and actor."""
    return recorded.event.model_dump(mode="json", exclude_none=True, exclude={"occurred_at", "actor"})


def print_history(stream: str, history: Sequence[Recorded]) -> None:
    """Print a stream's events in order."""
    table = Table(title=clean(stream), title_justify="left")
    for name in ("version", "event", "occurred", "recorded", "by", "data"):
        table.add_column(name, overflow="fold")
    for recorded in history:
        table.add_row(
            str(recorded.originator_version),
            recorded.event.name,
            local(recorded.event.occurred_at),
            local(recorded.recorded_at),
            recorded.event.actor.role,
            clean(", ".join(f"{name}={_short(value)}" for name, value in event_data(recorded).items())),
        )
    out.print(table)


def _short(value: object, most: int = 120) -> str:
    text = ":".join(map(str, value.values())) if isinstance(value, dict) else str(value)
    return text if len(text) <= most else text[: most - 1] + "…"


def check_json(check: Check) -> dict[str, Any]:
    """One check of ``verify --json``."""
    return {
        "check": check.name,
        "passed": check.wrong == 0,
        "checked": check.checked,
        "wrong": check.wrong,
        "findings": list(check.findings),
    }


def print_check(check: Check) -> None:
    """Print one check with its findings."""
    mark = "[green]passed[/green]" if check.wrong == 0 else f"[red]FAILED ({check.wrong:,})[/red]"
    out.print(f"  {mark}  {check.name} ({check.checked:,} checked)")
    for finding in check.findings:
        out.print(f"          {clean(finding)}")


def month(text: str) -> date:
    """Read YYYY-MM; raises ValueError."""
    return date.fromisoformat(f"{text}-01")
