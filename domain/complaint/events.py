"""What can happen to a complaint."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from domain.event import Event
from domain.values import (
    Channel,
    Code,
    Instant,
    LongText,
    MerchantId,
    Money,
    Origin,
    Personal,
    RandomId,
    ShortText,
    TimePrecision,
)


class AnswerKind(StrEnum):
    """What a merchant's answer consists of. UNSTATED: the source says that it answered, but not how."""

    EXPLANATION = "explanation"
    MONETARY_RELIEF = "monetary_relief"
    OTHER_RELIEF = "other_relief"
    RELIEF = "relief"
    NO_RELIEF = "no_relief"
    UNSTATED = "unstated"


UNSPECIFIED = "unspecified"
RELIEF = frozenset({AnswerKind.MONETARY_RELIEF, AnswerKind.OTHER_RELIEF, AnswerKind.RELIEF})


class Filed(Event):
    """A consumer complained. Product and issue are values of the code list ``scheme``.

    Version 1 did not name the list; it was that of the register of origin, or nobody's.
    """

    name = "complaint.filed"
    version = 2

    consumer_id: RandomId
    channel: Channel
    scheme: ShortText
    product: ShortText
    sub_product: ShortText | None = None
    issue: ShortText | None = None
    sub_issue: ShortText | None = None
    region: Code | None = None
    claim: Money | None = None
    narrative: Annotated[LongText | None, Personal("consumer_id")] = None
    postal_code: Annotated[ShortText | None, Personal("consumer_id")] = None
    origin: Origin | None = None
    precision: TimePrecision = TimePrecision.INSTANT

    @staticmethod
    def upcast_v1(data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "scheme": data.get("origin", {}).get("register_name", UNSPECIFIED)}


class Routed(Event):
    """The complaint was sent to a merchant, who has until ``answer_due`` (if there is a term) to answer."""

    name = "complaint.routed"

    merchant_id: MerchantId
    answer_due: Instant | None = None
    precision: TimePrecision = TimePrecision.INSTANT


class Answered(Event):
    """The merchant answered. ``relief`` is the amount offered, where one was stated.

    ``in_time`` is None where a register of origin does not say.
    """

    name = "complaint.answered"

    kind: AnswerKind
    in_time: bool | None = None
    relief: Money | None = None
    text: LongText | None = None
    precision: TimePrecision = TimePrecision.INSTANT


class Resolved(Event):
    """The consumer got what settles the matter; ``recovered`` is the money that came back."""

    name = "complaint.resolved"

    basis: Literal["relief_granted", "agreement", "consumer_confirmed"]
    recovered: Money | None = None
    precision: TimePrecision = TimePrecision.INSTANT


class Closed(Event):
    """The case was closed without a resolution."""

    name = "complaint.closed"

    ground: Literal["answered", "no_agreement", "unfounded", "merchant_unreachable"]
    precision: TimePrecision = TimePrecision.INSTANT


class DeadlineMissed(Event):
    """A due time passed. ``occurred_at`` is that due time, however late it was noticed."""

    name = "complaint.deadline_missed"

    deadline: Literal["answer"]


class Disputed(Event):
    """The consumer does not accept the answer."""

    name = "complaint.disputed"

    text: LongText | None = None
    precision: TimePrecision = TimePrecision.INSTANT


class Withdrawn(Event):
    """The consumer withdrew the complaint."""

    name = "complaint.withdrawn"

    reason: ShortText | None = None


class Reopened(Event):
    """A finished case goes on; what counted as resolved no longer does. A new answer is due."""

    name = "complaint.reopened"

    reason: ShortText
    answer_due: Instant | None = None


class Corrected(Event):
    """A later edition of the register of origin states these facts otherwise; absent fields are unchanged."""

    name = "complaint.corrected"

    consumer_id: RandomId
    merchant_id: MerchantId | None = None
    channel: Channel | None = None
    product: ShortText | None = None
    sub_product: ShortText | None = None
    issue: ShortText | None = None
    sub_issue: ShortText | None = None
    region: Code | None = None
    narrative: Annotated[LongText | None, Personal("consumer_id")] = None
    postal_code: Annotated[ShortText | None, Personal("consumer_id")] = None
    answer: AnswerKind | None = None
    answer_text: LongText | None = None
    in_time: bool | None = None
    disputed: bool | None = None


ComplaintEvent = (
    Filed | Routed | Answered | Resolved | Closed | DeadlineMissed | Disputed | Withdrawn | Reopened | Corrected
)
