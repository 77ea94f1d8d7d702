"""Worklists and the overdue board against the reference: complaints by chance in a real PostgreSQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from adapters import oversight, worklists
from adapters.database import Pool
from adapters.search import Search, search
from domain.complaint.state import OPEN, Complaint, Status
from domain.errors import InvalidInput
from domain.event import Event
from domain.merchant.registration import MergedInto, Registered
from domain.streams import COMPLAINT
from tests.conftest import create_database
from tests.domain.lives import MEDIATING, OFFICE_ID, ONE_CLICK, SETTLE, lapsed, lived
from tests.domain.random_lives import a_life
from tests.domain.scenario import MERCHANT_ID, REGULATOR, day
from tests.domain.test_publication import PROMISED
from tests.filled import fill
from tests.reference import figures
from tests.reference.complaints import merchant, office, region
from tests.reference.history import Events, filing

SURVIVOR = "merchant-45454545-4545-4545-8545-454545454545"
LIVES = 500
TIMES = [day(n) for n in (1, 6, 30, 100)]
FOREVER = datetime.max.replace(tzinfo=UTC)


def fixed() -> Iterator[Sequence[Event]]:
    """Those that chance seldom makes: upgraded by silence; a promise unkept; settled, and not performed."""
    yield (*ONE_CLICK, *lapsed(ONE_CLICK, day(4.5)))
    yield (*PROMISED, *lapsed(PROMISED, day(8)))
    agreed = lived(SETTLE, since=MEDIATING)
    yield agreed
    yield (*agreed, *lapsed(agreed, day(200)))


def streams() -> dict[str, Sequence[Event]]:
    chance = Random(7)
    lives = [*fixed(), *(a_life(chance, chance.randint(0, 25)) for _ in range(LIVES))]
    found: dict[str, Sequence[Event]] = {
        f"complaint-eeeeeeee-0000-4000-8000-{n:012x}": one for n, one in enumerate(lives)
    }
    found[SURVIVOR] = [Registered(occurred_at=day(0), actor=REGULATOR, trade_name="Survivor")]
    found[MERCHANT_ID] = [
        Registered(occurred_at=day(0), actor=REGULATOR, trade_name="Merged"),
        MergedInto(occurred_at=day(0), actor=REGULATOR, into=SURVIVOR, basis="a merger"),
    ]
    return found


@pytest.fixture(scope="module")
def complaints() -> Mapping[str, Events]:
    """All complaints, by id."""
    return {stream: events for stream, events in streams().items() if stream.startswith("complaint-")}


@pytest.fixture(scope="module")
def pool(postgres_url: str) -> Iterator[Pool]:
    """Connections of the API."""
    url = create_database(postgres_url, "worked")
    fill(url, streams())
    pool = Pool(url, "ledger_api")
    yield pool
    pool.close()


def state(events: Events) -> Complaint:
    found = COMPLAINT.fold(events)
    assert isinstance(found, Complaint)
    return found


def goes_on(one: str) -> str:
    return SURVIVOR if one == MERCHANT_ID else one


def owner(of: str, events: Events) -> str:
    """On whose list of a kind it is; on nobody's: empty."""
    stands = state(events)
    match of:
        case "consumer":
            return stands.consumer_id
        case "mediator":
            return stands.mediation.mediator_id if stands.status in OPEN else ""
        case _ if not figures.waits(events):
            return ""
        case "office":
            return office(events)
        case _:
            return goes_on(merchant(events) if stands.status is Status.RESOLVED else stands.holder)


def first_due(events: Events) -> datetime:
    return min((one.due for one in figures.running(events)), default=FOREVER)


@pytest.mark.parametrize("now", TIMES)
@pytest.mark.parametrize("of", ["merchant", "mediator", "office", "consumer"])
def test_a3_worklists_are_those_of_the_reference(
    pool: Pool, complaints: Mapping[str, Events], of: str, now: datetime
) -> None:
    owners = Counter(owner(of, events) for events in complaints.values())
    owners.pop("", None)
    assert owners
    for whose, count in owners.most_common(6):
        own = {stream: events for stream, events in complaints.items() if owner(of, events) == whose}
        found = worklists.worklist(pool, of, whose, now=now, limit=10_000)
        in_order = sorted(own, key=lambda stream: (first_due(own[stream]), stream))
        assert [item["complaint_id"] for item in found.items] == in_order
        late = {stream for stream, events in own.items() if figures.overdue(events, now)}
        soon = {stream for stream, events in own.items() if figures.at_risk(events, now)}
        assert {item["complaint_id"] for item in found.items if item["overdue"]} == late
        assert {item["complaint_id"] for item in found.items if item["at_risk"]} == soon
        assert (found.total, found.overdue, found.at_risk) == (count, len(late), len(soon))


