"""The state of a person's consents: what was consented to, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar


class Status(StrEnum):
    """Where the consents of a person stand. NONE: nothing was asked yet."""

    NONE = "none"
    OPEN = "open"


class Purpose(StrEnum):
    """What personal data are used for; each use needs a consent of its own."""

    CROSS_BORDER_TRANSFER = "cross_border_transfer"
    PUBLICATION = "publication"
    RESEARCH = "research"
    MARKETING = "marketing"
    SHARING_WITH_MERCHANT = "sharing_with_merchant"


#: From when until when (None: still).
Period = tuple[datetime, datetime | None]
#: For what, and to whom.
Use = tuple[Purpose, str]


@dataclass(frozen=True, slots=True)
class Subject:
    """A person, or nobody before the first event; ``since`` is the time of the last thing that happened."""

    kind: ClassVar[str] = "subject"
    since_what: ClassVar[str] = "the last thing that happened"

    status: Status = Status.NONE
    since: datetime | None = None
    consumer_id: str = ""
    consents: Mapping[Use, tuple[Period, ...]] = field(default_factory=dict)

    def consented(self, purpose: Purpose, recipient: str, at: datetime) -> bool:
        """Whether the person consented, at a time, to this use by this recipient."""
        periods = self.consents.get((purpose, recipient), ())
        return any(begun <= at and (over is None or at < over) for begun, over in periods)

    def consents_now(self, purpose: Purpose, recipient: str) -> bool:
        """Whether the last consent to this use by this recipient was not withdrawn."""
        periods = self.consents.get((purpose, recipient), ())
        return bool(periods) and periods[-1][1] is None


NEW = Subject()
