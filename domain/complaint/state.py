"""The state of a complaint: only what its decisions need. All that is displayed lives in projections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, Field

from domain.calendar import Unit
from domain.values import FROZEN, Instant, Money, ShortText


class RequestKind(StrEnum):
    """The four kinds of request. Only a complaint is mediated; a report leads to an investigation."""

    COMPLAINT = "complaint"
    REPORT = "report"
    CONSULTATION = "consultation"
    SUGGESTION = "suggestion"


class Status(StrEnum):
    """Where a request stands. NONE: not filed yet."""

    NONE = "none"
    FILED = "filed"
    ROUTED = "routed"
    ANSWERED = "answered"
    RECEIVED = "received"
    SUPPLEMENTING = "supplementing"
    ACCEPTED = "accepted"
    MEDIATING = "mediating"
    ADJUDICATING = "adjudicating"
    VERIFYING = "verifying"
    CASE_FILED = "case_filed"
    RESOLVED = "resolved"
    CLOSED = "closed"
    REFUSED = "refused"
    REFERRED = "referred"
    MERGED = "merged"
    WITHDRAWN = "withdrawn"


#: A request that is not at its end.
OPEN = frozenset(
    {
        Status.FILED,
        Status.ROUTED,
        Status.ANSWERED,
        Status.RECEIVED,
        Status.SUPPLEMENTING,
        Status.ACCEPTED,
        Status.MEDIATING,
        Status.ADJUDICATING,
        Status.VERIFYING,
        Status.CASE_FILED,
    }
)
ENDED = frozenset(Status) - OPEN - {Status.NONE}


class Deadline(StrEnum):
    """What has to happen within a term."""

    ANSWER = "answer"
    FIRST_RESPONSE = "first_response"
    RESOLUTION = "resolution"
    ENTERPRISE = "enterprise"
    ESCALATION = "escalation"
    PUBLICATION = "publication"
    OFFER = "offer"
    ACCEPTANCE = "acceptance"
    SUPPLEMENT = "supplement"
    MEDIATION = "mediation"
    VERIFICATION = "verification"
    PERFORMANCE = "performance"
    EVIDENCE = "evidence"


class Clock(BaseModel):
    """A term that runs: ``due`` is the last instant in time, ``n`` units (microseconds for hours) after ``since``.

    ``left`` is how much is left of a clock that stands still, in the same measure, ``since`` then; its ``due`` says
    nothing meanwhile.
    ``provisional``: the calendar of a year that it runs into is not published yet.
    """

    model_config = FROZEN
    deadline: Deadline
    due: Instant
    since: Instant
    n: Annotated[int, Field(ge=0)]
    unit: Unit
    rolls: bool | None = None
    provisional: bool | None = None
    left: Annotated[int, Field(ge=0)] | None = None
    rule_set: ShortText | None = None
    source: ShortText | None = None


class Side(StrEnum):
    """The two parties."""

    CONSUMER = "consumer"
    MERCHANT = "merchant"


class Way(StrEnum):
    """How a dispute can come to its end."""

    NEGOTIATION = "negotiation"
    MEDIATION = "mediation"
    ADJUDICATION = "adjudication"
    ARBITRATION = "arbitration"
    LITIGATION = "litigation"


class OutcomeKind(StrEnum):
    """What an agreement or a decision may consist of; several compose."""

    RETURN = "return"
    EXCHANGE = "exchange"
    REPAIR = "repair"
    PARTIAL_REFUND = "partial_refund"
    FULL_REFUND = "full_refund"
    COMPENSATION = "compensation"
    PUNITIVE_DAMAGES = "punitive_damages"
    APOLOGY = "apology"
    CONTRACT_ENDED = "contract_ended"


#: Who can have to pay.
Payer = Annotated[str, Field(pattern="^(merchant|platform|payment_provider)$")]


class Outcome(BaseModel):
    """One item of what was agreed or decided. ``payer`` pays the amount: by default the merchant."""

    model_config = FROZEN
    kind: OutcomeKind
    amount: Money | None = None
    payer: Payer | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """The offer on the table."""

    number: int
    by: Side
    terms: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class Mediation:
    """Who mediates, who consented, and the suggestions that were made (by number: who took them)."""

    mediator_id: str = ""
    recused: frozenset[str] = frozenset()
    consents: frozenset[Side] = frozenset()
    suggestions: tuple[tuple[Outcome, ...], ...] = ()
    taken: tuple[frozenset[Side], ...] = ()
    refused: frozenset[int] = frozenset()
    person_wanted: bool = False
    cut_sessions: frozenset[str] = frozenset()
    appraisal: str = ""
    fast_track: bool = False


@dataclass(frozen=True, slots=True)
class Settlement:
    """What was agreed or decided, and how much of each item has been performed, in hundredths.

    ``fraud_on``: the platform that has to compensate because fraud was verified.
    """

    terms: tuple[Outcome, ...] = ()
    performed: tuple[int, ...] = ()
    done: frozenset[int] = frozenset()
    mediated: bool = False
    confirmed: bool = False
    way: Way = Way.NEGOTIATION
    arbitration_agreed: frozenset[Side] = frozenset()
    arbitrated: bool = False
    publication_agreed: frozenset[Side] = frozenset()
    decided: bool = False
    decision_published: bool = False
    fraud_on: str = ""

    @property
    def fraud(self) -> bool:
        """Whether fraud was verified."""
        return bool(self.fraud_on)

    @property
    def final(self) -> bool:
        """Whether nothing but the law's own remedies is left: an arbitration was begun, or a court has decided."""
        return self.arbitrated or (self.decided and self.way is Way.LITIGATION)


