"""The command ``complaints``."""

from __future__ import annotations

import json
import logging
import signal
import sys
import threading
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, NoReturn
from uuid import uuid4

import typer
from kafka.errors import KafkaError
from pydantic_core import to_jsonable_python

from adapters import queries
from adapters.cfpb import NotCfpbError
from adapters.cfpb_import import Report, import_cfpb
from adapters.database import UNAVAILABLE
from adapters.embedded import ServicesError, follow
from adapters.evaluation import ReadModelsBehind
from adapters.ledger import LedgerUnavailable
from adapters.orders import OrdersUnavailable
from adapters.parking import NothingParked
from adapters.rulebook import STREAMS
from adapters.topics import KafkaLostData, TopicsError
from adapters.verify import Check, verify
from api import (
    acting,
    analysts,
    credit_command,
    evaluation,
    export_command,
    flows,
    groups,
    processes,
    projections,
    reactions,
    render,
    reports,
    rulebook,
    search_command,
    simulation,
    statistics_command,
    tokens,
)
from api.acting import As, ComplaintId, Json, KnownAt, Version, actor_id, complaint_id, print_history
from api.representation import standing
from api.running import Running, require_workers, running
from api.settings import MAX_API_PROCESSES, MAX_FEEDS, MAX_PROJECTORS, MAX_RELAYS, MAX_WATCHERS, load_settings
from api.status import status
from domain.calendar import SHANGHAI
from domain.errors import InvalidInput, LedgerError, ReusedKey, RuleViolation, StaleVersion, UnknownStream
from domain.streams import COMPLAINT
from domain.values import Actor
from projections.complaint_details import told

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="An event-sourced ledger of consumer complaints. Exit codes: 0 done, 2 usage, 3 bad input, 4 unknown, "
    "5 against a rule, 6 stale version or reused key, 7 services away, 8 verification failed, 130 interrupted.",
)
importing = typer.Typer(no_args_is_help=True, help="Bring complaints from elsewhere into the ledger.")
app.add_typer(importing, name="import")
app.add_typer(credit_command.app, name="credit")
app.add_typer(projections.app, name="projections")
app.add_typer(reactions.app, name="reactions")
app.add_typer(rulebook.app, name="rulebook")
app.add_typer(analysts.app, name="analyst")

#: Requests of the simulated week that the demo shows.
WEEK = 300
SAMPLE = Path(__file__).resolve().parent.parent / "adapters" / "data" / "cfpb_2014.csv"


EXIT_CODES: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], int], ...] = (
    ((InvalidInput, NotCfpbError), 3),
    ((UnknownStream, NothingParked), 4),
    (RuleViolation, 5),
    ((StaleVersion, ReusedKey), 6),
    ((ServicesError, LedgerUnavailable, OrdersUnavailable, KafkaLostData, TopicsError, KafkaError, *UNAVAILABLE), 7),
    (ReadModelsBehind, 7),
    (LedgerError, 3),
    (PermissionError, 7),
)


