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
    due: datetime | None
    status: NoticeStatus = NoticeStatus.OPEN


@dataclass(frozen=True, slots=True)
class Platform:
    """``rules``: the versions of each, in their order; ``withdrawn`` those of which no version is to come.

    ``announced``: programmes of membership, and the days on which changes of them were announced to take effect.
    ``reports`` and ``notices``: by period, how often it was reported; by number.
    """

    kind: ClassVar[str] = "platform"
    since_what: ClassVar[str] = "the last that was recorded of the platform"

    status: Status = Status.NONE
    since: datetime | None = None
    rules: Mapping[str, tuple[RuleVersion, ...]] = field(default_factory=dict)
    withdrawn: frozenset[str] = frozenset()
    announced: frozenset[tuple[str, date]] = frozenset()
    notices: tuple[Notice, ...] = ()
    audits: int = 0
    reports: Mapping[tuple[date, date], int] = field(default_factory=dict)

    def noted(self, at: datetime) -> datetime:
        """Return ``since`` after something that happened at ``at``."""
        return at if self.since is None else max(self.since, at)


NEW = Platform()


def rule_in_force(platform: Platform, rule_id: str, version: int, at: datetime) -> bool:
    """Return whether that version of a rule is in force at a time."""
    versions = platform.rules.get(rule_id, ())
    if not 1 <= version <= len(versions):
        return False
    one = versions[version - 1]
    return one.effective_from <= at and (one.until is None or at < one.until)