@dataclass(frozen=True, slots=True)
class Investigation:
    """What a report has led to."""

    extended: bool = False
    fine_fen: int | None = None
    rewarded: bool = False


@dataclass(frozen=True, slots=True)
class Fraud:
    """The fraud that is alleged and not decided on yet: on which platform, and until when the merchant's evidence is
    awaited (None: it is not)."""

    platform_id: str = ""
    evidence_due: datetime | None = None


@dataclass(frozen=True, slots=True)
class PendingAdvance:
    """An advance that a fund was asked for; ``round``: how often the complaint had been reopened by then."""

    item: int
    kind: OutcomeKind
    amount: Money
    fund_id: str
    round: int


@dataclass(frozen=True, slots=True)
class Advances:
    """How often a fund was asked, what is not answered yet, by the number of the request, and what was paid so far.

    ``paid``: by currency, in hundredths.
    """

    requested: int = 0
    pending: Mapping[int, PendingAdvance] = field(default_factory=dict)
    paid: Mapping[str, int] = field(default_factory=dict)

    def awaited(self, currency: str) -> int:
        """Return what funds are asked for and have not answered."""
        return sum(one.amount.fen for one in self.pending.values() if one.amount.currency == currency)


NOTHING: Mapping[str, int] = MappingProxyType({})


