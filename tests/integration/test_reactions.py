"""Process managers on a real ledger: what follows elsewhere is recorded once, in order, and found from both sides."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime

import pytest

from adapters import reactions
from adapters.cfpb_import import IMPORTER
from adapters.database import connect
from adapters.rulebook import publish_first_edition
from adapters.watcher import WatcherSettings, look, watching
from domain.calendar import day_of
from domain.complaint.advances import AdvancePaid, AdvanceRefused
from domain.complaint.clocks import DeadlineMissed
from domain.complaint.filing import Filed
from domain.complaint.links import Consequence, ConsequenceLinked
from domain.complaint.negotiation import Routed
from domain.complaint.settlement import Performed
from domain.complaint.state import Deadline, RequestKind
from domain.credit.silence import CreditEventRecorded
from domain.credit.state import credit_of
from domain.merchant.standing import Listed
from domain.merchant.state import ListName
from domain.reactions import PROCESS
from domain.values import Channel, Money, Origin
from tests.integration.actors import (
    BUYER,
    MERCHANT,
    OFFICE,
    REGULATOR,
    SELLER,
    START,
    Town,
    assert_all_followed_once,
    consequences,
    days,
    everything,
    hours,
)
from tests.integration.deadlines import rows, watch_once

BACK = START + days(60)


@pytest.fixture
def town(database_url: str) -> Iterator[Town]:
    with closing(Town(database_url)) as town:
        publish_first_edition(town.ledger)
        yield town


@pytest.fixture
def settings(database_url: str) -> WatcherSettings:
    return WatcherSettings(database_url)


def merchant(town: Town) -> str:
    return town.begin("merchant", START - days(9), SELLER, MERCHANT, trade_name="West Lake Appliances")


def fund(town: Town, fen: int) -> str:
    own = town.begin("fund", START - days(9), REGULATOR, title="Protection fund", office_id=OFFICE)
    town.take(own, "pay_in", START - days(8), REGULATOR, contributor="platform", amount=Money(fen=fen), reference="1")
    return own


def names(town: Town, stream: str) -> list[str]:
    return [recorded.event.name for recorded in town.ledger.history(stream)]


def test_b7_silence_becomes_a_credit_event_that_is_found_from_the_complaint(
    town: Town, settings: WatcherSettings
) -> None:
    merchant(town)
    silent, answered = town.promised(), town.promised()
    town.act(answered, "answer", START + hours(3), kind="explanation", text="It is on its way.")
    watch_once(settings, START + days(2))
    due = START + hours(24)
    credit, link = consequences(town.ledger)
    own = credit_of(MERCHANT, day_of(due))
    assert credit[0] == own
    assert isinstance(credit[1], CreditEventRecorded)
    assert (credit[1].complaint_id, credit[1].occurred_at, credit[1].actor) == (silent, due, PROCESS)
    assert link[0] == silent
    assert link[1] == ConsequenceLinked(
        occurred_at=due, actor=PROCESS, consequence=Consequence.CREDIT_EVENT, stream=own, number=1
    )
    history = town.ledger.history(silent)
    (missed,) = [one for one in history if one.event.name == "complaint.deadline_missed"]
    assert credit[2] == f"{silent}:{missed.originator_version}"
    assert link[2] == f"{own}:1"
    assert assert_all_followed_once(town.ledger, settings.database_url) == {
        "silence-of-a-merchant": 1,
        "complaint-behind-a-credit-event": 1,
    }


def test_d4_a_fund_advances_what_was_not_performed_and_refuses_beyond_its_balance(
    town: Town, settings: WatcherSettings
) -> None:
    merchant(town)
    money = fund(town, 8_000)
    first, second = town.settled_and_not_performed(), town.settled_and_not_performed()
    watch_once(settings, BACK)
    for complaint in (first, second):
        town.take(complaint, "request_advance", BACK, BUYER, item=0, fund_id=money)
    watch_once(settings, BACK + hours(1))
    paid = [one.event for one in town.ledger.history(first)][-2:]
    assert isinstance(paid[0], AdvancePaid)
    assert isinstance(paid[1], Performed)
    assert paid[1].amount == Money(fen=5_000)
    assert paid[1].complete
    refused = town.ledger.history(second)[-1].event
    assert isinstance(refused, AdvanceRefused)
    assert refused.reason == "balance"
    assert town.state(money).balance == 3_000
    assert not town.state(second).advances.pending
    town.take(money, "recover", BACK + hours(2), REGULATOR, advance=1, amount=Money(fen=5_000), reference="r-1")
    assert town.state(money).balance == 8_000
    assert_all_followed_once(town.ledger, settings.database_url)


def test_b6_a_listing_is_found_from_its_complaints(town: Town, settings: WatcherSettings) -> None:
    merchant(town)
    complaints = (town.promised(), town.promised())
    town.take(
        MERCHANT,
        "list_merchant",
        START + days(1),
        REGULATOR,
        list=ListName.UNTRUSTWORTHY,
        authority=OFFICE,
        title="List of untrustworthy merchants",
        basis="refuses every refund",
        conditions="pay the consumers",
        complaints=complaints,
    )
    watch_once(settings, START + days(1))
    links = [(stream, event) for stream, event, _ in consequences(town.ledger)]
    assert {stream for stream, _ in links if stream.startswith("complaint-")} == set(complaints)
    for complaint in complaints:
        last = [one.event for one in town.ledger.history(complaint) if isinstance(one.event, ConsequenceLinked)]
        assert (Consequence.LISTING, MERCHANT, 1) in [(one.consequence, one.stream, one.number) for one in last]
    (listed,) = [one.event for one in town.ledger.history(MERCHANT) if isinstance(one.event, Listed)]
    assert listed.ends is not None


def test_reading_the_ledger_again_records_nothing_twice(town: Town, settings: WatcherSettings) -> None:
    merchant(town)
    for _ in range(5):
        town.promised()
    watch_once(settings, START + days(9))
    before = everything(town.ledger)
    assert len(consequences(town.ledger)) == 10
    conn = connect(settings.database_url, "ledger_watcher")
    with conn.cursor() as cursor:
        reactions.replay(cursor, 0)
    conn.close()
    watch_once(settings, START + days(9))
    assert everything(town.ledger) == before
    assert rows(settings.database_url, "select position from watch.reactions") == [(before[-1][0],)]


def test_what_cannot_be_recorded_waits_with_what_follows_it_while_others_go_on(
    town: Town, settings: WatcherSettings
) -> None:
    merchant(town)
    good = fund(town, 9_000)
    lost = f"fund-{BUYER.id}"
    unpaid = [town.settled_and_not_performed(START + hours(n)) for n in range(4)]
    for complaint, own in zip(unpaid, (lost, lost, lost, good), strict=True):
        town.take(complaint, "request_advance", BACK, BUYER, item=0, fund_id=own)
    watch_once(settings, BACK)
    assert town.state(good).advanced == 5_000
    waiting = rows(settings.database_url, "select stream, error from watch.reactions_waiting order by position")
    assert [stream for stream, _ in waiting] == [lost] * 3
    assert "there is no fund" in waiting[0][1]
    assert {error for _, error in waiting[1:]} == {"it waits behind another in its stream"}
    town.begin("fund", BACK, REGULATOR, lost, title="Protection fund", office_id=OFFICE)
    enough = {"contributor": "platform", "amount": Money(fen=12_000), "reference": "1"}
    town.take(lost, "pay_in", BACK, REGULATOR, **enough)
    watch_once(settings, BACK + days(1))
    assert rows(settings.database_url, "select count(*) from watch.reactions_waiting") == [(0,)]
    assert names(town, lost)[2:] == ["fund.advanced", "fund.advanced", "fund.advance_refused"]
    assert [names(town, complaint)[-1] for complaint in unpaid] == [
        "complaint.performed",
        "complaint.performed",
        "complaint.advance_refused",
        "complaint.performed",
    ]
    assert_all_followed_once(town.ledger, settings.database_url)


def test_a_stream_that_cannot_be_read_stops_no_other(town: Town, settings: WatcherSettings) -> None:
    merchant(town)
    broken, good = town.promised(), town.promised(START + hours(1))
    town.act(broken, "answer", START + hours(30), kind="explanation", text="late")
    town.append_rubbish(broken)
    watch_once(settings, START + days(2))
    found = [event for _, event, _ in consequences(town.ledger) if isinstance(event, CreditEventRecorded)]
    assert [event.complaint_id for event in found] == [good]
    ((rule, stream, error),) = rows(settings.database_url, "select rule, stream, error from watch.reactions_waiting")
    assert (rule, stream) == ("*", broken)
    assert "cannot be read" in error
    head = rows(settings.database_url, "select h.position - r.position from ledger.head h, watch.reactions r")
    assert head == [(0,)]


def test_a_program_that_knows_fewer_rules_leaves_them_to_a_newer_one(town: Town, settings: WatcherSettings) -> None:
    merchant(town)
    town.promised()
    conn = connect(settings.database_url, "ledger_watcher")
    with conn.cursor() as cursor:
        cursor.execute("update watch.reactions set rules = '{a-rule-of-tomorrow}'")
        watch_once(settings, START + days(2))
        assert consequences(town.ledger) == []
        cursor.execute("update watch.reactions set rules = '{}'")
    conn.close()
    watch_once(settings, START + days(2))
    assert len(consequences(town.ledger)) == 2


def test_rules_that_are_new_are_applied_from_the_beginning(town: Town, settings: WatcherSettings) -> None:
    merchant(town)
    town.promised()
    watch_once(settings, START + days(2))
    before = everything(town.ledger)
    conn = connect(settings.database_url, "ledger_watcher")
    with conn.cursor() as cursor:
        cursor.execute("update watch.reactions set rules = rules[1:2]")
    conn.close()
    town.promised(START + days(2))
    watch_once(settings, START + days(4))
    assert everything(town.ledger)[: len(before)] == before
    assert sum(isinstance(event, CreditEventRecorded) for _, event, _ in consequences(town.ledger)) == 2


def test_two_watchers_at_once_record_it_once(town: Town, settings: WatcherSettings) -> None:
    merchant(town)
    for n in range(40):
        town.promised(START + hours(n / 10))
    at = START + days(3)

    def work() -> None:
        with watching(settings) as watch:
            for _ in range(30):
                look(watch, lambda: at, threading.Event())

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    watch_once(settings, at)
    assert sum(isinstance(event, CreditEventRecorded) for _, event, _ in consequences(town.ledger)) == 40
    assert_all_followed_once(town.ledger, settings.database_url)


def test_an_import_leads_to_no_credit_events(town: Town, settings: WatcherSettings) -> None:
    merchant(town)

    def at(n: float) -> datetime:
        return START + days(n)

    stream = "complaint-99999999-9999-4999-8999-999999999999"
    town.append(
        stream,
        Filed(
            occurred_at=at(0),
            actor=IMPORTER,
            kind=RequestKind.COMPLAINT,
            consumer_id=BUYER.id,
            channel=Channel.IMPORT,
            scheme="cfpb",
            product="card",
            origin=Origin(register_name="cfpb", reference="1"),
        ),
        Routed(occurred_at=at(1), actor=IMPORTER, merchant_id=MERCHANT, answer_due=at(2)),
        DeadlineMissed(occurred_at=at(2), actor=IMPORTER, deadline=Deadline.ANSWER),
    )
    watch_once(settings, at(9))
    assert consequences(town.ledger) == []
