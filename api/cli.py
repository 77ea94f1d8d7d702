"""The command ``complaints``."""

from __future__ import annotations

import json
import logging
import signal
import sys
import threading
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn
from uuid import UUID, uuid4

import typer
from kafka.errors import KafkaError

from adapters import queries
from adapters.cfpb import NotCfpbError
from adapters.cfpb_import import IMPORTER, REGISTER, Report, import_cfpb
from adapters.database import UNAVAILABLE
from adapters.embedded import ServicesError, follow
from adapters.execute import Result, command
from adapters.ledger import LedgerUnavailable
from adapters.parking import NothingParked
from adapters.topics import KafkaLostData, TopicsError
from adapters.verify import Check, verify
from api import operations, processes, projections, render, tokens
from api.running import Running, require_workers, running
from api.settings import MAX_API_PROCESSES, MAX_PROJECTORS, MAX_RELAYS, Settings, load_settings
from api.status import status
from domain.calendar import SHANGHAI
from domain.complaint.events import AnswerKind
from domain.errors import InvalidInput, LedgerError, ReusedKey, RuleViolation, StaleVersion, UnknownStream
from domain.streams import COMPLAINT
from domain.values import Actor, Channel, Code, Money, Role, parse_instant

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="An event-sourced ledger of consumer complaints. Exit codes: 0 done, 2 usage, 3 bad input, 4 unknown, "
    "5 against a rule, 6 stale version or reused key, 7 services away, 8 verification failed, 130 interrupted.",
)
importing = typer.Typer(no_args_is_help=True, help="Bring complaints from elsewhere into the ledger.")
app.add_typer(importing, name="import")
app.add_typer(projections.app, name="projections")

SAMPLE = Path(__file__).resolve().parent.parent / "adapters" / "data" / "cfpb_2014.csv"
CLI_ACTOR = "9a1d3c52-0b4e-4f0e-8a63-5d2f7c9e1b20"


class By(StrEnum):
    MERCHANT = "merchant"
    PRODUCT = "product"
    REGION = "region"
    CHANNEL = "channel"
    MONTH = "month"


class Action(StrEnum):
    ROUTE = "route"
    ANSWER = "answer"
    RESOLVE = "resolve"
    CLOSE = "close"
    DISPUTE = "dispute"
    WITHDRAW = "withdraw"
    REOPEN = "reopen"


Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ComplaintId = Annotated[
    str, typer.Argument(help="complaint-<uuid>, the bare uuid, or REGISTER:REFERENCE such as cfpb:1114245.")
]
At = Annotated[str | None, typer.Option(help="When it happened, with zone: 2026-01-31T09:30:00+08:00. Default: now.")]
Key = Annotated[str | None, typer.Option(help="Idempotency key: the same command under the same key runs once.")]
As = Annotated[Role, typer.Option("--as", help="The role in which you act.")]
ActorId = Annotated[str, typer.Option("--actor", help="Random id of who acts.")]

EXIT_CODES: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], int], ...] = (
    ((InvalidInput, NotCfpbError), 3),
    ((UnknownStream, NothingParked), 4),
    (RuleViolation, 5),
    ((StaleVersion, ReusedKey), 6),
    ((ServicesError, LedgerUnavailable, KafkaLostData, TopicsError, KafkaError, *UNAVAILABLE), 7),
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
    projectors: Annotated[
        int | None, typer.Option(min=1, max=MAX_PROJECTORS, help="Projectors, which share the partitions.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Start everything and keep it running until Ctrl-C; say what died and was started again."""
    counts = {"api_processes": api, "relays": relays, "projectors": projectors}
    settings = load_settings().model_copy(update={name: count for name, count in counts.items() if count is not None})
    with running(settings, render.say) as system:
        require_workers(settings)
        _print_endpoints(system, as_json)
        _serve(system)


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="End by itself instead of serving on.")] = False,
) -> None:
    """Take 8,340 real complaints through the whole system: imported, published, projected, queried, verified."""
    with running(load_settings(), render.say) as system:
        render.say(f"importing {SAMPLE.name}: complaints that the US CFPB received in October and November 2014")
        report = _import(system, SAMPLE)
        render.say("waiting until Kafka and the read models have them")
        _wait(system, at_least_s=300)
        checks = _verify(system)
        rows = queries.statistics(system.ledger.recorder.pool, "product")
        render.print_report(report)
        render.out.print(f"events in the ledger {checks[0].checked:,}")
        topics = next(check for check in checks if "topics" in check.name)
        render.out.print(f"events on Kafka {topics.checked:,}")
        render.print_statistics("product", rows, None)
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
    """Show a complaint as it stands now."""
    with running(load_settings(), render.say) as system:
        stream = _complaint_id(system.settings, complaint)
        _wait(system)
        details = queries.details(system.ledger.recorder.pool, stream)
    if details is None:
        raise _unknown(complaint)
    if as_json:
        render.print_json(details)
    else:
        render.print_details(details)


