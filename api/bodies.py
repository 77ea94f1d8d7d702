"""The shapes of requests and answers over HTTP. What a field may hold is said once, in the domain's types."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from domain.complaint.mediation import MediatorKind
from domain.complaint.state import Deadline, Outcome, OutcomeKind, RequestKind, Side, Status
from domain.office.establishment import Level
from domain.rulebook.book import RuleSet
from domain.values import Instant, Money

_STRICT = ConfigDict(extra="forbid", frozen=True)
COMPLAINT = "complaint-5173ac4c-f3ac-dde1-bbfc-354afefec15d"
EARLIER = "complaint-7b0f6a3e-2c41-4c9b-8d15-6e9f0a1b2c3d"
MERCHANT = "merchant-f3f3a985-9840-ca16-6825-698f8803c309"
OTHER_MERCHANT = "merchant-1f0e6c5b-7d24-4b8a-8c39-52e1a7d0f6b4"
OFFICE = "office-0d5a6f0e-61c7-4d7c-9f0e-3a2b8c4d5e6f"
PERSON = "70b4ce15-138d-4df5-8005-9a022e761b8d"

_EXAMPLES = (COMPLAINT, MERCHANT, OFFICE, f"subject-{PERSON}")


def example_of(prefix: str) -> str:
    """Return the id of a stream of a kind, as documents show it."""
    own = (one for one in _EXAMPLES if one.startswith(f"{prefix}-"))
    return next(own, f"{prefix}-3c1b5e8a-4f27-4d60-9a13-5be2d7c84f90")


def _written_out(value: Any) -> Any:
    # A number would be taken for seconds since 1970.
    if isinstance(value, str) and re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]", value):
        return value
    raise ValueError("write a time as text, such as 2026-01-31T09:30:00+08:00")


def _a_day(value: Any) -> Any:
    # A number would be taken for seconds since 1970.
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        return value
    raise ValueError("write a day as in 2026-01-31")


Time = Annotated[Instant, BeforeValidator(_written_out)]
Day = Annotated[date, BeforeValidator(_a_day)]


class Command(BaseModel):
    """What all commands may say: when it happened in the world, if that is not now."""

    model_config = _STRICT
    at: Time | None = Field(None, description="With zone. Default: now.", examples=["2026-03-02T09:00:00+08:00"])


class Done(BaseModel):
    """What a command did. ``position`` is that of its last event: give it to queries as ``min_position``."""

    id: str = Field(examples=[COMPLAINT])
    version: int = Field(examples=[1])
    position: int | None = Field(examples=[31668])
    events: list[str] = Field(examples=[["complaint.filed"]])
    repeated: bool = Field(description="The same command had run before; this is what it did then.")


class Complaint(BaseModel):
    """A complaint. Absent facts are null; times are UTC."""

    complaint_id: str = Field(examples=[COMPLAINT])
    version: int = Field(examples=[4])
    status: Status
    consumer_id: str
    channel: str
    scheme: str
    product: str
    filed_at: datetime
    sub_product: str | None
    issue: str | None
    sub_issue: str | None
    region_scheme: str | None
    region: str | None
    register_name: str | None
    reference: str | None
    claim_fen: int | None
    claim_currency: str | None
    merchant_id: str | None
    routed_at: datetime | None
    answer_due: datetime | None
    answer: str | None
    answered_at: datetime | None
    answered_on_time: bool | None
    deadlines_missed: int
    resolved: bool
    resolved_at: datetime | None
    recovered_fen: int
    ground: str | None
    closed_at: datetime | None
    disputed: bool
    reopened: int
    withdrawn_at: datetime | None
    kind: RequestKind
    regime: str | None
    holder: str | None
    office_id: str | None
    upgraded: str | None
    rule_set: str | None
    accepted_at: datetime | None
    mediator_id: str | None
    human: bool
    way: str | None
    public: bool
    punitive_fen: int
    merged_into: str | None
    concluded_at: datetime | None
    satisfaction: int | None
    counts: bool
    scenario: str | None
    scenario_confidence: int | None
    stage: str | None
    violation: str | None
    platform: str | None
    order_reference: str | None
    dispute_fen: int
    consumers: int
    received_at: datetime | None
    checked_at: datetime | None
    checked_on_time: bool | None
    acceptance_missed: bool
    answer_missed: bool
    resolution_missed: bool
    mediation_missed: bool
    mediated: bool | None
    reopened_soon: int
    paid_when_withdrawn: bool
    called_back: bool
    person_requests: int
    persons_reached: int
    sessions_cut: int
    suggestions: int
    suggestions_taken: int
    verified_at: datetime | None
    verified_on_time: bool | None
    verification_missed: bool
    case_filed: bool
    penalty_on: str | None
    fined: bool
    fine_fen: int
    reward_fen: int
    transfers: str
    consequences: int
    next_due: datetime | None
    next_deadline: str | None


class RunningClock(BaseModel):
    """A term. ``due`` is the last instant in time, absent while the clock stands still (``stopped``).

    ``provisional``: the calendar of a year that it runs into is not published yet. ``overdue``: at the time asked.
    """

    deadline: Deadline
    due: datetime | None
    stopped: bool
    provisional: bool
    overdue: bool
    rule_set: str | None
    source: str | None = Field(examples=["Order 121, art. 15"])


class OfferOnTable(BaseModel):
    """The offer that the other party can accept."""

    number: int
    side: Side
    terms: list[Outcome]


class SettledItem(BaseModel):
    """An item of what was agreed or decided, and what of it has been performed."""

    item: int
    kind: OutcomeKind
    amount: Money | None
    payer: str | None
    performed_fen: int
    done: bool


class NextAction(BaseModel):
    """What somebody in the role of the asker may do now: POST to ``path`` with these arguments."""

    name: str = Field(examples=["answer"])
    path: str = Field(examples=[f"/complaints/{COMPLAINT}/answer"])
    summary: str
    arguments: list[str] = Field(examples=[["kind", "relief", "text"]])
    required: list[str] = Field(examples=[["kind"]])


class ComplaintInFull(Complaint):
    """A complaint with its clocks, what is on the table, and what may be done next (nothing for a past version)."""

    clocks: list[RunningClock]
    missed: list[Deadline] = Field(description="Since it was filed or last reopened.")
    offer: OfferOnTable | None
    terms: list[SettledItem]
    actions: list[NextAction]


class RecordedEvent(BaseModel):
    """An event of the ledger; ``data`` in the newest version of its type."""

    version: int = Field(examples=[1])
    type: str = Field(examples=["complaint.filed"])
    occurred_at: datetime
    recorded_at: datetime | None
    actor: str
    role: str
    data: dict[str, Any]


class Merchant(BaseModel):
    """A merchant. ``circles``: the quality circles that it is in, with a space between."""

    merchant_id: str = Field(examples=[MERCHANT])
    trade_name: str
    registered_at: datetime
    identifier_scheme: str | None
    identifier: str | None
    register_name: str | None
    promise_since: datetime | None
    enrolled_since: datetime | None
    industry_scheme: str | None
    industry: str | None
    merged_into: str | None
    untrustworthy: bool
    circles: str


class Mediator(BaseModel):
    """A mediator of an office. ``load``: the open cases that he has; ``classes``: the products he takes (none: any)."""

    mediator_id: str
    kind: MediatorKind
    classes: list[str]
    conflicts: list[str] = Field(description="Whom he must not judge.")
    load: int
    capacity: int


class Office(BaseModel):
    """An office, and its place in the tree."""

    office_id: str = Field(examples=[OFFICE])
    version: int
    title: str
    level: Level
    division: str
    superior: str | None


class Workload(BaseModel):
    """The mediators of an office with their loads. ``complete_to``: the position up to which the loads are complete."""

    office_id: str
    complete_to: int
    items: list[Mediator]
    explain: list[str] | None = None
    behind: list[str] | None = Field(None, description="Where the open cases of each mediator are listed.")


class Page(BaseModel):
    """``next`` is the cursor of the next page, null on the last. ``complete_to``: the position that is surely in."""

    next: str | None = Field(description="Give it as ``cursor`` to get the next page.")
    complete_to: int = Field(examples=[31667])


class Merchants(Page):
    items: list[Merchant]


class Standing(BaseModel):
    """Where a stream stands. ``next_due``: the last instant in time of the term that ends first, if one runs."""

    id: str
    version: int = Field(examples=[2])
    status: str
    next_due: datetime | None
    actions: list[NextAction]


class Events(BaseModel):
    """A part of a history. ``next``: the ``after`` of the next page, null on the last."""

    next: int | None
    items: list[RecordedEvent]


class PublishedRules(RuleSet):
    """A rule set in its newest edition."""

    edition: int


class RuleSetSummary(BaseModel):
    """A rule set without its rules."""

    id: str = Field(examples=["samr-order-121"])
    authority: str
    region: str
    title: str
    in_force_from: date
    in_force_to: date | None
    edition: int


class RuleSets(BaseModel):
    items: list[RuleSetSummary]


class WorkingCalendar(BaseModel):
    """The holidays of a year, and the Saturdays and Sundays that are worked."""

    year: int
    holidays: list[date]
    workdays: list[date]
    edition: int


class DueTime(BaseModel):
    """``due`` is the last instant in time; ``provisional``: a calendar that it needs is not published yet."""

    due: datetime
    provisional: bool


class CodeListSummary(BaseModel):
    scheme: str = Field(examples=["GB/T 2260"])
    title: str
    source: str
    codes: int


class CodeLists(BaseModel):
    items: list[CodeListSummary]


class CodeEntry(BaseModel):
    code: str
    name: str
    name_en: str | None
    parent: str | None


class Codes(BaseModel):
    """Codes of a list in order. ``next``: the ``after`` of the next page, null on the last."""

    scheme: str
    title: str
    source: str
    next: str | None
    items: list[CodeEntry]


class Publication(BaseModel):
    """Something to be published. ``content`` is as in the files that `complaints rulebook publish` takes."""

    model_config = _STRICT
    publish: Literal["rule_set", "calendar", "fee_schedule", "code_list", "scenario", "parameters", "policy"] = Field(
        examples=["calendar"]
    )
    edition: Annotated[int, Field(ge=1, strict=True)] = Field(
        description="One more than the last edition.", examples=[1]
    )
    content: dict[str, Any] = Field(
        examples=[{"year": 2031, "holidays": ["2031-01-01"], "workdays": [], "source": "notice of the State Council"}]
    )


class Publications(BaseModel):
    """What is published together, all or nothing: it has to belong to one part of the rulebook."""

    model_config = _STRICT
    publications: list[Publication] = Field(
        min_length=1,
        max_length=500,
        examples=[
            [
                {
                    "publish": "calendar",
                    "edition": 1,
                    "content": {
                        "year": 2031,
                        "holidays": ["2031-01-01"],
                        "workdays": [],
                        "source": "notice of the State Council",
                    },
                }
            ]
        ],
    )


class Health(BaseModel):
    status: Literal["ok"] = "ok"


class BuiltModel(BaseModel):
    """A version of a read model that is being built: how much of it is read, in percent, and whether that stopped."""

    version: int
    read_percent: str | None = Field(examples=["43.1"])
    stopped: bool


class ReadModel(BaseModel):
    """``version`` and ``complete_to`` are of the generation that answers queries."""

    name: str
    version: int
    complete_to: int
    building: BuiltModel | None


class Readiness(Health):
    read_models: list[ReadModel]
