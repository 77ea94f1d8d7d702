"""What offices and funds seldom do in a simulation; and things at one instant, so that ties decide in which order a
board shows them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

from adapters.rulebook import PUBLISHER
from domain.complaint.mediation import MediatorKind
from domain.event import Event
from domain.fund.advances import Advanced, AdvanceRefused, Recovered, Shortfall, WrittenOff
from domain.fund.keeping import Closed, Opened, PaidIn
from domain.office.establishment import Established, Level
from domain.office.evaluation import ActionTaken, EvaluationRecorded, FindingRecorded, MeasuredAgain
from domain.office.mediators import ConflictDeclared, MediatorEnrolled, MediatorReleased
from domain.office.state import Figures
from domain.office.warnings import ExternalFigure, WarningIssued, YearlyListPublished
from domain.rulebook.book import Parameter, Parameters, Scale
from domain.rulebook.events import ParametersPublished, ScenarioPublished
from domain.rulebook.scenarios import Citation, Scenario
from domain.values import Money

#: The instant at which much happens at once: midnight in Shanghai, which in UTC is the day before.
AT = datetime(2026, 1, 4, 16, tzinfo=UTC)
#: The first instant of 10 February in Shanghai.
BOUNDARY = datetime(2026, 2, 9, 16, tzinfo=UTC)
FEBRUARY = datetime(2026, 1, 31, 16, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
#: When a term ends that is longer than whatever a simulation lasts.
FAR = datetime(2080, 1, 1, tzinfo=UTC)
E = TypeVar("E", bound=Event)


def own(kind: str, n: int) -> str:
    return f"{kind}-88888888-0000-4000-8000-{n:012}"


NATIONAL, NORTH, SOUTH, STATION, LOST, WEST, NOWHERE = (own("office", n) for n in range(7))
MEDIATOR = own("", 1)[1:]
SHOP = own("merchant", 3)
FUND = own("fund", 1)
PLATFORM = own("platform", 1)
ROOM = own("room", 1)
NUMBERS = "own-numbers"
CIRCLE = "own-circle"


def day(n: float) -> datetime:
    return AT + timedelta(days=n)


def did(kind: type[E], at: datetime = AT, /, **values: Any) -> E:
    return kind(occurred_at=at, actor=PUBLISHER, **values)


def offices() -> Iterator[tuple[str, list[Event]]]:
    """A tree with two of one division and one whose superior nobody knows; mediators who come and go; warnings."""
    above = {NORTH: NATIONAL, SOUTH: NATIONAL, WEST: NATIONAL, STATION: NORTH, LOST: NOWHERE}
    divisions = {
        NATIONAL: "000000",
        NORTH: "110000",
        SOUTH: "110000",
        WEST: "100000",
        STATION: "110105",
        LOST: "110100",
    }
    levels = {NATIONAL: Level.NATIONAL, STATION: Level.STATION}
    for office, division in divisions.items():
        place = {"level": levels.get(office, Level.CITY), "division": division, "superior": above.get(office)}
        yield office, [did(Established, title=f"office {office[-1]}", **place)]
    mediator = {"mediator_id": MEDIATOR, "capacity": 3}
    other = {"mediator_id": own("", 2)[1:], "kind": MediatorKind.PERSON, "capacity": 9}
    yield (
        NORTH,
        [
            did(MediatorEnrolled, **mediator, kind=MediatorKind.PERSON, classes=("food", "cars")),
            did(MediatorEnrolled, **other),
            did(ConflictDeclared, day(2), mediator_id=MEDIATOR, party_id="b"),
            did(ConflictDeclared, day(1), mediator_id=MEDIATOR, party_id="c"),
            did(ConflictDeclared, day(3), mediator_id=MEDIATOR, party_id="a"),
            did(MediatorReleased, day(10), mediator_id=MEDIATOR, reason="retires"),
            did(MediatorEnrolled, day(20), **mediator, kind=MediatorKind.ASSOCIATION, classes=("toys",)),
        ],
    )
    yield SOUTH, [did(MediatorEnrolled, **mediator, kind=MediatorKind.PERSON)]
    for office in (NORTH, SOUTH):
        times = (datetime(2025, 12, 31, 16, tzinfo=UTC) - INSTANT, AT, AT, datetime(2026, 12, 31, 16, tzinfo=UTC))
        cited = (own("complaint", 2), own("complaint", 1))
        yield (
            office,
            [
                did(WarningIssued, at, number=n, theme=f"theme {n}", text=f"text {n}", complaints=cited)
                for n, at in enumerate(times, 1)
            ],
        )
    theirs = [ExternalFigure(source=f"source {n}", what="requests", value=str(n)) for n in range(3)]
    yield (
        NORTH,
        [
            did(YearlyListPublished, year=2026, edition=1, warnings=(2,), external=(theirs[0], theirs[1])),
            did(YearlyListPublished, year=2027, edition=1, warnings=(4,)),
            did(YearlyListPublished, year=2026, edition=2, warnings=(3, 2), external=(theirs[2], theirs[0])),
        ],
    )


def evaluations() -> Iterator[tuple[str, list[Event]]]:
    """Editions of one quarter, a half-year that begins with it, and findings that later evaluations close or do not."""
    quarters = [(date(2026, 1, 1), date(2026, 3, 31)), (date(2026, 4, 1), date(2026, 6, 30))]
    half, third = (date(2026, 1, 1), date(2026, 6, 30)), (date(2026, 7, 1), date(2026, 9, 30))

    def made(number: int, edition: int, days: tuple[date, date], success: int | None, of: str = SHOP) -> Event:
        told = Figures(cases=number, success_permille=success, resolved=None if number % 2 else 0)
        period = {"first": days[0], "last": days[1], "evaluated": of}
        as_of = None if number % 2 else number
        return did(EvaluationRecorded, day(300), number=number, edition=edition, figures=told, as_of=as_of, **period)

    def again(finding: int, evaluation: int) -> Event:
        known = {"before": Figures(cases=1), "after": Figures(cases=1)}
        return did(MeasuredAgain, day(302), finding=finding, evaluation=evaluation, **known)

    yield (
        NORTH,
        [
            made(1, 1, quarters[0], 500),
            made(2, 2, quarters[0], 0),
            made(3, 1, quarters[1], 700),
            made(4, 1, half, None),
            made(5, 1, quarters[0], None, FUND),
            made(6, 1, third, None),
            *(did(FindingRecorded, number=n, evaluation=of, text=f"it is {n}") for n, of in ((1, 1), (2, 1), (3, 4))),
            *(
                did(ActionTaken, day(301), finding=n, text=f"{n} was {what}")
                for n, what in ((1, "z"), (3, "y"), (1, "x"))
            ),
            again(1, 3),
            again(3, 6),
        ],
    )
    yield SOUTH, [made(1, 1, quarters[0], 1000), made(2, 1, half, 1)]


def funds() -> Iterator[tuple[str, list[Event]]]:
    """Advances that came back in part, in whole, and not; refused ones; a fund of nobody known that was closed."""
    left = 0

    def moved(kind: type[E], fen: int, at: datetime = AT, /, **values: Any) -> E:
        nonlocal left
        left += -fen if kind is Advanced else fen
        return did(kind, at, amount=Money(fen=fen), balance=Money(fen=left), **values)

    def asked(n: int) -> dict[str, Any]:
        return {"complaint_id": own("complaint", n), "request": 1, "item": n}

    refused = {**asked(4), "amount": Money(fen=10**9), "reason": Shortfall.BALANCE}
    yield (
        FUND,
        [
            did(Opened, title="Protection fund", office_id=NORTH, currency="CNY"),
            moved(PaidIn, 100_000, contributor="c", reference="r"),
            moved(Advanced, 30_000, number=1, payer="merchant", **asked(1)),
            moved(Advanced, 20_000, number=2, payer="platform", debtor=PLATFORM, **asked(2)),
            did(AdvanceRefused, **refused),
            did(AdvanceRefused, **{**refused, "reason": Shortfall.CURRENCY}),
            moved(Recovered, 10_000, day(1), advance=1, reference="r"),
            moved(Recovered, 20_000, day(1), advance=2, reference="r"),
            moved(Recovered, 5_000, day(2), advance=1, reference="r"),
            did(WrittenOff, day(3), advance=1, amount=Money(fen=15_000), reason="bankrupt"),
            moved(Advanced, 10_000, day(4), number=3, payer="payment_provider", **asked(3)),
            moved(Recovered, 4_000, day(5), advance=3, reference="r"),
        ],
    )
    dollars = Money(fen=7, currency="USD")
    yield (
        own("fund", 2),
        [
            did(Opened, title="Protection fund", office_id=NOWHERE, currency="USD"),
            did(PaidIn, contributor="c", amount=dollars, reference="r", balance=dollars),
            did(Closed, day(9), reason="another takes its place", balance=dollars),
        ],
    )
    # The last instant of January in Shanghai, and the first one behind it.
    last, next_ = FEBRUARY - INSTANT, FEBRUARY
    left = 0
    yield (
        own("fund", 3),
        [
            did(Opened, last, title="Opened in January", office_id=NORTH, currency="CNY"),
            moved(PaidIn, 500, last, contributor="c", reference="r"),
            moved(PaidIn, 1_000, next_, contributor="c", reference="r"),
            moved(Advanced, 200, last, number=1, payer="merchant", **asked(1)),
            moved(Advanced, 300, next_, number=2, payer="merchant", **asked(2)),
            moved(Recovered, 10, last, advance=1, reference="r"),
            moved(Recovered, 20, next_, advance=2, reference="r"),
            did(WrittenOff, last, advance=1, amount=Money(fen=30), reason="bankrupt"),
            did(WrittenOff, next_, advance=2, amount=Money(fen=40), reason="bankrupt"),
        ],
    )
    yield own("fund", 4), [did(Opened, next_, title="Opened in February", office_id=NORTH, currency="CNY")]


def published() -> Iterator[tuple[str, list[Event]]]:
    """A scenario whose laws change, one without a law on some days, and numbers that were corrected at once."""

    def law(name: str, first: date, last: date | None) -> Citation:
        return Citation(law=name, law_en=f"{name} in English", article="art. 1", in_force_from=first, in_force_to=last)

    def scenario(id: str, edition: int, *laws: Citation) -> Event:
        titles = {"title_zh": "甲", "title_en": f"edition {edition}", "tactic": "t" * 1_200}
        words: dict[str, Any] = {"problem_class": "of-no-list", "keywords_zh": (), "keywords_en": ()}
        return did(ScenarioPublished, edition=edition, scenario=Scenario(id=id, laws=laws, **titles, **words))

    old, new = law("old", date(2020, 1, 1), date(2026, 1, 4)), law("new", date(2026, 1, 5), None)

    def numbers(edition: int, at: datetime, **values: int) -> Event:
        counted = {name: Parameter(value=value, scale=Scale.DAYS) for name, value in values.items()}
        return did(
            ParametersPublished, at, edition=edition, parameters=Parameters(name=NUMBERS, values=counted, source="s")
        )

    yield (
        "rulebook-active",
        [
            scenario("own-changed", 1, new),
            scenario("own-later", 1, new),
            scenario("own-changed", 2, new, old, law("always", date(2000, 1, 1), None)),
            numbers(1, AT, b=-5, a=0),
            numbers(2, day(1), a=7),
            numbers(3, day(1), b=10**15),
        ],
    )