@app.command()
def history(
    complaint: ComplaintId,
    at: Annotated[str | None, typer.Option(help="As it was known at this time, with zone.")] = None,
    version: Annotated[int | None, typer.Option(min=1, help="Up to this version.")] = None,
    as_json: Json = False,
) -> None:
    """List the events of a complaint, all or as known at a time."""
    if at is not None and version is not None:
        raise InvalidInput("--at and --version exclude each other", hint="give one of them")
    known_at = None if at is None else parse_instant(at)
    with running(load_settings(), render.say) as system:
        stream = _complaint_id(system.settings, complaint)
        events = system.ledger.history(stream, version=version, known_at=known_at)
        if not events and not system.ledger.history(stream, version=1):
            raise _unknown(complaint)
    if as_json:
        render.print_json(render.history_json(events))
    elif events:
        render.print_history(stream, events)
    else:
        render.out.print(f"{stream} was not known yet at {at}")


@app.command()
def stats(
    by: Annotated[By, typer.Option(help="What to count by.")] = By.PRODUCT,
    first: Annotated[str | None, typer.Option("--from", help="First month of filing, YYYY-MM.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last month of filing, YYYY-MM.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Rows shown; 0 for all. JSON always has all.")] = 20,
    as_json: Json = False,
) -> None:
    """Count complaints, answers and resolutions by merchant, product, region, channel or month of filing."""
    months = [_month(text) for text in (first, last)]
    if months[0] and months[1] and months[0] > months[1]:
        raise InvalidInput(f"--from {first} is after --to {last}", hint="exchange them")
    with running(load_settings(), render.say) as system:
        _wait(system)
        rows = queries.statistics(system.ledger.recorder.pool, by.value, first_month=months[0], last_month=months[1])
    if as_json:
        render.print_json(rows)
    else:
        render.print_statistics(by.value, rows, limit or None)


@app.command("verify")
def verify_command(as_json: Json = False) -> None:
    """Prove that ledger, topics and read models are whole and agree; exit code 8 if they do not."""
    with running(load_settings(), render.say) as system:
        _wait(system)
        checks = _verify(system)
    if as_json:
        render.print_json([render.check_json(check) for check in checks])
        failed = any(check.wrong for check in checks)
    else:
        failed = _print_checks(checks)
    if failed:
        raise typer.Exit(8)


@app.command()
def register(
    name: Annotated[str, typer.Argument(help="Name that the merchant trades under.")],
    identifier: Annotated[str | None, typer.Option(help="Official identifier as SCHEME:VALUE.")] = None,
    key: Key = None,
    actor: ActorId = CLI_ACTOR,
    as_json: Json = False,
) -> None:
    """Register a merchant; prints its id."""
    arguments = {"trade_name": name, "identifier": _code(identifier)}
    _perform("register", None, arguments, Actor(_actor(actor), Role.SERVICE), None, key, None, as_json)


@app.command("file")
def file_command(
    product: Annotated[str, typer.Option(help="Product or service complained of.")],
    channel: Annotated[Channel, typer.Option(help="The door through which it came in.")],
    consumer: Annotated[
        str | None, typer.Option(help="Random id of the consumer (a uuid). Default: a new one.")
    ] = None,
    scheme: Annotated[str, typer.Option(help="Code list of product and issue.")] = "free",
    issue: Annotated[str | None, typer.Option(help="What is wrong.")] = None,
    region: Annotated[str | None, typer.Option(help="Region as SCHEME:VALUE, such as GB/T 2260:330106.")] = None,
    claim: Annotated[str | None, typer.Option(help="Amount in dispute, such as 12.50.")] = None,
    currency: Annotated[str, typer.Option(help="ISO 4217 currency.")] = "CNY",
    narrative: Annotated[str | None, typer.Option(help="What happened, in the consumer's words.")] = None,
    at: At = None,
    key: Key = None,
    role: As = Role.CONSUMER,
    actor: ActorId = CLI_ACTOR,
    as_json: Json = False,
) -> None:
    """File a complaint; prints its id."""
    # The same key must give the same command, and so the same new consumer.
    new_consumer = command(load_settings().key(), actor, "new consumer", key, {}).new_id
    arguments = {
        "consumer_id": _actor(consumer or new_consumer),
        "channel": channel,
        "scheme": scheme,
        "product": product,
        "issue": issue,
        "region": _code(region),
        "claim": None if claim is None else Money.parse(claim, currency),
        "narrative": narrative,
    }
    _perform("file", None, arguments, Actor(_actor(actor), role), at, key, None, as_json)


