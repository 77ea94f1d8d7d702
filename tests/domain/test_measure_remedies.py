"""What can be done against a measure: appeal, review, suit, damages."""

from __future__ import annotations

from typing import Any

import pytest

from domain.event import Event
from domain.measure import damages, remedies
from domain.measure.damages import DamagesAwarded, DamagesClaimed
from domain.measure.ending import Lifted, Paid
from domain.measure.remedies import DecisionMissed, DecisionOutcome, RemedyWithdrawn, Sued
from domain.measure.state import MeasureKind, Remedy, RemedyKind, Sanction, Status, is_milder
from domain.rulebook.book import TermName
from domain.streams import MEASURE as KIND
from domain.values import CLOCK, Actor, Money
from tests.domain.measures import (
    APPEALED,
    CLOSED,
    DECISION,
    FINED,
    LIMITED,
    PLATFORM_ID,
    REVIEWER,
    REVOKED,
    SOUGHT,
    SUED,
    SUIT,
    UPHELD,
    decided,
    running,
)
from tests.domain.scenario import (
    ADJUDICATOR,
    CONSUMER,
    FIRST,
    MERCHANT,
    PLATFORM,
    REGULATOR,
    SERVICE,
    Outcome,
    day,
    given,
    on,
)


def decide(*history: Event, by: Actor, outcome: DecisionOutcome, **other: Any) -> Outcome:
    arguments = {"at": day(13), "reasons": "as found"} | other
    return given(*history, kind=KIND).when(remedies.decide_appeal, by=by, outcome=outcome, **arguments)


def test_e2_a_merchant_appeals_to_the_platform_within_the_term() -> None:
    appealing = {"at": day(11), "by": MERCHANT, "grounds": "they are genuine", "damages": Money(fen=5000)}
    given(LIMITED, kind=KIND).when(remedies.appeal, **appealing).then(APPEALED)
    given(LIMITED, kind=KIND).when(remedies.appeal, **{**appealing, "at": on("2026-03-28 00:00")}).refused(
        "remedy-within-term"
    )
    given(LIMITED, kind=KIND).when(remedies.appeal, **{**appealing, "damages": Money(fen=0)}).invalid("no claim")
    given(LIMITED, kind=KIND).when(remedies.appeal, **{**appealing, "by": CONSUMER}).refused("one-remedy-at-a-time-by")
    given(FINED, kind=KIND).when(remedies.appeal, **appealing).refused("remedy-of-this-measure")


def test_e2_review_or_suit_is_open_against_a_penalty() -> None:
    seeking = {"at": day(11), "by": MERCHANT, "grounds": "it was true", "body": "City of Hangzhou"}
    suing = {
        "at": day(12),
        "by": MERCHANT,
        "court": "Hangzhou Internet Court",
        "reference": "12",
        "grounds": "it was true",
    }
    given(FINED, kind=KIND).when(remedies.seek_review, **seeking).then(SOUGHT)
    given(FINED, kind=KIND).when(remedies.sue, **suing).then(SUED)
    given(LIMITED, kind=KIND).when(remedies.seek_review, **seeking).refused("remedy-of-this-measure")
    given(LIMITED, kind=KIND).when(remedies.sue, **suing).refused("remedy-of-this-measure")
    given(FINED, kind=KIND).when(remedies.seek_review, **{**seeking, "at": day(80)}).refused("remedy-within-term")
    given(FINED, kind=KIND).when(remedies.sue, **{**suing, "at": day(200)}).refused("remedy-within-term")


def test_e2_while_one_remedy_is_open_there_is_no_other() -> None:
    given(FINED, SOUGHT, kind=KIND).when(
        remedies.sue, at=day(12), by=MERCHANT, court="x", reference="x", grounds="x"
    ).refused("one-remedy-at-a-time")


