"""One function per publication: state in, events out, or a refusal. The rulebook editor publishes, or the program.

``edition`` is the number that the publication is to have, the one after the last; so that nobody replaces an edition
that he has not seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime

from domain.calendar import Unit
from domain.errors import InvalidInput, RuleViolation
from domain.rulebook.book import (
    Authority,
    InForce,
    Parameters,
    Part,
    RewardStep,
    Rulebook,
    RuleSet,
    TermName,
    WorkingYear,
)
from domain.rulebook.codes import CodeList, Entry
from domain.rulebook.events import (
    CalendarPublished,
    CodeListPublished,
    FeeSchedulePublished,
    ParametersPublished,
    PolicyPublished,
    RulebookEvent,
    RuleSetPublished,
    ScenarioPublished,
)
from domain.rulebook.fees import Complexity, FeeBand, FeeSchedule
from domain.rulebook.policies import GIVES, PAID, REFUNDS, PolicyTemplate, Relief
from domain.rulebook.scenarios import Scenario
from domain.values import Actor, Role

EDITORS = frozenset({Role.RULEBOOK_EDITOR, Role.SERVICE})
#: What the entries of one event of a code list may take as JSON; its record must stay under 60,000 bytes.
PART_BYTES = 45_000
#: How the codes of known lists are written.
FORMS = {"GB/T 2260": r"[0-9]{6}", "GB/T 4754": r"[A-T]|[0-9]{2,4}"}
CREDIT_SCORE = "credit_score"
CREDIT_WEIGHTS = ("weight_response", "weight_resolution", "weight_confirmed", "weight_volume")
CREDIT_GRADES = ("grade_a", "grade_b", "grade_c")
#: Its further numbers, and the least that each can be.
CREDIT_FROM = {
    "half_life": 1,
    "prior_strength": 1,
    "z": 0,
    "least_complaints": 1,
    "prior_least_complaints": 1,
    "consumer_cap": 1,
    "violation_points": 0,
    "volume_days": 1,
    "volume_zero": 1,
    "naming_least": 0,
}


def publish_rule_set(
    book: Rulebook, *, at: datetime, by: Actor, edition: int, rule_set: RuleSet
) -> list[RulebookEvent]:
    """Publish the rules of an authority in a region. What was decided under an earlier edition stays as it was."""
    _editor(by)
    _next_edition(book, Part.RULES, rule_set.id, edition)
    what = f"the rule set {rule_set.id}"
    _days_in_order(what, rule_set)
    before = book.rule_sets.get(rule_set.id)
    if before is not None and (before.authority, before.region) != (rule_set.authority, rule_set.region):
        raise RuleViolation(
            "edition-of-the-same",
            f"{what} is of {before.authority.value} in {before.region}; an edition cannot change that",
            hint="publish it under an id of its own",
        )
    rivals = (one for one in book.rule_sets.values() if one.authority is rule_set.authority)
    _no_overlap(what, rule_set, rivals)
    if rule_set.authority is Authority.MARKET_REGULATOR:
        _whole(what, rule_set)
    if rule_set.authority is Authority.SUPERVISION:
        _never_provisional(what, rule_set)
    for name, grounds in (("refusal", rule_set.refusal_grounds), ("ending", rule_set.ending_grounds)):
        _once(f"{what}: the {name} ground", (ground.code for ground in grounds))
    _bands_in_order(f"{what}: the reward steps", rule_set.reward_steps)
    return [RuleSetPublished(occurred_at=at, actor=by, edition=edition, rule_set=rule_set)]


def _whole(what: str, rule_set: RuleSet) -> None:
    # It stands in place of that of the larger region as a whole: what it leaves out would be nobody's rule.
    missing = [term.value for term in (TermName.ACCEPTANCE, TermName.MEDIATION) if term not in rule_set.terms]
    missing += ["refusal_grounds"] if not rule_set.refusal_grounds else []
    missing += ["ending_grounds"] if not rule_set.ending_grounds else []
    if missing:
        raise InvalidInput(
            f"{what} lacks {', '.join(missing)}",
            hint="it takes the place of the rules of the larger region: repeat what is to go on holding",
        )


def _never_provisional(what: str, rule_set: RuleSet) -> None:
    # What runs by these terms is not revised when a calendar is published.
    for name, term in rule_set.terms.items():
        if term.unit is Unit.WORKING_DAYS or term.rolls:
            raise InvalidInput(
                f"{what}: the term {name.value} rests on a calendar of working days",
                hint="terms of supervision are hours, days or months that do not roll",
            )


def publish_calendar(
    book: Rulebook, *, at: datetime, by: Actor, edition: int, calendar: WorkingYear
) -> list[RulebookEvent]:
    """Publish the holidays and the worked weekends of a year, in order of days."""
    _editor(by)
    _next_edition(book, Part.CALENDARS, str(calendar.year), edition)
    for day in (*calendar.holidays, *calendar.workdays):
        if day.year != calendar.year:
            raise InvalidInput(
                f"the calendar of {calendar.year} has the day {day}", hint="publish it with the year in which it lies"
            )
    for day in calendar.workdays:
        if day.weekday() < 5:
            raise InvalidInput(
                f"the calendar of {calendar.year} names {day} as a worked weekend day, but it is no Saturday or Sunday",
                hint="other days are worked anyway; leave it out",
            )
    if both := sorted(set(calendar.holidays) & set(calendar.workdays)):
        raise InvalidInput(
            f"the calendar of {calendar.year} has {both[0]} both as a holiday and as worked", hint="keep one of the two"
        )
    ordered = calendar.model_copy(
        update={"holidays": _ordered(calendar.holidays), "workdays": _ordered(calendar.workdays)}
    )
    return [CalendarPublished(occurred_at=at, actor=by, edition=edition, calendar=ordered)]


def publish_fee_schedule(
    book: Rulebook, *, at: datetime, by: Actor, edition: int, schedule: FeeSchedule
) -> list[RulebookEvent]:
    """Publish fees. Every complexity needs a scale, whose last band is open."""
    _editor(by)
    _next_edition(book, Part.FEES, schedule.id, edition)
    what = f"the fee schedule {schedule.id}"
    _days_in_order(what, schedule)
    _no_overlap(what, schedule, book.fee_schedules.values())
    for complexity in Complexity:
        scale = schedule.scales.get(complexity)
        if scale is None:
            raise InvalidInput(f"{what} has no scale for {complexity.value} cases", hint="add one")
        where = f"{what}: the bands for {complexity.value} cases"
        if not scale.bands or scale.bands[-1].up_to_fen is not None:
            raise InvalidInput(f"{where} stop at an amount", hint="end with a band without up_to_fen, if need be at 0")
        _bands_in_order(where, scale.bands)
    return [FeeSchedulePublished(occurred_at=at, actor=by, edition=edition, schedule=schedule)]


def publish_code_list(book: Rulebook, *, at: datetime, by: Actor, edition: int, codes: CodeList) -> list[RulebookEvent]:
    """Publish a code list, in as many events as its length needs."""
    _editor(by)
    _next_edition(book, Part.CODES, codes.scheme, edition)
    if not codes.entries:
        raise InvalidInput(f"the code list {codes.scheme} is empty", hint="give its entries")
    form = FORMS.get(codes.scheme)
    for code, entry in codes.entries.items():
        if form is not None and not re.fullmatch(form, code):
            raise InvalidInput(f"{code!r} is not a code of {codes.scheme}", hint=f"its codes are of the form {form}")
        _parents_lead_up(codes, code, entry)
    parts = list(_parts(codes.entries))
    return [
        CodeListPublished(
            occurred_at=at,
            actor=by,
            edition=edition,
            part=number,
            parts=len(parts),
            codes=codes.model_copy(update={"entries": entries}),
        )
        for number, entries in enumerate(parts, 1)
    ]


def publish_scenario(
    book: Rulebook, *, at: datetime, by: Actor, edition: int, scenario: Scenario
) -> list[RulebookEvent]:
    """Publish a kind of dispute, with the law that it rests on."""
    _editor(by)
    _next_edition(book, Part.SCENARIOS, scenario.id, edition)
    what = f"the scenario {scenario.id}"
    if not scenario.laws:
        raise InvalidInput(f"{what} cites no law", hint="cite at least one article")
    if not scenario.keywords_zh or not scenario.keywords_en:
        raise InvalidInput(f"{what} lacks keywords", hint="give Chinese and English ones")
    for law in scenario.laws:
        if law.in_force_to is not None and law.in_force_to < law.in_force_from:
            raise InvalidInput(
                f"{what}: {law.law_en} {law.article} is in force until {law.in_force_to}, before it begins on "
                f"{law.in_force_from}",
                hint="correct the days",
            )
    return [ScenarioPublished(occurred_at=at, actor=by, edition=edition, scenario=scenario)]


def publish_parameters(
    book: Rulebook, *, at: datetime, by: Actor, edition: int, parameters: Parameters
) -> list[RulebookEvent]:
    """Publish the numbers of a method. Those of the credit score must make sense together."""
    _editor(by)
    _next_edition(book, Part.PARAMETERS, parameters.name, edition)
    if not parameters.values:
        raise InvalidInput(f"the parameters {parameters.name} are empty", hint="give their values")
    if parameters.name == CREDIT_SCORE:
        _credit_score(parameters)
    return [ParametersPublished(occurred_at=at, actor=by, edition=edition, parameters=parameters)]


def publish_policy(
    book: Rulebook, *, at: datetime, by: Actor, edition: int, policy: PolicyTemplate
) -> list[RulebookEvent]:
    """Publish a policy that merchants may adopt. Who has adopted an earlier edition stays under that one."""
    _editor(by)
    _next_edition(book, Part.POLICIES, policy.id, edition)
    what = f"the policy {policy.id}"
    _days_in_order(what, policy)
    kinds = [term.kind for term in policy.terms]
    _once(f"{what}: the term", kinds)
    if not GIVES[policy.kind] & set(kinds):
        raise InvalidInput(
            f"{what} is about {policy.kind.value}, but does not give it",
            hint=f"add {' or '.join(sorted(GIVES[policy.kind]))} to its terms",
        )
    if set(kinds) >= REFUNDS:
        raise InvalidInput(f"{what} refunds twice", hint="besides a full refund there is nothing to refund")
    for term in policy.terms:
        if (term.permille is None) == (term.kind in PAID):
            needs = "needs its share of the price" if term.kind in PAID else "is not paid"
            raise InvalidInput(f"{what}: {term.kind.value} {needs}", hint="give permille with refunds and compensation")
        whole = term.permille == 1000
        if term.kind in REFUNDS and (whole != (term.kind is Relief.FULL_REFUND) or (term.permille or 0) > 1000):
            raise InvalidInput(
                f"{what}: {term.kind.value} of {term.permille} permille",
                hint="a full refund is 1000 permille, a partial one is less",
            )
    return [PolicyPublished(occurred_at=at, actor=by, edition=edition, policy=policy)]


def _editor(by: Actor) -> None:
    if by.role not in EDITORS:
        raise RuleViolation(
            "published-by-editor",
            f"a {by.role.value} cannot publish rules",
            hint="act as rulebook_editor",
        )


def _next_edition(book: Rulebook, part: Part, key: str, edition: int) -> None:
    expected = book.edition(part, key) + 1
    if edition != expected:
        published = "is not published yet" if expected == 1 else f"is at edition {expected - 1}"
        raise RuleViolation(
            "edition-is-the-next",
            f"{key} in rulebook-{part.value} {published}, so that edition {edition} cannot follow",
            hint=f"look at what is published, then publish edition {expected}",
        )


def _days_in_order(what: str, one: InForce) -> None:
    if one.in_force_to is not None and one.in_force_to < one.in_force_from:
        raise InvalidInput(
            f"{what} would be in force until {one.in_force_to}, before it begins on {one.in_force_from}",
            hint="correct in_force_from or in_force_to",
        )


def _no_overlap(what: str, new: InForce, published: Iterable[InForce]) -> None:
    last = new.in_force_to or date.max
    for other in published:
        if other.id == new.id or other.region != new.region:
            continue
        if new.in_force_from <= (other.in_force_to or date.max) and other.in_force_from <= last:
            raise RuleViolation(
                "in-force-one-at-a-time",
                f"{what} would be in force together with {other.id} ({other.in_force_from} to "
                f"{other.in_force_to or 'no end'}) in {new.region}",
                hint=f"first publish an edition of {other.id} that ends before {new.in_force_from}, or change the days",
            )


def _bands_in_order(what: str, bands: Sequence[RewardStep | FeeBand]) -> None:
    limits = [band.up_to_fen for band in bands]
    closed = [limit for limit in limits if limit is not None]
    if None in limits[:-1] or closed != sorted(set(closed)):
        raise InvalidInput(f"{what} do not rise", hint="give them by rising up_to_fen; only the last may have none")


def _once(what: str, codes: Iterable[str]) -> None:
    seen = set[str]()
    for code in codes:
        if code in seen:
            raise InvalidInput(f"{what} {code} appears twice", hint="keep one of the two")
        seen.add(code)


def _ordered(days: Iterable[date]) -> tuple[date, ...]:
    return tuple(sorted(set(days)))


def _parents_lead_up(codes: CodeList, code: str, entry: Entry) -> None:
    passed = {code}
    while (parent := entry.parent) is not None:
        if parent not in codes.entries:
            raise InvalidInput(
                f"{codes.scheme}: the parent {parent} of {code} is not in the list", hint="add it, or leave it out"
            )
        if parent in passed:
            raise InvalidInput(f"{codes.scheme}: {code} is among its own parents", hint="correct the parents")
        passed.add(parent)
        entry = codes.entries[parent]


def _parts(entries: Mapping[str, Entry]) -> Iterator[dict[str, Entry]]:
    part, size = dict[str, Entry](), 0
    for code, entry in entries.items():
        takes = len(code) + 4 + len(entry.model_dump_json(exclude_none=True).encode())
        if part and size + takes > PART_BYTES:
            yield part
            part, size = {}, 0
        part[code] = entry
        size += takes
    yield part


def _credit_score(parameters: Parameters) -> None:
    names = (*CREDIT_WEIGHTS, *CREDIT_GRADES, *CREDIT_FROM)
    if missing := [name for name in names if name not in parameters.values]:
        raise InvalidInput(f"the credit score needs {', '.join(missing)}", hint="add them")
    for name, least in {**dict.fromkeys(CREDIT_WEIGHTS, 0), **CREDIT_FROM}.items():
        if (value := parameters.values[name].value) < least:
            raise InvalidInput(f"{name} of the credit score is {value}", hint=f"it is at least {least}")
    weights = sum(parameters.values[name].value for name in CREDIT_WEIGHTS)
    if weights != 1000:
        raise InvalidInput(
            f"the weights of the credit score add up to {weights} permille", hint="make them add up to 1000"
        )
    grades = [parameters.values[name].value for name in CREDIT_GRADES]
    if grades != sorted(set(grades), reverse=True):
        raise InvalidInput("the grades of the credit score do not fall from A to C", hint="correct their limits")
