"""The rules of an office and its mediators."""

from __future__ import annotations

from domain.complaint.mediation import Candidate, MediatorKind, choose
from domain.office import establishment, mediators
from domain.office.establishment import Established, Level
from domain.office.mediators import ConflictDeclared, MediatorEnrolled, MediatorReleased
from domain.streams import OFFICE
from tests.domain.scenario import CONSUMER, MERCHANT_ID, REGULATOR, day, given

CITY = "office-55555555-5555-4555-8555-555555555555"
MEDIATOR = "66666666-6666-4666-8666-666666666666"
OTHER = "77777777-7777-4777-8777-777777777777"
ESTABLISHED = Established(
    occurred_at=day(0),
    actor=REGULATOR,
    title="西湖区市场监督管理局",
    level=Level.COUNTY,
    division="330106",
    superior=CITY,
)
ENROLLED = MediatorEnrolled(
    occurred_at=day(1),
    actor=REGULATOR,
    mediator_id=MEDIATOR,
    kind=MediatorKind.PEOPLES_COMMITTEE,
    classes=("rice cooker",),
    capacity=2,
)
CONFLICT = ConflictDeclared(occurred_at=day(2), actor=REGULATOR, mediator_id=MEDIATOR, party_id=MERCHANT_ID)


def test_g3_an_office_has_its_place_in_the_tree() -> None:
    given(kind=OFFICE).when(
        establishment.establish,
        at=day(0),
        by=REGULATOR,
        title="西湖区市场监督管理局",
        level=Level.COUNTY,
        division="330106",
        superior=CITY,
    ).then(ESTABLISHED)


def test_g3_only_the_national_office_has_no_superior() -> None:
    given(kind=OFFICE).when(
        establishment.establish, at=day(0), by=REGULATOR, title="x", level=Level.COUNTY, division="330106"
    ).invalid("needs its superior")
    given(kind=OFFICE).when(
        establishment.establish,
        at=day(0),
        by=REGULATOR,
        title="x",
        level=Level.NATIONAL,
        division="000000",
        superior=CITY,
    ).invalid("has no superior")


def test_g3_an_office_is_established_once_and_by_a_regulator() -> None:
    again = {"at": day(1), "title": "x", "level": Level.COUNTY, "division": "330106", "superior": CITY}
    given(ESTABLISHED, kind=OFFICE).when(establishment.establish, by=REGULATOR, **again).refused(
        "office-established-once"
    )
    given(kind=OFFICE).when(establishment.establish, by=CONSUMER, **again).refused("office-established-once-by")


def test_d9_a_mediator_is_enrolled_once_for_kinds_of_case_and_a_number_of_them() -> None:
    enrolling = {
        "at": day(1),
        "by": REGULATOR,
        "mediator_id": MEDIATOR,
        "kind": MediatorKind.PEOPLES_COMMITTEE,
        "classes": ("rice cooker",),
        "capacity": 2,
    }
    given(ESTABLISHED, kind=OFFICE).when(mediators.enrol_mediator, **enrolling).then(ENROLLED)
    given(ESTABLISHED, ENROLLED, kind=OFFICE).when(mediators.enrol_mediator, **enrolling).refused(
        "mediator-enrolled-once"
    )


def test_d9_conflicts_are_declared_once_for_mediators_who_are_enrolled() -> None:
    declaring = {"at": day(2), "by": REGULATOR, "mediator_id": MEDIATOR, "party_id": MERCHANT_ID}
    given(ESTABLISHED, ENROLLED, kind=OFFICE).when(mediators.declare_conflict, **declaring).then(CONFLICT)
    given(ESTABLISHED, ENROLLED, CONFLICT, kind=OFFICE).when(mediators.declare_conflict, **declaring).refused(
        "conflict-declared-once"
    )
    given(ESTABLISHED, kind=OFFICE).when(mediators.declare_conflict, **declaring).refused("mediator-enrolled")
    given(ESTABLISHED, ENROLLED, kind=OFFICE).when(mediators.declare_conflict, **{**declaring, "by": CONSUMER}).refused(
        "conflict-declared-once-by"
    )


def test_d9_a_released_mediator_is_no_candidate() -> None:
    released = MediatorReleased(occurred_at=day(3), actor=REGULATOR, mediator_id=MEDIATOR, reason="retired")
    given(ESTABLISHED, ENROLLED, kind=OFFICE).when(
        mediators.release_mediator, at=day(3), by=REGULATOR, mediator_id=MEDIATOR, reason="retired"
    ).then(released)
    assert OFFICE.fold([ESTABLISHED, ENROLLED]).candidates({MEDIATOR: 1}) == (
        Candidate(
            mediator_id=MEDIATOR,
            kind=MediatorKind.PEOPLES_COMMITTEE,
            classes=frozenset({"rice cooker"}),
            load=1,
            capacity=2,
        ),
    )
    assert OFFICE.fold([ESTABLISHED, ENROLLED, released]).candidates({}) == ()


def test_d9_the_one_with_the_least_load_who_takes_such_cases_and_has_no_conflict_is_chosen() -> None:
    busy = Candidate(mediator_id=MEDIATOR, kind=MediatorKind.PERSON, load=3)
    free = Candidate(mediator_id=OTHER, kind=MediatorKind.PERSON, load=1)
    assert choose([busy, free], "rice cooker", frozenset()) == free
    biased = free.model_copy(update={"conflicts": frozenset({MERCHANT_ID})})
    assert choose([busy, biased], "rice cooker", frozenset({MERCHANT_ID})) == busy
    narrow = free.model_copy(update={"classes": frozenset({"shoes"})})
    assert choose([busy, narrow], "rice cooker", frozenset()) == busy
    full = busy.model_copy(update={"capacity": 3})
    assert choose([full, narrow], "rice cooker", frozenset()) is None
