"""Laws that hold for whatever is tried in a live room."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from domain.event import Event
from domain.room.records import RecordsDestroyed
from domain.room.showing import (
    ContentShown,
    ContentStopped,
    LabelGapFound,
    LabelHidden,
    LabelShown,
    SessionBegun,
    SessionEnded,
)
from domain.room.state import ContentKind, Interval, Room, Subject, label_gaps
from domain.streams import ROOM
from tests.domain.chance import DIGESTS, UUIDS, Life, Makers
from tests.domain.scenario import START

CONTENTS = ("host", "image")
#: Small enough that each microsecond can be looked at.
INSTANTS = st.integers(0, 30)


def after(microseconds: int) -> datetime:
    return START + timedelta(microseconds=microseconds)


def interval(first: int, until: int) -> Interval:
    return after(first), after(until)


@for_all(shown=st.tuples(INSTANTS, INSTANTS), labelled=st.lists(st.tuples(INSTANTS, INSTANTS), max_size=6))
def test_e4_gaps_are_the_microseconds_that_no_label_covers(
    shown: tuple[int, int], labelled: list[tuple[int, int]]
) -> None:
    bare = {n for n in range(*shown) if not any(first <= n < until for first, until in labelled)}
    gaps = label_gaps(interval(*shown), [interval(*one) for one in labelled])
    assert {n for n in range(31) if any(first <= after(n) < until for first, until in gaps)} == bare
    assert all(first < until for first, until in gaps)
    assert all(one[1] < next[0] for one, next in pairwise(gaps)), "in order, and apart"


MAKERS: Makers = {
    "platform_id": lambda occasion: f"platform-{UUIDS[0]}",
    "which": lambda occasion: occasion.one_of(*Subject),
    "to": lambda occasion: occasion.one_of("a", "b", "c"),
    "content_id": lambda occasion: occasion.one_of(*CONTENTS),
    "kind": lambda occasion: occasion.one_of(*ContentKind),
    ("stop_content", "content_id"): lambda occasion: occasion.one_of(*CONTENTS, *occasion.state.shown),
    ("hide_label", "content_id"): lambda occasion: occasion.one_of(*CONTENTS, *occasion.state.labels),
    # There is always another that is not shown or labelled yet.
    ("show_content", "content_id"): lambda occasion: occasion.one_of(*CONTENTS, f"image-{len(occasion.state.shown)}"),
    ("show_label", "content_id"): lambda occasion: occasion.one_of(*CONTENTS, f"image-{len(occasion.state.labels)}"),
    "session": lambda occasion: occasion.chance.randint(0, len(occasion.state.sessions) + 1),
    "digest": lambda occasion: occasion.chance.choice([*DIGESTS, f"{occasion.chance.getrandbits(256):064x}"]),
}


class RoomLife(Life):
    """A room in which content and labels come and go."""

    kind = ROOM
    makers = MAKERS
    rare = frozenset({"close_room"})

    def happened(self, before: Room, event: Event) -> None:
        if isinstance(event, RecordsDestroyed):
            (term,) = (
                one.term for one in self.history if isinstance(one, SessionEnded) and one.session == event.session
            )
            assert term is not None
            assert event.occurred_at > term.due, "records are kept for their term"

    def take(self, events: Any) -> None:
        expected = [gap for event in events for gap in self.gaps(event)]
        super().take(events)
        found = [(one.content_id, one.first, one.until) for one in events if isinstance(one, LabelGapFound)]
        assert found == expected

    def gaps(self, event: Event) -> list[tuple[str, datetime, datetime]]:
        """What a look at the whole session says of content that stops with an event."""
        if isinstance(event, ContentStopped):
            return self.gaps_of(event.content_id, event.occurred_at)
        if isinstance(event, SessionEnded):
            return [gap for one in sorted(self.state.shown) for gap in self.gaps_of(one, event.occurred_at)]
        return []

    def gaps_of(self, content_id: str, until: datetime) -> list[tuple[str, datetime, datetime]]:
        """The steps between two changes in which content was shown last without its label, joined where they meet."""
        found: list[tuple[str, datetime, datetime]] = []
        shown = labelled = False
        last = until
        for event in [*self.history, None]:
            now = until if event is None else event.occurred_at
            if shown and not labelled and last < now:
                joins = bool(found) and found[-1][2] == last
                found[-1:] = [(content_id, found[-1][1], now)] if joins else [*found[-1:], (content_id, last, now)]
            last = now
            if isinstance(event, SessionBegun | SessionEnded):
                shown = labelled = False
            if getattr(event, "content_id", "") != content_id:
                continue
            if isinstance(event, ContentShown):
                shown, found = True, []
            elif isinstance(event, LabelShown | LabelHidden):
                labelled = isinstance(event, LabelShown)
            elif isinstance(event, ContentStopped):
                shown = False
        return found


RoomLife.TestCase.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
TestRoomLife = RoomLife.TestCase