def test_e2_a_suit_can_follow_a_review_and_is_final() -> None:
    suit = Remedy(
        kind=RemedyKind.SUIT,
        term=running(TermName.SUIT, "2026-09-15 23:59:59", "Administrative Litigation Law, art. 46"),
    )
    upheld = decided(RemedyKind.REVIEW, DecisionOutcome.UPHELD, REVIEWER, remedies=(suit,))
    decide(FINED, SOUGHT, by=REVIEWER, outcome=DecisionOutcome.UPHELD).then(upheld)
    reviewed = (FINED, SOUGHT, upheld)
    later = SUED.model_copy(update={"occurred_at": day(14)})
    suing = {"by": MERCHANT, "court": "Hangzhou Internet Court", "reference": "12", "grounds": "it was true"}
    given(*reviewed, kind=KIND).when(remedies.sue, at=day(14), **suing).then(later)
    given(*reviewed, kind=KIND).when(remedies.seek_review, at=day(14), by=MERCHANT, grounds="x", body="x").refused(
        "remedy-of-this-measure"
    )
    final = decided(RemedyKind.SUIT, DecisionOutcome.UPHELD, ADJUDICATOR)
    decide(FINED, SUED, by=ADJUDICATOR, outcome=DecisionOutcome.UPHELD).then(final)
    for action, arguments in (
        (remedies.sue, suing),
        (remedies.seek_review, {"by": MERCHANT, "grounds": "x", "body": "x"}),
    ):
        given(FINED, SUED, final, kind=KIND).when(action, at=day(14), **arguments).refused("remedy-of-this-measure")


def test_e2_each_remedy_is_decided_by_its_body_with_reasons() -> None:
    decide(FINED, SOUGHT, by=PLATFORM, outcome=DecisionOutcome.UPHELD).refused("decided-by-its-body")
    decide(FINED, SUED, by=REVIEWER, outcome=DecisionOutcome.UPHELD).refused("decided-by-its-body")
    decide(LIMITED, APPEALED, by=ADJUDICATOR, outcome=DecisionOutcome.UPHELD).refused("decided-by-its-body")
    decide(LIMITED, APPEALED, by=SERVICE, outcome=DecisionOutcome.UPHELD).then(
        UPHELD.model_copy(update={"actor": SERVICE})
    )
    decide(LIMITED, APPEALED, by=PLATFORM, outcome=DecisionOutcome.UPHELD, reasons=" ").refused("decision-has-reasons")
    decide(LIMITED, by=PLATFORM, outcome=DecisionOutcome.UPHELD).refused("decide-what-is-contested")


def test_e2_a_measure_that_is_revoked_does_not_count_in_credit() -> None:
    decide(LIMITED, APPEALED, by=PLATFORM, outcome=DecisionOutcome.REVOKED, damages=Money(fen=0)).then(REVOKED)
    assert REVOKED.counts is False
    assert KIND.fold([LIMITED, APPEALED, REVOKED]).status is Status.REVOKED
    decide(LIMITED, APPEALED, by=PLATFORM, outcome=DecisionOutcome.UPHELD).then(UPHELD)
    assert UPHELD.counts is True
    assert KIND.fold([LIMITED, APPEALED, UPHELD]).status is Status.IN_FORCE