@app.command()
def up(
    api: Annotated[
        int | None, typer.Option(min=1, max=MAX_API_PROCESSES, help="API processes, which share the port.")
    ] = None,
    relays: Annotated[
        int | None, typer.Option(min=1, max=MAX_RELAYS, help="Relays: one publishes, the others stand by.")
    ] = None,
    feeds: Annotated[
        int | None,
        typer.Option(min=1, max=MAX_FEEDS, help="Writers of the public feed: one writes, the others stand by."),
    ] = None,
    projectors: Annotated[
        int | None, typer.Option(min=1, max=MAX_PROJECTORS, help="Projectors, which share the partitions.")
    ] = None,
    watchers: Annotated[
        int | None, typer.Option(min=1, max=MAX_WATCHERS, help="Watchers of deadlines, which share the work.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Start everything and keep it running until Ctrl-C; say what died and was started again."""
    counts = {"api_processes": api, "relays": relays, "feeds": feeds, "projectors": projectors, "watchers": watchers}
    settings = load_settings().model_copy(update={name: count for name, count in counts.items() if count is not None})
    with running(settings, render.say) as system:
        require_workers(settings)
        _print_endpoints(system, as_json)
        _serve(system)


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="End by itself instead of serving on.")] = False,
) -> None:
    """Take 8,340 real complaints, and a simulated week of all procedures, through the whole system; verify it all."""
    with running(load_settings(), render.say) as system:
        render.say(f"importing {SAMPLE.name}: complaints that the US CFPB received in October and November 2014")
        report = _import(system, SAMPLE)
        render.say("waiting until Kafka and the read models have them")
        render.wait(system, at_least_s=300)
        rows = statistics_command.rows(system, "product")
        render.say(
            f"simulating a week: {WEEK} requests, and all that merchants, platforms and authorities do about them"
        )
        week = simulation.run_simulation(system, complaints=WEEK, seed=1, days=7)
        followed = simulation.wait_until_followed(system, at_least_s=300)
        render.wait(system, at_least_s=300)
        checks = _verify(system)
        render.print_report(report)
        render.print_statistics("product", rows, None)
        simulation.print_traffic(week, followed)
        of_rules = sum(len(history) for history in system.ledger.histories(STREAMS).values())
        of_week = week.events.total()
        of_import = checks[0].checked - of_week - followed.events - of_rules
        render.out.print(
            f"events in the ledger {checks[0].checked:,}: {of_import:,} of complaints and merchants, "
            f"{of_week:,} of the simulated week, {followed.events:,} that followed from it, "
            f"{of_rules:,} of the rulebook"
        )
        topics = next(check for check in checks if "topics" in check.name)
        render.out.print(f"events on Kafka {topics.checked:,}")
        failed = _print_checks(checks)
        if not once and not failed:
            _print_endpoints(system, as_json=False)
            _serve(system)
    if failed:
        raise typer.Exit(8)


@importing.command("cfpb")
def import_file(
    file: Annotated[Path, typer.Argument(help="CSV as published by the US CFPB, in any of its forms over the years.")],
    as_json: Json = False,
) -> None:
    """Import complaints published by the US Consumer Financial Protection Bureau.

    What is known already changes nothing; a later edition adds only its new facts. A bad row is named by line and left
    aside; the rest goes in. The exit code is 3 if every row is bad.
    """
    with running(load_settings(), render.say) as system:
        report = _import(system, file)
    if as_json:
        render.print_json(render.report_json(report))
    else:
        render.print_report(report)
    if report.refused and len(report.refused) == report.read:
        raise typer.Exit(3)


@app.command()
def show(complaint: ComplaintId, as_json: Json = False) -> None:
    """Show a complaint as it stands now, with its clocks and what is agreed."""
    with running(load_settings(), render.say) as system:
        stream = complaint_id(system.settings, complaint)
        render.wait(system)
        details = queries.details(system.ledger.recorder.pool, stream)
        events = [recorded.event for recorded in system.ledger.history(stream)]
    if details is None:
        raise _unknown(complaint)
    details |= told(events)
    stands = to_jsonable_python(standing(COMPLAINT.fold(events), datetime.now(UTC)))
    if as_json:
        render.print_json({**details, **stands})
    else:
        render.print_details(details)
        render.print_standing(stands)


@app.command()
def history(complaint: ComplaintId, at: KnownAt = None, version: Version = None, as_json: Json = False) -> None:
    """List the events of a complaint, all or as known at a time."""
    print_history(complaint_id(load_settings(), complaint), complaint, at, version, as_json)


@app.command("verify")
def verify_command(as_json: Json = False) -> None:
    """Prove that ledger, topics and read models are whole and agree; exit code 8 if they do not."""
    with running(load_settings(), render.say) as system:
        render.wait(system)
        checks = _verify(system)
    if as_json:
        render.print_json([render.check_json(check) for check in checks])
        failed = any(check.wrong for check in checks)
    else:
        failed = _print_checks(checks)
    if failed:
        raise typer.Exit(8)


for _command in (acting.file, acting.act, acting.actions, acting.register):
    app.command()(_command)
for _name, _group in groups.groups.items():
    app.add_typer(_group, name=_name)
app.command("stats")(statistics_command.stats)
app.command("flows")(flows.flows_command)
app.command("search")(search_command.search_command)
app.command("report")(reports.report_command)
app.command("evaluate")(evaluation.evaluate_command)
app.command("export")(export_command.export)
app.command()(status)
app.command("simulate")(simulation.simulate_command)
app.command(hidden=True)(processes.prepare)
app.command()(processes.api)
app.command()(processes.relay)
app.command()(processes.feed)
app.command()(processes.projector)
app.command()(processes.watcher)


