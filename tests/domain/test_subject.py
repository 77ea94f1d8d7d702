"""A person's consents, one per use and recipient, and leaks of the person's data."""

from __future__ import annotations

from typing import Any

import pytest

from domain.complaint.state import RequestKind, Status
from domain.streams import SUBJECT
from domain.subject import consents, leaks
from domain.subject.consents import ConsentGiven, ConsentsOpened, ConsentWithdrawn
from domain.subject.leaks import LeakRecorded
from domain.subject.state import Purpose
from domain.tracing import Traced
from domain.values import Actor, Role
from tests.domain.lives import DIGEST, STRANGER
from tests.domain.scenario import CONSUMER, MERCHANT, REGULATOR, day, given

COMPLAINT_ID = "complaint-11111111-1111-4111-8111-111111111111"
AGENT = Actor("10101010-1010-4010-8010-101010101010", Role.AGENT)
OPENED = ConsentsOpened(occurred_at=day(0), actor=CONSUMER, consumer_id=CONSUMER.id)
USE: dict[str, Any] = {"purpose": Purpose.CROSS_BORDER_TRANSFER, "recipient": "Consumer Council"}
GIVEN = ConsentGiven(occurred_at=day(1), actor=CONSUMER, text=DIGEST, **USE)
WITHDRAWN = ConsentWithdrawn(occurred_at=day(3), actor=CONSUMER, **USE)


def test_b12_consents_are_opened_once_by_the_person_or_an_agent() -> None:
    opening = {"at": day(0), "consumer_id": CONSUMER.id}
    given(kind=SUBJECT).when(consents.open_consents, by=CONSUMER, **opening).then(OPENED)
    given(kind=SUBJECT).when(consents.open_consents, by=AGENT, **opening).then(
        OPENED.model_copy(update={"actor": AGENT})
    )
    given(OPENED, kind=SUBJECT).when(consents.open_consents, by=CONSUMER, **opening).refused("consents-opened-once")
    given(kind=SUBJECT).when(consents.open_consents, by=MERCHANT, **opening).refused("consents-opened-once-by")
    given(kind=SUBJECT).when(consents.open_consents, by=CONSUMER, at=day(0), consumer_id=STRANGER).refused(
        "consent-by-the-person"
    )


def test_b12_one_consent_is_given_per_use_and_recipient() -> None:
    giving = {"at": day(1), "by": CONSUMER, "text": DIGEST}
    given(OPENED, kind=SUBJECT).when(consents.give_consent, **giving, **USE).then(GIVEN)
    given(OPENED, GIVEN, kind=SUBJECT).when(consents.give_consent, **giving, **USE).refused("consent-given-once")
    for other in ({**USE, "purpose": Purpose.RESEARCH}, {**USE, "recipient": "another"}):
        given(OPENED, GIVEN, kind=SUBJECT).when(consents.give_consent, **giving, **other).then(
            GIVEN.model_copy(update=other)
        )


def test_b12_nobody_else_consents_for_a_person_but_an_agent_who_is_named() -> None:
    giving = {"at": day(1), "text": DIGEST, **USE}
    given(OPENED, kind=SUBJECT).when(consents.give_consent, by=MERCHANT, **giving).refused("consent-given-once-by")
    stranger = Actor(STRANGER, Role.CONSUMER)
    given(OPENED, kind=SUBJECT).when(consents.give_consent, by=stranger, **giving).refused("consent-by-the-person")
    given(OPENED, kind=SUBJECT).when(consents.give_consent, by=AGENT, **giving).then(
        GIVEN.model_copy(update={"actor": AGENT, "agent_id": AGENT.id})
    )


def test_b12_a_consent_ends_at_once_when_it_is_withdrawn_and_can_be_given_again() -> None:
    given(OPENED, GIVEN, kind=SUBJECT).when(consents.withdraw_consent, at=day(3), by=CONSUMER, **USE).then(WITHDRAWN)
    again = GIVEN.model_copy(update={"occurred_at": day(5)})
    state = SUBJECT.fold([OPENED, GIVEN, WITHDRAWN, again])
    held = {at: state.consented(**USE, at=day(at)) for at in (0, 1, 2.9, 3, 4, 5, 9)}
    assert held == {0: False, 1: True, 2.9: True, 3: False, 4: False, 5: True, 9: True}
    assert not state.consented(Purpose.MARKETING, "Consumer Council", day(2))


def test_b12_only_what_was_given_is_withdrawn() -> None:
    given(OPENED, kind=SUBJECT).when(consents.withdraw_consent, at=day(3), by=CONSUMER, **USE).refused(
        "withdraw-what-was-given"
    )
    given(OPENED, GIVEN, kind=SUBJECT).when(
        consents.withdraw_consent, at=day(3), by=CONSUMER, purpose=Purpose.RESEARCH, recipient="x"
    ).refused("withdraw-what-was-given")
    given(OPENED, GIVEN, kind=SUBJECT).when(consents.withdraw_consent, at=day(0.5), by=CONSUMER, **USE).invalid(
        "before the last thing that happened"
    )


LEAK: dict[str, Any] = {"source": "a courier's app", "what": "address and telephone", "complaints": (COMPLAINT_ID,)}


def test_b12_a_leak_is_recorded_with_the_complaints_that_tell_of_it() -> None:
    told = Traced(COMPLAINT_ID, RequestKind.COMPLAINT, Status.FILED, "")
    given(OPENED, kind=SUBJECT).when(leaks.record_leak, at=day(2), by=REGULATOR, traced=(told,), **LEAK).then(
        recorded := LeakRecorded(occurred_at=day(2), actor=REGULATOR, **LEAK)
    )
    assert SUBJECT.fold([OPENED, recorded]).since == day(2)


def test_b12_a_leak_is_recorded_of_a_person_who_never_consented_to_anything() -> None:
    told = Traced(COMPLAINT_ID, RequestKind.COMPLAINT, Status.FILED, "")
    given(kind=SUBJECT).when(consents.open_consents, at=day(0), by=REGULATOR, consumer_id=CONSUMER.id).then(
        opened := OPENED.model_copy(update={"actor": REGULATOR})
    )
    given(opened, kind=SUBJECT).when(leaks.record_leak, at=day(2), by=REGULATOR, traced=(told,), **LEAK).then(
        LeakRecorded(occurred_at=day(2), actor=REGULATOR, **LEAK)
    )
    giving = {"at": day(2), "text": DIGEST, **USE}
    given(opened, kind=SUBJECT).when(consents.give_consent, by=REGULATOR, **giving).refused("consent-given-once-by")


@pytest.mark.parametrize(
    ("by", "history", "rule"),
    [
        (REGULATOR, (OPENED,), "consequence-traces-to-complaints"),
        (CONSUMER, (OPENED,), "leak-of-a-known-person-by"),
        (REGULATOR, (), "leak-of-a-known-person"),
    ],
)
def test_b12_no_leak_is_recorded_without_complaints_or_by_others(
    by: Actor, history: tuple[Any, ...], rule: str
) -> None:
    given(*history, kind=SUBJECT).when(leaks.record_leak, at=day(2), by=by, traced=(), **LEAK).refused(rule)
