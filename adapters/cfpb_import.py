"""Brings complaints that the CFPB has published into the ledger, by the same decisions as everybody else's.

The file gives days, not times, and says neither when a company answered nor when a consumer disputed: such events
carry the day of sending and the precision ``not_before``.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from adapters.cfpb import Refused, Response, Row, read_cfpb
from adapters.execute import Command, Ledger, command, seal
from adapters.ledger import Append, Appended
from domain.action import Action
from domain.calendar import start_of_day
from domain.complaint import ending, filing, negotiation, settlement
from domain.complaint.ending import Corrected, Disputed
from domain.complaint.filing import Filed
from domain.complaint.life import ComplaintEvent, evolve
from domain.complaint.negotiation import RELIEF, Answered, AnswerKind, Routed
from domain.complaint.state import NEW, Complaint, Status
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.merchant import registration
from domain.merchant.state import NEW as NEW_MERCHANT
from domain.merchant.state import Merchant
from domain.merchant.state import Status as MerchantStatus
from domain.rulebook.book import EMPTY
from domain.values import Actor, Channel, Code, Origin, Role, TimePrecision

REGISTER = "cfpb"
IMPORTER = Actor("c1b7a1de-6c0e-4a55-8f0f-2f9a8e5d7b33", Role.SERVICE)
#: What a merchant has signed does not matter to a register of origin.
REGISTERED = Merchant(MerchantStatus.REGISTERED)
#: A company has 15 calendar days to answer (CFPB, company portal manual).
ANSWER_DAYS = 15
CHUNK = 1_000

ANSWERS = {
    Response.CLOSED: AnswerKind.UNSTATED,
    Response.EXPLANATION: AnswerKind.EXPLANATION,
    Response.MONETARY_RELIEF: AnswerKind.MONETARY_RELIEF,
    Response.NON_MONETARY_RELIEF: AnswerKind.OTHER_RELIEF,
    Response.RELIEF: AnswerKind.RELIEF,
    Response.NO_RELIEF: AnswerKind.NO_RELIEF,
}


@dataclass(slots=True)
class Report:
    """What became of the rows: ``read`` is the sum of the others."""

    read: int = 0
    imported: int = 0
    already: int = 0
    updated: int = 0
    refused: list[Refused] = field(default_factory=list)


def import_cfpb(
    ledger: Ledger,
    path: Path,
    *,
    service_key: bytes,
    today: date,
    progress: Callable[[Report], None] = lambda _: None,
) -> Report:
    """Import a file; what is known already changes nothing, a later edition appends only its new facts.

    Raises NotCfpbError for a file that is not one, LedgerUnavailable when PostgreSQL is away. What had been appended
    by then stays; importing again goes on from there.
    """
    report = Report()
    merchants: dict[str, str] = {}
    waiting: deque[_Sent] = deque()
    rows = read_cfpb(path, today=today)
    while chunk := list(islice(rows, CHUNK)):
        report.read += len(chunk)
        good = [row for row in chunk if isinstance(row, Row)]
        report.refused.extend(row for row in chunk if isinstance(row, Refused))
        _import_rows(ledger, good, service_key, merchants, waiting, report)
        while len(waiting) > 2 * CHUNK:
            _settle(ledger, waiting.popleft(), service_key, merchants, report)
        progress(report)
    while waiting:
        _settle(ledger, waiting.popleft(), service_key, merchants, report)
    report.refused.sort(key=lambda refused: refused.line)
    progress(report)
    return report


@dataclass(frozen=True, slots=True)
class _Sent:
    """An append on its way, and the row that it is for (None: a merchant's registration)."""

    append: Append
    row: Row | None
    new: bool


def _import_rows(
    ledger: Ledger,
    rows: list[Row],
    service_key: bytes,
    merchants: dict[str, str],
    waiting: deque[_Sent],
    report: Report,
) -> None:
    for part in _without_repeats(rows):
        commands = {row.complaint_id: _command(service_key, row, row.complaint_id) for row in part}
        new_merchants = {
            company: command(service_key, IMPORTER.id, "import merchant", company, {"company": company})
            for company in {row.company: None for row in part}
            if company not in merchants
        }
        histories = ledger.histories(
            [
                *(f"complaint-{c.new_id}" for c in commands.values()),
                *(f"merchant-{c.new_id}" for c in new_merchants.values()),
            ]
        )
        # One call for all: the system's random numbers come slowly, however few are asked for.
        randomness = os.urandom(16 * len(part))
        for n, row in enumerate(part):
            consumer_id = str(UUID(bytes=randomness[16 * n : 16 * n + 16], version=4))
            by = new_merchants.get(row.company)
            if by is not None and row.company not in merchants:
                merchants[row.company] = stream = f"merchant-{by.new_id}"
                if stream not in histories:
                    events = registration.register(
                        NEW_MERCHANT,
                        at=start_of_day(row.received),
                        by=IMPORTER,
                        trade_name=row.company,
                        book=EMPTY,
                        register_name=REGISTER,
                        precision=TimePrecision.DAY,
                    )
                    waiting.append(_submit(ledger, stream, 0, events, by, None))
            own = commands[row.complaint_id]
            stream = f"complaint-{own.new_id}"
            history = histories.get(stream, [])
            try:
                planned = plan(row, [recorded.event for recorded in history], merchants[row.company], consumer_id)
                if not planned:
                    report.already += 1
                    continue
                by_command = own if not history else _command(service_key, row, f"{row.complaint_id}@{len(history)}")
                waiting.append(_submit(ledger, stream, len(history), planned, by_command, row))
            except (RuleViolation, InvalidInput) as error:
                report.refused.append(Refused(row.line, f"complaint {row.complaint_id}: {error}"))


def _submit(
    ledger: Ledger, stream: str, version: int, events: Iterable[Event], by_command: Command, row: Row | None
) -> _Sent:
    append = seal(ledger.mapper, stream, version, list(events), by_command)
    return _Sent(ledger.recorder.writer.submit(append), row, version == 0)


def _settle(ledger: Ledger, sent: _Sent, service_key: bytes, merchants: dict[str, str], report: Report) -> None:
    outcome = ledger.recorder.writer.wait(sent.append)
    if sent.row is None:
        return
    match outcome:
        case Appended():
            if sent.new:
                report.imported += 1
            else:
                report.updated += 1
        case _:
            # Another row of the file, or another importer, was faster, perhaps with another edition of the complaint:
            # plan again on what is there now.
            again: deque[_Sent] = deque()
            _import_rows(ledger, [sent.row], service_key, merchants, again, report)
            for follow_up in again:
                _settle(ledger, follow_up, service_key, merchants, report)


def _without_repeats(rows: list[Row]) -> Iterator[list[Row]]:
    """Cut rows into parts in which no complaint comes twice, so that each part is planned on what is known."""
    part: dict[str, Row] = {}
    for row in rows:
        if row.complaint_id in part:
            yield list(part.values())
            part = {}
        part[row.complaint_id] = row
    if part:
        yield list(part.values())


def _command(service_key: bytes, row: Row, key: str) -> Command:
    return command(service_key, IMPORTER.id, "import cfpb", key, _content(row))


_CONTENT = tuple(name for name in Row.__slots__ if name not in ("line", "id_derived"))


def _content(row: Row) -> dict[str, Any]:
    content = "\x1f".join([str(getattr(row, name)) for name in _CONTENT])
    digest = sha256(content.encode())
    return {"row": digest.hexdigest()}


def plan(row: Row, history: list[Event], merchant_id: str, consumer_id: str | None = None) -> list[ComplaintEvent]:
    """Decide what a row adds to what is known; empty when that is nothing. A new complaint's consumer is
    ``consumer_id`` (None: a new random id).

    Raises RuleViolation when the complaint has gone another way in the ledger since it was imported.
    """
    run = _Run(history)
    known = _known(history)
    received, sent = _day(row.received), _day(row.sent or row.received)
    day = TimePrecision.DAY
    if run.state.status is Status.NONE:
        run.do(
            filing.file,
            at=received,
            consumer_id=consumer_id or str(uuid4()),
            channel=Channel(row.channel),
            scheme=REGISTER,
            product=row.product,
            sub_product=row.sub_product,
            issue=row.issue,
            sub_issue=row.sub_issue,
            region=_region(row.state),
            narrative=row.narrative,
            postal_code=row.zip_code,
            origin=Origin(register_name=REGISTER, reference=row.complaint_id),
            precision=day,
        )
        known = _stated(row, merchant_id)
        del known["merchant_id"]
    answer = ANSWERS.get(row.response)
    late = row.timely is False or row.response is Response.UNTIMELY
    if "merchant_id" not in known and (row.sent is not None or answer is not None or late):
        due = start_of_day((row.sent or row.received) + timedelta(days=ANSWER_DAYS + 1))
        run.do(negotiation.route, at=sent, merchant=REGISTERED, merchant_id=merchant_id, answer_due=due, precision=day)
        known["merchant_id"] = merchant_id
    not_before = TimePrecision.NOT_BEFORE
    if answer is not None and "answer" not in known:
        timeliness = "late" if late else "not_stated" if row.timely is None else "in_time"
        run.do(
            negotiation.answer,
            at=sent,
            kind=answer,
            text=row.public_response,
            stated=timeliness,
            precision=not_before,
        )
        if answer in RELIEF:
            run.do(settlement.resolve, at=sent, basis="relief_granted", precision=not_before)
        else:
            run.do(ending.close, at=sent, ground="answered", precision=not_before)
        known |= {"answer": answer, "answer_text": row.public_response, "in_time": row.timely}
    elif answer is None and late and "merchant_id" in known and "answer" not in known and not run.state.missed:
        run.do(ending.miss_answer, at=sent)
    if row.disputed and not run.state.disputed:
        run.do(ending.dispute, at=sent, precision=not_before)
        known["disputed"] = True
    if history:
        stated = _stated(row, merchant_id)
        if "merchant_id" not in known:
            del stated["merchant_id"]  # who it concerns is known when it is routed
        if answer is not None:
            stated |= {"answer": answer, "answer_text": row.public_response, "in_time": row.timely}
        if row.disputed is False:
            stated["disputed"] = False
        changed = {
            name: value
            for name, value in stated.items()
            if value is not None and known.get(name, False if name == "disputed" else None) != value
        }
        run.do(ending.correct, at=sent, **changed)
    return run.events


class _Run:
    """Decisions one after the other, each on the state that the former left."""

    def __init__(self, history: list[Event]) -> None:
        self.state: Complaint = NEW
        for event in history:
            self.state = evolve(self.state, event)  # type: ignore[arg-type]
        self.events: list[ComplaintEvent] = []

    def do(self, action: Action, **arguments: Any) -> None:
        for event in action(self.state, by=IMPORTER, book=EMPTY, **arguments):
            self.state = evolve(self.state, event)
            self.events.append(event)


def _stated(row: Row, merchant_id: str) -> dict[str, Any]:
    """Return the facts of filing and routing that a row states, by the names of Corrected."""
    return {
        "merchant_id": merchant_id,
        "channel": Channel(row.channel),
        "product": row.product,
        "sub_product": row.sub_product,
        "issue": row.issue,
        "sub_issue": row.sub_issue,
        "region": _region(row.state),
        "narrative": row.narrative,
        "postal_code": row.zip_code,
    }


def _known(history: list[Event]) -> dict[str, Any]:
    """Return the facts that the ledger has, by the names of Corrected."""
    known: dict[str, Any] = {}
    for event in history:
        match event:
            case Filed() | Corrected() | Routed():
                known |= {name: value for name, value in event if value is not None}
            case Answered():
                known |= {"answer": event.kind, "answer_text": event.text, "in_time": event.in_time}
            case Disputed():
                known["disputed"] = True
            case _:
                pass
    return known


@lru_cache(maxsize=1024)
def _region(state: str | None) -> Code | None:
    return Code(scheme="us-state", value=state) if state else None


@lru_cache(maxsize=4096)
def _day(day: date) -> Any:
    return start_of_day(day)
