"""Who stood behind a live room when a label lacked."""

from __future__ import annotations

from domain.room.opening import Opened, SubjectChanged
from domain.room.showing import LabelGapFound
from domain.room.state import Subject
from tests.reference.history import Events, all_of


def at_the_end_of(gap: LabelGapFound, events: Events, subject: Subject) -> str:
    """Who was operator, host or agency in the last instant of a gap."""
    name: str = getattr(all_of(events, Opened)[0], subject.value)
    for one in all_of(events, SubjectChanged):
        if one.which is subject and one.occurred_at < gap.until:
            name = one.to
    return name
