"""Read model ``subjects``: leaks of personal data, and how many consents there are. Who consented stays in the row,
which is not for analysts."""

from __future__ import annotations

from typing import NamedTuple, assert_never

from domain.subject.consents import ConsentGiven, ConsentsOpened, ConsentWithdrawn
from domain.subject.leaks import LeakRecorded
from domain.subject.life import SUBJECT, SubjectEvent
from projections.items import (
    NONE,
    Items,
    cited,
    dump,
    following,
    instant,
    items_of,
    load,
    made,
    number,
    put,
    table,
    text,
    texts,
)
from projections.projection import Key, Measures, Projection


class Row(NamedTuple):
    """See the comments on the columns of ``read.subjects``."""

    leaks: int = 0
    items: str = NONE


def fold(row: Row | None, event: SubjectEvent) -> Row:
    """Return the row after ``event``; raises ValueError when a stream does not begin with its opening."""
    if isinstance(event, ConsentsOpened):
        return Row()
    if row is None:
        raise ValueError(f"{event.name} before subject.consents_opened")
    items = load(row.items)
    match event:
        case ConsentGiven():
            _consent(items, event, given=1)
        case ConsentWithdrawn():
            _consent(items, event, withdrawn=1)
        case LeakRecorded():
            n = following(items, "leak")
            stated = {"source": event.source, "complaints": event.complaints, "texts": {"what": event.what}}
            put(items, "leak", n, number=n, recorded_at=event.occurred_at, **stated)
            row = row._replace(leaks=n)
        case _:
            assert_never(event)
    return row._replace(items=dump(items))


def _consent(items: Items, event: ConsentGiven | ConsentWithdrawn, given: int = 0, withdrawn: int = 0) -> None:
    key = f"{event.purpose}/{event.recipient}"
    use = items.get("consent", {}).get(key, {"given": 0, "withdrawn": 0})
    put(
        items,
        "consent",
        key,
        purpose=event.purpose,
        recipient=event.recipient,
        given=use["given"] + given,
        withdrawn=use["withdrawn"] + withdrawn,
    )


def _consents(row: Row) -> dict[Key, Measures]:
    return {(use["purpose"], use["recipient"]): (use["given"], use["withdrawn"]) for use in items_of(row, "consent")}


ID = "subject_id"
SUBJECTS = Projection(
    name="subjects",
    kind=SUBJECT,
    table="read.subjects",
    key=ID,
    row=Row,
    fold=fold,
    sums=(
        table("leaks", ID, "leak", number("number"), instant("recorded_at"), text("source")),
        made("consents", "", ("purpose", "recipient"), _consents, ("given", "withdrawn")),
        cited("leak_citations", ID, "leak"),
        texts("leak_texts", ID),
    ),
)