@app.command()
def act(
    complaint: ComplaintId,
    action: Annotated[Action, typer.Argument(help="What to do.")],
    merchant: Annotated[str | None, typer.Option(help="route: merchant-<uuid> to send it to.")] = None,
    due: Annotated[str | None, typer.Option(help="route, reopen: until when an answer is due, with zone.")] = None,
    kind: Annotated[AnswerKind | None, typer.Option(help="answer: what it consists of.")] = None,
    amount: Annotated[str | None, typer.Option(help="answer, resolve: money, such as 12.50.")] = None,
    currency: Annotated[str, typer.Option(help="ISO 4217 currency of --amount.")] = "CNY",
    text: Annotated[str | None, typer.Option(help="answer, dispute: in words.")] = None,
    basis: Annotated[str | None, typer.Option(help="resolve: relief_granted, agreement or consumer_confirmed.")] = None,
    ground: Annotated[
        str | None, typer.Option(help="close: answered, no_agreement, unfounded or merchant_unreachable.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="withdraw, reopen: why.")] = None,
    at: At = None,
    expected: Annotated[
        int | None, typer.Option("--expected-version", min=1, help="Refuse if the complaint is at another version.")
    ] = None,
    key: Key = None,
    role: As = Role.REGULATOR,
    actor: ActorId = CLI_ACTOR,
    as_json: Json = False,
) -> None:
    """Act on a complaint."""
    money = None if amount is None else Money.parse(amount, currency)
    given = {
        "merchant_id": merchant,
        "answer_due": None if due is None else parse_instant(due),
        "kind": kind,
        "relief" if action is Action.ANSWER else "recovered": money,
        "text": text,
        "basis": basis,
        "ground": ground,
        "reason": reason,
    }
    allowed, needed = operations.arguments_of(action.value)
    arguments = {name: value for name, value in given.items() if value is not None}
    if surplus := sorted(arguments.keys() - allowed):
        raise InvalidInput(f"{action} takes no {_options(surplus)}", hint="see: complaints act --help")
    if missing := sorted(needed - arguments.keys()):
        raise InvalidInput(f"{action} needs {_options(missing)}", hint="see: complaints act --help")
    _perform(action.value, complaint, arguments, Actor(_actor(actor), role), at, key, expected, as_json)


app.command()(status)
app.command(hidden=True)(processes.prepare)
app.command()(processes.api)
app.command()(processes.relay)
app.command()(processes.projector)


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
    by = Actor(_actor(actor) if actor is not None else str(uuid4()), role)
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


def _wait(system: Running, at_least_s: float = 0.0) -> None:
    complete, head = system.wait_for_head(at_least_s)
    if not complete:
        render.err.print(
            f"[yellow]the read models have not reached position {head} within {system.settings.wait_s:g} s: "
            "what follows may lack the newest events (see: complaints status)[/yellow]"
        )


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


def _perform(
    operation: str,
    complaint: str | None,
    arguments: dict[str, Any],
    by: Actor,
    at: str | None,
    key: str | None,
    expected: int | None,
    as_json: bool,
) -> None:
    occurred_at = None if at is None else parse_instant(at)
    with running(load_settings(), render.say) as system:
        result: Result = operations.perform(
            system.ledger,
            system.settings.key(),
            operation,
            None if complaint is None else _complaint_id(system.settings, complaint),
            arguments,
            by=by,
            now=datetime.now(UTC),
            at=occurred_at,
            key=key,
            expected=expected,
        )
    answer = {
        "id": result.stream,
        "version": result.version,
        "position": result.position,
        "events": [event.name for event in result.events],
        "repeated": result.repeated,
    }
    if as_json:
        render.print_json(answer)
    else:
        again = " (had been done before)" if result.repeated else ""
        render.out.print(
            f"{result.stream} version {result.version}: {', '.join(event.name for event in result.events)}{again}"
        )


def _complaint_id(settings: Settings, text: str) -> str:
    """Turn what a person writes into the id of a stream; raises InvalidInput."""
    register, colon, reference = text.strip().partition(":")
    if colon and register.lower() == REGISTER:
        by_command = command(settings.key(), IMPORTER.id, "import cfpb", reference, {})
        return f"{COMPLAINT.prefix}-{by_command.new_id}"
    try:
        return f"{COMPLAINT.prefix}-{UUID(text.strip().removeprefix(f'{COMPLAINT.prefix}-'))}"
    except ValueError:
        raise InvalidInput(
            f"{text!r} does not name a complaint",
            hint=f"write complaint-<uuid>, the bare uuid, or {REGISTER}:<its number there>",
        ) from None


def _actor(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise InvalidInput(f"{text!r} is not an id", hint="ids end in a uuid, 8-4-4-4-12 hexadecimal digits") from None


def _options(arguments: list[str]) -> str:
    renamed = {"merchant_id": "merchant", "answer_due": "due", "relief": "amount", "recovered": "amount"}
    return ", ".join(f"--{renamed.get(name, name)}" for name in arguments)


def _code(text: str | None) -> Code | None:
    if text is None:
        return None
    scheme, colon, value = text.partition(":")
    if not (colon and scheme and value):
        raise InvalidInput(f"{text!r} is not SCHEME:VALUE", hint="write it as in GB/T 2260:330106")
    if max(len(scheme), len(value)) > 500:
        raise InvalidInput(f"{text[:40]!r}… is too long", hint="scheme and value have at most 500 characters each")
    return Code(scheme=scheme, value=value)


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
        if isinstance(error, RuleViolation):
            problem["rule"] = error.rule
        sys.stderr.write(json.dumps(problem) + "\n")
    else:
        render.err.print(f"[red]error:[/red] {render.clean(str(error).strip())}")
    sys.exit(code)


if __name__ == "__main__":
    main()