def test_e2_a_measure_is_varied_to_something_milder_only() -> None:
    milder = {"kind": MeasureKind.TRAFFIC_CONTROL, "until": day(40), "damages": Money(fen=0)}
    decide(LIMITED, APPEALED, by=PLATFORM, outcome=DecisionOutcome.VARIED, **milder).then(
        decided(RemedyKind.APPEAL, DecisionOutcome.VARIED, PLATFORM, **milder)
    )
    for severe in (
        {"kind": MeasureKind.ACCOUNT_CLOSURE},
        {"kind": MeasureKind.LIMITED_FUNCTIONS, "until": day(40)},
        {"kind": MeasureKind.LIMITED_FUNCTIONS, "until": day(41)},
        {"kind": MeasureKind.TRAFFIC_CONTROL, "until": day(41)},
        {"kind": MeasureKind.PENALTY_WARNING},
    ):
        decide(LIMITED, APPEALED, by=PLATFORM, outcome=DecisionOutcome.VARIED, **severe).refused(
            "varied-to-something-milder"
        )
    decide(LIMITED, APPEALED, by=PLATFORM, outcome=DecisionOutcome.VARIED).invalid("not clear")
    decide(LIMITED, APPEALED, by=PLATFORM, outcome=DecisionOutcome.UPHELD, **milder).invalid("not clear")
    decide(LIMITED, APPEALED, by=PLATFORM, outcome=DecisionOutcome.UPHELD, until=day(40)).invalid("not clear")
    over = Lifted(occurred_at=day(12), actor=PLATFORM, reason="x")
    decide(LIMITED, APPEALED, over, by=PLATFORM, outcome=DecisionOutcome.VARIED, **milder).refused(
        "vary-what-is-in-force"
    )


@pytest.mark.parametrize(
    ("new", "old", "milder"),
    [
        (Sanction(kind=MeasureKind.FINE, amount=Money(fen=1)), Sanction(kind=MeasureKind.FINE, amount=Money(fen=2)), 1),
        (Sanction(kind=MeasureKind.FINE, amount=Money(fen=2)), Sanction(kind=MeasureKind.FINE, amount=Money(fen=2)), 0),
        (
            Sanction(kind=MeasureKind.FINE, amount=Money(fen=1, currency="USD")),
            Sanction(kind=MeasureKind.FINE, amount=Money(fen=2)),
            0,
        ),
        (
            Sanction(kind=MeasureKind.FINE, amount=Money(fen=1)),
            Sanction(kind=MeasureKind.CONFISCATION, amount=Money(fen=2)),
            0,
        ),
        (Sanction(kind=MeasureKind.PENALTY_WARNING), Sanction(kind=MeasureKind.FINE, amount=Money(fen=2)), 1),
        (
            Sanction(kind=MeasureKind.FINE, amount=Money(fen=2)),
            Sanction(kind=MeasureKind.SUSPENSION, until=day(1)),
            0,
        ),
        (Sanction(kind=MeasureKind.FINE, amount=Money(fen=2)), Sanction(kind=MeasureKind.LICENCE_REVOKED), 0),
        (Sanction(kind=MeasureKind.PENALTY_WARNING), Sanction(kind=MeasureKind.SUSPENSION, until=day(1)), 1),
        (Sanction(kind=MeasureKind.SUSPENSION, until=day(9)), Sanction(kind=MeasureKind.LICENCE_REVOKED), 1),
        (
            Sanction(kind=MeasureKind.SUSPENSION, until=day(1)),
            Sanction(kind=MeasureKind.SUSPENSION, until=day(2)),
            1,
        ),
    ],
)
def test_e2_milder_is_a_lower_step_or_less_of_the_same(new: Sanction, old: Sanction, milder: int) -> None:
    assert is_milder(new, old) == bool(milder)


def test_e2_the_platform_decides_in_its_term_or_the_miss_is_recorded() -> None:
    state = KIND.fold([CLOSED, APPEALED])
    missed = DecisionMissed(occurred_at=DECISION.due, actor=CLOCK)
    assert KIND.next_due is not None
    assert KIND.next_due(state) == DECISION.due
    assert KIND.fall_due(state, at=DECISION.due, book=FIRST) == []
    assert KIND.fall_due(state, at=day(60), book=FIRST) == [missed]
    late: dict[str, Any] = {"outcome": DecisionOutcome.REVOKED, "at": day(60), "damages": Money(fen=0)}
    decide(CLOSED, APPEALED, by=PLATFORM, **late).then(missed, REVOKED.model_copy(update={"occurred_at": day(60)}))


