"""A platform: its procedures."""

from __future__ import annotations

from domain.kind import kind
from domain.platform import admission, notices, rules, supervision
from domain.platform.admission import AdmissionEvent
from domain.platform.notices import NoticeEvent
from domain.platform.rules import RuleEvent
from domain.platform.state import NEW
from domain.platform.supervision import SupervisionEvent

PlatformEvent = AdmissionEvent | RuleEvent | NoticeEvent | SupervisionEvent

PLATFORM = kind(
    "platform",
    "ledger.merchants",
    NEW,
    (admission, AdmissionEvent),
    (rules, RuleEvent),
    (notices, NoticeEvent),
    (supervision, SupervisionEvent),
    fall_due=notices.fall_due,
    next_due=notices.next_due,
)
