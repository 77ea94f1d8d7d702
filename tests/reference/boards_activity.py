"""What boards tell of offices and funds: every row looked up in the events, slowly.

The functions here and in ``boards_trade`` have the names and the arguments of the boards.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from domain.complaint.state import OPEN
from domain.fund.advances import Advanced, Recovered, WrittenOff
from domain.fund.keeping import Closed, Opened, PaidIn
from domain.office.establishment import Established
from domain.office.evaluation import ActionTaken, EvaluationRecorded, FindingRecorded, MeasuredAgain
from domain.office.mediators import ConflictDeclared, MediatorEnrolled, MediatorReleased
from domain.office.warnings import WarningIssued, YearlyListPublished
from domain.streams import COMPLAINT
from tests.reference.history import SHANGHAI, Events, after, all_of
from tests.reference.rows import Histories, Row, by, called, latest_first, streams
from tests.reference.statistics import transfers as moved_by_day

# Offices


def warnings(histories: Histories, *, office_id: str | None = None, year: int | None = None) -> list[Row]:
    """What offices warned of; the year is that in Shanghai."""
    found = [
        {
            "office_id": office,
            "office": called(histories, office),
            "number": one.number,
            "year": one.occurred_at.astimezone(SHANGHAI).year,
            "issued_at": one.occurred_at,
            "theme": one.theme,
            "text": one.text,
            "complaints": sorted(set(one.complaints)),
        }
        for office, events in streams(histories, "office", office_id)
        for one in all_of(events, WarningIssued)
    ]
    return latest_first([one for one in found if year in (None, one["year"])], "issued_at", "office_id", "number")


def yearly_lists(histories: Histories, year: int, *, office_id: str | None = None) -> list[Row]:
    """The newest edition of each office: its warnings by their place on it, then figures of others by theirs."""
    found: list[Row] = []
    for office, events in streams(histories, "office", office_id):
        editions = [one for one in all_of(events, YearlyListPublished) if one.year == year]
        if not editions:
            continue
        newest = max(editions, key=lambda one: one.edition)
        own = {"office_id": office, "office": called(histories, office), "year": year, "edition": newest.edition}
        issued = {one.number: one for one in all_of(events, WarningIssued)}
        for place, number in enumerate(newest.warnings, 1):
            told: Row = {"place": place, "warning": number, "theme": issued[number].theme}
            told |= {"source": None, "what": None, "value": None, "complaints": sorted(set(issued[number].complaints))}
            found.append({**own, "external": False, **told})
        for place, figure in enumerate(newest.external, 1):
            told = {"place": place, "warning": None, "theme": None, "complaints": []}
            told |= {"source": figure.source, "what": figure.what, "value": figure.value}
            found.append({**own, "external": True, **told})
    return found


def evaluations(histories: Histories, *, evaluated_id: str | None = None) -> list[Row]:
    """A row per finding of each evaluation, or one for an evaluation without."""
    found: list[Row] = []
    for office, events in streams(histories, "office"):
        made = {one.number: one for one in all_of(events, EvaluationRecorded)}
        for one in made.values():
            period = (one.evaluated, one.first, one.last)
            editions = [
                other.edition for other in made.values() if (other.evaluated, other.first, other.last) == period
            ]
            row = {
                "office_id": office,
                "office": called(histories, office),
                "number": one.number,
                "edition": one.edition,
                "newest": one.edition == max(editions),
                "evaluated_id": one.evaluated,
                "first_day": one.first,
                "last_day": one.last,
                "recorded_at": one.occurred_at,
                "as_of": one.as_of,
                **one.figures.model_dump(),
            }
            findings: list[FindingRecorded | None] = [
                finding for finding in all_of(events, FindingRecorded) if finding.evaluation == one.number
            ]
            found += [{**row, **_led_to(events, made, finding)} for finding in findings or [None]]
    wanted = [one for one in found if evaluated_id in (None, one["evaluated_id"])]
    in_order = by(wanted, "evaluated_id", "office_id", "edition", "finding")
    return sorted(in_order, key=lambda one: (one["first_day"], one["last_day"]), reverse=True)


def _led_to(events: Events, made: Mapping[int, EvaluationRecorded], finding: FindingRecorded | None) -> Row:
    number = None if finding is None else finding.number
    actions = [one for one in all_of(events, ActionTaken) if one.finding == number]
    again = next((one for one in all_of(events, MeasuredAgain) if one.finding == number), None)
    return {
        "finding": number,
        "text": None if finding is None else finding.text,
        "actions": [{"taken_at": one.occurred_at, "text": one.text} for one in actions],
        "measured_at": None if again is None else again.occurred_at,
        "measured_by": None if again is None else again.evaluation,
        "success_after": None if again is None else made[again.evaluation].figures.success_permille,
    }


def office_tree(histories: Histories) -> list[Row]:
    """Each office behind its superior; those whose superior is not known, at the top."""
    offices = {office: all_of(events, Established)[0] for office, events in streams(histories, "office")}

    def under(superior: str | None, path: list[str]) -> list[Row]:
        found: list[Row] = []
        level = [
            one for one in offices if (offices[one].superior if offices[one].superior in offices else None) == superior
        ]
        for office in sorted(level, key=lambda one: (offices[one].division, one)):
            own = offices[office]
            row: Row = {"office_id": office, "title": own.title, "level": own.level.value, "division": own.division}
            row |= {"superior": own.superior, "established_at": own.occurred_at}
            found += [{**row, "depth": len(path), "path": [*path, own.title]}, *under(office, [*path, own.title])]
        return found

    return under(None, [])


def transfers(histories: Histories, first: date, last: date, *, office_id: str | None = None) -> list[Row]:
    """How many went from each office to each other one, and came from it; days are days in Shanghai."""
    moved: dict[tuple[str, str], int] = {}
    for (sender, receiver, day), count in moved_by_day(events for _, events in streams(histories, "complaint")).items():
        if first <= day <= last:
            moved[sender, receiver] = moved.get((sender, receiver), 0) + count
    pairs = {pair for sender, receiver in moved for pair in ((sender, receiver), (receiver, sender))}
    found = [
        {
            "office_id": office,
            "office": called(histories, office),
            "with_office": other,
            "with_title": called(histories, other),
            "transferred_out": moved.get((office, other), 0),
            "transferred_in": moved.get((other, office), 0),
        }
        for office, other in pairs
        if office_id in (None, office)
    ]
    most = sorted(by(found, "with_office"), key=lambda one: -one["transferred_out"] - one["transferred_in"])
    return by(most, "office_id")


def mediators(histories: Histories, at: datetime, *, office_id: str | None = None) -> list[Row]:
    """Who is enrolled at a time, and how much each has now; conflicts stand whatever became of the enrolment."""
    states = [COMPLAINT.fold(events) for _, events in streams(histories, "complaint")]
    has = [one.mediation.mediator_id for one in states if one.status in OPEN]
    found = []
    for office, events in streams(histories, "office", office_id):
        for one in all_of(events, MediatorEnrolled):
            released = [
                left for left in all_of(after(events, one), MediatorReleased) if left.mediator_id == one.mediator_id
            ]
            if at < one.occurred_at or (released and released[0].occurred_at <= at):
                continue
            declared = [told for told in all_of(events, ConflictDeclared) if told.mediator_id == one.mediator_id]
            found.append(
                {
                    "office_id": office,
                    "office": called(histories, office),
                    "mediator_id": one.mediator_id,
                    "kind": one.kind.value,
                    "capacity": one.capacity,
                    "open": has.count(one.mediator_id),
                    "enrolled_at": one.occurred_at,
                    "classes": sorted(set(one.classes)),
                    "conflicts": sorted({told.party_id for told in declared if told.occurred_at <= at}),
                }
            )
    return by(found, "office_id", "kind", "mediator_id")


# Funds


def fund_balances(histories: Histories) -> list[Row]:
    """What came in and went out; the balance adds up if it is what the last event of the fund says that there is."""
    found = []
    for fund, events in streams(histories, "fund"):
        opened = all_of(events, Opened)[0]
        paid_in = sum(one.amount.fen for one in all_of(events, PaidIn))
        advanced = sum(one.amount.fen for one in all_of(events, Advanced))
        recovered = sum(one.amount.fen for one in all_of(events, Recovered))
        written_off = sum(one.amount.fen for one in all_of(events, WrittenOff))
        stated = [one.balance.fen for one in events if isinstance(one, (PaidIn, Advanced, Recovered, Closed))]
        balance = paid_in - advanced + recovered
        found.append(
            {
                "fund_id": fund,
                "title": opened.title,
                "office_id": opened.office_id,
                "office": called(histories, opened.office_id),
                "currency": opened.currency,
                "status": "closed" if all_of(events, Closed) else "open",
                "paid_in_fen": paid_in,
                "advanced_fen": advanced,
                "recovered_fen": recovered,
                "balance_fen": balance,
                "written_off_fen": written_off,
                "outstanding_fen": advanced - recovered - written_off,
                "adds_up": balance == (stated[-1] if stated else 0),
            }
        )
    return by(found, "title", "fund_id")


def advances(histories: Histories, fund_id: str | None = None) -> list[Row]:
    """What each advance was, and what became of it."""
    found = []
    for fund, events in streams(histories, "fund", fund_id):
        for one in all_of(events, Advanced):
            back = sum(paid.amount.fen for paid in all_of(events, Recovered) if paid.advance == one.number)
            lost = [given_up for given_up in all_of(events, WrittenOff) if given_up.advance == one.number]
            written_off = sum(given_up.amount.fen for given_up in lost)
            found.append(
                {
                    "fund_id": fund,
                    "number": one.number,
                    "complaint_id": one.complaint_id,
                    "payer": one.payer,
                    "debtor": one.debtor,
                    "advanced_at": one.occurred_at,
                    "advanced_fen": one.amount.fen,
                    "recovered_fen": back,
                    "written_off_fen": written_off,
                    "outstanding_fen": one.amount.fen - back - written_off,
                    "reason": lost[-1].reason if lost else None,
                }
            )
    return latest_first(found, "advanced_at", "fund_id", "number")