@pytest.mark.parametrize("now", TIMES)
@pytest.mark.parametrize("by", ["office", "merchant"])
def test_what_is_overdue_is_what_the_reference_says(
    pool: Pool, complaints: Mapping[str, Events], by: str, now: datetime
) -> None:
    expected: dict[str, Counter[str]] = {}
    for events in complaints.values():
        if figures.waits(events):
            whose = office(events) if by == "office" else goes_on(merchant(events))
            counts = expected.setdefault(whose, Counter())
            counts["open"] += state(events).status in OPEN
            counts["overdue"] += bool(figures.overdue(events, now))
            counts["at_risk"] += figures.at_risk(events, now)
    found = oversight.overdue(pool, by, now=now)
    assert {one["id"] or "": {name: one[name] for name in ("open", "overdue", "at_risk")} for one in found} == {
        whose: dict(counts) for whose, counts in expected.items()
    }
    late, _, _ = search(pool, Search({"overdue": ["yes"]}), now=now, limit=10_000)
    assert {row["complaint_id"] for row in late} == {
        stream for stream, events in complaints.items() if figures.overdue(events, now)
    }
    assert late


def test_the_overdue_board_of_an_office_is_of_its_cases_alone(pool: Pool, complaints: Mapping[str, Events]) -> None:
    own = [one for one in complaints.values() if figures.waits(one) and office(one) == OFFICE_ID]
    found = oversight.overdue(pool, "merchant", now=TIMES[-1], office_id=OFFICE_ID)
    assert sum(one["open"] for one in found) == sum(state(one).status in OPEN for one in own) > 0
    assert sum(one["overdue"] for one in found) == sum(bool(figures.overdue(one, TIMES[-1])) for one in own)


def unclaimed(events: Events) -> bool:
    return state(events).status in (Status.FILED, Status.RECEIVED) and not office(events) and not filing(events).origin


@pytest.mark.parametrize("division", ["330106", "330100", "330000", "310000", "000000"])
def test_c3_what_no_office_has_received_yet_is_on_the_list_of_its_division(
    pool: Pool, complaints: Mapping[str, Events], division: str
) -> None:
    digits = division.rstrip("0")
    expected = {
        stream
        for stream, events in complaints.items()
        if unclaimed(events)
        and (not digits or (region(events)[0] == "GB/T 2260" and region(events)[1].startswith(digits)))
    }
    found = worklists.worklist(pool, "division", division, now=TIMES[1], limit=10_000)
    assert {item["complaint_id"] for item in found.items} == expected
    assert found.total == len(expected)
    assert found.overdue == sum(bool(figures.overdue(complaints[one], TIMES[1])) for one in expected)
    if division in ("330106", "000000"):
        (upgraded,) = [stream for stream in complaints if stream.endswith("0" * 12)]
        assert upgraded in expected


def test_a_list_of_a_division_needs_its_code(pool: Pool) -> None:
    with pytest.raises(InvalidInput) as refused:
        worklists.worklist(pool, "division", "zhejiang", now=TIMES[0])
    assert "GB/T 2260" in str(refused.value.hint)


@pytest.mark.parametrize("of", ["merchant", "office", "consumer"])
def test_pages_of_a_worklist_hold_everything_once_in_order(
    pool: Pool, complaints: Mapping[str, Events], of: str
) -> None:
    ((whose, _),) = Counter(filter(None, (owner(of, events) for events in complaints.values()))).most_common(1)
    whole = worklists.worklist(pool, of, whose, now=TIMES[0], limit=10_000).items
    assert any(item["next_due"] is None for item in whole)
    seen: list[dict[str, Any]] = []
    after = None
    while page := worklists.worklist(pool, of, whose, now=TIMES[0], after=after, limit=7).items:
        seen += page
        after = (page[-1]["next_due"], page[-1]["complaint_id"])
    assert seen == whole


def test_what_was_missed_is_told_with_when_it_was_due(pool: Pool, complaints: Mapping[str, Events]) -> None:
    found = worklists.worklist(pool, "merchant", SURVIVOR, now=TIMES[-1], limit=10_000)
    performing = [item for item in found.items if item["status"] == Status.RESOLVED and item["missed"]]
    assert performing
    for item in performing:
        assert list(item["missed"]) == ["performance"]
        assert item["overdue"]
    promised = next(item for item in found.items if item["complaint_id"].endswith("1".zfill(12)))
    assert list(promised["missed"]) == ["answer"]
    assert datetime.fromisoformat(promised["missed"]["answer"]) < day(8)
