"""The shapes of requests and answers over HTTP. What a field may hold is said once, in the domain's types."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from domain.complaint.events import AnswerKind
from domain.values import Channel, Code, Instant, LongText, MerchantId, Money, RandomId, ShortText

_STRICT = ConfigDict(extra="forbid", frozen=True)
_COMPLAINT = "complaint-5173ac4c-f3ac-dde1-bbfc-354afefec15d"
_MERCHANT = "merchant-f3f3a985-9840-ca16-6825-698f8803c309"


def _written_out(value: Any) -> Any:
    # A number would be taken for seconds since 1970.
    if isinstance(value, str) and re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]", value):
        return value
    raise ValueError("write a time as text, such as 2026-01-31T09:30:00+08:00")


Time = Annotated[Instant, BeforeValidator(_written_out)]


class Command(BaseModel):
    """What all commands may say: when it happened in the world, if that is not now."""

    model_config = _STRICT
    at: Time | None = Field(None, description="With zone. Default: now.", examples=["2026-03-02T09:00:00+08:00"])


class FileComplaint(Command):
    """A complaint of a consumer."""

    consumer_id: RandomId = Field(examples=["70b4ce15-138d-4df5-8005-9a022e761b8d"])
    channel: Channel = Field(examples=["app"])
    scheme: ShortText = Field("free", description="Code list of product and issue.", examples=["GB/T 36431"])
    product: ShortText = Field(examples=["rice cooker"])
    sub_product: ShortText | None = None
    issue: ShortText | None = Field(None, examples=["does not heat"])
    sub_issue: ShortText | None = None
    region: Code | None = Field(None, examples=[{"scheme": "GB/T 2260", "value": "330106"}])
    claim: Money | None = Field(None, examples=[{"fen": 19900, "currency": "CNY"}])
    narrative: LongText | None = Field(None, examples=["The second one within a month."])
    postal_code: ShortText | None = None


class Route(Command):
    """To whom it is sent, and until when an answer is due."""

    merchant_id: MerchantId = Field(examples=[_MERCHANT])
    answer_due: Time | None = Field(None, examples=["2026-03-12T23:59:59+08:00"])


class Answer(Command):
    """The merchant's answer."""

    kind: AnswerKind = Field(examples=["monetary_relief"])
    relief: Money | None = Field(None, examples=[{"fen": 5000}])
    text: LongText | None = Field(None, examples=["We return 50 yuan."])


class Resolve(Command):
    """How it was settled, and what came back."""

    basis: Literal["relief_granted", "agreement", "consumer_confirmed"] = Field(examples=["agreement"])
    recovered: Money | None = Field(None, examples=[{"fen": 5000}])


class Close(Command):
    """Why it ends without a resolution."""

    ground: Literal["answered", "no_agreement", "unfounded", "merchant_unreachable"] = Field(examples=["no_agreement"])


class Dispute(Command):
    """Why the consumer does not accept the answer."""

    text: LongText | None = Field(None, examples=["It broke again."])


class Withdraw(Command):
    """Why the consumer takes it back."""

    reason: ShortText | None = Field(None, examples=["settled in the shop"])


class Reopen(Command):
    """Why it is taken up again, and until when a new answer is due."""

    reason: ShortText = Field(examples=["the money did not come"])
    answer_due: Time | None = Field(None, examples=["2026-04-12T23:59:59+08:00"])


class RegisterMerchant(BaseModel):
    """A merchant."""

    model_config = _STRICT
    trade_name: ShortText = Field(examples=["West Lake Appliances"])
    identifier: Code | None = Field(None, examples=[{"scheme": "GB 32100", "value": "91330106MA27XXXXXX"}])
    at: Time | None = None


class Done(BaseModel):
    """What a command did. ``position`` is that of its last event: give it to queries as ``min_position``."""

    id: str = Field(examples=[_COMPLAINT])
    version: int = Field(examples=[1])
    position: int | None = Field(examples=[31668])
    events: list[str] = Field(examples=[["complaint.filed"]])
    repeated: bool = Field(description="The same command had run before; this is what it did then.")


class Complaint(BaseModel):
    """A complaint. Absent facts are null; times are UTC."""

    complaint_id: str = Field(examples=[_COMPLAINT])
    version: int = Field(examples=[4])
    status: Literal["filed", "routed", "answered", "resolved", "closed", "withdrawn"]
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


class RecordedEvent(BaseModel):
    """An event as it is in the ledger."""

    version: int = Field(examples=[1])
    type: str = Field(examples=["complaint.filed"])
    occurred_at: datetime
    recorded_at: datetime | None
    actor: str
    role: str
    data: dict[str, Any]


class Merchant(BaseModel):
    """A merchant."""

    merchant_id: str = Field(examples=[_MERCHANT])
    trade_name: str
    registered_at: datetime
    identifier_scheme: str | None
    identifier: str | None
    register_name: str | None


class Sums(BaseModel):
    """Sums of one key; see the definitions in the README."""

    key: str = Field(description="A merchant's is its name.", examples=["Debt collection"])
    id: str
    scheme: str
    filed: int
    valid: int
    answered: int
    answered_on_time: int
    resolved: int
    disputed: int
    reopened: int
    recovered_fen: int
    resolved_rate: str | None = Field(description="Percent, one decimal, half-up.", examples=["16.2"])


class Page(BaseModel):
    """``next`` is the cursor of the next page, null on the last. ``complete_to``: the position that is surely in."""

    next: str | None = Field(description="Give it as ``cursor`` to get the next page.")
    complete_to: int = Field(examples=[31667])


class Complaints(Page):
    items: list[Complaint]


class Merchants(Page):
    items: list[Merchant]


class Statistics(Page):
    items: list[Sums]


class Events(BaseModel):
    """A part of a history. ``next``: the ``after`` of the next page, null on the last."""

    next: int | None
    items: list[RecordedEvent]


class Health(BaseModel):
    status: Literal["ok"] = "ok"