@app.command()
def token(
    role: As,
    actor: Annotated[str | None, typer.Option("--actor", help="Random id of who acts. Default: a new one.")] = None,
    valid_for_h: Annotated[
        int, typer.Option("--valid-for-h", min=1, max=24 * 365, help="Hours until it expires.")
    ] = 12,
    as_json: Json = False,
) -> None:
    """Issue a token for the HTTP API. Whoever has the service key can; the token is as good as the role."""
    by = Actor(actor_id(actor) if actor is not None else str(uuid4()), role)
    valid_for = timedelta(hours=valid_for_h)
    issued = tokens.issue(load_settings().key(), by, now=datetime.now(UTC), valid_for=valid_for)
    if as_json:
        render.print_json({"token": issued, "actor": by.id, "role": by.role})
    else:
        typer.echo(issued)


def _serve(system: Running) -> None:
    render.say("serving; Ctrl-C ends it")
    with suppress(KeyboardInterrupt):
        follow(system.settings.data_dir, system.since, render.say)


def _print_endpoints(system: Running, as_json: bool) -> None:
    address = system.http_url()
    if as_json:
        render.print_json(
            {
                "database_url": system.database_url,
                "kafka_bootstrap": system.kafka_bootstrap,
                "http_url": address,
            }
        )
        return
    render.out.print(f"PostgreSQL  {render.clean(system.database_url)}")
    render.out.print(f"Kafka       {render.clean(system.kafka_bootstrap)}")
    started = f"{address} (documentation: /docs)" if address else "not started; see logs/api.log or logs/api-1.log"
    render.out.print(f"HTTP        {render.clean(started)}")


def _import(system: Running, file: Path) -> Report:
    interrupted = threading.Event()
    # Between chunks, not in the middle of one: what has been read is then appended and counted.
    before = signal.signal(signal.SIGINT, lambda *_: interrupted.set())
    with render.progress_bar("rows") as bar:
        task = bar.add_task("importing", total=None)

        def progress(report: Report) -> None:
            bar.update(task, completed=report.read)
            if interrupted.is_set():
                render.say(f"interrupted after {report.read:,} rows; import the file again to go on")
                raise KeyboardInterrupt

        try:
            return import_cfpb(
                system.ledger,
                file,
                service_key=system.settings.key(),
                today=datetime.now(SHANGHAI).date(),
                progress=progress,
            )
        finally:
            signal.signal(signal.SIGINT, before)


def _verify(system: Running) -> list[Check]:
    with render.progress_bar("events") as bar:
        tasks: dict[str, Any] = {}

        def progress(name: str, done: int, of: int) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(f"verifying {name}", total=of)
            bar.update(tasks[name], completed=done)

        return list(verify(system.database_url, system.kafka_bootstrap, system.settings.topic_prefix, progress))


def _print_checks(checks: list[Check]) -> bool:
    failed = any(check.wrong for check in checks)
    render.out.print("verification " + ("[red]FAILED[/red]" if failed else "passed"))
    for check in checks:
        render.print_check(check)
    return failed


def _month(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return render.month(text)
    except ValueError:
        raise InvalidInput(f"{text!r} is not a month", hint="write it as in 2026-01") from None


def _unknown(complaint: str) -> UnknownStream:
    return UnknownStream(f"there is no complaint {complaint!r}", hint="check the id")


def main() -> NoReturn:
    """Run the command; errors become one line on standard error and an exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("kafka").setLevel(logging.ERROR)
    try:
        app()
    except Exception as error:
        for types, code in EXIT_CODES:
            if isinstance(error, types):
                _fail(error, code)
        raise
    raise AssertionError("unreachable: the application ends by SystemExit")


def _fail(error: Exception, code: int) -> NoReturn:
    if "--json" in sys.argv:
        problem = {"error": type(error).__name__, "message": str(error).strip()}
        for name in ("rule", "source", "hint"):
            if told := getattr(error, name, ""):
                problem[name] = told
        sys.stderr.write(json.dumps(problem) + "\n")
    else:
        told = str(error).strip()
        if isinstance(error, RuleViolation):
            told += f" (rule {', '.join(filter(None, (error.rule, error.source)))})"
        render.err.print(f"[red]error:[/red] {render.clean(told)}")
    sys.exit(code)


if __name__ == "__main__":
    main()
