"""Small frozen values shared by the events of every stream."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer

from domain.errors import InvalidInput

FROZEN = ConfigDict(frozen=True, extra="forbid")


def format_instant(at: datetime) -> str:
    """Write an aware time as UTC with six decimals and ``Z``: 27 characters, sortable as text (RFC 3339)."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def parse_instant(text: str) -> datetime:
    """Read an RFC 3339 time; raises InvalidInput for one that is malformed or has no zone."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(
            f"{text!r} is not a time", hint="write it as 2026-01-31T09:30:00+08:00 or 2026-01-31T01:30:00Z"
        ) from None
    if at.tzinfo is None:
        raise InvalidInput(f"the time {text!r} has no zone", hint="add one, as in 2026-01-31T09:30:00+08:00")
    try:
        return _utc(at)
    except ValueError as error:
        raise InvalidInput(f"{text!r}: {error}", hint="check the year") from None


#: A day within what a datetime can hold, so that an instant can be written in every zone.
FIRST_INSTANT = datetime(1, 1, 2, tzinfo=UTC)
LAST_INSTANT = datetime(9999, 12, 30, tzinfo=UTC)


def _utc(at: datetime) -> datetime:
    if not FIRST_INSTANT <= at <= LAST_INSTANT:
        raise ValueError("the time is outside the years 1 to 9999")
    return at if at.tzinfo is UTC else at.astimezone(UTC)


Instant = Annotated[
    AwareDatetime,
    AfterValidator(_utc),
    PlainSerializer(format_instant, return_type=str, when_used="json"),
]

RandomId = Annotated[str, Field(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
MerchantId = Annotated[str, Field(pattern=r"^merchant-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
OfficeId = Annotated[str, Field(pattern=r"^office-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
PlatformId = Annotated[str, Field(pattern=r"^platform-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
MeasureId = Annotated[str, Field(pattern=r"^measure-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
FundId = Annotated[str, Field(pattern=r"^fund-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
ComplaintId = Annotated[str, Field(pattern=r"^complaint-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
#: The stream of any kind that names another: what a consequence is recorded in.
StreamId = Annotated[str, Field(pattern=r"^[a-z]+-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
#: PostgreSQL cannot hold U+0000 in a text, so that no read model could.
TEXT = r"^[^\x00]*$"
ShortText = Annotated[str, Field(min_length=1, max_length=500, pattern=TEXT)]
LongText = Annotated[str, Field(min_length=1, max_length=32_000, pattern=TEXT)]


@dataclass(frozen=True, slots=True)
class Personal:
    """Marks a text field as personal data of the subject whose id stands in the field ``subject``."""

    subject: str


class Role(StrEnum):
    """In what capacity somebody acts."""

    CONSUMER = "consumer"
    AGENT = "agent"
    LAWYER = "lawyer"
    WHISTLE_BLOWER = "whistle_blower"
    MERCHANT = "merchant"
    PLATFORM = "platform"
    PAYMENT_PROVIDER = "payment_provider"
    MEDIATOR = "mediator"
    ADJUDICATOR = "adjudicator"
    REGULATOR = "regulator"
    PARTNER = "partner"
    APPEAL_REVIEWER = "appeal_reviewer"
    AUDITOR = "auditor"
    ANALYST = "analyst"
    RULEBOOK_EDITOR = "rulebook_editor"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a random id, which only the vault can map to a person, and the role acted in."""

    id: RandomId
    role: Role


#: The program itself, when nothing but the passing of time makes an event happen.
CLOCK = Actor("5f0c2d9e-8a57-4f5e-9d5b-6b1f1f0b7c11", Role.SERVICE)


class Channel(StrEnum):
    """The door through which a complaint came in."""

    PHONE = "phone"
    WEB = "web"
    APP = "app"
    WECHAT = "wechat"
    WECHAT_MINI_PROGRAM = "wechat_mini_program"
    ALIPAY = "alipay"
    EMAIL = "email"
    FAX = "fax"
    POSTAL_MAIL = "postal_mail"
    WALK_IN = "walk_in"
    IMPORT = "import"
    REFERRAL = "referral"
    WEB_REFERRAL = "web_referral"


class TimePrecision(StrEnum):
    """How exactly ``occurred_at`` is known: to the instant, to the day, or only that it is not earlier."""

    INSTANT = "instant"
    DAY = "day"
    NOT_BEFORE = "not_before"


class Money(BaseModel):
    """A non-negative amount as an integer of hundredths (fen, cents) with its ISO 4217 currency."""

    model_config = FROZEN
    fen: Annotated[int, Field(ge=0, le=10**15, strict=True)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "CNY"

    @classmethod
    def parse(cls, text: str, currency: str = "CNY") -> Self:
        """Read a decimal such as ``12.50``; raises InvalidInput if negative or finer than a hundredth."""
        if not re.fullmatch(r"[0-9]{1,13}(\.[0-9]{1,2})?", text):
            raise InvalidInput(
                f"{text!r} is not an amount of money",
                hint="write a number that is not negative, with at most two decimals, such as 12.50",
            )
        if not re.fullmatch(r"[A-Z]{3}", currency):
            raise InvalidInput(f"{currency!r} is not a currency", hint="write its ISO 4217 code, such as CNY")
        whole, _, part = text.partition(".")
        return cls(fen=int(whole) * 100 + int(part.ljust(2, "0")), currency=currency)

    def __str__(self) -> str:
        return f"{self.fen // 100}.{self.fen % 100:02d} {self.currency}"


class Code(BaseModel):
    """A value of a named code list, such as ``GB/T 2260`` 330106 or ``us-state`` CA."""

    model_config = FROZEN
    scheme: ShortText
    value: ShortText


class Origin(BaseModel):
    """A register, or another organisation, and the reference of the matter there."""

    model_config = FROZEN
    register_name: ShortText
    reference: ShortText
