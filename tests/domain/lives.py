"""Where scenarios begin: complaints that have come so far, under the bundled rulebook."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from domain.action import Action
from domain.calendar import end_of_day
from domain.complaint import filing, fraud, handling, life, mediation, negotiation, reports, settlement
from domain.complaint.clocks import DeadlineMissed
from domain.complaint.filing import Order
from domain.complaint.jurisdiction import Shop
from domain.complaint.mediation import Candidate, MediatorKind
from domain.complaint.negotiation import Regime
from domain.complaint.state import NEW, Clock, Deadline, Outcome, OutcomeKind, RequestKind
from domain.event import Event
from domain.merchant.state import Merchant
from domain.rulebook.book import Rulebook, TermName
from domain.streams import COMPLAINT
from domain.values import CLOCK, Actor, Channel, Code, Money
from projections.complaint_details import COMPLAINT_DETAILS, Row
from tests.domain.scenario import CONSUMER, FIRST, MEDIATOR, MERCHANT, MERCHANT_ID, REGULATOR, START, day, on

OFFICE_ID = "office-55555555-5555-4555-8555-555555555555"
OTHER_OFFICE = "office-56565656-5656-4656-8656-565656565656"
XIHU, PUDONG = "330106", "310115"
STRANGER = "12121212-1212-4212-8212-121212121212"
DIGEST = "ab" * 32

Step = tuple[Action, datetime, Actor, dict[str, Any]]


def step(action: Action, at: datetime, by: Actor, /, **arguments: Any) -> Step:
    """An action that is taken."""
    return action, at, by, arguments


def lived(*steps: Step, since: tuple[Event, ...] = (), book: Rulebook = FIRST) -> tuple[Event, ...]:
    """What has happened when these actions have been taken, after ``since``."""
    state, history = NEW, list(since)
    for event in since:
        state = life.evolve(state, event)  # type: ignore[arg-type]
    for action, at, by, arguments in steps:
        for decided in COMPLAINT.act(action, state, at=at, by=by, book=book, **arguments):
            state = life.evolve(state, decided)
            history.append(decided)
    return tuple(history)


def lapsed(history: tuple[Event, ...], at: datetime, book: Rulebook = FIRST) -> tuple[Event, ...]:
    """What the passing of time alone has brought by then."""
    return tuple(life.fall_due(COMPLAINT.fold(history), at=at, book=book))


def row_of(history: tuple[Event, ...]) -> Row:
    """The row of the read model."""
    row = None
    for event in history:
        row = COMPLAINT_DETAILS.fold(row, event)
    assert isinstance(row, Row)
    return row


def clock(
    deadline: Deadline, since: datetime, last: str | datetime, rule_set: str, term: TermName | None = None, **more: Any
) -> Clock:
    """A clock by a term of the first edition; ``last``: an instant, or the day in Shanghai at whose end it is due."""
    rule = FIRST.rule_sets[rule_set].terms[term or TermName(deadline.value)]
    return Clock(
        deadline=deadline,
        since=since,
        due=last if isinstance(last, datetime) else end_of_day(on(f"{last} 12:00").date()),
        unit=rule.unit,
        rule_set=rule_set,
        source=rule.source,
        **{"n": rule.n * 3_600_000_000 if rule.unit == "hours" else rule.n, "rolls": rule.rolls or None, **more},
    )


def missed(deadline: Deadline, at: str | datetime) -> DeadlineMissed:
    """A deadline passed; ``at``: the instant, or the day in Shanghai at whose end it was due."""
    due = at if isinstance(at, datetime) else end_of_day(on(f"{at} 12:00").date())
    return DeadlineMissed(occurred_at=due, actor=CLOCK, deadline=deadline)


def yuan(text: str) -> Money:
    return Money.parse(text)


FILING: dict[str, Any] = {
    "consumer_id": CONSUMER.id,
    "channel": Channel.APP,
    "scheme": "own",
    "product": "rice cooker",
    "region": Code(scheme="GB/T 2260", value=XIHU),
    "claim": yuan("199.00"),
}
ORDER = Order(
    source="alipay",
    reference="2026022722001",
    purchased_at=on("2026-02-27 20:15"),
    amount=yuan("199.00"),
    merchant_id=MERCHANT_ID,
    platform="taobao",
    payment_provider="alipay",
    receipt=DIGEST,
)
REFUND = Outcome(kind=OutcomeKind.PARTIAL_REFUND, amount=yuan("50.00"))
RETURN = Outcome(kind=OutcomeKind.RETURN)
APOLOGY = Outcome(kind=OutcomeKind.APOLOGY)
PERSON = Candidate(mediator_id=MEDIATOR.id, kind=MediatorKind.PERSON)


def filing_step(at: datetime = START, by: Actor = CONSUMER, **changed: Any) -> Step:
    return step(filing.file, at, by, **{**FILING, **changed})


def route_step(at: datetime = START, **arguments: Any) -> Step:
    arguments = {"merchant": Merchant(), "merchant_id": MERCHANT_ID, **arguments}
    return step(negotiation.route, at, REGULATOR, **arguments)


NEXT_DAY = day(1)


def receive_step(at: datetime = NEXT_DAY, **changed: Any) -> Step:
    arguments = {"office_id": OFFICE_ID, "division": XIHU, "shop": Shop(division=XIHU), **changed}
    return step(handling.receive, at, REGULATOR, **arguments)


ACCEPT = step(handling.accept, day(2), REGULATOR)
MEDIATE = (
    step(mediation.consent_to_mediation, day(3), CONSUMER),
    step(mediation.consent_to_mediation, day(3), MERCHANT),
    step(mediation.assign_mediator, day(3), REGULATOR, candidates=(PERSON,)),
    step(mediation.begin_mediation, day(3), MEDIATOR),
)
SETTLE = step(settlement.settle, day(4), MEDIATOR, terms=(RETURN, REFUND))

FILED = lived(filing_step())
FROM_ORDER = lived(filing_step(order=ORDER, claim=None))
ROUTED = lived(route_step(), since=FILED)
ANSWERED = lived(step(negotiation.answer, day(1), MERCHANT, kind="explanation"), since=ROUTED)
ONE_CLICK = lived(route_step(regime=Regime.ONE_CLICK), since=FROM_ORDER)
RECEIVED = lived(receive_step(), since=FILED)
ACCEPTED = lived(ACCEPT, since=RECEIVED)
MEDIATING = lived(*MEDIATE, since=ACCEPTED)
RESOLVED = lived(SETTLE, since=MEDIATING)
PLATFORM_ID = "platform-77777777-7777-4777-8777-777777777777"
FUND_ID = "fund-34343434-3434-4343-8343-343434343434"
ALLEGE = step(fraud.allege_fraud, day(1), CONSUMER, text="it never sent anything", platform_id=PLATFORM_ID)
ALLEGED = lived(ALLEGE, since=ROUTED)
DEFRAUDED = lived(
    step(fraud.submit_evidence, day(1.5), MERCHANT, digest=DIGEST, what="a forged waybill"),
    step(fraud.verify_fraud, day(2), REGULATOR, verified=True, reasons="the waybill is forged"),
    since=ALLEGED,
)
#: What was settled was not performed within its term.
UNPERFORMED = (*RESOLVED, missed(Deadline.PERFORMANCE, "2026-04-07"))
REPORT = lived(filing_step(kind=RequestKind.REPORT))
VERIFYING = lived(step(reports.begin_verification, day(1), REGULATOR, office_id=OFFICE_ID, division=XIHU), since=REPORT)
CASE = lived(step(reports.file_case, day(2), REGULATOR, case_number="2026-17"), since=VERIFYING)
