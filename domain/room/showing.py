"""Sessions of a room: what machines made is labelled for as long as it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import TypeVar, assert_never

from domain.action import action
from domain.calendar import start_of_day
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.merchant.state import not_before
from domain.room.opening import RUNNING, after_last_session
from domain.room.state import ContentKind, Interval, Room, Session, Shown, Status, label_gaps
from domain.rulebook.book import Rulebook, TermName
from domain.rulebook.codes import CodeValue, Slug
from domain.rulebook.terms import RunningTerm, begin
from domain.values import Actor, Instant, ShortText

LABELLING = "Measures for Labelling AI-Generated Synthetic Content (2025)"
#: From then on content without its label is a violation, and of this code.
LABELLED_SINCE = start_of_day(date(2025, 9, 1))
UNLABELLED = "unlabelled-ai"

Value = TypeVar("Value")


class SessionBegun(Event):
    """The room is live. ``session`` counts from 1."""

    name = "room.session_begun"

    session: int


class SessionEnded(Event):
    """The room is no longer live, and nothing is shown in it. ``term``: how long its records have to be kept."""

    name = "room.session_ended"

    session: int
    term: RunningTerm | None = None


class ContentShown(Event):
    """Something that machines made is shown."""

    name = "room.content_shown"

    content_id: Slug
    kind: ContentKind


class ContentStopped(Event):
    """It is no longer shown."""

    name = "room.content_stopped"

    content_id: Slug


class LabelShown(Event):
    """A label says of content that machines made it."""

    name = "room.label_shown"

    content_id: Slug
    text: ShortText


class LabelHidden(Event):
    """The label is no longer shown."""

    name = "room.label_hidden"

    content_id: Slug


class LabelGapFound(Event):
    """Content was shown without its label, from ``first`` and before ``until``.

    ``violation`` is absent for what was before the law asked for labels.
    """

    name = "room.label_gap_found"

    session: int
    content_id: Slug
    kind: ContentKind
    first: Instant
    until: Instant
    violation: CodeValue | None = None


ShowingEvent = SessionBegun | SessionEnded | ContentShown | ContentStopped | LabelShown | LabelHidden | LabelGapFound


def evolve(state: Room, event: ShowingEvent) -> Room:
    if isinstance(event, ContentShown | ContentStopped | LabelShown | LabelHidden):
        state = replace(state, latest={**state.latest, event.content_id: event.occurred_at})
    match event:
        case SessionBegun():
            return replace(state, status=Status.LIVE, sessions=(*state.sessions, Session(event.occurred_at)))
        case SessionEnded():
            due = None if event.term is None else event.term.due
            last = replace(state.sessions[-1], ended=event.occurred_at, keep_until=due)
            sessions = (*state.sessions[:-1], last)
            return replace(state, status=Status.OPEN, sessions=sessions, shown={}, labels={}, latest={})
        case ContentShown():
            return replace(state, shown={**state.shown, event.content_id: Shown(event.kind, event.occurred_at)})
        case ContentStopped():
            return replace(state, shown=_without(state.shown, event.content_id))
        case LabelShown():
            return replace(state, labels={**state.labels, event.content_id: event.occurred_at})
        case LabelHidden():
            labels = _without(state.labels, event.content_id)
            shown = state.shown.get(event.content_id)
            if shown is None:
                return replace(state, labels=labels)
            over = (state.labels[event.content_id], event.occurred_at)
            labelled = replace(shown, labelled=(*shown.labelled, over))
            return replace(state, labels=labels, shown={**state.shown, event.content_id: labelled})
        case LabelGapFound():
            return state
        case _:
            assert_never(event)


def _without(mapping: Mapping[str, Value], key: str) -> dict[str, Value]:
    return {one: value for one, value in mapping.items() if one != key}


def _gaps(state: Room, content_id: str, at: datetime, by: Actor) -> list[ShowingEvent]:
    """Return in which intervals content that is shown until ``at`` had no label."""
    shown, label = state.shown[content_id], state.labels.get(content_id)
    labelled = shown.labelled if label is None else (*shown.labelled, (label, at))
    gaps = label_gaps((shown.since, at), labelled)
    return [
        LabelGapFound(
            occurred_at=at,
            actor=by,
            session=len(state.sessions),
            content_id=content_id,
            kind=shown.kind,
            first=first,
            until=until,
            violation=UNLABELLED if first >= LABELLED_SINCE else None,
        )
        for gap in gaps
        for first, until in _split(gap)
    ]


def _split(gap: Interval) -> list[Interval]:
    """Split a gap where labels began to be asked for: what was before is no violation."""
    first, until = gap
    return [(first, LABELLED_SINCE), (LABELLED_SINCE, until)] if first < LABELLED_SINCE < until else [gap]


def _in_order(state: Room, content_id: str, at: datetime) -> None:
    not_before(state.sessions[-1].begun, at, "the session began")
    if content_id in state.latest:
        not_before(state.latest[content_id], at, f"what happened last to {content_id}")


@action("one-session-at-a-time", roles=RUNNING, during=(Status.OPEN,), to=Status.LIVE)
def begin_session(state: Room, *, at: datetime, by: Actor) -> list[ShowingEvent]:
    """Begin a session: the room is live."""
    after_last_session(state, at)
    return [SessionBegun(occurred_at=at, actor=by, session=len(state.sessions) + 1)]


@action("end-what-is-live", roles=RUNNING, during=(Status.LIVE,), to=Status.OPEN)
def end_session(state: Room, *, at: datetime, by: Actor, book: Rulebook) -> list[ShowingEvent]:
    """End the session, and with it whatever is shown. The term begins for which its records have to be kept."""
    not_before(max([state.sessions[-1].begun, *state.latest.values()]), at, "the last that was recorded of the session")
    gaps = [gap for content_id in sorted(state.shown) for gap in _gaps(state, content_id, at, by)]
    term = begin(TermName.RECORD_KEEPING, at, book)
    return [*gaps, SessionEnded(occurred_at=at, actor=by, session=len(state.sessions), term=term)]


@action("show-in-a-session", roles=RUNNING, during=(Status.LIVE,), source=LABELLING)
def show_content(state: Room, *, at: datetime, by: Actor, content_id: Slug, kind: ContentKind) -> list[ShowingEvent]:
    """Record that something that machines made is shown from now on; it has to be labelled for as long."""
    _in_order(state, content_id, at)
    if content_id in state.shown:
        raise RuleViolation("shown-once-at-a-time", f"{content_id} is shown already", hint="stop it first")
    return [ContentShown(occurred_at=at, actor=by, content_id=content_id, kind=kind)]


def _nothing_shown(state: Room, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    return None if state.shown else _not_shown("nothing")


def _not_shown(what: str) -> RuleViolation:
    return RuleViolation("stop-what-is-shown", f"{what} is shown now", hint="name content that is shown")


@action("show-in-a-session", roles=RUNNING, during=(Status.LIVE,), source=LABELLING, unless=_nothing_shown)
def stop_content(state: Room, *, at: datetime, by: Actor, content_id: Slug) -> list[ShowingEvent]:
    """Record that content is no longer shown. Where its label had not been there, that is recorded too."""
    if content_id not in state.shown:
        raise _not_shown(f"no {content_id}")
    _in_order(state, content_id, at)
    return [ContentStopped(occurred_at=at, actor=by, content_id=content_id), *_gaps(state, content_id, at, by)]


@action("show-in-a-session", roles=RUNNING, during=(Status.LIVE,), source=LABELLING)
def show_label(state: Room, *, at: datetime, by: Actor, content_id: Slug, text: ShortText) -> list[ShowingEvent]:
    """Record that content is labelled from now on, before it is shown or while it is."""
    if not text.strip():
        raise InvalidInput("a label without a text says nothing", hint="say that machines made the content")
    if content_id in state.labels:
        raise RuleViolation("shown-once-at-a-time", f"{content_id} is labelled already", hint="hide the label first")
    _in_order(state, content_id, at)
    return [LabelShown(occurred_at=at, actor=by, content_id=content_id, text=text)]


def _no_label(state: Room, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    return None if state.labels else _not_labelled("nothing")


def _not_labelled(what: str) -> RuleViolation:
    return RuleViolation("hide-what-is-labelled", f"{what} is labelled now", hint="name content that has a label")


@action("show-in-a-session", roles=RUNNING, during=(Status.LIVE,), source=LABELLING, unless=_no_label)
def hide_label(state: Room, *, at: datetime, by: Actor, content_id: Slug) -> list[ShowingEvent]:
    """Record that content is no longer labelled."""
    if content_id not in state.labels:
        raise _not_labelled(f"no {content_id}")
    _in_order(state, content_id, at)
    return [LabelHidden(occurred_at=at, actor=by, content_id=content_id)]