class Complaint(NamedTuple):
    """A request.

    ``missed`` are the deadlines missed since it was filed or last reopened; ``stated_due`` until when an answer was due
    by a register of origin; ``rules`` the rule set that it was accepted under; ``members`` the sums in hundredths of
    those who joined a joint complaint; ``paid`` what the order cost; ``scenario`` the kind of dispute, and
    ``confidence`` how surely, in permille; ``holder`` who has it now: an office, a merchant, a partner organisation, a
    platform, a court, another authority. ``offered``: the merchant has made an offer since it was filed or last
    reopened; ``silences`` are the deadlines that it let pass in silence, with their due times; ``unfounded``: it ended
    without a word against the merchant. ``loss`` is what was found to be lost by a fraud; ``recovered`` what has come
    back, advanced or not, by currency in hundredths, without punitive damages, however often it was reopened.
    """

    status: Status = Status.NONE
    kind: RequestKind = RequestKind.COMPLAINT
    consumer_id: str = ""
    imported: bool = False
    clocks: tuple[Clock, ...] = ()
    stated_due: datetime | None = None
    missed: frozenset[Deadline] = frozenset()
    answered: bool = False
    disputed: bool = False
    merchant_id: str = ""
    filed_at: datetime | None = None
    ended_at: datetime | None = None
    region: str = ""
    claim: Money | None = None
    purchased_at: datetime | None = None
    paid: Money | None = None
    scenario: str = ""
    confidence: int = 0
    holder: str = ""
    office_id: str = ""
    rules: str = ""
    regime: str = ""
    matched: bool = False
    published: bool = False
    withheld: bool = False
    concluded: bool = False
    called_back: bool = False
    reopened: int = 0
    stopped: frozenset[str] = frozenset()
    offer: Offer | None = None
    offers: int = 0
    offered: bool = False
    silences: tuple[tuple[Deadline, datetime], ...] = ()
    unfounded: bool = False
    attempts: frozenset[str] = frozenset()
    respondents: tuple[tuple[str, str], ...] = ()
    members: Mapping[str, int] = NOTHING
    representatives: frozenset[str] = frozenset()
    mediation: Mediation = Mediation()
    settlement: Settlement = Settlement()
    investigation: Investigation = Investigation()
    fraud: Fraud = Fraud()
    advances: Advances = Advances()
    loss: Money | None = None
    recovered: Mapping[str, int] = NOTHING

    @property
    def since(self) -> datetime | None:
        """Nothing on it can have happened before: its end, or its filing. A register of origin tells as it pleases."""
        return None if self.imported else self.ended_at or self.filed_at

    @property
    def since_what(self) -> str:
        """What was then."""
        return "the filing" if self.ended_at is None else "the case ended"

    @property
    def in_dispute(self) -> Money | None:
        """The amount in dispute: the claim, and in a joint complaint the sums of those who joined."""
        if self.claim is None:
            return None
        return self.claim.model_copy(update={"fen": self.claim.fen + sum(self.members.values())})

    @property
    def answer_due(self) -> datetime | None:
        """Until when the merchant's answer is awaited, if there is a term that runs."""
        return next((clock.due for clock in self.clocks if clock.deadline is Deadline.ANSWER), self.stated_due)

    def lost(self, currency: str) -> int | None:
        """Return the loss in hundredths: the greatest of claim, price, and what was found; None where none is known.

        Of a joint complaint it is the sum in dispute, of which the price of one order is only a part.
        """
        price = None if self.members else self.paid
        known = [one.fen for one in (self.in_dispute, price, self.loss) if one is not None and one.currency == currency]
        return max(known, default=None)

    def recovering(self, money: Money | None) -> Complaint:
        """Return the state when money has come back."""
        if money is None:
            return self
        whole = self.recovered.get(money.currency, 0) + money.fen
        return self.changed(recovered={**self.recovered, money.currency: whole})

    def advance_pending(self, item: int) -> PendingAdvance | None:
        """Return what a fund was asked to advance of an item of the terms, and has not answered."""
        awaited = self.advances.pending.values()
        return next((one for one in awaited if one.item == item and one.round == self.reopened), None)

    def clock(self, deadline: Deadline) -> Clock | None:
        """Return the clock of ``deadline``, if it runs or stands still."""
        return next((clock for clock in self.clocks if clock.deadline is deadline), None)

    def changed(self, **changes: Any) -> Complaint:
        """Return the state with some fields changed, as ``_replace`` does, which takes thrice as long for so many."""
        values = list(self)
        for name, value in changes.items():
            values[_PLACES[name]] = value
        return Complaint._make(values)

    def with_clocks(
        self, started: tuple[Clock, ...] | None, ended: frozenset[Deadline] = frozenset(), **changes: Any
    ) -> Complaint:
        """Return the state with ``started`` in place of those of the same deadlines, without ``ended``, and changed."""
        started = started or ()
        if not started and not (ended and self.clocks):
            return self.changed(**changes)
        replaced = {clock.deadline for clock in started} | ended
        kept = tuple(clock for clock in self.clocks if clock.deadline not in replaced)
        return self.changed(clocks=(*kept, *started), **changes)


_PLACES = {name: place for place, name in enumerate(Complaint._fields)}
NEW = Complaint()