@pytest.mark.parametrize("by", [REGULATOR, ADJUDICATOR])
def test_e2_an_appeal_that_the_platform_ignores_is_decided_by_an_authority_or_an_adjudicator(by: Actor) -> None:
    missed = DecisionMissed(occurred_at=DECISION.due, actor=CLOCK)
    late: dict[str, Any] = {"outcome": DecisionOutcome.REVOKED, "at": day(60), "damages": Money(fen=5000)}
    revoked = REVOKED.model_copy(update={"occurred_at": day(60), "actor": by, "damages": Money(fen=5000)})
    decide(CLOSED, APPEALED, by=by, **late).then(missed, revoked)
    decide(CLOSED, APPEALED, missed, by=by, **late).then(revoked)
    for history in ((CLOSED, APPEALED), (CLOSED, APPEALED, missed)):
        decide(*history, by=by, **{**late, "at": day(13)}).refused("decided-by-its-body")
    decide(FINED, SOUGHT, by=REGULATOR, **{**late, "damages": None}).refused("decided-by-its-body")
    decide(CLOSED, APPEALED, missed, by=PLATFORM, **{**late, "at": day(13)}).then(
        revoked.model_copy(update={"occurred_at": day(13), "actor": PLATFORM})
    )


def test_e2_a_target_withdraws_what_it_contests_and_cannot_try_it_again() -> None:
    withdrawing: dict[str, Any] = {"at": day(12), "by": MERCHANT, "reason": "it was true"}
    withdraw = remedies.withdraw_remedy
    appeal = RemedyWithdrawn(occurred_at=day(12), actor=MERCHANT, remedy=RemedyKind.APPEAL, reason="it was true")
    review = appeal.model_copy(update={"remedy": RemedyKind.REVIEW})
    given(LIMITED, APPEALED, kind=KIND).when(withdraw, **withdrawing).then(appeal)
    given(FINED, SOUGHT, kind=KIND).when(withdraw, **withdrawing).then(review)
    given(FINED, SOUGHT, kind=KIND).when(withdraw, **{**withdrawing, "by": PLATFORM}).refused("contested-by-its-target")
    given(FINED, SOUGHT, kind=KIND).when(withdraw, **{**withdrawing, "at": day(10)}).invalid("done last against")
    given(FINED, kind=KIND).when(withdraw, **withdrawing).refused("withdraw-what-is-contested")
    given(FINED, SOUGHT, review, kind=KIND).when(
        remedies.seek_review, at=day(13), by=MERCHANT, grounds="x", body="x"
    ).refused("remedy-of-this-measure")
    given(FINED, SOUGHT, review, kind=KIND).when(
        remedies.sue, at=day(13), by=MERCHANT, court="x", reference="x", grounds="x"
    ).then(Sued(occurred_at=day(13), actor=MERCHANT, court="x", reference="x", grounds="x"))
    assert KIND.fold([CLOSED, APPEALED, appeal]).status is Status.IN_FORCE
    assert KIND.fold([CLOSED, APPEALED, appeal]).claimed is None
    lifted = Lifted(occurred_at=day(11), actor=PLATFORM, reason="x")
    assert KIND.fold([CLOSED, APPEALED, lifted, appeal]).status is Status.ENDED
    assert KIND.next_due is not None
    assert KIND.next_due(KIND.fold([CLOSED, APPEALED, appeal])) is None


