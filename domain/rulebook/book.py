"""The rulebook as others read it: what holds where and on which day.

Law is data: each rule set, fee schedule and citation has the days on which it is in force, and a correction is a new
edition. Whoever decides by a rule records what followed from it, so that nothing that was decided changes with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Protocol, TypeVar

from pydantic import BaseModel, Field

from domain.calendar import Calendar, Term
from domain.errors import InvalidInput, RuleViolation
from domain.rulebook.codes import CodeList, Entry, Region, Slug
from domain.rulebook.fees import FeeSchedule
from domain.rulebook.policies import PolicyTemplate
from domain.rulebook.scenarios import Scenario
from domain.values import FROZEN, ShortText


class TermName(StrEnum):
    """What a term is for."""

    ACCEPTANCE = "acceptance"
    SUPPLEMENT = "supplement"
    FIRST_RESPONSE = "first_response"
    RESOLUTION = "resolution"
    MEDIATION = "mediation"
    ENTERPRISE = "enterprise"
    VERIFICATION = "verification"
    VERIFICATION_EXTENSION = "verification_extension"
    PROMISE_ANSWER = "promise_answer"
    PROMISE_RESOLUTION = "promise_resolution"
    ESCALATION = "escalation"
    ONE_CLICK_PURCHASE = "one_click_purchase"
    OFFER = "offer"
    REOPENING = "reopening"
    PERFORMANCE = "performance"
    EVIDENCE = "evidence"
    NOTICE = "notice"
    ANNOUNCEMENT = "announcement"
    APPEAL = "appeal"
    APPEAL_DECISION = "appeal_decision"
    REVIEW = "review"
    SUIT = "suit"
    GRIEVANCE_ANSWER = "grievance_answer"
    RECORD_KEEPING = "record_keeping"
    LISTING = "listing"
    REPAIR = "repair"


class LimitName(StrEnum):
    """A number that a rule sets: fen, or a count."""

    FAST_TRACK_FEN = "fast_track_fen"
    REPRESENTATIVES = "representatives"
    REWARD_CAP_FEN = "reward_cap_fen"
    ADVANCE_CAP_FEN = "advance_cap_fen"


class Authority(StrEnum):
    """Under whose rules a case runs."""

    MARKET_REGULATOR = "market_regulator"
    PLEDGE = "12315_pledge"
    PROMISE = "seven_day_promise"
    ONE_CLICK = "one_click"
    SUPERVISION = "supervision"


class Ground(BaseModel):
    """A coded reason to refuse a complaint or to end its mediation.

    ``counts``: False for one that says nothing of the merchant, so that the case stays outside credit and outside
    the denominator of mediation.
    """

    model_config = FROZEN
    code: Slug
    text: ShortText
    source: ShortText
    counts: bool


class RewardStep(BaseModel):
    """The part of a fine up to ``up_to_fen`` (None: all of the rest) of which a reporter gets ``permille``."""

    model_config = FROZEN
    up_to_fen: Annotated[int, Field(gt=0, le=10**15, strict=True)] | None = None
    permille: Annotated[int, Field(ge=0, le=1000, strict=True)]


class RuleSet(BaseModel):
    """The rules of an authority in a region (``000000``: the whole country), and the days on which they are in force.

    ``note`` says what is chosen by this program, or quoted and still to be checked.
    """

    model_config = FROZEN
    id: Slug
    authority: Authority
    region: Region
    title: ShortText
    in_force_from: date
    in_force_to: date | None = None
    terms: dict[TermName, Term] = {}
    limits: dict[LimitName, Annotated[int, Field(ge=0, le=10**15, strict=True)]] = {}
    refusal_grounds: tuple[Ground, ...] = ()
    ending_grounds: tuple[Ground, ...] = ()
    reward_steps: tuple[RewardStep, ...] = ()
    source: ShortText
    note: ShortText | None = None


class Scale(StrEnum):
    """What the integer of a parameter counts."""

    COUNT = "count"
    DAYS = "days"
    POINTS = "points"
    PERMILLE = "permille"


class Parameter(BaseModel):
    """A number and what it counts."""

    model_config = FROZEN
    value: Annotated[int, Field(ge=-(10**15), le=10**15, strict=True)]
    scale: Scale


class Parameters(BaseModel):
    """The numbers of a method, such as those of ``credit_score``."""

    model_config = FROZEN
    name: Slug
    values: dict[Slug, Parameter]
    source: ShortText
    note: ShortText | None = None


class WorkingYear(BaseModel):
    """The holidays of a year, and the Saturdays and Sundays that are worked, as a notice announces them."""

    model_config = FROZEN
    year: Annotated[int, Field(ge=1949, le=9998, strict=True)]
    holidays: tuple[date, ...]
    workdays: tuple[date, ...]
    source: ShortText


class InForce(Protocol):
    """What is in force in a region for some days."""

    @property
    def id(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def in_force_from(self) -> date: ...
    @property
    def in_force_to(self) -> date | None: ...


OfRegion = TypeVar("OfRegion", bound=InForce)


class Part(StrEnum):
    """The parts of the rulebook; each is a stream, ``rulebook-<part>``."""

    RULES = "rules"
    CALENDARS = "calendars"
    FEES = "fees"
    CODES = "codes"
    SCENARIOS = "scenarios"
    PARAMETERS = "parameters"
    POLICIES = "policies"


@dataclass(frozen=True, slots=True)
class Rulebook:
    """All that is published. Keys are ids, schemes and names; ``editions`` counts the publications of each.

    The state of one stream of the rulebook holds only its part; the streams folded one after another give the whole.
    """

    rule_sets: Mapping[str, RuleSet]
    calendar: Calendar
    fee_schedules: Mapping[str, FeeSchedule]
    code_lists: Mapping[str, CodeList]
    scenarios: Mapping[str, Scenario]
    parameters: Mapping[str, Parameters]
    policies: Mapping[str, PolicyTemplate]
    editions: Mapping[tuple[Part, str], int]

    def edition(self, part: Part, key: str) -> int:
        """Return how often this was published; 0 if never."""
        return self.editions.get((part, key), 0)

    def rules(self, authority: Authority, region: str, on: date) -> RuleSet:
        """Return the rule set of the smallest region around ``region`` (six digits) that has one in force on the day.

        Raises RuleViolation ``rules-in-force`` if there is none, InvalidInput for a malformed region.
        """
        found = _in_force((one for one in self.rule_sets.values() if one.authority is authority), region, on)
        if found is None:
            raise RuleViolation(
                "rules-in-force",
                f"no rules of {authority.value} are in force in {region} on {on.isoformat()}",
                hint="publish a rule set for that day, or take the case elsewhere",
            )
        return found

    def rule_set(self, id: str) -> RuleSet:
        """Return the newest edition of a rule set; raises InvalidInput for an unknown id."""
        if id not in self.rule_sets:
            raise InvalidInput(
                f"there is no rule set {id!r}", hint=f"published are: {', '.join(sorted(self.rule_sets)) or 'none'}"
            )
        return self.rule_sets[id]

    def fee_schedule(self, region: str, on: date) -> FeeSchedule:
        """Return the fee schedule of the smallest region around ``region`` that has one in force on the day.

        Raises RuleViolation ``fees-in-force`` if there is none, InvalidInput for a malformed region.
        """
        found = _in_force(self.fee_schedules.values(), region, on)
        if found is None:
            raise RuleViolation(
                "fees-in-force",
                f"no fee schedule is in force in {region} on {on.isoformat()}",
                hint="publish one for that day",
            )
        return found

    def code(self, scheme: str, value: str) -> Entry | None:
        """Return the entry of a code list; None if the list or the code is not published."""
        codes = self.code_lists.get(scheme)
        return None if codes is None else codes.entries.get(value)


EMPTY = Rulebook({}, Calendar({}), {}, {}, {}, {}, {}, {})


def regions_around(region: str) -> list[str]:
    """Return a region of GB/T 2260 and those that contain it: county, city, province, the country. No repetitions."""
    if not (len(region) == 6 and region.isascii() and region.isdigit()):
        raise InvalidInput(
            f"{region!r} is not an administrative division", hint="write its six digits (GB/T 2260), such as 330106"
        )
    return list(dict.fromkeys([region, region[:4] + "00", region[:2] + "0000", "000000"]))


def is_in_force(one: InForce, on: date) -> bool:
    """Return whether ``on`` lies between the first and the last day of being in force, both included."""
    return one.in_force_from <= on and (one.in_force_to is None or on <= one.in_force_to)


def _in_force(published: Iterable[OfRegion], region: str, on: date) -> OfRegion | None:
    around = regions_around(region)
    candidates = [one for one in published if one.region in around and is_in_force(one, on)]
    return min(candidates, key=lambda one: (around.index(one.region), -one.in_force_from.toordinal()), default=None)
