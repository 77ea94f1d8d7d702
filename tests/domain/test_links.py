"""What a request led to elsewhere can be found from it."""

from __future__ import annotations

import pytest

from domain.complaint import links
from domain.complaint.links import Consequence, ConsequenceLinked
from domain.event import Event
from domain.streams import COMPLAINT
from tests.domain.lives import FILED, REPORT, RESOLVED, lived, row_of, step
from tests.domain.scenario import MERCHANT_ID, REGULATOR, SERVICE, day, given

MERGED = lived(
    step(COMPLAINT.actions["merge"], day(1), REGULATOR, into="complaint-33333333-3333-4333-8333-333333333333"),
    since=FILED,
)


@pytest.mark.parametrize("history", [FILED, RESOLVED, REPORT, MERGED], ids=["filed", "resolved", "report", "merged"])
@pytest.mark.parametrize("consequence", Consequence)
def test_b7_each_consequence_is_found_from_its_request(history: tuple[Event, ...], consequence: Consequence) -> None:
    given(*history).when(links.link, at=day(0), by=SERVICE, consequence=consequence, stream=MERCHANT_ID, number=3).then(
        linked := ConsequenceLinked(
            occurred_at=day(0), actor=SERVICE, consequence=consequence, stream=MERCHANT_ID, number=3
        )
    )
    assert COMPLAINT.fold((*history, linked)) == COMPLAINT.fold(history)
    before = row_of(history)
    assert row_of((*history, linked)) == before._replace(consequences=before.consequences + 1)


def test_b7_nothing_is_linked_to_what_was_never_filed() -> None:
    given().when(links.link, at=day(0), by=SERVICE, consequence=Consequence.LISTING, stream=MERCHANT_ID).then()
