"""The authority: receiving, supplement, accepting, refusing, referring, transferring, abroad, supervising, after it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from domain.complaint import ending, filing, handling, mediation, negotiation, settlement
from domain.complaint.clocks import ClocksResumed, ClocksStopped
from domain.complaint.filing import Filed
from domain.complaint.handling import (
    Accepted,
    CalledBack,
    Concluded,
    MerchantNamed,
    Received,
    Referred,
    Refused,
    ReturnedFromAbroad,
    SentAbroad,
    SupervisionOrdered,
    SupplementAsked,
    Supplemented,
    Transferred,
)
from domain.complaint.jurisdiction import OfficeBasis, Shop
from domain.complaint.state import Deadline, RequestKind, Status
from domain.event import Event
from domain.merchant.state import Merchant
from domain.merchant.state import Status as MerchantStatus
from domain.rulebook.book import EMPTY, Authority
from domain.streams import COMPLAINT
from domain.subject.state import Purpose, Subject
from domain.values import Actor, Origin
from projections.resolution_statistics import MEASURES, contributions
from tests.domain.lives import (
    ACCEPTED,
    FILED,
    MEDIATING,
    OFFICE_ID,
    OTHER_OFFICE,
    PUDONG,
    RECEIVED,
    REPORT,
    RESOLVED,
    ROUTED,
    STRANGER,
    VERIFYING,
    XIHU,
    clock,
    filing_step,
    lived,
    missed,
    receive_step,
    row_of,
    step,
)
from tests.domain.scenario import (
    CONSUMER,
    FIRST,
    MEDIATOR,
    MERCHANT,
    MERCHANT_ID,
    PARTNER,
    REGULATOR,
    SERVICE,
    START,
    day,
    given,
    on,
)

ORDER_20, ORDER_121 = "samr-order-20", "samr-order-121"
WHERE: dict[str, Any] = {"office_id": OFFICE_ID, "division": XIHU, "shop": Shop(division=XIHU)}
RECEIVE: dict[str, Any] = {"by": REGULATOR, **WHERE}
UPGRADED = lived(step(negotiation.upgrade, START, CONSUMER), since=ROUTED)
AS_RECEIVED = Received(
    occurred_at=day(1),
    actor=REGULATOR,
    office_id=OFFICE_ID,
    division=XIHU,
    basis=OfficeBasis.MERCHANT,
    rule_set=ORDER_20,
    clocks=(clock(Deadline.ACCEPTANCE, day(1), "2026-03-12", ORDER_20),),
)


def test_a13_an_office_that_receives_a_complaint_decides_within_7_working_days() -> None:
    given(*FILED).when(handling.receive, at=day(1), **RECEIVE).then(AS_RECEIVED)


def test_a13_after_an_upgrade_the_term_runs_on() -> None:
    history = lived(step(handling.receive, day(1), REGULATOR, **WHERE), since=UPGRADED)
    assert history[len(UPGRADED) :] == (AS_RECEIVED.model_copy(update={"clocks": None}),)


def test_a13_it_is_received_once() -> None:
    given(*RECEIVED).when(handling.receive, at=day(2), **RECEIVE).refused("receive-once")
    given(*ROUTED).when(handling.receive, at=day(2), **RECEIVE).refused("receive-after-filing")


def test_a13_a_merchant_receives_nothing_in_place_of_the_office() -> None:
    given(*FILED).when(handling.receive, at=day(1), **{**RECEIVE, "by": MERCHANT}).refused("receive-after-filing-by")


def test_a13_an_office_elsewhere_is_not_competent() -> None:
    outcome = given(*FILED).when(handling.receive, at=day(1), **{**RECEIVE, "division": PUDONG})
    outcome.refused("competent-office")
    assert "the one of 330106 is" in str(outcome.error)


@pytest.mark.parametrize("division", ["330100", "330000", "000000"])
def test_a13_a_superior_office_may_receive_it(division: str) -> None:
    given(*FILED).when(handling.receive, at=day(1), **{**RECEIVE, "division": division}).then(
        AS_RECEIVED.model_copy(update={"division": division})
    )


OTHER = "merchant-23232323-2323-4232-8232-232323232323"
NAMING: dict[str, Any] = {"merchant_id": OTHER, "merchant": Merchant()}


def test_a13_b7_who_receives_what_was_not_routed_can_name_the_merchant() -> None:
    given(*FILED).when(handling.receive, at=day(1), **RECEIVE, **NAMING).then(
        received := AS_RECEIVED.model_copy(update={"merchant_id": OTHER})
    )
    history = (*FILED, received)
    assert (COMPLAINT.fold(history).merchant_id, row_of(history).merchant_id) == (OTHER, OTHER)
    # It is about one merchant from then on.
    accepting = {"at": day(2), "by": REGULATOR}
    another = {"merchant_id": MERCHANT_ID, "merchant": Merchant()}
    given(*history).when(handling.accept, **accepting, **another).refused("name-one-merchant")
    for known in (NAMING, {**another, "merchant": Merchant(absorbed=frozenset({OTHER}))}):
        (accepted,) = given(*history).when(handling.accept, **accepting, **known).events
        assert isinstance(accepted, Accepted)
        assert accepted.merchant_id is None


def test_a13_b7_the_merchant_can_be_named_when_it_is_accepted() -> None:
    (accepted,) = given(*RECEIVED).when(handling.accept, at=day(2), by=REGULATOR, **NAMING).events
    assert isinstance(accepted, Accepted)
    assert accepted.merchant_id == OTHER
    history = (*RECEIVED, accepted)
    assert (COMPLAINT.fold(history).merchant_id, row_of(history).merchant_id) == (OTHER, OTHER)


@pytest.mark.parametrize("history", [FILED, RECEIVED, MEDIATING, VERIFYING])
def test_a13_b7_the_merchant_is_named_while_it_is_open_and_not_known(history: tuple[Event, ...]) -> None:
    naming = {"at": day(4), "by": REGULATOR, **NAMING}
    given(*history).when(handling.name_merchant, **naming).then(
        named := MerchantNamed(occurred_at=day(4), actor=REGULATOR, merchant_id=OTHER)
    )
    after = (*history, named)
    assert (COMPLAINT.fold(after).merchant_id, row_of(after).merchant_id) == (OTHER, OTHER)
    given(*after).when(handling.name_merchant, **naming).refused("name-one-merchant")
    given(*history).when(handling.name_merchant, **{**naming, "by": MERCHANT}).refused("name-one-merchant-by")
    merged = Merchant(MerchantStatus.MERGED, merged_into=MERCHANT_ID)
    given(*history).when(handling.name_merchant, **{**naming, "merchant": merged}).refused("name-who-goes-on")


def test_a13_b7_no_merchant_is_named_after_the_end_or_in_place_of_another() -> None:
    given(*RESOLVED).when(handling.name_merchant, at=day(9), by=REGULATOR, **NAMING).refused("name-one-merchant")
    given(*ROUTED).when(handling.name_merchant, at=day(9), by=REGULATOR, **NAMING).refused("name-one-merchant")


ASKED = lived(step(handling.ask_supplement, day(3), REGULATOR, items=("invoice",)), since=RECEIVED)


def test_a13_what_is_missing_is_asked_for_and_the_clocks_stand_still_meanwhile() -> None:
    standing = (
        clock(Deadline.FIRST_RESPONSE, day(3), "2026-03-11", "12315-pledge-2017", left=4),
        clock(Deadline.RESOLUTION, day(3), "2026-05-28", "12315-pledge-2017", left=57),
        clock(Deadline.ACCEPTANCE, day(3), "2026-03-12", ORDER_20, left=5),
    )
    given(*RECEIVED).when(handling.ask_supplement, at=day(3), by=REGULATOR, items=("invoice",)).then(
        ClocksStopped(occurred_at=day(3), actor=REGULATOR, reason="supplement", clocks=standing),
        SupplementAsked(
            occurred_at=day(3),
            actor=REGULATOR,
            items=("invoice",),
            clocks=(clock(Deadline.SUPPLEMENT, day(3), "2026-03-16", ORDER_20),),
        ),
    )


def resumed(at: Any, by: Actor, *dues: str) -> ClocksResumed:
    first, resolution, acceptance = dues
    return ClocksResumed(
        occurred_at=at,
        actor=by,
        reason="supplement",
        clocks=(
            clock(Deadline.FIRST_RESPONSE, at, first, "12315-pledge-2017", n=4),
            clock(Deadline.RESOLUTION, at, resolution, "12315-pledge-2017", n=57),
            clock(Deadline.ACCEPTANCE, at, acceptance, ORDER_20, n=5),
        ),
    )


def test_a13_the_clocks_go_on_when_the_consumer_supplements() -> None:
    given(*ASKED).when(handling.supplement, at=day(8), by=CONSUMER, text="here it is").then(
        Supplemented(occurred_at=day(8), actor=CONSUMER, text="here it is"),
        resumed(day(8), CONSUMER, "2026-03-16", "2026-06-02", "2026-03-17"),
    )


def test_a13_without_a_supplement_the_clocks_go_on_after_its_term() -> None:
    late = missed(Deadline.SUPPLEMENT, "2026-03-16")
    go_on = resumed(late.occurred_at, late.actor, "2026-03-20", "2026-06-08", "2026-03-23")
    given(*ASKED).when(handling.accept, at=on("2026-03-17 09:00"), by=REGULATOR).then(
        late, go_on, accepted(on("2026-03-17 09:00"), ORDER_20, "2026-05-22")
    )


def test_a13_nothing_at_all_is_not_asked_for() -> None:
    given(*RECEIVED).when(handling.ask_supplement, at=day(3), by=REGULATOR, items=()).invalid("nothing is asked for")


def test_a13_a_supplement_is_asked_before_acceptance_and_given_when_asked() -> None:
    given(*ACCEPTED).when(handling.ask_supplement, at=day(3), by=REGULATOR, items=("x",)).refused(
        "supplement-before-acceptance"
    )
    given(*RECEIVED).when(handling.supplement, at=day(3), by=CONSUMER).refused("supplement-when-asked")


def accepted(at: Any, rule_set: str, last: str) -> Accepted:
    return Accepted(
        occurred_at=at,
        actor=REGULATOR,
        office_id=OFFICE_ID,
        rule_set=rule_set,
        clocks=(clock(Deadline.MEDIATION, at, last, rule_set),),
    )


def test_a4_accepted_under_order_20_it_is_mediated_within_45_working_days() -> None:
    given(*RECEIVED).when(handling.accept, at=day(2), by=REGULATOR).then(accepted(day(2), ORDER_20, "2026-05-11"))


def test_a4_accepted_since_order_121_it_is_mediated_within_60_days() -> None:
    history = lived(filing_step(on("2026-04-13 09:00")), receive_step(on("2026-04-14 09:00")))
    given(*history).when(handling.accept, at=on("2026-04-14 23:59"), by=REGULATOR).then(
        accepted(on("2026-04-14 23:59"), ORDER_20, "2026-06-18")
    )
    given(*history).when(handling.accept, at=on("2026-04-15 00:00"), by=REGULATOR).then(
        accepted(on("2026-04-15 00:00"), ORDER_121, "2026-06-14")
    )


def test_a4_accepted_under_order_62_it_is_mediated_within_60_days() -> None:
    history = lived(filing_step(on("2019-12-27 09:00")), receive_step(on("2019-12-27 10:00")))
    given(*history).when(handling.accept, at=on("2019-12-31 09:00"), by=REGULATOR).then(
        accepted(on("2019-12-31 09:00"), "saic-order-62", "2020-02-29")
    )


def test_a13_nobody_accepts_where_no_rules_are_in_force() -> None:
    history = lived(filing_step(), receive_step(), book=EMPTY)
    given(*history, book=EMPTY).when(handling.accept, at=day(2), by=REGULATOR).refused("rules-in-force")
    given(*history, book=EMPTY).when(handling.refuse, at=day(2), by=REGULATOR, ground="x").refused("rules-in-force")


def test_a13_an_office_has_received_what_it_accepts() -> None:
    given(*UPGRADED).when(handling.accept, at=day(2), by=REGULATOR).refused("office-has-it")
    given(*UPGRADED).when(
        handling.transfer, at=day(2), by=REGULATOR, office_id=OTHER_OFFICE, division=PUDONG, reason="x"
    ).refused("office-has-it")
    given(*FILED).when(handling.accept, at=day(2), by=REGULATOR).refused("accept-what-was-received")


GROUNDS = FIRST.rule_sets[ORDER_20].refusal_grounds


@pytest.mark.parametrize("ground", GROUNDS, ids=lambda ground: ground.code)
def test_a13_each_ground_of_refusal_is_told_with_its_source(ground: Any) -> None:
    given(*RECEIVED).when(handling.refuse, at=day(2), by=REGULATOR, ground=ground.code).then(
        Refused(
            occurred_at=day(2),
            actor=REGULATOR,
            ground=ground.code,
            text=ground.text,
            rule_set=ORDER_20,
            source=ground.source,
            counts=ground.counts,
        )
    )


@pytest.mark.parametrize("ground", ["not-a-consumer", "identity-refused"])
def test_a13_claims_of_no_consumer_and_refused_identity_checks_say_nothing_of_the_merchant(ground: str) -> None:
    refused = lived(step(handling.refuse, day(2), REGULATOR, ground=ground), since=RECEIVED)[-1]
    assert isinstance(refused, Refused)
    assert not refused.counts


def test_a13_a_ground_that_the_rules_do_not_know_is_refused() -> None:
    given(*RECEIVED).when(handling.refuse, at=day(2), by=REGULATOR, ground="too much work").invalid(
        "not a ground of samr-order-20: its grounds are: not-competent"
    )


def test_a13_what_was_accepted_is_not_refused_any_more() -> None:
    given(*ACCEPTED).when(handling.refuse, at=day(3), by=REGULATOR, ground="out-of-time").refused(
        "refuse-what-was-received"
    )


def test_a13_a_refusal_after_the_term_is_late() -> None:
    outcome = given(*RECEIVED).when(handling.refuse, at=on("2026-03-13 00:00"), by=REGULATOR, ground="out-of-time")
    assert outcome.events[1] == missed(Deadline.ACCEPTANCE, "2026-03-12")
    assert [event.name for event in outcome.events] == [
        "complaint.deadline_missed",
        "complaint.deadline_missed",
        "complaint.refused",
    ]


@pytest.mark.parametrize("history", [FILED, RECEIVED, REPORT, VERIFYING])
def test_a12_what_is_not_ours_is_referred_with_reason_and_addressee(history: tuple[Event, ...]) -> None:
    given(*history).when(
        handling.refer, at=day(2), by=REGULATOR, addressee="health commission", reason="a medical dispute"
    ).then(Referred(occurred_at=day(2), actor=REGULATOR, addressee="health commission", reason="a medical dispute"))


def test_a12_what_was_accepted_is_ours() -> None:
    given(*ACCEPTED).when(handling.refer, at=day(3), by=REGULATOR, addressee="x", reason="y").refused(
        "refer-while-undecided"
    )


def test_a12_a_referred_matter_is_outside_the_denominator() -> None:
    history = lived(step(handling.refer, day(2), REGULATOR, addressee="x", reason="y"), since=RECEIVED)
    assert counted(history)["filed"] == 1
    assert counted(history)["valid"] == 0


def test_a11_a_merged_matter_is_counted_nowhere_but_in_the_first() -> None:
    assert counted(lived(step(filing.merge, day(2), REGULATOR, into=f"complaint-{STRANGER}"), since=RECEIVED)) == {}


def counted(history: tuple[Event, ...]) -> dict[str, int]:
    of_all = [measures for key, measures in contributions(row_of(history)).items() if key[0] == "all"]
    return dict(zip(MEASURES, of_all[0], strict=True)) if of_all else {}


TRANSFER: dict[str, Any] = {"by": REGULATOR, "office_id": OTHER_OFFICE, "division": PUDONG, "reason": "moved"}
MOVE = step(handling.transfer, day(4), REGULATOR, office_id=OTHER_OFFICE, division=PUDONG, reason="moved")


@pytest.mark.parametrize("history", [RECEIVED, ASKED, ACCEPTED, MEDIATING, VERIFYING])
def test_a6_a_transfer_between_regions_keeps_clocks_and_history(history: tuple[Event, ...]) -> None:
    given(*history).when(handling.transfer, at=day(4), **TRANSFER).then(
        Transferred(
            occurred_at=day(4),
            actor=REGULATOR,
            from_office=OFFICE_ID,
            to_office=OTHER_OFFICE,
            region=PUDONG,
            reason="moved",
        )
    )
    moved = COMPLAINT.fold(lived(MOVE, since=history))
    assert moved.clocks == COMPLAINT.fold(history).clocks
    assert moved.holder == OTHER_OFFICE


def test_a6_an_office_does_not_transfer_to_itself() -> None:
    given(*ACCEPTED).when(handling.transfer, at=day(4), **{**TRANSFER, "office_id": OFFICE_ID}).invalid(
        "has it already"
    )


@pytest.mark.parametrize("history", [FILED, ROUTED, RESOLVED])
def test_a6_only_what_an_office_handles_is_transferred(history: tuple[Event, ...]) -> None:
    given(*history).when(handling.transfer, at=day(5), **TRANSFER).refused("transfer-between-offices")


def test_a10_a_case_that_was_accepted_keeps_its_rules_in_another_city() -> None:
    local = FIRST.rule_sets[ORDER_20].model_copy(update={"id": "pudong", "region": PUDONG})
    book = replace(FIRST, rule_sets={**FIRST.rule_sets, "pudong": local})
    history = lived(MOVE, since=ACCEPTED, book=book)
    assert book.rules(Authority.MARKET_REGULATOR, PUDONG, day(4).date()).id == "pudong"
    assert COMPLAINT.fold(history).rules == ORDER_20


USE = (Purpose.CROSS_BORDER_TRANSFER, "Consumer Council")
CONSENTED = Subject(consents={USE: ((day(1), day(5)),)})
ABROAD: dict[str, Any] = {"partner": "Consumer Council", "reference": "HK-77", "subject": CONSENTED}


def test_c7_it_goes_to_a_partner_with_a_reference_there_and_comes_back() -> None:
    given(*ACCEPTED).when(handling.send_abroad, at=day(3), by=REGULATOR, **ABROAD).then(
        SentAbroad(occurred_at=day(3), actor=REGULATOR, partner="Consumer Council", reference="HK-77")
    )
    away = lived(step(handling.send_abroad, day(3), REGULATOR, **ABROAD), since=ACCEPTED)
    assert COMPLAINT.fold(away).holder == "Consumer Council"
    given(*away).when(handling.return_from_abroad, at=day(9), by=PARTNER, outcome="refunded").then(
        ReturnedFromAbroad(occurred_at=day(9), actor=PARTNER, partner="Consumer Council", outcome="refunded")
    )
    back = lived(step(handling.return_from_abroad, day(9), PARTNER, outcome="refunded"), since=away)
    assert COMPLAINT.fold(back).holder == OFFICE_ID


@pytest.mark.parametrize(
    ("at", "changed"),
    [
        (day(3), {"subject": None}),
        (day(3), {"partner": "another"}),
        (day(5), {}),
        (day(3), {"subject": Subject(consents={(Purpose.RESEARCH, USE[1]): ((day(1), None),)})}),
    ],
    ids=["none", "to another", "withdrawn", "for another use"],
)
def test_c7_b12_nothing_goes_abroad_without_the_consumers_consent_to_that_partner(
    at: datetime, changed: dict[str, Any]
) -> None:
    given(*ACCEPTED).when(handling.send_abroad, at=at, by=REGULATOR, **{**ABROAD, **changed}).refused(
        "abroad-with-consent"
    )


def test_c7_what_a_register_of_origin_tells_of_was_sent_already() -> None:
    imported = lived(filing_step(by=SERVICE, origin=Origin(register_name="r", reference="1")), receive_step(), since=())
    given(*imported).when(handling.send_abroad, at=day(3), by=REGULATOR, partner="p", reference="1").then(
        SentAbroad(occurred_at=day(3), actor=REGULATOR, partner="p", reference="1")
    )


def test_c7_while_a_partner_has_it_nobody_else_gets_it() -> None:
    away = lived(step(handling.send_abroad, day(3), REGULATOR, **ABROAD), since=ACCEPTED)
    given(*away).when(handling.send_abroad, at=day(4), by=REGULATOR, **ABROAD).refused("held-here")
    given(*away).when(handling.transfer, at=day(4), **TRANSFER).refused("held-here")


def test_c7_only_what_was_sent_comes_back_and_only_what_an_office_has_is_sent() -> None:
    given(*ACCEPTED).when(handling.return_from_abroad, at=day(4), by=PARTNER, outcome="x").refused(
        "return-what-was-sent"
    )
    given(*FILED).when(handling.send_abroad, at=day(4), by=REGULATOR, **ABROAD).refused("send-abroad-from-office")


def test_a11_a_superior_office_supervises_and_the_original_clocks_are_kept() -> None:
    given(*ACCEPTED).when(
        handling.supervise, at=day(3), by=REGULATOR, office_id=OTHER_OFFICE, reason="complained in vain"
    ).then(SupervisionOrdered(occurred_at=day(3), actor=REGULATOR, office_id=OTHER_OFFICE, reason="complained in vain"))
    supervised = lived(step(handling.supervise, day(3), REGULATOR, office_id=OTHER_OFFICE, reason="x"), since=ACCEPTED)
    assert COMPLAINT.fold(supervised).clocks == COMPLAINT.fold(ACCEPTED).clocks


def test_a11_an_office_does_not_supervise_itself_nor_what_has_ended() -> None:
    given(*ACCEPTED).when(handling.supervise, at=day(3), by=REGULATOR, office_id=OFFICE_ID, reason="x").invalid(
        "does not supervise itself"
    )
    given(*RESOLVED).when(handling.supervise, at=day(5), by=REGULATOR, office_id=OTHER_OFFICE, reason="x").refused(
        "supervise-while-open"
    )


ENDINGS = {
    Status.RESOLVED: RESOLVED,
    Status.CLOSED: lived(step(mediation.refuse_mediation, day(4), MERCHANT), since=MEDIATING),
    Status.REFUSED: lived(step(handling.refuse, day(4), REGULATOR, ground="out-of-time"), since=RECEIVED),
    Status.REFERRED: lived(step(handling.refer, day(4), REGULATOR, addressee="x", reason="y"), since=RECEIVED),
    Status.WITHDRAWN: lived(step(ending.withdraw, day(4), CONSUMER), since=RECEIVED),
}


@pytest.mark.parametrize("status", ENDINGS)
def test_a13_a_case_at_its_end_is_concluded_once(status: Status) -> None:
    given(*ENDINGS[status]).when(handling.conclude, at=day(9), by=REGULATOR).then(
        Concluded(occurred_at=day(9), actor=REGULATOR)
    )
    concluded = lived(step(handling.conclude, day(9), REGULATOR), since=ENDINGS[status])
    given(*concluded).when(handling.conclude, at=day(9), by=REGULATOR).refused("conclude-once")


def test_a13_an_open_case_is_not_concluded() -> None:
    given(*MEDIATING).when(handling.conclude, at=day(9), by=REGULATOR).refused("conclude-after-end")


@pytest.mark.parametrize("status", [status for status in ENDINGS if status is not Status.WITHDRAWN])
def test_a13_the_consumer_is_called_back_until_reached_and_tells_how_satisfied_he_is(status: Status) -> None:
    in_vain = step(handling.call_back, day(9), MEDIATOR, reached=False)
    history = lived(in_vain, since=ENDINGS[status])
    given(*history).when(handling.call_back, at=day(10), by=MEDIATOR, reached=True, solved=True, satisfaction=4).then(
        CalledBack(occurred_at=day(10), actor=MEDIATOR, reached=True, solved=True, satisfaction=4)
    )
    asked = lived(step(handling.call_back, day(10), MEDIATOR, reached=True), since=history)
    given(*asked).when(handling.call_back, at=day(11), by=MEDIATOR, reached=True).refused("call-back-until-reached")


def test_a13_who_was_not_reached_said_nothing() -> None:
    given(*RESOLVED).when(handling.call_back, at=day(9), by=MEDIATOR, reached=False, solved=True).invalid(
        "who was not reached said nothing"
    )


def test_c7_what_a_partner_has_is_not_accepted_here() -> None:
    away = lived(step(handling.send_abroad, day(3), REGULATOR, **ABROAD), since=RECEIVED)
    given(*away).when(handling.accept, at=day(4), by=REGULATOR).refused("held-here")


def test_a13_nothing_is_asked_for_before_the_clocks_that_it_stops_began() -> None:
    given(*RECEIVED).when(handling.ask_supplement, at=day(0.5), by=REGULATOR, items=("invoice",)).invalid(
        "when the term of acceptance began to run"
    )


def test_a13_a_supplement_does_not_come_before_it_was_asked_for() -> None:
    given(*ASKED).when(handling.supplement, at=day(2), by=CONSUMER).invalid("was stopped")


def test_a13_nobody_is_called_back_before_the_end() -> None:
    given(*MEDIATING).when(handling.call_back, at=day(9), by=MEDIATOR, reached=True).refused("call-back-after-end")


@pytest.mark.parametrize("kind", [RequestKind.REPORT, RequestKind.CONSULTATION, RequestKind.SUGGESTION])
@pytest.mark.parametrize(
    ("action", "arguments"),
    [(handling.receive, WHERE), (negotiation.upgrade, {}), (settlement.resolve, {"basis": "agreement"})],
)
def test_a1_only_a_complaint_goes_the_way_of_a_complaint(kind: RequestKind, action: Any, arguments: Any) -> None:
    history = lived(filing_step(kind=kind))
    assert isinstance(history[0], Filed)
    by = CONSUMER if action is negotiation.upgrade else REGULATOR
    rule = {"resolve": "resolve-once-routed", "upgrade": "upgrade-from-the-merchant"}.get(
        action.name, "kind-has-its-own-path"
    )
    given(*history).when(action, at=day(1), by=by, **arguments).refused(rule)
