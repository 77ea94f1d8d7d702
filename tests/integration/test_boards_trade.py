"""What the boards of platforms, rooms and merchants answer, and whether it helped: row for row as the events say."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adapters import effects, oversight
from adapters.boards import Row
from domain.merchant.membership import CircleJoined
from domain.merchant.policies import PolicyAdopted, PolicyDropped
from domain.streams import MERCHANT, OFFICE, PLATFORM, ROOM
from tests.integration import active_offices as active
from tests.integration.active_offices import AT, INSTANT, own
from tests.integration.boards_asked import each, ids, moments, same, times
from tests.integration.item_world import World
from tests.reference import effects as around


def test_d7_a_report_of_a_platform_is_its_newest_edition_even_of_nothing(items: World) -> None:
    whole = same(items, "supervision_reports")
    assert each(items, "supervision_reports", "platform_id", ids(items, PLATFORM)) > 1
    own_reports = same(items, "supervision_reports", platform_id=active.PLATFORM)
    assert [(one["edition"], one["place"], one["violation"]) for one in own_reports] == [
        (1, None, None),
        (2, 1, "of-no-list"),
        (2, 2, "unlabelled-ai"),
    ]
    assert {bool(one["violation_name"]) for one in whole} == {True, False}


def test_d7_an_audit_of_privacy_has_its_findings_in_their_order(items: World) -> None:
    whole = same(items, "privacy_audits")
    assert each(items, "privacy_audits", "platform_id", ids(items, PLATFORM)) > 1
    assert {one["conforms"] for one in whole} == {True, False}


def test_e4_a_gap_of_a_label_stands_beside_how_long_the_content_was_shown_in_the_session(items: World) -> None:
    whole = same(items, "label_gaps")
    assert each(items, "label_gaps", "room_id", ids(items, ROOM)) > 1
    for platform in [*ids(items, PLATFORM), own("platform", 9)]:
        found = same(items, "label_gaps", platform_id=platform)
        assert found == [one for one in whole if one["platform_id"] == platform]
        both = same(items, "label_gaps", platform_id=platform, room_id=active.ROOM)
        assert both == [one for one in found if one["room_id"] == active.ROOM]
    assert {one["violation"] for one in whole} == {None, "unlabelled-ai"}
    gaps = {one["number"]: one for one in same(items, "label_gaps", room_id=active.ROOM)}
    half_and_fifth = (active.day(0.5) - AT + active.day(0.8) - active.day(0.6)) // INSTANT
    assert [gaps[n]["shown_microseconds"] for n in (1, 2, 3)] == [half_and_fifth] * 3
    assert gaps[4]["microseconds"] == gaps[4]["shown_microseconds"] == timedelta(days=1) // INSTANT - 1
    assert [gaps[n]["operator"] for n in (1, 2, 3, 4)] == [*[own("merchant", 3)] * 3, own("merchant", 4)]


def test_b8_members_of_a_circle_are_those_of_a_time_without_those_who_leave_at_that_instant(items: World) -> None:
    whole = same(items, "circle_members")
    circles = {one["circle"] for one in whole}
    assert len(circles) > 2
    for at in sorted({*times(items), *moments(items, CircleJoined)}):
        each(items, "circle_members", "circle", circles, at=at)
    assert each(items, "circle_members", "circle", circles, at=items.until) > 1
    assert each(items, "circle_members", "circle", circles) == len(circles)
    assert {one["ending"] for one in whole} == {"left", "expelled", None}
    at_once = same(items, "circle_members", circle=active.CIRCLE, at=AT)
    assert [(one["merchant_id"], one["standard"]) for one in at_once] == [
        (own("merchant", 1), "first"),
        (own("merchant", 2), "again"),
    ]


def test_b16_corrective_actions_have_results_in_order_and_the_complaints_behind_them(items: World) -> None:
    assert each(items, "corrective_actions", "merchant_id", ids(items, MERCHANT)) > 1
    of_shop = same(items, "corrective_actions", merchant_id=active.SHOP)
    assert [one["number"] for one in of_shop] == [3, 1, 4, 2]
    assert of_shop[1]["results"] == [f"result {n}" for n in range(11, 0, -1)]
    assert of_shop[1]["complaints"] == [own("complaint", 1), own("complaint", 2)]


def test_b9_a_volume_is_the_last_edition_of_its_stage_and_period(items: World) -> None:
    assert each(items, "volumes", "merchant_id", ids(items, MERCHANT)) > 1
    by_hand = same(items, "volumes", merchant_id=own("merchant", 2))
    assert [(one["stage"], one["first_day"].month, one["transactions"]) for one in by_hand] == [
        ("sale", 12, 1),
        ("payment", 1, 10**15),
        ("sale", 1, 0),
    ]


def test_c6_policies_are_those_adopted_at_a_time_in_the_edition_adopted(items: World) -> None:
    dropped = moments(items, PolicyDropped)
    for at in sorted({*times(items), *moments(items, PolicyAdopted), *dropped, *(one - INSTANT for one in dropped)}):
        each(items, "policies_adopted", "merchant_id", ids(items, MERCHANT), at)
    assert each(items, "policies_adopted", "merchant_id", ids(items, MERCHANT), items.until) > 1
    editions = [
        [one["edition"] for one in same(items, "policies_adopted", at, merchant_id=own("merchant", 2))]
        for at in (AT, active.day(5), active.day(9))
    ]
    assert [sorted(one) for one in editions] == [[1, 1], [1, 2], [1, 2]]


def test_e5_a_group_is_of_those_who_were_merged_or_are_linked_and_bears_the_least_id_that_goes_on(items: World) -> None:
    groups = {one["merchant_id"]: (one["group_id"], one["going_on_id"]) for one in same(items, "merchant_groups")}
    fifth = own("merchant", 5)
    assert {one: groups[own("merchant", one)] for one in (0, 5, 7)} == {
        0: (fifth, fifth),
        5: (fifth, fifth),
        7: (fifth, own("merchant", 7)),
    }
    assert not groups.keys() & {own("merchant", n) for n in (1, 6, 8)}
    assert {groups[own("merchant", n)] for n in (3, 9)} == {(active.SHOP, active.SHOP)}


def seen(rows: list[Row]) -> int:
    """How many complaints stand beside a turn on both of its sides."""
    return sum(min(one["before"]["valid"], one["after"]["valid"]) for one in rows)


def test_b8_complaints_before_and_after_joining_a_circle_follow_mergers(items: World) -> None:
    for at in times(items):
        whole = list(effects.circle_effects(items.pool, at))
        assert whole == around.circle_effects(items.histories, at)
    assert effects.circle_effects(items.pool, at).page(2, 1) == whole[1:3]
    assert seen(whole) > 0
    (merged,) = [one for one in whole if one["merchant_id"] == own("merchant", 9)]
    assert (merged["before"]["valid"], merged["after"]["valid"], merged["after"]["days"]) == (2, 5, 180)
    for circle in (active.CIRCLE, "nobody's"):
        found = list(effects.circle_effects(items.pool, items.until, circle=circle))
        assert found == around.circle_effects(items.histories, items.until, circle=circle)


def test_b16_complaints_before_and_after_a_corrective_action_are_of_its_stage(items: World) -> None:
    for at in times(items):
        whole = list(effects.corrective_effects(items.pool, at))
        assert whole == around.corrective_effects(items.histories, at)
    assert seen(whole) > 0
    of_shop = list(effects.corrective_effects(items.pool, items.until, merchant_id=active.SHOP))
    assert of_shop == around.corrective_effects(items.histories, items.until, merchant_id=active.SHOP)
    # Of the stage of payment: one before and one after, of each of two; of all stages, from a day before on.
    counts = {one["number"]: (one["before"]["valid"], one["after"]["valid"]) for one in of_shop}
    assert (counts[1], counts[4], counts[2]) == ((2, 2), (2, 5), (0, 7))


@pytest.mark.parametrize("by", ["office", "merchant"])
def test_what_is_overdue_is_told_by_name_most_overdue_first(items: World, by: str) -> None:
    late = soon = 0
    for now in times(items):
        whole = oversight.overdue(items.pool, by, now=now)
        assert whole == around.overdue(items.histories, by, now=now)
        assert oversight.overdue(items.pool, by, now=now, limit=2) == whole[:2]
        late += sum(one["overdue"] for one in whole)
        soon += sum(one["at_risk"] for one in whole)
    assert late > soon > 0
    of_one = 0
    for office in ids(items, OFFICE):
        found = oversight.overdue(items.pool, by, now=items.until, office_id=office)
        assert found == around.overdue(items.histories, by, now=items.until, office_id=office)
        of_one += bool(found)
    assert of_one > 1
