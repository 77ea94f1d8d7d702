"""The complaint-handling score over HTTP: ranking, one merchant with its grades, and what its score is made of."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, PlainSerializer

from adapters import credit
from adapters.credit_explained import explain
from api import bodies
from api.asking import AskedInPages, AskedWhole, Asking
from api.paging import read_offset, wait_for, write_cursor
from api.problems import responses
from api.requests import Cursor, Limit, MerchantId, MinPosition, Principal, Shared, WaitS
from api.statistics import today
from domain.errors import UnknownStream
from domain.grade.state import Grade, grades_of
from domain.streams import MERCHANT
from domain.values import TEXT, Actor, Role

router = APIRouter(tags=["queries"])

#: Who is told, beside a score, the names of merchants with few complaints: docs/definitions.md.
NAMED_TO = frozenset({Role.REGULATOR, Role.AUDITOR})
#: Where the complaints behind a score are shown, if it was asked to explain itself.
BEHIND = Field(None, description="Where the complaints behind each score are shown, of merchants that are named.")
#: Of so many complaints it is found out, for one who waits, how they stood on a past day.
MOST_CHANGED = 20_000
AsOf = Annotated[
    bodies.Day | None,
    Query(
        description="Day in Shanghai, at the end of which; 422 where too much has happened since. Default: today.",
        examples=["2026-05-31"],
    ),
]


def plain(value: Any) -> Any:
    """Write decimals, also those within, as texts without exponents: 0.000000000000, not 0E-12."""
    match value:
        case Decimal():
            return format(value, "f")
        case dict():
            return {name: plain(one) for name, one in value.items()}
        case list():
            return [plain(one) for one in value]
        case _:
            return value


Figure = Annotated[Decimal, PlainSerializer(plain, return_type=str, when_used="json")]


class Rate(BaseModel):
    """k of n, in weights, smoothed by the mean of ``prior_of`` merchants; with the bounds of the interval."""

    k: Figure
    n: Figure
    prior: Figure
    prior_of: int
    mean: Figure
    lower: Figure
    upper: Figure


class Score(BaseModel):
    """A complaint-handling score, as docs/definitions.md has it. ``name``, and in a ranking ``merchant_id``, is null
    for merchants with few complaints.

    ``n``: complaints that count; ``weight``: what they weigh; ``grade_now``: what this score alone would give.
    """

    merchant_id: str | None = Field(description="Of those that share the history: the least id.")
    name: str | None
    industry_scheme: str | None
    industry: str | None
    n: Figure
    weight: Figure
    response: Rate
    resolution: Rate
    confirmed: Rate
    volume: Figure
    per_10000: Figure | None
    volume_mean: Figure | None
    violations: int
    deducted: Figure
    paid_then_withdrawn: int
    score: Figure
    lower_score: Figure
    grade_now: Grade
    edition: int


class Ranked(Score):
    rank: int


class Ranking(bodies.Page):
    """Best first, by the score with lower bounds, or worst first. ``left_out``: merchants with fewer complaints than
    ``least``, or without a grade."""

    items: list[Ranked]
    as_of: date
    ranked: int
    left_out: int
    explain: list[str] | None = None
    behind: list[str] | None = BEHIND


class Month(BaseModel):
    """The grade of a month; scores in hundredths of a point, n in millionths, what fell in millionths of a point."""

    month: date
    grade: Grade
    grade_now: Grade
    score: int
    lower_score: int
    n: int
    edition: int
    complete_to: int
    fell: str
    fell_from: int
    fell_to: int
    complaints: list[str]
    appealed_at: datetime | None
    outcome: str | None


class MerchantCredit(BaseModel):
    """``score`` is null without complaints; ``grade`` before the first month-end. ``grade_id``: where to appeal."""

    merchants: list[str] = Field(description="All that share the history.")
    as_of: date
    score: Score | None
    grade: Grade | None
    status: str | None
    grade_id: str
    history: list[Month]
    complete_to: int
    explain: list[str] | None = None
    behind: list[str] | None = BEHIND


class Explanation(bodies.Page):
    """What a score is made of. ``one``: the units of a weight of 1; ``rates``: sums over all complaints, in units.

    ``items``: complaints, each with what it adds to each rate in units, and ``why``: docs/definitions.md lists the
    reasons. Integers that may be long are texts.
    ``means_complete_to``: what the industry's means know of, which are made anew every ten seconds; all else is of
    ``complete_to``.
    """

    items: list[dict[str, Any]]
    complaints: int
    as_of: date
    one: str
    means_complete_to: int
    merchants: list[str]
    score: Score
    rates: dict[str, dict[str, str]]
    parameters: dict[str, Any]
    violations: list[dict[str, Any]]
    volumes: list[dict[str, Any]]
    paid_then_withdrawn: list[dict[str, Any]]


def _concerns(by: Actor, own: list[str]) -> bool:
    """Whether somebody may see all of the score of merchants: who supervises, and they themselves."""
    return by.role in NAMED_TO or (by.role is Role.MERCHANT and f"{MERCHANT.prefix}-{by.id}" in own)


def _score(
    row: credit.Row, by: Actor, parameters: credit.Row, own: list[str], *, asked_by_id: bool = True
) -> dict[str, Any]:
    named = _concerns(by, own) or row["n"] >= parameters["naming_least"]
    rates = {
        part: {
            **{name: row[f"{part}_{name}"] for name in ("k", "n", "prior", "prior_of", "lower", "upper")},
            "mean": row[part],
        }
        for part in credit.PARTS
    }
    return {
        **row,
        **rates,
        "merchant_id": row["group_id"] if named or asked_by_id else None,
        "name": row["name"] if named else None,
    }


def _found(asking: Asking, by: Actor, as_of: date | None) -> credit.Scores:
    # They are kept for everybody: most who ask run no query that could be recorded.
    pool = asking.shared.ledger.recorder.pool
    found = credit.scores(pool, as_of or today(), min_position=asking.min_position or 0, most=MOST_CHANGED)
    # Of a past day it tells whose complaints stood otherwise.
    if by.role in NAMED_TO or not found.stood:
        asking.pool.queries.append(found.sql)
    return found


def _behind(merchant_id: str, found: credit.Scores) -> str:
    return f"/merchants/{merchant_id}/credit/explain?as_of={found.as_of}"


@router.get("/credit/ranking", responses=responses())
def read_credit_ranking(
    by: Principal,
    asking: AskedInPages,
    industry: Annotated[
        str | None, Query(max_length=500, pattern=TEXT, description="Code, as merchants are classified.")
    ] = None,
    least: Annotated[int, Query(ge=0, le=10**9, description="Leave out merchants with fewer that count.")] = 0,
    worst: Annotated[bool, Query(description="The last rank first; the ranks are the same.")] = False,
    as_of: AsOf = None,
) -> Ranking:
    """Rank merchants by how they handle complaints, by the score with lower bounds. Scores are made every ten seconds;
    ``complete_to`` says what they know of."""
    begin, limit = asking.offset, asking.limit
    asking.wait()
    found = _found(asking, by, as_of)
    page, ranked, left_out = credit.ranking(
        found, industry=industry, least=least, worst=worst, after=begin, limit=limit
    )
    items = [
        Ranked(**_score(row, by, found.parameters, credit.merchants_of(found, row["group_id"]), asked_by_id=False))
        for row in page
    ]
    return Ranking(
        items=items,
        as_of=found.as_of,
        ranked=ranked,
        left_out=left_out,
        next=asking.next(more=begin + limit < ranked),
        complete_to=found.complete_to,
        **asking.explained(_behind(one.merchant_id, found) for one in items if one.merchant_id is not None),
    )


@router.get("/merchants/{merchant_id}/credit", responses=responses(404))
def read_merchant_credit(
    merchant_id: MerchantId,
    by: Principal,
    asking: AskedWhole,
    as_of: AsOf = None,
) -> MerchantCredit:
    """Read the score of a merchant, its published grade, and its grades by month."""
    asking.wait()
    found = _found(asking, by, as_of)
    if merchant_id not in found.group_of:
        raise UnknownStream(f"there is no {merchant_id}", hint="check the id, or give min_position")
    own = credit.merchants_of(found, found.group_of[merchant_id])
    row = found.of(merchant_id)
    graded, history = credit.grades(asking.pool, merchant_id)
    return MerchantCredit(
        merchants=own,
        as_of=found.as_of,
        score=None if row is None else Score(**_score(row, by, found.parameters, own)),
        grade=graded["grade"] if graded else None,
        status=graded["status"] if graded else None,
        grade_id=grades_of(merchant_id),
        history=[Month(**month) for month in history],
        complete_to=found.complete_to,
        **asking.explained([] if row is None else [_behind(merchant_id, found)]),
    )


@router.get("/merchants/{merchant_id}/credit/explain", responses=responses(404))
def explain_merchant_credit(
    merchant_id: MerchantId,
    by: Principal,
    shared: Shared,
    as_of: AsOf = None,
    limit: Limit = 100,
    cursor: Cursor = None,
    min_position: MinPosition = None,
    wait_s: WaitS = 5.0,
) -> Explanation:
    """Show each complaint behind the score of a merchant with what it weighs and adds, and what else moved it. Whose
    complaint it is, and of which order, is for regulators, auditors and the merchant."""
    begin = read_offset(cursor)
    wait_for(shared, min_position, wait_s)
    pool, day = shared.ledger.recorder.pool, as_of or today()
    told = explain(pool, merchant_id, day, credit.scores(pool, day, most=MOST_CHANGED))
    complaints = told["complaints"]
    hidden = dict[str, Any]() if _concerns(by, told["merchants"]) else {"consumer_id": None, "order_reference": None}
    return Explanation(
        items=[in_text(complaint) | hidden for complaint in complaints[begin : begin + limit]],
        complaints=len(complaints),
        as_of=told["as_of"],
        one=str(told["one"]),
        means_complete_to=told["means_complete_to"],
        merchants=told["merchants"],
        score=Score(**_score(told["score"], by, told["parameters"], told["merchants"])),
        rates=rates_in_text(told["rates"]),
        **{name: plain(told[name]) for name in ("parameters", "violations", "volumes", "paid_then_withdrawn")},
        next=write_cursor(begin + limit) if begin + limit < len(complaints) else None,
        complete_to=told["complete_to"],
    )


def in_text(complaint: credit.Row) -> dict[str, Any]:
    """Write the units that a complaint adds as texts: they are longer than what JSON's readers take for an integer."""
    adds = {part: {side: str(units) for side, units in own.items()} for part, own in complaint["adds"].items()}
    return {**{name: plain(value) for name, value in complaint.items()}, "adds": adds}


def rates_in_text(rates: credit.Row) -> dict[str, dict[str, str]]:
    """Write the sums of what complaints add, in units and as weights, as texts."""
    return {
        part: {name: format(value, "f" if isinstance(value, Decimal) else "d") for name, value in rate.items()}
        for part, rate in rates.items()
    }