def test_e2_only_whom_the_measure_is_on_contests_it_and_claims() -> None:
    on_platform = FINED.model_copy(update={"target": PLATFORM_ID})
    seeking: dict[str, Any] = {"at": day(11), "grounds": "it was true", "body": "City of Hangzhou"}
    suing: dict[str, Any] = {"at": day(11), "court": "x", "reference": "x", "grounds": "x"}
    for measure, theirs, others in ((FINED, MERCHANT, PLATFORM), (on_platform, PLATFORM, MERCHANT)):
        for action, arguments in ((remedies.seek_review, seeking), (remedies.sue, suing)):
            given(measure, kind=KIND).when(action, by=others, **arguments).refused("contested-by-its-target")
            assert given(measure, kind=KIND).when(action, by=theirs, **arguments).error is None
        revoked = decided(RemedyKind.REVIEW, DecisionOutcome.REVOKED, REVIEWER)
        claiming: dict[str, Any] = {"at": day(14), "amount": Money(fen=1), "grounds": "x"}
        claim = given(measure, SOUGHT.model_copy(update={"actor": theirs}), revoked, kind=KIND).when
        claim(damages.claim_damages, by=others, **claiming).refused("contested-by-its-target")
        assert claim(damages.claim_damages, by=theirs, **claiming).error is None


def test_e2_what_is_done_against_a_measure_is_recorded_in_order_and_all_else_in_any() -> None:
    lifted = Lifted(occurred_at=day(20), actor=PLATFORM, reason="x")
    appealing = {"at": day(11), "by": MERCHANT, "grounds": "they are genuine", "damages": Money(fen=5000)}
    given(LIMITED, lifted, kind=KIND).when(remedies.appeal, **appealing).then(APPEALED)
    decide(LIMITED, APPEALED, by=PLATFORM, outcome=DecisionOutcome.UPHELD, at=day(10.5)).invalid("done last against")
    suing = {"by": MERCHANT, "court": "x", "reference": "x", "grounds": "x"}
    reviewed = decided(RemedyKind.REVIEW, DecisionOutcome.UPHELD, REVIEWER, remedies=(SUIT,))
    given(FINED, SOUGHT, reviewed, kind=KIND).when(remedies.sue, at=day(12), **suing).invalid("done last against")


def test_e2_damages_are_claimed_after_revocation_and_awarded_up_to_the_claim() -> None:
    appealed = APPEALED.model_copy(update={"damages": None})
    revoked = (LIMITED, appealed, REVOKED.model_copy(update={"damages": None}))
    claimed = DamagesClaimed(occurred_at=day(14), actor=MERCHANT, amount=Money(fen=5000), grounds="lost sales")
    claiming = {"at": day(14), "by": MERCHANT, "amount": Money(fen=5000), "grounds": "lost sales"}
    given(*revoked, kind=KIND).when(damages.claim_damages, **claiming).then(claimed)
    given(LIMITED, kind=KIND).when(damages.claim_damages, **claiming).refused("damages-after-revocation")
    given(*revoked, claimed, kind=KIND).when(damages.claim_damages, **claiming).refused("damages-claimed-once")
    given(*revoked, kind=KIND).when(damages.claim_damages, **{**claiming, "amount": Money(fen=0)}).invalid("no claim")
    awarded = DamagesAwarded(occurred_at=day(15), actor=PLATFORM, amount=Money(fen=5000), reasons="as proved")
    awarding = {"at": day(15), "by": PLATFORM, "amount": Money(fen=5000), "reasons": "as proved"}
    award = damages.award_damages
    given(*revoked, claimed, kind=KIND).when(award, **awarding).then(awarded)
    given(*revoked, claimed, kind=KIND).when(award, **{**awarding, "amount": Money(fen=5001)}).refused(
        "damages-as-claimed"
    )
    given(*revoked, kind=KIND).when(award, **awarding).refused("damages-as-claimed")
    given(*revoked, claimed, kind=KIND).when(award, **{**awarding, "by": REVIEWER}).refused("decided-by-its-body")
    given(*revoked, claimed, kind=KIND).when(award, **{**awarding, "reasons": ""}).refused("decision-has-reasons")
    given(*revoked, claimed, awarded, kind=KIND).when(damages.claim_damages, **{**claiming, "at": day(16)}).refused(
        "damages-claimed-once"
    )


