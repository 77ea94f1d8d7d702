"""The rulebook over HTTP: what rules hold where and when, due times, code lists, and publishing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from adapters.rulebook import publications_of
from api import bodies, operations
from api.commands import done
from api.problems import responses
from api.requests import IdempotencyKey, Limit, Principal, Shared
from domain.calendar import Term, Unit
from domain.calendar import due as due_of
from domain.errors import InvalidInput, UnknownStream
from domain.rulebook.book import Authority, Part, is_in_force, regions_around

router = APIRouter(prefix="/rulebook")


@router.get("/rule-sets", tags=["queries"], responses=responses())
def list_rule_sets(
    by: Principal,
    shared: Shared,
    authority: Annotated[Authority | None, Query(description="Only rules of this authority.")] = None,
    region: Annotated[
        str | None,
        Query(pattern="^[0-9]{6}$", description="Only rules that can hold in this division.", examples=["330106"]),
    ] = None,
    on: Annotated[
        bodies.Day | None, Query(description="Only what is in force on this day.", examples=["2026-05-01"])
    ] = None,
) -> bodies.RuleSets:
    """List the rule sets."""
    book = shared.rulebook.current()
    found = [
        one
        for one in book.rule_sets.values()
        if authority in (None, one.authority)
        and (region is None or one.region in regions_around(region))
        and (on is None or is_in_force(one, on))
    ]
    return bodies.RuleSets(
        items=[
            bodies.RuleSetSummary(
                **one.model_dump(include=bodies.RuleSetSummary.model_fields.keys() - {"edition"}),
                edition=book.edition(Part.RULES, one.id),
            )
            for one in sorted(found, key=lambda one: (one.authority, one.region, one.in_force_from, one.id))
        ]
    )


@router.get("/rule-sets/{rule_set}", tags=["queries"], responses=responses(404))
def read_rule_set(
    rule_set: Annotated[str, Path(max_length=100, examples=["samr-order-121"])], by: Principal, shared: Shared
) -> bodies.PublishedRules:
    """Read a rule set: its terms, limits and grounds, with their sources."""
    book = shared.rulebook.current()
    found = book.rule_sets.get(rule_set)
    if found is None:
        raise UnknownStream(f"there is no rule set {rule_set!r}", hint="see GET /rulebook/rule-sets")
    return bodies.PublishedRules(**dict(found), edition=book.edition(Part.RULES, rule_set))


@router.get("/calendars/{year}", tags=["queries"], responses=responses(404))
def read_calendar(
    year: Annotated[int, Path(ge=1949, le=9998, examples=[2026])], by: Principal, shared: Shared
) -> bodies.WorkingCalendar:
    """Read the holidays and the worked weekends of a year."""
    book = shared.rulebook.current()
    found = book.calendar.years.get(year)
    if found is None:
        published = ", ".join(map(str, sorted(book.calendar.years)))
        raise UnknownStream(f"the calendar of {year} is not published", hint=f"published are: {published or 'none'}")
    return bodies.WorkingCalendar(
        year=year,
        holidays=sorted(found.holidays),
        workdays=sorted(found.workdays),
        edition=book.edition(Part.CALENDARS, str(year)),
    )


@router.get("/due", tags=["queries"], responses=responses())
def read_due(
    by: Principal,
    shared: Shared,
    begins: Annotated[
        bodies.Time, Query(alias="from", description="With zone.", examples=["2026-02-13T09:00:00+08:00"])
    ],
    n: Annotated[int, Query(ge=1, le=3650, description="How many units.", examples=[7])],
    unit: Annotated[Unit, Query()] = Unit.WORKING_DAYS,
    rolls: Annotated[bool, Query(description="A last day off moves to the next working day; days only.")] = False,
) -> bodies.DueTime:
    """Reckon when a term ends: the last instant that is in time."""
    if rolls and unit is not Unit.DAYS:
        raise InvalidInput(f"rolls is for days, not {unit.value}", hint="leave it out, or give unit=days")
    found = due_of(begins, Term(n=n, unit=unit, source="asked", rolls=rolls), shared.rulebook.current().calendar)
    return bodies.DueTime(due=found.at, provisional=found.provisional)


@router.get("/codes", tags=["queries"], responses=responses())
def list_code_lists(by: Principal, shared: Shared) -> bodies.CodeLists:
    """List the code lists."""
    lists = shared.rulebook.current().code_lists
    return bodies.CodeLists(
        items=[
            bodies.CodeListSummary(scheme=one.scheme, title=one.title, source=one.source, codes=len(one.entries))
            for _, one in sorted(lists.items())
        ]
    )


# A scheme such as GB/T 2260 has a slash, sent as it is or as %2F.
@router.get("/codes/{scheme:path}", tags=["queries"], responses=responses(404))
def read_codes(
    scheme: Annotated[str, Path(max_length=500, examples=["GB/T 2260"])],
    by: Principal,
    shared: Shared,
    under: Annotated[
        str | None, Query(max_length=64, description="Only what lies directly under this code.", examples=["330000"])
    ] = None,
    after: Annotated[str | None, Query(max_length=64, description="``next`` of the page before.")] = None,
    limit: Limit = 100,
) -> bodies.Codes:
    """List the codes of a list."""
    lists = shared.rulebook.current().code_lists
    if scheme not in lists:
        raise UnknownStream(
            f"there is no code list {scheme!r}", hint=f"published are: {', '.join(sorted(lists)) or 'none'}"
        )
    one = lists[scheme]
    entries = one.entries if under is None else one.under(under)
    codes = sorted(code for code in entries if after is None or code > after)
    page = codes[:limit]
    return bodies.Codes(
        scheme=one.scheme,
        title=one.title,
        source=one.source,
        next=page[-1] if len(codes) > limit else None,
        items=[bodies.CodeEntry(code=code, **entries[code].model_dump()) for code in page],
    )


@router.post(
    "/publications",
    tags=["rulebook editor", "service"],
    status_code=201,
    responses=responses(400, 408, 409, 413, 415),
    operation_id="publish_rulebook",
)
def publish(
    body: bodies.Publications,
    by: Principal,
    shared: Shared,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> bodies.Done:
    """Publish rules: all that is sent, or nothing."""
    given = [one.model_dump(mode="json") for one in body.publications]
    result = operations.publish(
        shared.ledger,
        shared.service_key,
        publications_of(given, "publications"),
        by=by,
        now=datetime.now(UTC),
        key=idempotency_key,
    )
    return done(result, response)
