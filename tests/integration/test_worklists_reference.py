"""Every worklist against the reference: whose, in which order, what is told of each, and when it is late."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from adapters.database import Pool
from adapters.worklists import LISTS, worklist
from domain.complaint.clocks import DeadlineMissed
from domain.complaint.state import Status
from domain.event import Event
from domain.merchant.registration import MergedInto, Registered
from domain.values import format_instant
from tests.conftest import create_database
from tests.domain.arguments import MERCHANTS
from tests.domain.scenario import MERCHANT_ID, REGULATOR, day
from tests.filled import fill
from tests.integration.test_search_reference import DIVISIONS, streams
from tests.integration.test_worklists import owner, unclaimed
from tests.reference import figures, searched
from tests.reference.complaints import merchant, region
from tests.reference.history import Events, all_of, filing, last_round
from tests.reference.searched import FOREVER, Known

#: One merchant was merged into a second, and that one into a third, who is registered; nobody registered the rest.
MIDDLE, LAST = (f"merchant-{n}5454545-4545-4545-8545-454545454545" for n in (3, 4))
NEAR = timedelta(microseconds=1)
SOON = timedelta(hours=48)
#: Whose lists, of which kind, with what is on them.
Lists = list[tuple[str, str, list[Known]]]
CODES = [one for one in DIVISIONS if len(one) == 6]


def merged() -> dict[str, Sequence[Event]]:
    def named(name: str, into: str | None, *earlier: str) -> list[Event]:
        found: list[Event] = [Registered(occurred_at=day(0), actor=REGULATOR, trade_name=name)]
        if into is not None:
            about = {"occurred_at": day(0), "actor": REGULATOR}
            found.append(MergedInto(**about, into=into, earlier=earlier, basis="a merger"))
        return found

    return {MERCHANT_ID: named("First", MIDDLE), MIDDLE: named("Middle", LAST, MERCHANT_ID), LAST: named("Last", None)}


@pytest.fixture(scope="module")
def complaints() -> list[Known]:
    """What is known of all complaints."""
    return [searched.known(stream, events) for stream, events in streams().items() if stream.startswith("complaint-")]


@pytest.fixture(scope="module")
def pool(postgres_url: str) -> Iterator[Pool]:
    """Connections of the API."""
    url = create_database(postgres_url, "worked_reference")
    fill(url, {**streams(), **merged()})
    pool = Pool(url, "ledger_api")
    yield pool
    pool.close()


def goes_on(one: str) -> str:
    return LAST if one in (MERCHANT_ID, MIDDLE) else one


def is_within(events: Events, division: str) -> bool:
    """Whether it comes from a division of this code, or of one within it."""
    scheme, code = region(events)
    if division == "000000":
        return True
    digits = 2 if division[2:] == "0000" else 4 if division[4:] == "00" else 6
    return scheme == "GB/T 2260" and code[:digits] == division[:digits]


def is_on(one: Known, of: str, whose: str) -> bool:
    """Whether a request is on somebody's list."""
    match of:
        case "division":
            return unclaimed(one.events) and is_within(one.events, whose)
        case "merchant":
            has = merchant(one.events) if one.values["status"] == Status.RESOLVED else one.values["holder"]
            return figures.waits(one.events) and goes_on(has) == whose
        case "consumer":
            return one.values["consumer"] == whose
        case "mediator":
            return one.is_so["open"](day(0)) and one.values["mediator"] == whose
        case _:
            return owner(of, one.events) == whose


def lists(complaints: Sequence[Known]) -> Lists:
    """Every list on which there is something, in its order: due next first, what has no term that runs last."""
    found = []
    for of in LISTS:
        fields = {"merchant": ("holder", "merchant")}.get(of, (of,))
        names = {goes_on(one.values[field]) for one in complaints for field in fields if of != "division"} - {""}
        for whose in CODES if of == "division" else sorted(names):
            own = [one for one in complaints if is_on(one, of, whose)]
            if own:
                found.append((of, whose, sorted(own, key=lambda one: (one.due, one.stream))))
    return found


@pytest.fixture(scope="module")
def every(complaints: list[Known]) -> Lists:
    """Every list on which there is something."""
    return lists(complaints)


def instants(complaints: Sequence[Known]) -> list[datetime]:
    """Moments in which something falls due, or will within 48 hours, and those around them."""
    dues = [one.due - before for one in complaints if one.due != FOREVER for before in (SOON, timedelta(0))]
    return sorted({due + by for due in dues for by in (-NEAR, timedelta(0), NEAR)})