def test_e2_damages_claimed_with_the_appeal_can_be_awarded_with_the_decision() -> None:
    revoked: dict[str, Any] = {"by": PLATFORM, "outcome": DecisionOutcome.REVOKED}
    decide(LIMITED, APPEALED, **revoked, damages=Money(fen=5000)).then(
        REVOKED.model_copy(update={"damages": Money(fen=5000)})
    )
    decide(LIMITED, APPEALED, **revoked, damages=Money(fen=5001)).refused("damages-as-claimed")
    decide(LIMITED, APPEALED, **revoked, damages=Money(fen=5000, currency="USD")).refused("damages-as-claimed")
    decide(LIMITED, APPEALED, by=PLATFORM, outcome=DecisionOutcome.UPHELD, damages=Money(fen=1)).invalid("no damages")


def test_e2_damages_claimed_with_the_appeal_are_decided_with_it() -> None:
    milder: dict[str, Any] = {"kind": MeasureKind.TRAFFIC_CONTROL, "until": day(40)}
    for other in ({"outcome": DecisionOutcome.REVOKED}, {"outcome": DecisionOutcome.VARIED, **milder}):
        decide(LIMITED, APPEALED, by=PLATFORM, **other).refused("damages-decided-with-appeal")
        assert decide(LIMITED, APPEALED, by=PLATFORM, **other, damages=Money(fen=0)).error is None
    decide(LIMITED, APPEALED, by=PLATFORM, outcome=DecisionOutcome.UPHELD).then(UPHELD)
    claiming = {"at": day(14), "by": MERCHANT, "amount": Money(fen=1), "grounds": "x"}
    given(LIMITED, APPEALED, REVOKED, kind=KIND).when(damages.claim_damages, **claiming).refused("damages-claimed-once")


def test_e2_an_adjudicator_can_find_that_nothing_is_to_be_paid() -> None:
    revoked = (LIMITED, APPEALED.model_copy(update={"damages": None}), REVOKED.model_copy(update={"damages": None}))
    claimed = DamagesClaimed(occurred_at=day(14), actor=MERCHANT, amount=Money(fen=5000), grounds="lost sales")
    none = {"at": day(15), "by": ADJUDICATOR, "amount": Money(fen=0), "reasons": "no loss"}
    given(*revoked, claimed, kind=KIND).when(damages.award_damages, **none).then(
        DamagesAwarded(occurred_at=day(15), actor=ADJUDICATOR, amount=Money(fen=0), reasons="no loss")
    )
    given(*revoked, claimed, kind=KIND).when(damages.award_damages, **{**none, "at": day(13)}).invalid("done last")


def test_e2_what_was_paid_beyond_what_is_due_is_paid_back() -> None:
    paid = Paid(occurred_at=day(11), actor=MERCHANT, amount=Money(fen=150_000), reference="x", left=Money(fen=50_000))
    sought = SOUGHT.model_copy(update={"occurred_at": day(12)})
    revoked = decided(RemedyKind.REVIEW, DecisionOutcome.REVOKED, REVIEWER, repay=Money(fen=150_000))
    decide(FINED, paid, sought, by=REVIEWER, outcome=DecisionOutcome.REVOKED).then(revoked)
    suing = (FINED, paid, SUED)
    less = {"kind": MeasureKind.FINE, "amount": Money(fen=100_000)}
    varied = decided(RemedyKind.SUIT, DecisionOutcome.VARIED, ADJUDICATOR, **less, repay=Money(fen=50_000))
    decide(*suing, by=ADJUDICATOR, outcome=DecisionOutcome.VARIED, **less).then(varied)
    assert KIND.fold([*suing, varied]).left_fen == 0
    more = {"kind": MeasureKind.FINE, "amount": Money(fen=160_000)}
    decide(*suing, by=ADJUDICATOR, outcome=DecisionOutcome.VARIED, **more).then(
        decided(RemedyKind.SUIT, DecisionOutcome.VARIED, ADJUDICATOR, **more)
    )
