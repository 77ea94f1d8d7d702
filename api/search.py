"""Search over HTTP: complaints by any field, and facets."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from adapters import search
from adapters.search_text import MAX_CHARACTERS
from api import bodies
from api.asking import AskedInPages, AskedWhole
from api.conditions import Condition, Excluded, conditions, filters
from api.paging import read_cursor, write_cursor
from api.problems import NotForThisRole, responses
from api.requests import UUID, Principal
from api.statistics import First, Last
from domain.complaint.state import Status
from domain.errors import InvalidInput
from domain.streams import MERCHANT
from domain.values import TEXT, Actor, Role, format_instant, parse_instant

router = APIRouter(tags=["queries"])

FIELDS = ", ".join((*search.FIELDS, *search.YES_NO))
Filters = Annotated[
    list[Condition],
    filters(
        "field:value. Values of one field are alternatives; different fields hold together. A region that ends in "
        f"zeros stands for all in it; an empty value for what is not known. Fields: {FIELDS}.",
        "region:330000",
        "overdue:yes",
    ),
]
Fen = Annotated[int | None, Query(ge=0, lt=2**63, description="Amount in dispute, in fen.")]
MerchantId = Annotated[
    str | None, Query(pattern=f"^merchant-{UUID}$", examples=["merchant-f3f3a985-9840-ca16-6825-698f8803c309"])
]
Text = Annotated[
    str | None,
    Query(
        alias="q",
        min_length=1,
        max_length=MAX_CHARACTERS,
        pattern=TEXT,
        description="Words that were written in the course of the complaint, Chinese or English: all of them, those in "
        "quotes next to each other; word* for all that begin so. A merchant or consumer searches its own complaints.",
        examples=["退款 iphone"],
    ),
]
#: Who may search all texts. A merchant and a consumer may search those of their own complaints.
READERS = frozenset(
    {
        Role.REGULATOR,
        Role.APPEAL_REVIEWER,
        Role.MEDIATOR,
        Role.ADJUDICATOR,
        Role.AUDITOR,
        Role.SERVICE,
    }
)
Sort = Annotated[str, Query(max_length=20, json_schema_extra={"enum": list(search.SORTS)})]


class Found(bodies.Complaint):
    merchant: str | None


class Complaints(bodies.Page):
    items: list[Found]
    explain: list[str] | None = None


class Value(BaseModel):
    """A value of a facet; null where it is not known. ``title``: the name of a merchant."""

    value: str | None
    count: int
    title: str | None = None


class Facet(BaseModel):
    """``of``: how many complaints were counted; where that is not ``exact``, some of those that match."""

    exact: bool
    of: int
    values: list[Value]


class Facets(BaseModel):
    """``count`` is at most 10,000; where it is not ``exact`` there are more."""

    count: int
    exact: bool
    facets: dict[str, Facet]
    complete_to: int
    explain: list[str] | None = None


@router.get("/complaints", responses=responses(403))
def list_complaints(
    by: Principal,
    asking: AskedInPages,
    text: Text = None,
    merchant_id: MerchantId = None,
    status: Annotated[Status | None, Query()] = None,
    filter: Filters = [],  # noqa: B006
    exclude: Excluded = [],  # noqa: B006
    first: First = None,
    last: Last = None,
    least_fen: Fen = None,
    most_fen: Fen = None,
    sort: Sort = "newest",
) -> Complaints:
    """Search complaints, newest filing first. Pages do not shift under writes."""
    asking.wait()
    rest = first, last, least_fen, most_fen, sort, text, _whose(by, text)
    asked = _asked(filter, exclude, merchant_id, status, *rest)
    limit, after = asking.limit, _place(asking.cursor, sort)
    items, places, complete_to = search.search(asking.pool, asked, now=datetime.now(UTC), after=after, limit=limit + 1)
    return Complaints(
        items=[Found(**{name: value for name, value in item.items() if name != "clocks"}) for item in items[:limit]],
        next=write_cursor(*places[limit - 1]) if len(items) > limit else None,
        complete_to=complete_to,
        **asking.explained(),
    )


@router.get("/complaints/facets", responses=responses(403))
def read_facets(
    by: Principal,
    asking: AskedWhole,
    text: Text = None,
    merchant_id: MerchantId = None,
    status: Annotated[Status | None, Query()] = None,
    filter: Filters = [],  # noqa: B006
    exclude: Excluded = [],  # noqa: B006
    first: First = None,
    last: Last = None,
    least_fen: Fen = None,
    most_fen: Fen = None,
) -> Facets:
    """Count what a search finds, by the values of its facets; exactly up to 10,000 matches."""
    asking.wait()
    rest = first, last, least_fen, most_fen, "newest", text, _whose(by, text)
    asked = _asked(filter, exclude, merchant_id, status, *rest)
    found = search.facets(asking.pool, asked, now=datetime.now(UTC))
    return Facets(**found, **asking.explained())


def _asked(
    chosen_by: list[str], exclude: list[str], merchant_id: str | None, status: Status | None, *rest: Any
) -> search.Search:
    chosen = conditions(chosen_by)
    for name, value in (("merchant", merchant_id), ("status", status)):
        if value is not None:
            chosen.setdefault(name, []).append(str(value))
    return search.Search(chosen, conditions(exclude), *rest)


def _whose(by: Actor, text: str | None) -> tuple[str, str] | None:
    """Return whose complaints somebody may search for a text: field and id, None for all; raises NotForThisRole."""
    if text is None or by.role in READERS:
        return None
    if by.role is Role.MERCHANT:
        return "merchant", f"{MERCHANT.prefix}-{by.id}"
    if by.role is Role.CONSUMER:
        return "consumer", by.id
    raise NotForThisRole(
        f"the role {by.role} does not search what was written",
        hint=f"leave q out; it is for: {', '.join(sorted(READERS | {Role.MERCHANT, Role.CONSUMER}))}",
    )


def _place(cursor: str | None, sort: str) -> search.Place | None:
    read = read_cursor(cursor, str, str)
    if read is None:
        return None
    value, stream = read
    try:
        if sort == "amount":
            # There are digits that Python reads and PostgreSQL does not.
            if not re.fullmatch("[0-9]{1,19}", value) or int(value) >= 2**63:
                raise ValueError(value)
        elif value != "infinity":
            value = format_instant(parse_instant(value))
    except (InvalidInput, ValueError):
        raise InvalidInput(
            "the cursor is not one of ours", hint="take ``next`` as it was given, with its sort"
        ) from None
    return value, stream
