"""Warning cases, and the curated list of a year."""

from __future__ import annotations

from typing import Any

import pytest

from domain.complaint.state import RequestKind, Status
from domain.event import Event
from domain.office import warnings
from domain.office.warnings import ExternalFigure, WarningIssued, YearlyListPublished
from domain.streams import OFFICE
from domain.tracing import Traced
from tests.domain.scenario import CONSUMER, MERCHANT_ID, REGULATOR, day, given, on
from tests.domain.test_office import ESTABLISHED

COMPLAINTS = tuple(f"complaint-{n}1111111-1111-4111-8111-111111111111" for n in (1, 2))
TRACED = tuple(Traced(one, RequestKind.COMPLAINT, Status.ROUTED, MERCHANT_ID) for one in COMPLAINTS)
THEME: dict[str, Any] = {"theme": "prepaid cards", "text": "gyms that close overnight", "complaints": COMPLAINTS}
FIRST = WarningIssued(occurred_at=day(1), actor=REGULATOR, number=1, **THEME)
SECOND = FIRST.model_copy(update={"number": 2, "occurred_at": day(2)})
NEXT_YEAR = FIRST.model_copy(update={"number": 3, "occurred_at": on("2027-01-01 00:30")})
WARNED: tuple[Event, ...] = (ESTABLISHED, FIRST, SECOND, NEXT_YEAR)
QUOTED = ExternalFigure(source="blue book of another platform", what="complaints in 2026", value="45,938")
LISTING: dict[str, Any] = {"at": on("2027-01-15 10:00"), "by": REGULATOR, "year": 2026}


def test_b5_a_warning_groups_complaints_under_a_theme_and_cites_them() -> None:
    given(ESTABLISHED, kind=OFFICE).when(warnings.issue_warning, at=day(1), by=REGULATOR, traced=TRACED, **THEME).then(
        FIRST
    )
    given(ESTABLISHED, FIRST, kind=OFFICE).when(
        warnings.issue_warning, at=day(2), by=REGULATOR, traced=TRACED, **THEME
    ).then(SECOND)


def test_b5_a_warning_rests_on_complaints_that_stand_and_is_an_offices() -> None:
    warning = {"at": day(1), **THEME}
    given(ESTABLISHED, kind=OFFICE).when(warnings.issue_warning, by=REGULATOR, traced=(), **warning).refused(
        "consequence-traces-to-complaints"
    )
    merged = Traced(COMPLAINTS[0], RequestKind.COMPLAINT, Status.MERGED, MERCHANT_ID)
    given(ESTABLISHED, kind=OFFICE).when(warnings.issue_warning, by=REGULATOR, traced=(merged,), **warning).invalid(
        "merged into another"
    )
    given(ESTABLISHED, kind=OFFICE).when(warnings.issue_warning, by=CONSUMER, traced=TRACED, **warning).refused(
        "warning-from-an-office-by"
    )
    given(kind=OFFICE).when(warnings.issue_warning, by=REGULATOR, traced=TRACED, **warning).refused(
        "warning-from-an-office"
    )


def test_b5_the_list_of_a_year_is_a_choice_of_its_warnings_and_marks_figures_of_others() -> None:
    given(*WARNED, kind=OFFICE).when(warnings.publish_yearly_list, warnings=(2, 1), external=(QUOTED,), **LISTING).then(
        published := YearlyListPublished(
            occurred_at=LISTING["at"], actor=REGULATOR, year=2026, edition=1, warnings=(2, 1), external=(QUOTED,)
        )
    )
    given(*WARNED, published, kind=OFFICE).when(warnings.publish_yearly_list, warnings=(1,), **LISTING).then(
        YearlyListPublished(occurred_at=LISTING["at"], actor=REGULATOR, year=2026, edition=2, warnings=(1,))
    )


@pytest.mark.parametrize("chosen", [(3,), (1, 4)], ids=["of another year", "not issued"])
def test_b5_nothing_else_is_on_the_list_of_a_year(chosen: tuple[int, ...]) -> None:
    given(*WARNED, kind=OFFICE).when(warnings.publish_yearly_list, warnings=chosen, **LISTING).refused(
        "list-warnings-of-the-year"
    )


def test_b5_a_list_names_each_warning_once() -> None:
    for chosen in ((), (1, 1)):
        given(*WARNED, kind=OFFICE).when(warnings.publish_yearly_list, warnings=chosen, **LISTING).invalid(
            "no warning, or one twice"
        )
    given(ESTABLISHED, kind=OFFICE).when(warnings.publish_yearly_list, warnings=(1,), **LISTING).refused(
        "list-warnings-of-the-year"
    )
