"""What the public sees."""

from __future__ import annotations

import pytest

from domain.complaint import ending, handling, publication, settlement, ways
from domain.complaint.clocks import Published
from domain.complaint.negotiation import Regime
from domain.complaint.publication import OutcomePublished, PublicationConsented, Withheld
from domain.complaint.state import Deadline, Side, Way
from domain.event import Event
from domain.merchant.state import Merchant
from domain.streams import COMPLAINT
from tests.domain.lives import (
    ANSWERED,
    CASE,
    FILED,
    MEDIATING,
    RECEIVED,
    REFUND,
    REPORT,
    RESOLVED,
    ROUTED,
    VERIFYING,
    lapsed,
    lived,
    missed,
    route_step,
    step,
)
from tests.domain.scenario import ADJUDICATOR, CONSUMER, MEDIATOR, MERCHANT, PLATFORM, REGULATOR, SERVICE, day, given
from tests.domain.test_ways import ARBITRATED, BY_PLATFORM, IN_COURT

SIGNED = Merchant(promises=((day(-1), None),))
PROMISED = lived(route_step(regime=Regime.PROMISE, merchant=SIGNED), since=FILED)
UNPROMISED = lived(route_step(regime=Regime.PROMISE), since=FILED)
PUBLIC = lived(step(publication.publish, day(1), CONSUMER), since=ROUTED)
WITHHELD = lived(step(publication.withhold, day(2), REGULATOR, reason="names a child"), since=PUBLIC)


@pytest.mark.parametrize("history", [ROUTED, ANSWERED, RECEIVED, MEDIATING])
def test_b1_a_consumer_may_have_it_published(history: tuple[Event, ...]) -> None:
    given(*history).when(publication.publish, at=day(4), by=CONSUMER).then(
        Published(occurred_at=day(4), actor=CONSUMER, basis="consumer_wish")
    )


def test_b1_while_the_term_of_a_promise_runs_it_stays_private() -> None:
    given(*PROMISED).when(publication.publish, at=day(1), by=CONSUMER).refused("promise-keeps-it-private")


def test_b1_it_becomes_public_also_when_it_was_closed_without_a_resolution() -> None:
    closed = lived(step(ending.close, day(1), REGULATOR, ground="no_agreement"), since=PROMISED)
    over = missed(Deadline.PUBLICATION, "2026-03-09")
    assert lapsed(closed, day(8)) == (
        over,
        Published(occurred_at=over.occurred_at, actor=over.actor, basis="promise_unkept"),
    )


@pytest.mark.parametrize(
    "last",
    [
        step(settlement.resolve, day(1), CONSUMER, basis="consumer_confirmed"),
        step(settlement.settle, day(1), MEDIATOR, terms=(REFUND,)),
        step(ending.withdraw, day(1), CONSUMER),
    ],
)
def test_b1_what_was_resolved_in_time_or_withdrawn_never_becomes_public(last: tuple[object, ...]) -> None:
    names = [event.name for event in lapsed(lived(last, since=PROMISED), day(300))]  # type: ignore[arg-type]
    assert "complaint.published" not in names


def test_b1_it_is_published_once() -> None:
    given(*PUBLIC).when(publication.publish, at=day(2), by=CONSUMER).refused("publish-once")
    given(*UNPROMISED).when(publication.publish, at=day(2), by=CONSUMER).refused("publish-once")


def test_b1_what_is_public_may_be_withheld_for_good() -> None:
    given(*PUBLIC).when(publication.withhold, at=day(2), by=REGULATOR, reason="names a child").then(
        Withheld(occurred_at=day(2), actor=REGULATOR, reason="names a child")
    )
    given(*WITHHELD).when(publication.withhold, at=day(3), by=REGULATOR, reason="x").refused("withhold-what-is-public")
    given(*WITHHELD).when(publication.publish, at=day(3), by=CONSUMER).refused("publish-unless-withheld")


def test_b1_what_was_withheld_does_not_become_public_again() -> None:
    history = lived(
        step(publication.withhold, day(1), REGULATOR, reason="names a child"),
        step(ending.close, day(1), REGULATOR, ground="no_agreement"),
        step(ending.reopen, day(2), CONSUMER, reason="again"),
        since=UNPROMISED,
    )
    assert not COMPLAINT.fold((*history, *lapsed(history, day(30)))).published


