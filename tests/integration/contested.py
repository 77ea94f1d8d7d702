"""What a simulation does not bring to the regulator's boards: late, undone, at one instant, at the edge of a day.

Complaints are cited out of order, and terms that pass before the simulation does are left to the watcher.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from adapters.rulebook import PUBLISHER
from domain.calendar import SHANGHAI
from domain.credit.silence import CreditBasis, CreditEventRecorded, CreditEventWithdrawn
from domain.credit.state import credit_of
from domain.event import Event
from domain.grievance import complaining, deciding
from domain.measure import ending, remedies
from domain.measure.imposing import Imposed
from domain.measure.remedies import DecisionOutcome
from domain.measure.state import MeasureKind, RemedyKind
from domain.merchant import standing
from domain.merchant.registration import Registered
from domain.merchant.state import ListName
from domain.office.establishment import Established, Level
from domain.office.warnings import WarningIssued
from domain.platform import notices
from domain.platform.admission import Admitted
from domain.platform.rules import HIDDEN_CHANGE, HiddenChangeReported
from domain.platform.supervision import SupervisionReported
from domain.room import showing
from domain.room.opening import Opened
from domain.room.state import ContentKind
from domain.rulebook.book import TermName
from domain.rulebook.codes import CodeList, Entry
from domain.rulebook.events import CodeListPublished
from domain.rulebook.terms import RunningTerm
from domain.values import Money
from tests.integration.deadlines import Desk

#: A midnight in Shanghai; so is every whole day from it.
START = datetime(2026, 1, 5, tzinfo=SHANGHAI)
TICK = timedelta(microseconds=1)
#: The day around whose beginning something of everything happens, and one behind all that is simulated.
EDGE, LATER = 30, 1_500


def an_id(kind: str, n: int) -> str:
    return f"{kind}-c0c0c0c0-0000-4000-8000-{n:012d}"


OFFICE, ROOM, PLATFORM, OTHER = an_id("office", 1), an_id("room", 1), an_id("platform", 1), an_id("platform", 2)
ALPHA, BETA = an_id("merchant", 1), an_id("merchant", 2)
FIRST, SECOND, THIRD = (an_id("complaint", n) for n in (1, 2, 3))


def day(n: float) -> datetime:
    return START + timedelta(days=n)


def term(until: float | None, name: TermName = TermName.LISTING) -> RunningTerm | None:
    return None if until is None else RunningTerm(name=name, due=day(until), rule_set="r", source="art. 1")


def fen(amount: int, currency: str = "CNY") -> Money:
    return Money(fen=amount, currency=currency)


def told(what: type[Event], on: float | datetime, /, **said: Any) -> Event:
    """An event on a day, or at a time."""
    at = on if isinstance(on, datetime) else day(on)
    return what.model_validate({"occurred_at": at, "actor": PUBLISHER, **said})


def contested(desk: Desk) -> None:
    """Write it all."""
    streams = {**_lists(), **_platforms(), **_measures(), **_grievances(), ROOM: _room()}
    warning = {"theme": "t", "text": "w", "complaints": (THIRD, FIRST)}
    streams[OFFICE] = (
        told(Established, 0, title="Office", level=Level.CITY, division="330100"),
        *(told(WarningIssued, 1, number=n, **warning) for n in (1, 2)),
    )
    silence = {"merchant_id": ALPHA, "basis": CreditBasis.SILENCE, "deadline": "promise_answer"}
    streams[credit_of(ALPHA, date(2026, 1, 6))] = (
        told(CreditEventRecorded, 1, number=1, complaint_id=FIRST, **silence),
        told(CreditEventRecorded, 1, number=2, complaint_id=SECOND, **silence),
        told(CreditEventWithdrawn, 2, number=1, merchant_id=ALPHA, complaint_id=FIRST, reason="It was withdrawn."),
    )
    # A newer edition names one violation anew, another no longer, and a further one like a kind of measure.
    entries = {**desk.book.current().code_lists["violation"].entries, "unfair-fee": Entry(name="不公平收费")}
    entries["fine"] = Entry(name="乱罚款")
    del entries["forced-choice"]
    codes = CodeList(scheme="violation", title="Violations", source="s", entries=entries)
    streams["rulebook-codes"] = (told(CodeListPublished, 60, edition=2, part=1, parts=1, codes=codes),)
    for stream, events in streams.items():
        desk.append(stream, *events)


def _lists() -> dict[str, tuple[Event, ...]]:
    def listed(n: int, name: ListName, at: float, authority: str = OFFICE, **terms: RunningTerm | None) -> Event:
        said = {"title": f"List {n}", "basis": "It owes.", "conditions": "pay", "complaints": (THIRD, FIRST)}
        return told(standing.Listed, at, number=n, list=name, authority=authority, **said, **terms)

    def applied(n: int, at: float) -> Event:
        return told(standing.RepairAppliedFor, at, number=n, undertaking=f"To pay by {at}.")

    def decided(n: int, at: float, granted: bool) -> Event:
        return told(standing.RepairDecided, at, number=n, granted=granted, reasons=f"Looked at on {at}.")

    def removed(n: int, at: float) -> Event:
        return told(standing.ListingRemoved, at, number=n, reason="It paid.")

    def extended(n: int, at: float, *complaints: str, **more: object) -> Event:
        return told(standing.ListingExtended, at, number=n, complaints=complaints, **more)

    return {
        ALPHA: (
            told(Registered, 0, trade_name="Alpha"),
            listed(1, ListName.UNTRUSTWORTHY, 1, ends=term(40), repair=term(5)),
            listed(2, ListName.BLACKLIST, 1, PLATFORM),
            listed(3, ListName.WARNING, 1, ends=term(20)),
            extended(1, 2, SECOND, FIRST, ends=term(50), repair=term(6)),
            extended(2, 3, SECOND, fraud=SECOND),
            *(applied(2, 3), removed(2, 4)),
            *(applied(1, 10), decided(1, 11, granted=False)),
            *(applied(1, 12), decided(1, 13, granted=True)),
            *(listed(4, ListName.WARNING, EDGE, ends=term(LATER)), applied(4, 31)),
            *(listed(5, ListName.UNTRUSTWORTHY, EDGE, ends=term(40)), removed(5, 31)),
            listed(6, ListName.UNTRUSTWORTHY, 40, ends=term(LATER)),
        ),
        BETA: (
            told(Registered, 0, trade_name="Beta"),
            listed(1, ListName.UNTRUSTWORTHY, 1, ends=term(20)),
            listed(2, ListName.BLACKLIST, 1),
            listed(3, ListName.BLACKLIST, 1, PLATFORM),
            *(applied(3, 10), applied(2, 10), decided(2, 11, granted=False), applied(2, 12)),
        ),
    }


def _platforms() -> dict[str, tuple[Event, ...]]:
    def given(n: int, until: float | None) -> Event:
        said = {"office_id": OFFICE, "merchant_id": BETA, "demand": "stop the sale", "basis": "art. 29"}
        behind = (THIRD, SECOND)[: 1 + n % 2]
        return told(notices.NoticeGiven, 1, number=n, complaints=behind, term=term(until, TermName.NOTICE), **said)

    def missed(n: int) -> Event:
        return told(notices.NoticeMissed, 5, number=n)

    def declined(n: int, at: float) -> Event:
        return told(notices.NoticeDeclined, at, number=n, reason="no proof", late=at > 5)

    def answered(n: int, at: float) -> Event:
        return told(notices.NoticeAnswered, at, number=n, measure=an_id("measure", 8), late=at > 5)

    def hidden(at: datetime) -> Event:
        said = {"programme": "Gold", "change": "dearer", "took_effect_at": START, "complaints": (FIRST,)}
        return told(HiddenChangeReported, at, violation=HIDDEN_CHANGE, **said)

    def reported(first: int, edition: int, at: float, *codes: str) -> Event:
        found = [{"merchant_id": BETA, "violation": code, "complaints": (THIRD, FIRST)} for code in codes]
        days = {"first": date(2025, 12, first), "last": date(2025, 12, first + 4)}
        return told(SupervisionReported, at, edition=edition, violations=found, new_complaints=(), **days)

    return {
        OTHER: (told(Admitted, 0, title="Other platform"), given(1, None)),
        PLATFORM: (
            told(Admitted, 0, title="Platform"),
            *(given(n, until) for n, until in enumerate((None, 5, 5, 5, 5, 5, LATER, 20, LATER), 1)),
            *(missed(2), answered(2, 6)),
            # The measure was in time, and became known after the term.
            *(missed(3), answered(3, 4)),
            declined(4, 3),
            *(missed(5), declined(5, 7)),
            *(declined(6, 2), answered(6, 8)),
            declined(9, 2),
            *(hidden(day(EDGE) - TICK), hidden(day(EDGE))),
            *(reported(first, 1, 2, "unfair-fee", "forced-choice") for first in (1, 6, 11, 16)),
            *(reported(1, 2, EDGE, "unfair-fee", "unfair-fee"), reported(11, 2, EDGE)),
        ),
    }


def _measures() -> dict[str, tuple[Event, ...]]:
    kind = MeasureKind

    def imposed(what: MeasureKind, by: str, on: str, at: float | datetime = 1, **more: object) -> Event:
        said = {"reason": "It sends what was not ordered.", "basis": "art. 55", "remedies": ()}
        said |= {"violation": "unfair-fee", "complaints": (THIRD, FIRST)}
        return told(Imposed, at, kind=what, imposed_by=by, target=on, **{**said, **more})

    def appealed(at: float, until: float | None = None) -> Event:
        return told(remedies.Appealed, at, grounds="It was so.", term=term(until, TermName.APPEAL_DECISION))

    def review(at: float) -> Event:
        return told(remedies.ReviewSought, at, grounds="Too much.", body="人民政府")

    def sued(at: float) -> Event:
        return told(remedies.Sued, at, court="法院", reference="浙行初1", grounds="It is wrong.")

    def decided(at: float, remedy: RemedyKind, outcome: DecisionOutcome, **more: object) -> Event:
        counts = outcome is not DecisionOutcome.REVOKED
        return told(remedies.Decided, at, remedy=remedy, outcome=outcome, reasons="So.", counts=counts, **more)

    def lifted(at: float) -> Event:
        return told(ending.Lifted, at, reason="It is done.")

    upheld, varied, revoked = DecisionOutcome.UPHELD, DecisionOutcome.VARIED, DecisionOutcome.REVOKED
    appeal = RemedyKind.APPEAL
    streams: tuple[tuple[Event, ...], ...] = (
        (imposed(kind.WARNING, PLATFORM, ALPHA), appealed(2, 10)),
        (
            imposed(kind.FINE, OFFICE, ALPHA, amount=fen(9_000), case_number="案1"),
            *(told(ending.Paid, 3, amount=fen(9_000), reference="r", left=fen(0)), review(4)),
            decided(8, RemedyKind.REVIEW, varied, kind=kind.FINE, amount=fen(4_000), repay=fen(5_000)),
        ),
        (
            imposed(kind.SUSPENSION, OFFICE, ALPHA, until=day(10)),
            *(told(ending.Ended, 10), sued(12), decided(15, RemedyKind.SUIT, revoked)),
        ),
        (
            imposed(kind.FINE, OFFICE, PLATFORM, amount=fen(1), complaints=(), grievances=(an_id("grievance", 1),)),
            sued(5),
        ),
        # Lifted while it is contested, which goes on.
        (imposed(kind.LIMITED_FUNCTIONS, PLATFORM, ALPHA, until=day(LATER)), appealed(3), lifted(5)),
        (imposed(kind.PENALTY_WARNING, OFFICE, ALPHA, violation=None, report=FIRST), review(40)),
        (imposed(kind.ACCOUNT_CLOSURE, PLATFORM, BETA), appealed(2), decided(9, appeal, revoked)),
        (
            imposed(kind.TRAFFIC_CONTROL, PLATFORM, BETA, until=day(LATER)),
            *(appealed(2), told(remedies.RemedyWithdrawn, 3, remedy=appeal, reason="settled")),
        ),
        # A code of another list, and one of none.
        (imposed(kind.LICENCE_REVOKED, OFFICE, BETA, violation="330106"),),
        (imposed(kind.TRAFFIC_CONTROL, PLATFORM, BETA, until=day(20), violation="unheard-of"),),
        (imposed(kind.CONFISCATION, OFFICE, BETA, day(EDGE) - TICK, amount=fen(7, "USD")),),
        (imposed(kind.WARNING, PLATFORM, BETA, EDGE), lifted(31)),
        (imposed(kind.ACCOUNT_CLOSURE, PLATFORM, ALPHA), appealed(2), decided(6, appeal, varied, kind=kind.WARNING)),
        (imposed(kind.WARNING, PLATFORM, ALPHA), appealed(2), decided(6, appeal, upheld)),
        (imposed(kind.WARNING, PLATFORM, ALPHA), appealed(40, LATER)),
    )
    return {an_id("measure", n): events for n, events in enumerate(streams, 1)}


def _grievances() -> dict[str, tuple[Event, ...]]:
    def complained(at: float, until: float | None = None, **more: object) -> Event:
        about = {"merchant_id": ALPHA, "platform_id": PLATFORM, "violation": "forced-choice", "text": "They force us."}
        return told(complaining.Complained, at, term=term(until, TermName.GRIEVANCE_ANSWER), **{**about, **more})

    def answered(at: float) -> Event:
        return told(complaining.Answered, at, text="We do not.", late=at > 5)

    def decided(at: datetime, code: str | None) -> tuple[Event, ...]:
        taken_up = told(deciding.TakenUp, 8, office_id=OFFICE)
        return taken_up, told(deciding.Decided, at, upheld=code is not None, reasons="So.", violation=code)

    streams: tuple[tuple[Event, ...], ...] = (
        # Another violation was found than the one that was complained of.
        (
            *(complained(1, 5), told(complaining.AnswerMissed, 5), answered(6)),
            *decided(day(EDGE) - TICK, "unfair-fee"),
        ),
        (complained(1, 5), answered(4), *decided(day(EDGE), "forced-choice")),
        (complained(1, 5), answered(4), *decided(day(EDGE), None)),
        (complained(1, 5), answered(4), told(complaining.Settled, 9, terms="half")),
        (complained(1), told(complaining.Withdrawn, 2, reason="sold")),
        (complained(1, 20),),
        (complained(EDGE, LATER),),
        # A code of another list.
        (complained(2, platform_id=OTHER, merchant_id=BETA, violation="330106"),),
    )
    return {an_id("grievance", n): events for n, events in enumerate(streams, 1)}


def _room() -> tuple[Event, ...]:
    host = {"content_id": "host", "kind": ContentKind.DIGITAL_HOST}

    def gap(until: datetime, code: str | None) -> Event:
        return told(showing.LabelGapFound, 31, session=1, first=day(29), until=until, violation=code, **host)

    return (
        told(Opened, 0, platform_id=PLATFORM, operator=ALPHA, host="h"),
        told(showing.SessionBegun, 29, session=1),
        told(showing.ContentShown, 29, **host),
        told(showing.ContentStopped, 31, content_id="host"),
        *(gap(day(EDGE) - TICK, "unlabelled-ai"), gap(day(EDGE), "unlabelled-ai"), gap(day(EDGE) + TICK, None)),
        told(showing.SessionEnded, 31, session=1),
    )
