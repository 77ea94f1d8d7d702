"""A person whose data are held: the procedures."""

from __future__ import annotations

from domain.kind import kind
from domain.subject import consents, leaks
from domain.subject.consents import ConsentEvent
from domain.subject.leaks import LeakEvent
from domain.subject.state import NEW

SubjectEvent = ConsentEvent | LeakEvent

SUBJECT = kind("subject", "ledger.governance", NEW, (consents, ConsentEvent), (leaks, LeakEvent))
