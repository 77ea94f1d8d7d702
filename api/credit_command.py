"""The commands ``complaints credit``."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from adapters import credit
from adapters.credit_explained import explain as explain_score
from adapters.credit_grades import grade_month
from adapters.rulebook import RulebookReader
from api import render
from api.acting import Json, stream_id
from api.credit import in_text, plain, rates_in_text
from api.running import running
from api.settings import load_settings
from domain.calendar import day_of
from domain.errors import InvalidInput, UnknownStream
from domain.streams import MERCHANT

app = typer.Typer(no_args_is_help=True, help="How merchants handle complaints: scores, ranking, grades.")

Merchant = Annotated[str, typer.Argument(help="merchant-<uuid>, or the bare uuid.")]
AsOf = Annotated[str | None, typer.Option("--as-of", help="Day in Shanghai, YYYY-MM-DD. Default: today.")]
#: How the ids of merchants are written, and where they are.
IDS = "merchant-<uuid>, or the bare uuid: complaints credit ranking shows it below the name"
#: Digits and hyphens of an id without its prefix.
ID_WIDTH = 36
#: Columns of the ranking on a terminal, with their heads: with the id of 36 signs they fit into 100.
SHOWN = {
    "rank": "rank",
    "name": "merchant",
    "n": "n",
    "response": "re-\nsponse",
    "resolution": "resolu-\ntion",
    "confirmed": "con-\nfirmed",
    "volume": "volume",
    "score": "score",
    "lower_score": "lower\nscore",
    "grade_now": "grade\nnow",
}
#: What decided a part of a score, in words.
WHY = {
    "answered_in_time": "answered in time",
    "answered_late": "answered late",
    "answered_not_stated": "answered, not known whether in time",
    "answer_missed": "no answer in time",
    "resolved_in_time": "resolved in time",
    "resolved_late": "resolved late",
    "not_resolved": "not resolved",
    "reopened_soon": "reopened within 30 days",
    "not_reopened_soon": "not reopened within 30 days",
}


@app.command()
def show(merchant: Merchant, as_of: AsOf = None, as_json: Json = False) -> None:
    """Show the score of a merchant, its grade, and its grades by month."""
    stream = stream_id(MERCHANT, merchant, IDS)
    with running(load_settings(), render.say) as system:
        render.wait(system)
        pool = system.ledger.recorder.pool
        found = credit.scores(pool, _day(as_of), max_age_s=0)
        if stream not in found.group_of:
            raise UnknownStream(f"there is no {stream}", hint="complaints credit ranking shows ids")
        published, history = credit.grades(pool, stream)
        told: dict[str, Any] = {
            "score": found.of(stream),
            "published": published,
            "history": history,
            "as_of": found.as_of,
            "complete_to": found.complete_to,
        }
    if as_json:
        render.print_json(plain(told))
        return
    _print({**(told["score"] or {"score": "no complaints"}), "published": told["published"]})
    for month in told["history"]:
        fell = f", fell: {month['fell']}" if month["fell"] else ""
        render.out.print(render.clean(f"{month['month']:%Y-%m} {month['grade']} ({month['score'] / 100:.2f}{fell})"))


@app.command()
def ranking(
    industry: Annotated[str | None, typer.Option(help="Code, as merchants are classified.")] = None,
    least: Annotated[int, typer.Option(min=0, help="Leave out merchants with fewer complaints that count.")] = 0,
    worst: Annotated[bool, typer.Option("--worst", help="The last rank first; the ranks are the same.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Merchants shown.")] = 20,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Rank merchants by the score with lower bounds."""
    with running(load_settings(), render.say) as system:
        render.wait(system)
        found = credit.scores(system.ledger.recorder.pool, _day(as_of), max_age_s=0)
    page, ranked, left_out = credit.ranking(found, industry=industry, least=least, worst=worst, limit=limit)
    if as_json:
        told = {"as_of": found.as_of, "complete_to": found.complete_to, "ranked": ranked, "left_out": left_out}
        render.print_json({**told, "items": plain(page)})
        return
    order = ", worst first" if worst else ""
    title = f"{ranked} merchants on {found.as_of}{order}, {left_out} left out"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, padding=0)
    for column, head in SHOWN.items():
        if column == "name":
            table.add_column(head, overflow="fold", min_width=ID_WIDTH)
        else:
            table.add_column(head, justify="right", no_wrap=True)
    for row in page:
        rates = {name: f"{row[name]:.3f}" for name in (*credit.PARTS, "volume")}
        names = (row["name"], row["group_id"].removeprefix(f"{MERCHANT.prefix}-"))
        told = {**row, **rates, "n": f"{row['n']:.1f}", "name": "\n".join(filter(None, names))}
        table.add_row(*(render.clean(told[column]) for column in SHOWN))
    render.out.print(table)