def told(one: Known, now: datetime) -> dict[str, Any]:
    """What a worklist says of a request."""
    own, stands = filing(one.events), searched.state(one.events)
    clocks = {} if own.origin else {clock.deadline.value: clock for clock in stands.clocks}
    running = [(clock.due, clock.deadline.value) for clock in figures.running(one.events)]
    next_due, next_deadline = min(running, default=(None, None))
    late = bool(figures.overdue(one.events, now))
    unknown = {name: one.values[name] or None for name in ("mediator", "holder", "office", "merchant")}
    return {
        "complaint_id": one.stream,
        "version": len(one.events),
        "status": one.values["status"],
        "kind": one.values["kind"],
        "consumer_id": one.values["consumer"],
        "merchant_id": unknown["merchant"],
        "merchant": {MERCHANT_ID: "First"}.get(one.values["merchant"]),
        "office_id": unknown["office"],
        "mediator_id": unknown["mediator"],
        "holder": unknown["holder"],
        "product": one.values["product"],
        "issue": one.values["issue"] or None,
        "scenario": one.values["scenario"] or None,
        "filed_at": one.filed_at,
        "dispute_fen": one.fen,
        "next_due": next_due,
        "next_deadline": next_deadline,
        "clocks": {
            name: "stopped" if clock.left is not None else format_instant(clock.due)
            for name, clock in sorted(clocks.items())
        },
        "overdue": late,
        "at_risk": figures.at_risk(one.events, now),
    }


def test_a3_every_list_tells_what_the_events_do_in_the_order_in_which_it_falls_due(
    pool: Pool, complaints: list[Known], every: Lists
) -> None:
    chance = Random(3)
    times = instants(complaints)
    met: Counter[str] = Counter()
    for of, whose, own in every:
        now = chance.choice(times)
        found = worklist(pool, of, whose, now=now, limit=10_000)
        items = [{name: value for name, value in item.items() if name != "missed"} for item in found.items]
        assert items == [told(one, now) for one in own], (of, whose)
        assert found.total == len(own)
        met[of] += len(own)
    assert set(met) == set(LISTS)
    assert min(met.values()) >= 5, met


def test_a3_a_list_marks_what_is_late_after_its_due_instant_and_at_risk_from_48_hours_before(
    pool: Pool, every: Lists
) -> None:
    chance = Random(4)
    met: Counter[str] = Counter()
    for of, whose, own in every:
        times = instants(own)
        # A term of one that is over runs on: its due instant is one at which nothing is at risk.
        over = {one.due for one in own if one.due != FOREVER and not figures.waits(one.events)}
        for now in {*chance.sample(times, min(len(times), 5)), *times[-1:], *over}:
            found = worklist(pool, of, whose, now=now, limit=10_000)
            late = [one.stream for one in own if figures.overdue(one.events, now)]
            risks = [one.stream for one in own if figures.at_risk(one.events, now)]
            assert [item["complaint_id"] for item in found.items if item["overdue"]] == late
            assert [item["complaint_id"] for item in found.items if item["at_risk"]] == risks
            assert (found.total, found.overdue, found.at_risk) == (len(own), len(late), len(risks))
            met[of] += bool(late) + bool(risks)
    assert set(met) >= set(LISTS)


def test_a3_what_was_missed_is_what_nothing_was_done_about_since(pool: Pool, every: Lists) -> None:
    ever = datetime(1900, 1, 1).astimezone()
    met = 0
    for of, whose, own in every:
        found = {item["complaint_id"]: item for item in worklist(pool, of, whose, now=ever, limit=10_000).items}
        for one in own:
            # In the past no term that runs has passed: what is overdue then was missed.
            unheeded = {str(name) for name in figures.overdue(one.events, ever)}
            assert set(found[one.stream]["missed"]) == unheeded or not figures.waits(one.events)
            noticed = {event.deadline.value: event for event in all_of(last_round(one.events), DeadlineMissed)}
            for name, due in found[one.stream]["missed"].items():
                assert due == format_instant(noticed[name].occurred_at)
                met += 1
    assert met


@pytest.mark.parametrize("of", LISTS)
@pytest.mark.parametrize("size", [1, 3])
def test_pages_of_every_list_follow_one_another_as_the_events_do(pool: Pool, every: Lists, of: str, size: int) -> None:
    kind, whose, own = max((one for one in every if one[0] == of), key=lambda one: len(one[2]))
    now = day(6)
    counts = None
    seen: list[str] = []
    after = None
    while True:
        page = worklist(pool, kind, whose, now=now, after=after, limit=size)
        assert counts in (None, (page.total, page.overdue, page.at_risk))
        counts = page.total, page.overdue, page.at_risk
        if not page.items:
            break
        assert len(page.items) <= size
        seen += [item["complaint_id"] for item in page.items]
        assert len(seen) <= len(own)
        after = page.items[-1]["next_due"], page.items[-1]["complaint_id"]
    assert seen == [one.stream for one in own]
    assert counts is not None
    assert counts[0] == len(own)


@pytest.mark.parametrize("of", LISTS)
def test_a_list_on_which_there_is_nothing_is_empty(pool: Pool, of: str) -> None:
    found = worklist(pool, of, "659000" if of == "division" else MERCHANTS[0].replace("-", "-0", 1), now=day(1))
    assert (found.items, found.total, found.overdue, found.at_risk) == ([], 0, 0, 0)
