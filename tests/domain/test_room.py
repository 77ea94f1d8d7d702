"""Live rooms: their four subjects, labels of what machines made, and records."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.action import Action
from domain.event import Event
from domain.room import opening, records, showing
from domain.room.opening import Closed, Opened, SubjectChanged
from domain.room.records import RecordKept, RecordsDestroyed
from domain.room.showing import (
    ContentShown,
    ContentStopped,
    LabelGapFound,
    LabelHidden,
    LabelShown,
    SessionBegun,
    SessionEnded,
)
from domain.room.state import ContentKind, Status, Subject
from domain.rulebook.book import TermName
from domain.rulebook.terms import RunningTerm
from domain.streams import ROOM as KIND
from tests.domain.scenario import CONSUMER, MERCHANT, PLATFORM, Outcome, day, given, on

PLATFORM_ID = "platform-77777777-7777-4777-8777-777777777777"
OPERATOR = "merchant-22222222-2222-4222-8222-222222222222"
DIGEST = "ab" * 32
MICROSECOND = timedelta(microseconds=1)
OPENED = Opened(
    occurred_at=day(0), actor=PLATFORM, platform_id=PLATFORM_ID, operator=OPERATOR, host="小王", agency="星辰"
)
BEGUN = SessionBegun(occurred_at=day(1), actor=PLATFORM, session=1)
#: The session ends on 4 March 2026.
KEEPING = RunningTerm(
    name=TermName.RECORD_KEEPING,
    due=on("2029-03-05 00:00") - MICROSECOND,
    rule_set="supervision-2019",
    source="E-Commerce Law, art. 31",
)
ENDED = SessionEnded(occurred_at=day(2), actor=PLATFORM, session=1, term=KEEPING)
KEPT = RecordKept(occurred_at=day(2), actor=PLATFORM, session=1, digest=DIGEST, what="the stream")
LIVE = (OPENED, BEGUN)


def live(hours: float) -> datetime:
    """A time of the session."""
    return day(1) + timedelta(hours=hours)


def shown(hours: float, content_id: str = "host-1", kind: ContentKind = ContentKind.DIGITAL_HOST) -> ContentShown:
    return ContentShown(occurred_at=live(hours), actor=PLATFORM, content_id=content_id, kind=kind)


def stopped(hours: float) -> ContentStopped:
    return ContentStopped(occurred_at=live(hours), actor=PLATFORM, content_id="host-1")


def labelled(hours: float, content_id: str = "host-1") -> LabelShown:
    return LabelShown(occurred_at=live(hours), actor=PLATFORM, content_id=content_id, text="AI")


def hidden(hours: float) -> LabelHidden:
    return LabelHidden(occurred_at=live(hours), actor=PLATFORM, content_id="host-1")


def gap(first: datetime, until: datetime, found: datetime, **other: Any) -> LabelGapFound:
    arguments = {"content_id": "host-1", "kind": ContentKind.DIGITAL_HOST, "violation": "unlabelled-ai"} | other
    return LabelGapFound(occurred_at=found, actor=PLATFORM, session=1, first=first, until=until, **arguments)


def when(*history: Event, action: Action, at: datetime, **arguments: Any) -> Outcome:
    return given(*history, kind=KIND).when(action, at=at, **{"by": PLATFORM, **arguments})


def stop(*history: Event, at: datetime) -> Outcome:
    return when(*LIVE, *history, action=showing.stop_content, at=at, content_id="host-1")


def destroy(*history: Event, at: datetime, session: int = 1) -> Outcome:
    return when(*history, action=records.destroy_record, at=at, session=session, reason="term passed")


def test_e4_a_room_has_four_subjects() -> None:
    subjects = {"platform_id": PLATFORM_ID, "operator": OPERATOR, "host": "小王", "agency": "星辰"}
    when(action=opening.open_room, at=day(0), **subjects).then(OPENED)
    when(OPENED, action=opening.open_room, at=day(0), **subjects).refused("room-opened-once")
    when(action=opening.open_room, at=day(0), by=CONSUMER, **subjects).refused("room-opened-once-by")
    assert KIND.fold([OPENED.model_copy(update={"agency": None})]).subjects == {
        Subject.OPERATOR: OPERATOR,
        Subject.HOST: "小王",
    }


def test_e4_operator_host_and_agency_can_change() -> None:
    changed = SubjectChanged(occurred_at=day(1), actor=MERCHANT, which=Subject.HOST, to="小李")
    changing: dict[str, Any] = {"at": day(1), "by": MERCHANT, "which": Subject.HOST, "to": "小李"}
    when(OPENED, action=opening.change_subject, **changing).then(changed)
    when(OPENED, changed, action=opening.change_subject, **changing).refused("subject-of-a-room")


def test_e4_a_room_is_live_in_sessions_that_are_numbered() -> None:
    when(OPENED, action=showing.begin_session, at=day(1)).then(BEGUN)
    when(*LIVE, action=showing.begin_session, at=day(1)).refused("one-session-at-a-time")
    when(*LIVE, action=showing.end_session, at=day(2)).then(ENDED)
    when(OPENED, action=showing.end_session, at=day(2)).refused("end-what-is-live")
    when(*LIVE, ENDED, action=showing.begin_session, at=day(3)).then(
        BEGUN.model_copy(update={"occurred_at": day(3), "session": 2})
    )


def test_e4_a_room_is_closed_between_sessions() -> None:
    closed = Closed(occurred_at=day(2), actor=PLATFORM, reason="contract ended")
    when(*LIVE, ENDED, action=opening.close_room, at=day(2), reason="contract ended").then(closed)
    when(*LIVE, action=opening.close_room, at=day(2), reason="x").refused("close-between-sessions")
    when(OPENED, closed, action=showing.begin_session, at=day(3)).refused("one-session-at-a-time")
    assert KIND.fold([*LIVE, ENDED, closed]).status is Status.CLOSED


def test_e4_machine_made_content_is_shown_once_at_a_time_in_a_session() -> None:
    showing_it = {"content_id": "host-1", "kind": ContentKind.DIGITAL_HOST}
    when(*LIVE, action=showing.show_content, at=live(1), **showing_it).then(shown(1))
    when(*LIVE, shown(1), action=showing.show_content, at=live(2), **showing_it).refused("shown-once-at-a-time")
    when(OPENED, action=showing.show_content, at=live(1), **showing_it).refused("show-in-a-session")
    stop(at=live(2)).refused("stop-what-is-shown")
    stop(shown(1, "image-1"), at=live(2)).refused("stop-what-is-shown")


def test_e4_a_label_is_shown_and_hidden() -> None:
    label = {"content_id": "host-1", "text": "AI"}
    when(*LIVE, action=showing.show_label, at=live(1), **label).then(labelled(1))
    when(*LIVE, labelled(1), action=showing.show_label, at=live(2), **label).refused("shown-once-at-a-time")
    when(*LIVE, action=showing.show_label, at=live(1), content_id="host-1", text=" ").invalid("says nothing")
    when(*LIVE, labelled(1), action=showing.hide_label, at=live(2), content_id="host-1").then(hidden(2))
    when(*LIVE, action=showing.hide_label, at=live(2), content_id="host-1").refused("hide-what-is-labelled")
    when(*LIVE, labelled(1, "image-1"), action=showing.hide_label, at=live(2), content_id="host-1").refused(
        "hide-what-is-labelled"
    )


@pytest.mark.parametrize(
    "history",
    [
        (labelled(1), shown(1)),
        (shown(1), labelled(1)),
        (labelled(0.5), shown(1)),
        (labelled(0), hidden(0.2), labelled(0.5), shown(1)),
        (labelled(1), shown(1), hidden(1.5), labelled(1.5)),
    ],
)
def test_e4_a_label_that_covers_the_content_leaves_no_gap(history: tuple[Event, ...]) -> None:
    stop(*history, at=live(2)).then(stopped(2))
    when(*LIVE, *history, action=showing.end_session, at=day(2)).then(ENDED)


def test_e4_a_label_that_does_not_cover_the_content_leaves_gaps_exact_to_the_microsecond() -> None:
    stop(shown(1), at=live(2)).then(stopped(2), gap(live(1), live(2), live(2)))
    late = labelled(1).model_copy(update={"occurred_at": live(1) + MICROSECOND})
    stop(shown(1), late, at=live(2)).then(stopped(2), gap(live(1), live(1) + MICROSECOND, live(2)))
    stop(shown(1), labelled(2), hidden(3), labelled(4), at=live(5)).then(
        stopped(5), gap(live(1), live(2), live(5)), gap(live(3), live(4), live(5))
    )
    stop(labelled(0), shown(1), hidden(3), at=live(5)).then(stopped(5), gap(live(3), live(5), live(5)))


def test_e4_the_gaps_of_an_earlier_showing_do_not_come_again() -> None:
    first = (shown(1), stopped(2), gap(live(1), live(2), live(2)), labelled(3))
    stop(*first, shown(4), at=live(5)).then(stopped(5))


def test_e4_what_is_still_shown_when_the_session_ends_has_its_gaps_too() -> None:
    image = {"content_id": "image-1", "kind": ContentKind.AI_IMAGE}
    when(*LIVE, shown(1), shown(2, "image-1", ContentKind.AI_IMAGE), action=showing.end_session, at=day(2)).then(
        gap(live(1), day(2), day(2)), gap(live(2), day(2), day(2), **image), ENDED
    )
    ended = KIND.fold([*LIVE, shown(1), labelled(2), ENDED])
    assert not ended.shown
    assert not ended.labels


def test_e4_before_labels_were_asked_for_a_gap_is_no_violation() -> None:
    before, since = on("2025-08-31 22:00"), on("2025-09-01 00:00")
    past = tuple(event.model_copy(update={"occurred_at": before}) for event in (OPENED, BEGUN, shown(0)))

    def stopping(at: datetime) -> Outcome:
        return when(*past, action=showing.stop_content, at=at, content_id="host-1")

    stopping(since).then(
        stopped(0).model_copy(update={"occurred_at": since}), gap(before, since, since, violation=None)
    )
    after = since + MICROSECOND
    stopping(after).then(
        stopped(0).model_copy(update={"occurred_at": after}),
        gap(before, since, after, violation=None),
        gap(since, after, after),
    )


def test_e4_sessions_and_what_happens_to_one_content_are_recorded_in_order_and_all_else_in_any() -> None:
    when(OPENED, action=showing.begin_session, at=day(-1)).invalid("the room was opened")
    when(*LIVE, ENDED, action=showing.begin_session, at=day(1.5)).invalid("the last session ended")
    when(*LIVE, ENDED, action=opening.close_room, at=day(1.5), reason="x").invalid("the last session ended")
    when(*LIVE, action=showing.end_session, at=day(0.5)).invalid("recorded of the session")
    when(*LIVE, shown(3), action=showing.end_session, at=live(2)).invalid("recorded of the session")
    label = {"content_id": "host-1", "text": "AI"}
    when(*LIVE, action=showing.show_label, at=day(0.5), **label).invalid("the session began")
    when(*LIVE, shown(3), action=showing.show_label, at=live(2), **label).invalid("happened last to host-1")
    when(*LIVE, shown(3, "image-1"), action=showing.show_label, at=live(2), **label).then(labelled(2))
    kept = KEPT.model_copy(update={"occurred_at": live(2)})
    keeping = {"session": 1, "digest": DIGEST, "what": "the stream"}
    when(*LIVE, ENDED, action=records.keep_record, at=live(2), **keeping).then(kept)
    when(*LIVE, ENDED, action=records.keep_record, at=day(0.5), **keeping).invalid("session 1 began")
    host = SubjectChanged(occurred_at=day(2), actor=PLATFORM, which=Subject.HOST, to="小李")
    when(OPENED, host, action=opening.change_subject, at=day(1), which=Subject.HOST, to="x").invalid("the host changed")
    agency = SubjectChanged(occurred_at=day(1), actor=PLATFORM, which=Subject.AGENCY, to="x")
    when(OPENED, host, action=opening.change_subject, at=day(1), which=Subject.AGENCY, to="x").then(agency)


def test_e4_records_of_a_session_are_kept_with_their_digest() -> None:
    keeping = {"session": 1, "digest": DIGEST, "what": "the stream"}
    when(*LIVE, ENDED, action=records.keep_record, at=day(2), **keeping).then(KEPT)
    when(*LIVE, ENDED, KEPT, action=records.keep_record, at=day(2), **keeping).refused("record-kept-once")
    when(OPENED, action=records.keep_record, at=day(2), **keeping).refused("record-of-a-session")
    when(*LIVE, action=records.keep_record, at=day(2), **{**keeping, "session": 2}).invalid("no session 2")


def test_e4_records_are_destroyed_only_after_three_years() -> None:
    after = KEEPING.due + MICROSECOND
    destroyed = RecordsDestroyed(occurred_at=after, actor=PLATFORM, session=1, reason="term passed")
    kept = (*LIVE, ENDED, KEPT)
    destroy(*kept, at=KEEPING.due).refused("records-kept-for-their-term")
    destroy(*kept, at=after).then(destroyed)
    destroy(*kept, destroyed, at=after).refused("records-kept-for-their-term")
    destroy(*LIVE, KEPT.model_copy(update={"occurred_at": day(1)}), at=day(2000)).refused("records-kept-for-their-term")
    destroy(OPENED, at=after).refused("records-kept-for-their-term")
    destroy(*kept, at=after, session=2).invalid("no session 2")
    second = BEGUN.model_copy(update={"session": 2, "occurred_at": day(3)})
    destroy(*kept, second, at=after, session=2).refused("records-kept-for-their-term")