def test_b1_before_it_is_known_whether_the_merchant_has_signed_nothing_is_published() -> None:
    given(*FILED).when(publication.publish, at=day(1), by=CONSUMER).refused("publish-at-wish")


@pytest.mark.parametrize("ground", ["unfounded"])
def test_b1_what_was_unfounded_is_no_unkept_promise(ground: str) -> None:
    closed = lived(step(ending.close, day(1), REGULATOR, ground=ground), since=PROMISED)
    assert lapsed(closed, day(30)) == ()


@pytest.mark.parametrize("history", [VERIFYING, CASE, REPORT])
def test_a14_a_report_is_not_published(history: tuple[Event, ...]) -> None:
    given(*history).when(publication.publish, at=day(3), by=CONSUMER).refused("publish-at-wish")


def test_b1_a_refused_complaint_is_not_published() -> None:
    refused = lived(step(handling.refuse, day(2), REGULATOR, ground="out-of-time"), since=RECEIVED)
    given(*refused).when(publication.publish, at=day(3), by=CONSUMER).refused("publish-at-wish")


TEXT = "A rice cooker broke within the warranty; it was repaired and a part of the price refunded."
BOTH = (
    step(publication.consent_to_publication, day(10), CONSUMER),
    step(publication.consent_to_publication, day(10), MERCHANT),
)


def decided(history: tuple[Event, ...], by: object = ADJUDICATOR) -> tuple[Event, ...]:
    return lived(step(ways.decide, day(9), by, reasons="as the report says"), since=history)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("history", "way"), [(decided(BY_PLATFORM, PLATFORM), Way.ADJUDICATION), (decided(IN_COURT), Way.LITIGATION)]
)
def test_d3_decisions_of_platforms_and_courts_are_published(history: tuple[Event, ...], way: Way) -> None:
    given(*history).when(publication.publish_outcome, at=day(10), by=MEDIATOR, text=TEXT).then(
        OutcomePublished(occurred_at=day(10), actor=MEDIATOR, way=way, text=TEXT)
    )


@pytest.mark.parametrize(("history", "way"), [(RESOLVED, Way.MEDIATION), (decided(ARBITRATED), Way.ARBITRATION)])
def test_d3_mediation_and_arbitration_are_published_with_the_consent_of_both_only(
    history: tuple[Event, ...], way: Way
) -> None:
    given(*history).when(publication.publish_outcome, at=day(10), by=MEDIATOR, text=TEXT).refused(
        "publish-with-consent"
    )
    one = lived(BOTH[0], since=history)
    given(*one).when(publication.publish_outcome, at=day(10), by=MEDIATOR, text=TEXT).refused("publish-with-consent")
    both = lived(*BOTH, since=history)
    given(*both).when(publication.publish_outcome, at=day(10), by=MEDIATOR, text=TEXT).then(
        OutcomePublished(occurred_at=day(10), actor=MEDIATOR, way=way, text=TEXT)
    )
    published = lived(step(publication.publish_outcome, day(10), MEDIATOR, text=TEXT), since=both)
    given(*published).when(publication.publish_outcome, at=day(11), by=MEDIATOR, text=TEXT).refused("publish-once")


def test_d3_without_a_decision_or_a_mediated_agreement_there_is_no_outcome_to_publish() -> None:
    confirmed = lived(step(settlement.resolve, day(4), CONSUMER, basis="consumer_confirmed"), since=ROUTED)
    given(*confirmed).when(publication.publish_outcome, at=day(10), by=MEDIATOR, text=TEXT).refused(
        "publish-an-outcome"
    )
    given(*MEDIATING).when(publication.publish_outcome, at=day(10), by=MEDIATOR, text=TEXT).refused(
        "publish-an-outcome"
    )


def test_d3_each_party_consents_to_publication_once_and_after_the_end() -> None:
    given(*RESOLVED).when(publication.consent_to_publication, at=day(10), by=CONSUMER).then(
        PublicationConsented(occurred_at=day(10), actor=CONSUMER, side=Side.CONSUMER)
    )
    one = lived(BOTH[0], since=RESOLVED)
    given(*one).when(publication.consent_to_publication, at=day(10), by=CONSUMER).refused("consent-once")
    given(*one).when(publication.consent_to_publication, at=day(10), by=SERVICE, side=Side.CONSUMER).refused(
        "consent-once"
    )
    given(*MEDIATING).when(publication.consent_to_publication, at=day(10), by=CONSUMER).refused(
        "consent-to-publication"
    )
