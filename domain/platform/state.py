"""The state of a platform: what its decisions need, and those of the measures that cite its rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar


class Status(StrEnum):
    """Where a platform stands. NONE: not admitted yet."""

    NONE = "none"
    ADMITTED = "admitted"


class NoticeStatus(StrEnum):
    """What became of a notice. MISSED: its term passed without a measure."""

    OPEN = "open"
    MISSED = "missed"
    DECLINED = "declined"
    ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class RuleVersion:
    """In force from ``effective_from`` and before ``until`` (None: until there is something new)."""

    effective_from: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice of the authority; ``due`` is the last instant for a measure."""

    merchant_id: str
    given: datetime
    due: datetime | None
    status: NoticeStatus = NoticeStatus.OPEN


@dataclass(frozen=True, slots=True)
class Report:
    """What a platform reported of a period: how often, and the complaints that any edition named."""

    edition: int
    complaints: frozenset[str]


@dataclass(frozen=True, slots=True)
class Platform:
    """``rules``: the versions of each, in their order; ``withdrawn`` those of which no version is to come.

    ``changed``: when each rule was announced or withdrawn last. ``announced``: programmes of membership, and the days
    on which changes of them were announced to take effect. ``reports`` and ``notices``: by period; by number.
    """

    kind: ClassVar[str] = "platform"
    # What happens to a platform is told by many, in no order; each procedure checks its own.
    since: ClassVar[datetime | None] = None
    since_what: ClassVar[str] = ""

    status: Status = Status.NONE
    rules: Mapping[str, tuple[RuleVersion, ...]] = field(default_factory=dict)
    withdrawn: frozenset[str] = frozenset()
    changed: Mapping[str, datetime] = field(default_factory=dict)
    announced: frozenset[tuple[str, date]] = frozenset()
    notices: tuple[Notice, ...] = ()
    audits: int = 0
    reports: Mapping[tuple[date, date], Report] = field(default_factory=dict)


NEW = Platform()


def rule_in_force(platform: Platform, rule_id: str, version: int, at: datetime) -> bool:
    """Return whether that version of a rule is in force at a time."""
    versions = platform.rules.get(rule_id, ())
    if not 1 <= version <= len(versions):
        return False
    one = versions[version - 1]
    return one.effective_from <= at and (one.until is None or at < one.until)