@app.command()
def explain(merchant: Merchant, as_of: AsOf = None, as_json: Json = False) -> None:
    """Show each complaint behind a score with its weight, what it adds and why, and what was taken off."""
    stream = stream_id(MERCHANT, merchant, IDS)
    with running(load_settings(), render.say) as system:
        render.wait(system)
        told = explain_score(system.ledger.recorder.pool, stream, _day(as_of))
    if as_json:
        rates, complaints = rates_in_text(told["rates"]), [in_text(complaint) for complaint in told["complaints"]]
        render.print_json(plain({**told, "one": str(told["one"]), "rates": rates, "complaints": complaints}))
        return
    told = plain(told)
    _print({**told["score"], **{f"{part} k/n": f"{one['k']} / {one['n']}" for part, one in told["rates"].items()}})
    for one in told["complaints"]:
        parts = ", ".join(
            f"{part} {'1' if adds['k'] else '0'}/1 ({_why(one, part)})"
            for part, adds in one["adds"].items()
            if adds["n"]
        )
        render.out.print(render.clean(f"{one['complaint_id']} weighs {one['counted_weight']}: {parts}"))
    for one in told["violations"]:
        render.out.print(render.clean(f"{one['stream']} {one['violation']} of {one['found_on']}: -{one['deducts']}"))
    for one in told["paid_then_withdrawn"]:
        render.out.print(render.clean(f"{one['complaint_id']} was withdrawn when money had come back"))


@app.command()
def grade(month: Annotated[str, typer.Option(help="Month that is over, YYYY-MM.")], as_json: Json = False) -> None:
    """Give every merchant with complaints its grade for the end of a month, without waiting for a watcher to do so.

    What was given before stays, and is counted."""
    try:
        first = render.month(month)
    except ValueError:
        raise InvalidInput(f"{month!r} is not a month", hint="write it as in 2026-01") from None
    with running(load_settings(), render.say) as system:
        book = RulebookReader(system.ledger).current()
        done = grade_month(system.ledger, book, first, now=datetime.now(UTC), wait_s=system.settings.wait_s)
    if as_json:
        render.print_json(asdict(done))
    else:
        failed = f"; {done.failed} could not be given" if done.failed else ""
        render.out.print(f"{month}: {done.given} grades given, {done.known} were there; {done.fell} fell{failed}")
    if done.failed:
        raise typer.Exit(1)


def _day(text: str | None) -> date:
    if text is None:
        return day_of(datetime.now(UTC))
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{text!r} is not a day", hint="write it as in 2026-01-31") from None


def _why(complaint: dict[str, Any], part: str) -> str:
    """Say what decided a part, with when an answer was due and came."""
    facts = [WHY[complaint["why"][part]]]
    if part == "response":
        at, due = complaint["answered_at"], complaint["answer_due"]
        facts += [f"at {render.local(at)}"] * (at is not None) + [f"due {render.local(due)}"] * (due is not None)
    elif complaint["why"][part] == "not_resolved":
        facts.append(f"status {complaint['status']}")
    return ", ".join(facts)


def _print(values: dict[str, Any]) -> None:
    for name, value in plain(values).items():
        render.out.print(render.clean(f"{name:>22}  {value}"))
