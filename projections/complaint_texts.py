"""Read model ``complaint_texts``: what was written in the course of a complaint, cut into words, for search.

Words alone are kept, with their places, in the text form of PostgreSQL's ``tsvector``; the texts themselves are not.
How texts are cut is defined in docs/definitions.md, "Search".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple
from unicodedata import normalize

from domain.complaint.advances import AdvanceRefused
from domain.complaint.clocks import MediationEnded
from domain.complaint.ending import Corrected, Disputed, Reopened, Withdrawn
from domain.complaint.filing import AttemptLinked, Filed, MatchCorrected
from domain.complaint.fraud import FraudAlleged, FraudEvidenceSubmitted, FraudRejected, FraudVerified
from domain.complaint.handling import (
    Referred,
    Refused,
    ReturnedFromAbroad,
    SentAbroad,
    SupervisionOrdered,
    SupplementAsked,
    Supplemented,
    Transferred,
)
from domain.complaint.life import ComplaintEvent
from domain.complaint.mediation import AppraisalOrdered, AppraisalReported, MediatorRecused, SuggestionMade
from domain.complaint.negotiation import Answered, OfferDeclined, OfferMade
from domain.complaint.publication import OutcomePublished, Withheld
from domain.complaint.reports import (
    CaseDeclined,
    CaseDismissed,
    CaseFiled,
    ConsultationAnswered,
    PenaltyImposed,
    SuggestionAcknowledged,
    VerificationExtended,
)
from domain.complaint.settlement import JudiciallyConfirmed, Performed
from domain.complaint.ways import ArbitrationReferred, Decided
from domain.event import Event
from domain.streams import COMPLAINT
from projections.projection import Projection

#: The texts of events: fields that hold one, several, or something with a ``reference``.
TEXTS: dict[type[Event], tuple[str, ...]] = {
    Filed: (*("product", "sub_product", "issue", "sub_issue", "narrative"), *("order", "origin", "forwarded")),
    MatchCorrected: ("reason",),
    AttemptLinked: ("attempt", "outcome"),
    Answered: ("text",),
    OfferMade: ("text",),
    OfferDeclined: ("text",),
    SupplementAsked: ("items",),
    Supplemented: ("text",),
    Refused: ("text",),
    Referred: ("addressee", "reason"),
    Transferred: ("reason",),
    SentAbroad: ("partner", "reference"),
    ReturnedFromAbroad: ("outcome",),
    SupervisionOrdered: ("reason",),
    MediatorRecused: ("reason",),
    SuggestionMade: ("law", "text"),
    AppraisalOrdered: ("appraiser", "question"),
    AppraisalReported: ("finding",),
    MediationEnded: ("text",),
    ArbitrationReferred: ("commission", "reference"),
    Decided: ("reasons", "law"),
    FraudAlleged: ("text",),
    FraudEvidenceSubmitted: ("what",),
    FraudVerified: ("reasons",),
    FraudRejected: ("reasons",),
    Performed: ("reference",),
    JudiciallyConfirmed: ("court", "reference"),
    AdvanceRefused: ("reason",),
    Withheld: ("reason",),
    OutcomePublished: ("text",),
    VerificationExtended: ("reason",),
    CaseFiled: ("case_number",),
    CaseDeclined: ("reason",),
    PenaltyImposed: ("case_number", "basis"),
    CaseDismissed: ("reason",),
    ConsultationAnswered: ("text",),
    SuggestionAcknowledged: ("text",),
    Disputed: ("text",),
    Withdrawn: ("reason",),
    Reopened: ("reason",),
    Corrected: ("product", "sub_product", "issue", "sub_issue", "narrative", "answer_text"),
}

#: Bounds of what is kept of a complaint, such that it always fits: a tsvector has places up to 16,383, at most 256 of a
#: word, and a mebibyte in all.
MAX_PLACES = 16_000
MAX_OF_A_WORD = 255
MAX_WORD_BYTES = 48

#: Scripts that are written without spaces: Chinese characters, and Japanese syllables.
_UNSPACED = "々〇\u3041-\u3096\u30a1-\u30fa\u30fc\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_RUN = re.compile(rf"([{_UNSPACED}]+)|([^\W_{_UNSPACED}]+)")
_ASCII = re.compile("[a-z0-9]+")


class Row(NamedTuple):
    """See the comments on the columns of ``private.complaint_texts``."""

    filed_at: datetime
    length: int
    words: str


def words(text: str) -> list[str]:
    """Cut a text into words; each has the place after the one before.

    A run of Chinese gives each of its characters with the next one, and the last one alone.
    """
    if text.isascii():
        return _cut(_ASCII.findall(text.lower()))
    found: list[str] = []
    for run, other in _RUN.findall(normalize("NFKC", text).casefold()):
        if run:
            found.extend([run[n : n + 2] for n in range(len(run))])
        else:
            found.append(other)
    return _cut(found)


def _cut(found: list[str]) -> list[str]:
    if max(map(len, found), default=0) * 4 <= MAX_WORD_BYTES:
        return found
    return [word.encode()[:MAX_WORD_BYTES].decode(errors="ignore") for word in found]


def is_unspaced(word: str) -> bool:
    """Tell whether a word is of a run of Chinese."""
    return re.match(f"[{_UNSPACED}]", word) is not None


def has_text(event: ComplaintEvent) -> bool:
    """Tell whether something is written in an event."""
    return any(getattr(event, field) for field in TEXTS.get(type(event), ()))


def fold(row: Row | None, event: ComplaintEvent) -> Row:
    """Return the row after ``event``; raises ValueError when a stream does not begin with its filing."""
    if row is None:
        if not isinstance(event, Filed):
            raise ValueError(f"{event.name} before complaint.filed")
        row = Row(event.occurred_at, 0, "")
    length, places = row.length, _read(row.words)
    for text in _texts(event):
        found = words(text)[: MAX_PLACES - length]
        for place, word in enumerate(found, length + 1):
            kept = places.get(word)
            if kept is None:
                places[word] = str(place)
            elif kept.count(",") < MAX_OF_A_WORD - 1:
                places[word] = f"{kept},{place}"
        # A place is left free, so that no phrase goes on from one text to the next.
        length = min(length + len(found) + 1, MAX_PLACES)
    return row._replace(length=length, words=" ".join([f"'{word}':{places[word]}" for word in sorted(places)]))


def _texts(event: ComplaintEvent) -> Iterator[str]:
    for field in TEXTS.get(type(event), ()):
        value: Any = getattr(event, field)
        if isinstance(value, str):
            yield value
        elif isinstance(value, Iterable) and not hasattr(value, "reference"):
            yield from value
        elif value is not None:
            yield value.reference


def _read(kept: str) -> dict[str, str]:
    """Return the places of each word, with commas between."""
    return dict(one.split("':") for one in kept[1:].split(" '")) if kept else {}


COMPLAINT_TEXTS = Projection(
    name="complaint_texts",
    kind=COMPLAINT,
    table="private.complaint_texts",
    key="complaint_id",
    row=Row,
    fold=fold,
    concerns=has_text,
)
