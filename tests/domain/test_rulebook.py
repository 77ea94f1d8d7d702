"""The rulebook: what may be published, what holds where and when, and the first edition."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from adapters.rulebook import FIRST_EDITION_AT, PUBLISHER, first_edition, publish_all
from domain.calendar import Unit, day_of, due
from domain.errors import InvalidInput, RuleViolation
from domain.rulebook import decisions as decide
from domain.rulebook.book import (
    EMPTY,
    Authority,
    Ground,
    Parameter,
    Parameters,
    Part,
    RewardStep,
    Rulebook,
    RuleSet,
    Scale,
    TermName,
    WorkingYear,
)
from domain.rulebook.events import (
    CalendarPublished,
    FeeSchedulePublished,
    ParametersPublished,
    PolicyPublished,
    RuleSetPublished,
    ScenarioPublished,
)
from domain.rulebook.fees import Complexity, Fee, FeeBand, FeeScale, FeeSchedule, fee
from domain.rulebook.policies import PolicyTemplate, PolicyTerm, Relief
from domain.rulebook.scenarios import Match, Scenario, citations, match
from domain.streams import RULEBOOK
from domain.values import Actor, Role
from tests.domain.scenario import CONSUMER, MERCHANT, REGULATOR, SERVICE, START, Given, day, given

EDITOR = Actor("66666666-6666-4666-8666-666666666666", Role.RULEBOOK_EDITOR)
FIRST: Rulebook = RULEBOOK.fold(publish_all(EMPTY, first_edition(), FIRST_EDITION_AT, PUBLISHER))
SOURCE = {"source": "test"}


def rules(**changed: Any) -> RuleSet:
    return RuleSet.model_validate(
        {
            "id": "hangzhou-2026",
            "authority": "market_regulator",
            "region": "330100",
            "title": "Rules of Hangzhou",
            "in_force_from": date(2026, 1, 1),
            "terms": {
                "acceptance": {"n": 5, "unit": "working_days", "source": "test"},
                "mediation": {"n": 30, "unit": "days", "source": "test"},
            },
            "refusal_grounds": [{"code": "not-competent", "text": "not ours", "source": "test", "counts": False}],
            "ending_grounds": [{"code": "no-agreement", "text": "no agreement", "source": "test", "counts": True}],
            **SOURCE,
            **changed,
        }
    )


def schedule(**changed: Any) -> FeeSchedule:
    scale = FeeScale(base_fen=100, bands=(FeeBand(up_to_fen=10_000, permille=20), FeeBand(permille=10)))
    return FeeSchedule.model_validate(
        {
            "id": "fees",
            "region": "000000",
            "title": "Fees",
            "in_force_from": date(2026, 1, 1),
            "scales": dict.fromkeys(Complexity, scale),
            "merchant_permille": 700,
            **SOURCE,
            **changed,
        }
    )


def year(**changed: Any) -> WorkingYear:
    return WorkingYear.model_validate(
        {"year": 2027, "holidays": [date(2027, 1, 1)], "workdays": [date(2027, 1, 3)], **SOURCE, **changed}
    )


def book(*history: Any) -> Given:
    return given(*history, kind=RULEBOOK)


RULES = RuleSetPublished(occurred_at=day(0), actor=EDITOR, edition=1, rule_set=rules())
FEES = FeeSchedulePublished(occurred_at=day(0), actor=EDITOR, edition=1, schedule=schedule())
CALENDAR = CalendarPublished(occurred_at=day(0), actor=EDITOR, edition=1, calendar=year())


def test_a10_the_editor_publishes_the_rules_of_a_region() -> None:
    book().when(decide.publish_rule_set, at=day(0), by=EDITOR, edition=1, rule_set=rules()).then(RULES)


def test_a10_rules_that_leave_out_what_the_larger_region_has_are_not_published() -> None:
    book().when(decide.publish_rule_set, at=day(0), by=EDITOR, edition=1, rule_set=rules(terms={})).invalid(
        "lacks acceptance, mediation: it takes the place of the rules of the larger region"
    )
    bare = rules(refusal_grounds=[], ending_grounds=[])
    book().when(decide.publish_rule_set, at=day(0), by=EDITOR, edition=1, rule_set=bare).invalid(
        "lacks refusal_grounds, ending_grounds"
    )


@pytest.mark.parametrize("by", [CONSUMER, MERCHANT, REGULATOR])
def test_a10_nobody_else_publishes(by: Actor) -> None:
    book().when(decide.publish_rule_set, at=day(0), by=by, edition=1, rule_set=rules()).refused("published-by-editor")


def test_a10_the_program_publishes_its_first_edition() -> None:
    book().when(decide.publish_calendar, at=day(0), by=SERVICE, edition=1, calendar=year()).then(
        CALENDAR.model_copy(update={"actor": SERVICE})
    )


@pytest.mark.parametrize("edition", [1, 3])
def test_a4_a_correction_is_the_next_edition(edition: int) -> None:
    corrected = rules(in_force_to=date(2026, 12, 31))
    book(RULES).when(decide.publish_rule_set, at=day(1), by=EDITOR, edition=edition, rule_set=corrected).refused(
        "edition-is-the-next"
    )
    book(RULES).when(decide.publish_rule_set, at=day(1), by=EDITOR, edition=2, rule_set=corrected).then(
        RuleSetPublished(occurred_at=day(1), actor=EDITOR, edition=2, rule_set=corrected)
    )


def test_a4_an_edition_replaces_the_one_before() -> None:
    corrected = rules(in_force_to=date(2026, 12, 31))
    state = RULEBOOK.fold([RULES, RULES.model_copy(update={"edition": 2, "rule_set": corrected})])
    assert state.rule_set("hangzhou-2026") == corrected
    assert state.edition(Part.RULES, "hangzhou-2026") == 2


def test_a4_rules_do_not_end_before_they_begin() -> None:
    book().when(
        decide.publish_rule_set, at=day(0), by=EDITOR, edition=1, rule_set=rules(in_force_to=date(2025, 12, 31))
    ).invalid("until 2025-12-31, before it begins on 2026-01-01")


@pytest.mark.parametrize(
    ("first", "last"),
    [("2025-01-01", None), ("2025-01-01", "2026-01-01"), ("2026-06-30", None), ("2026-02-01", "2026-03-01")],
)
def test_a4_two_rule_sets_of_an_authority_are_not_in_force_together(first: str, last: str | None) -> None:
    rival = rules(
        id="rival",
        in_force_from=date.fromisoformat(first),
        in_force_to=None if last is None else date.fromisoformat(last),
    )
    ended = RULES.model_copy(update={"rule_set": rules(in_force_to=date(2026, 6, 30))})
    book(ended).when(decide.publish_rule_set, at=day(1), by=EDITOR, edition=1, rule_set=rival).refused(
        "in-force-one-at-a-time"
    )


@pytest.mark.parametrize(
    "other",
    [
        {"in_force_from": date(2026, 7, 1)},
        {"in_force_from": date(2025, 1, 1), "in_force_to": date(2025, 12, 31)},
        {"region": "330106"},
        {"authority": "12315_pledge"},
    ],
)
def test_a10_rules_of_other_days_regions_and_authorities_stand_beside_them(other: dict[str, Any]) -> None:
    ended = RULES.model_copy(update={"rule_set": rules(in_force_to=date(2026, 6, 30))})
    new = rules(id="other", **other)
    book(ended).when(decide.publish_rule_set, at=day(1), by=EDITOR, edition=1, rule_set=new).then(
        RuleSetPublished(occurred_at=day(1), actor=EDITOR, edition=1, rule_set=new)
    )


def test_a4_an_edition_does_not_move_to_another_region() -> None:
    book(RULES).when(decide.publish_rule_set, at=day(1), by=EDITOR, edition=2, rule_set=rules(region="330106")).refused(
        "edition-of-the-same"
    )


def test_a13_a_ground_has_one_meaning() -> None:
    ground = Ground(code="withdrawn", text="x", source="x", counts=False)
    book().when(
        decide.publish_rule_set, at=day(0), by=EDITOR, edition=1, rule_set=rules(ending_grounds=(ground, ground))
    ).invalid("ending ground withdrawn appears twice")


def test_a14_the_steps_of_a_reward_rise() -> None:
    steps = (RewardStep(up_to_fen=200, permille=5), RewardStep(up_to_fen=100, permille=3))
    book().when(decide.publish_rule_set, at=day(0), by=EDITOR, edition=1, rule_set=rules(reward_steps=steps)).invalid(
        "the reward steps do not rise"
    )


def test_a3_a_calendar_is_published_in_the_order_of_its_days() -> None:
    mixed = year(holidays=[date(2027, 5, 1), date(2027, 1, 1), date(2027, 1, 1)])
    book().when(decide.publish_calendar, at=day(0), by=EDITOR, edition=1, calendar=mixed).then(
        CALENDAR.model_copy(update={"calendar": year(holidays=[date(2027, 1, 1), date(2027, 5, 1)])})
    )


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"holidays": [date(2026, 12, 31)]}, "the calendar of 2027 has the day 2026-12-31"),
        ({"workdays": [date(2028, 1, 1)]}, "the calendar of 2027 has the day 2028-01-01"),
        ({"workdays": [date(2027, 1, 4)]}, "2027-01-04 as a worked weekend day, but it is no Saturday or Sunday"),
        ({"holidays": [date(2027, 1, 3)]}, "2027-01-03 both as a holiday and as worked"),
    ],
)
def test_a3_a_calendar_that_contradicts_itself_is_refused(changed: dict[str, Any], message: str) -> None:
    book().when(decide.publish_calendar, at=day(0), by=EDITOR, edition=1, calendar=year(**changed)).invalid(message)


def test_d2_fees_are_published() -> None:
    book().when(decide.publish_fee_schedule, at=day(0), by=EDITOR, edition=1, schedule=schedule()).then(FEES)


def test_d2_fees_do_not_overlap_with_others() -> None:
    book(FEES).when(
        decide.publish_fee_schedule, at=day(0), by=EDITOR, edition=1, schedule=schedule(id="other")
    ).refused("in-force-one-at-a-time")


def test_d2_every_complexity_has_its_fees() -> None:
    scales = {Complexity.SIMPLE: FeeScale(base_fen=1, bands=(FeeBand(permille=1),))}
    book().when(decide.publish_fee_schedule, at=day(0), by=EDITOR, edition=1, schedule=schedule(scales=scales)).invalid(
        "no scale for ordinary cases"
    )


@pytest.mark.parametrize(
    ("bands", "message"),
    [
        ((), "stop at an amount"),
        ((FeeBand(up_to_fen=10, permille=1),), "stop at an amount"),
        ((FeeBand(up_to_fen=10, permille=1), FeeBand(up_to_fen=10, permille=1), FeeBand(permille=0)), "do not rise"),
        ((FeeBand(permille=1), FeeBand(permille=0)), "do not rise"),
    ],
)
def test_d2_the_bands_of_a_fee_rise_to_an_open_one(bands: tuple[FeeBand, ...], message: str) -> None:
    scales = dict.fromkeys(Complexity, FeeScale(base_fen=0, bands=bands))
    book().when(decide.publish_fee_schedule, at=day(0), by=EDITOR, edition=1, schedule=schedule(scales=scales)).invalid(
        message
    )


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (0, Fee(100, 30, 70)),
        # 100 + 0.02 x 10,000
        (10_000, Fee(300, 90, 210)),
        # 100 + 200 + 0.01 x 1 = 300.01, and half a fen goes up
        (10_001, Fee(300, 90, 210)),
        (10_050, Fee(301, 90, 211)),
    ],
)
def test_d2_a_fee_is_the_base_and_a_part_of_each_band(amount: int, expected: Fee) -> None:
    assert fee(schedule(), amount, Complexity.ORDINARY) == expected


def test_d2_a_fee_needs_an_amount_that_is_not_negative() -> None:
    with pytest.raises(InvalidInput, match="-1 fen"):
        fee(schedule(), -1, Complexity.SIMPLE)


fee_bands = st.lists(st.integers(1, 10**9), max_size=4, unique=True).flatmap(
    lambda limits: st.tuples(
        *[st.builds(FeeBand, up_to_fen=st.just(limit), permille=st.integers(0, 1000)) for limit in sorted(limits)],
        st.builds(FeeBand, permille=st.integers(0, 1000)),
    )
)
scales = st.builds(FeeScale, base_fen=st.integers(0, 10**7), bands=fee_bands)


@settings(max_examples=300, deadline=None)
@for_all(scales, st.integers(0, 1000), st.integers(0, 10**10), st.integers(0, 10**6))
def test_d2_the_shares_always_add_up_and_a_higher_amount_never_costs_less(
    scale: FeeScale, permille: int, amount: int, more: int
) -> None:
    fees = schedule(scales=dict.fromkeys(Complexity, scale), merchant_permille=permille)
    less, higher = (fee(fees, fen, Complexity.COMPLEX) for fen in (amount, amount + more))
    assert less.consumer + less.merchant == less.total
    assert less.consumer >= 0 <= less.merchant
    assert less.total <= higher.total
    assert abs(less.merchant * 1000 - less.total * permille) <= 500


def test_b10_a_scenario_is_published() -> None:
    scenario = FIRST.scenarios["quality"]
    book().when(decide.publish_scenario, at=day(0), by=EDITOR, edition=1, scenario=scenario).then(
        ScenarioPublished(occurred_at=day(0), actor=EDITOR, edition=1, scenario=scenario)
    )


@pytest.mark.parametrize(
    ("changed", "message"),
    [({"laws": ()}, "cites no law"), ({"keywords_zh": ()}, "lacks keywords"), ({"keywords_en": ()}, "lacks keywords")],
)
def test_b10_a_scenario_has_its_law_and_keywords_in_both_languages(changed: dict[str, Any], message: str) -> None:
    scenario = FIRST.scenarios["quality"].model_copy(update=changed)
    book().when(decide.publish_scenario, at=day(0), by=EDITOR, edition=1, scenario=scenario).invalid(message)


def test_b10_a_law_does_not_end_before_it_begins() -> None:
    law = FIRST.scenarios["quality"].laws[0].model_copy(update={"in_force_to": date(2014, 3, 14)})
    scenario = FIRST.scenarios["quality"].model_copy(update={"laws": (law,)})
    book().when(decide.publish_scenario, at=day(0), by=EDITOR, edition=1, scenario=scenario).invalid(
        "until 2014-03-14, before it begins on 2014-03-15"
    )


def parameters(**changed: int) -> Parameters:
    values = {name: one.value for name, one in FIRST.parameters["credit_score"].values.items()} | changed
    return Parameters(
        name="credit_score",
        values={name: Parameter(value=value, scale=Scale.COUNT) for name, value in values.items()},
        source="test",
    )


def test_e5_the_numbers_of_the_credit_score_are_published() -> None:
    book().when(decide.publish_parameters, at=day(0), by=EDITOR, edition=1, parameters=parameters()).then(
        ParametersPublished(occurred_at=day(0), actor=EDITOR, edition=1, parameters=parameters())
    )


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"weight_volume": 101}, "add up to 1001 permille"),
        ({"grade_b": 85}, "do not fall from A to C"),
        ({"grade_c": 90}, "do not fall from A to C"),
    ],
)
def test_e5_the_numbers_of_the_credit_score_make_sense_together(changed: dict[str, int], message: str) -> None:
    book().when(decide.publish_parameters, at=day(0), by=EDITOR, edition=1, parameters=parameters(**changed)).invalid(
        message
    )


def test_e5_the_credit_score_needs_all_its_numbers() -> None:
    some = Parameters(name="credit_score", values={"z": Parameter(value=1645, scale=Scale.PERMILLE)}, source="test")
    book().when(decide.publish_parameters, at=day(0), by=EDITOR, edition=1, parameters=some).invalid(
        "needs weight_response, .*half_life"
    )


@pytest.mark.parametrize(
    ("on", "expected", "mediation"),
    [
        ("2014-03-15", "saic-order-62", (60, Unit.DAYS)),
        ("2019-12-31", "saic-order-62", (60, Unit.DAYS)),
        ("2020-01-01", "samr-order-20", (45, Unit.WORKING_DAYS)),
        ("2026-04-14", "samr-order-20", (45, Unit.WORKING_DAYS)),
        ("2026-04-15", "samr-order-121", (60, Unit.DAYS)),
        ("2030-01-01", "samr-order-121", (60, Unit.DAYS)),
    ],
)
def test_a4_each_order_holds_from_its_first_day_to_its_last(
    on: str, expected: str, mediation: tuple[int, Unit]
) -> None:
    found = FIRST.rules(Authority.MARKET_REGULATOR, "330106", date.fromisoformat(on))
    term = found.terms[TermName.MEDIATION]
    acceptance = found.terms[TermName.ACCEPTANCE]
    assert found.id == expected
    assert (term.n, term.unit) == mediation
    assert (acceptance.n, acceptance.unit) == (7, Unit.WORKING_DAYS)


def test_a4_before_the_first_order_there_are_no_rules() -> None:
    with pytest.raises(
        RuleViolation, match="no rules of market_regulator are in force in 330106 on 2014-03-14"
    ) as told:
        FIRST.rules(Authority.MARKET_REGULATOR, "330106", date(2014, 3, 14))
    assert told.value.rule == "rules-in-force"


def test_a3_the_pledge_of_2017_is_7_and_60_working_days() -> None:
    terms = FIRST.rules(Authority.PLEDGE, "650000", date(2017, 3, 15)).terms
    assert [(terms[name].n, terms[name].unit) for name in (TermName.FIRST_RESPONSE, TermName.RESOLUTION)] == [
        (7, Unit.WORKING_DAYS),
        (60, Unit.WORKING_DAYS),
    ]


def test_a10_one_click_settlement_holds_in_hangzhou_only() -> None:
    assert FIRST.rules(Authority.ONE_CLICK, "330106", date(2026, 5, 1)).terms[TermName.ESCALATION].n == 96
    with pytest.raises(RuleViolation, match="no rules of one_click are in force in 310101"):
        FIRST.rules(Authority.ONE_CLICK, "310101", date(2026, 5, 1))


def test_a10_the_same_facts_in_two_cities_get_two_due_dates() -> None:
    local = RULEBOOK.evolve(FIRST, RULES)
    filed = START.replace(month=5)
    found = {
        region: day_of(
            due(
                filed,
                local.rules(Authority.MARKET_REGULATOR, region, day_of(filed)).terms[TermName.ACCEPTANCE],
                local.calendar,
            ).at
        )
        for region in ("330106", "310101")
    }
    assert found == {"330106": date(2026, 5, 11), "310101": date(2026, 5, 13)}


def test_a10_the_smallest_region_with_rules_prevails_and_its_end_gives_way() -> None:
    county = RULES.model_copy(update={"rule_set": rules(id="xihu", region="330106", in_force_to=date(2026, 6, 30))})
    province = RULES.model_copy(update={"rule_set": rules(id="zhejiang", region="330000")})
    local = RULEBOOK.fold([county, RULES, province])
    found = [
        local.rules(Authority.MARKET_REGULATOR, region, date.fromisoformat(on)).id
        for region, on in (
            ("330106", "2026-06-30"),
            ("330106", "2026-07-01"),
            ("330105", "2026-06-30"),
            ("330200", "2026-06-30"),
        )
    ]
    assert found == ["xihu", "hangzhou-2026", "hangzhou-2026", "zhejiang"]


def test_a10_a_region_is_six_digits() -> None:
    with pytest.raises(InvalidInput, match="write its six digits"):
        FIRST.rules(Authority.MARKET_REGULATOR, "Hangzhou", date(2026, 5, 1))


def test_a4_an_unknown_rule_set_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidInput, match=r"no rule set 'x': published are: 12315-pledge-2017, one-click-hangzhou"):
        FIRST.rule_set("x")


def test_a4_the_first_edition_says_what_is_chosen_or_to_be_checked() -> None:
    for one in FIRST.rule_sets.values():
        if any(term.source == "chosen" for term in one.terms.values()) or one.limits:
            assert one.note is not None
            assert "hosen" in one.note


def test_a13_the_grounds_are_the_same_codes_under_every_order() -> None:
    orders = [one for one in FIRST.rule_sets.values() if one.authority is Authority.MARKET_REGULATOR]
    for grounds in ("refusal_grounds", "ending_grounds"):
        assert len({tuple((ground.code, ground.counts) for ground in getattr(one, grounds)) for one in orders}) == 1
    # A claim that is no consumer's and a refused identity check are grounds of refusal and stay outside credit.
    refusals = {ground.code: ground.counts for ground in orders[0].refusal_grounds}
    assert refusals["not-a-consumer"] is False
    assert refusals["identity-refused"] is False


def test_d2_the_fees_of_the_first_edition_are_in_force_with_its_rules() -> None:
    assert FIRST.fee_schedule("330106", date(2014, 3, 15)).note is not None
    with pytest.raises(RuleViolation, match="no fee schedule is in force") as told:
        FIRST.fee_schedule("330106", date(2014, 3, 14))
    assert told.value.rule == "fees-in-force"


@pytest.mark.parametrize("scenario", FIRST.scenarios.values(), ids=lambda scenario: scenario.id)
def test_b10_every_citation_is_in_force_today_and_none_before_its_law(scenario: Scenario) -> None:
    assert citations(scenario, date(2026, 6, 1)) == scenario.laws
    before = date(2024, 6, 30)
    assert citations(scenario, before) == tuple(law for law in scenario.laws if law.in_force_from <= before)
    assert not any("778" in law.law_en or "prepaid" in law.law_en for law in citations(scenario, before))
    assert scenario.problem_class in FIRST.code_lists["problem-class"].entries


def test_b10_the_first_edition_has_ten_scenarios() -> None:
    assert len(FIRST.scenarios) == 10


def test_b10_a_law_is_cited_to_its_last_day() -> None:
    law = FIRST.scenarios["quality"].laws[0].model_copy(update={"in_force_to": date(2026, 6, 30)})
    scenario = FIRST.scenarios["quality"].model_copy(update={"laws": (law,)})
    assert citations(scenario, date(2026, 6, 30)) == (law,)
    assert citations(scenario, date(2026, 7, 1)) == ()


def policy(**changed: Any) -> PolicyTemplate:
    return PolicyTemplate.model_validate(
        {
            "id": "return-in-15-days",
            "title_zh": "十五日退货",
            "title_en": "Return within fifteen days",
            "kind": "return",
            "scenarios": ["quality"],
            "within_days": 15,
            "terms": [{"kind": "return"}, {"kind": "full_refund", "permille": 1000}],
            "in_force_from": date(2026, 1, 1),
            "region": "000000",
            **SOURCE,
            **changed,
        }
    )


def publish_policy(*history: Any, **changed: Any) -> Any:
    edition = changed.pop("edition", 1)
    return book(*history).when(decide.publish_policy, at=day(0), by=EDITOR, edition=edition, policy=policy(**changed))


POLICY = PolicyPublished(occurred_at=day(0), actor=EDITOR, edition=1, policy=policy())


def test_c6_a_policy_is_published_in_editions() -> None:
    publish_policy().then(POLICY)
    publish_policy(POLICY).refused("edition-is-the-next")
    longer = POLICY.model_copy(update={"edition": 2, "policy": policy(within_days=30)})
    publish_policy(POLICY, edition=2, within_days=30).then(longer)
    state = RULEBOOK.fold([POLICY, longer])
    assert state.policies == {"return-in-15-days": policy(within_days=30)}
    assert state.edition(Part.POLICIES, "return-in-15-days") == 2


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"in_force_to": date(2025, 12, 31)}, "before it begins"),
        ({"terms": [{"kind": "full_refund", "permille": 1000}]}, "is about return, but does not give it"),
        ({"terms": [{"kind": "return"}, {"kind": "return"}]}, "appears twice"),
        (
            {
                "terms": [
                    {"kind": "return"},
                    {"kind": "full_refund", "permille": 1000},
                    {"kind": "partial_refund", "permille": 100},
                ]
            },
            "refunds twice",
        ),
        ({"terms": [{"kind": "return", "permille": 1000}]}, "return is not paid"),
        ({"terms": [{"kind": "return"}, {"kind": "full_refund"}]}, "full_refund needs its share of the price"),
        ({"terms": [{"kind": "return"}, {"kind": "full_refund", "permille": 999}]}, "full_refund of 999 permille"),
        ({"terms": [{"kind": "return"}, {"kind": "partial_refund", "permille": 1000}]}, "partial_refund of 1000"),
        ({"terms": [{"kind": "return"}, {"kind": "partial_refund", "permille": 1001}]}, "partial_refund of 1001"),
    ],
)
def test_c6_a_policy_makes_sense(changed: dict[str, Any], message: str) -> None:
    publish_policy(**changed).invalid(message)


def test_c6_a_compensation_may_be_more_than_the_price() -> None:
    terms = [{"kind": "return"}, {"kind": "compensation", "permille": 3000}]
    publish_policy(terms=terms).then(POLICY.model_copy(update={"policy": policy(terms=terms)}))


@for_all(st.integers(1, 10**15), st.integers(1, 1000))
def test_d11_a_share_of_the_price_is_never_more_than_the_price_and_right_to_half_a_fen(
    price: int, permille: int
) -> None:
    fen = PolicyTerm(kind=Relief.PARTIAL_REFUND, permille=permille).fen(price)
    assert fen is not None
    assert fen <= price
    assert -500 <= price * permille - fen * 1000 < 500


def test_c6_the_policies_of_the_first_edition_cover_its_scenarios() -> None:
    assert sorted(FIRST.policies) == ["exchange-when-defective", "refund-when-not-delivered", "seven-day-return"]
    for one in FIRST.policies.values():
        assert set(one.scenarios) <= FIRST.scenarios.keys()


def a_scenario(id: str, zh: tuple[str, ...], en: tuple[str, ...]) -> Scenario:
    known = FIRST.scenarios["quality"]
    return known.model_copy(update={"id": id, "keywords_zh": zh, "keywords_en": en})


LATE = a_scenario("late", ("延迟",), ("late delivery", "late"))
BROKEN = a_scenario("broken", ("坏了",), ("broken",))
AGAIN = a_scenario("again", ("坏了",), ())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", None),
        ("nothing of the kind", None),
        ("the plate was unbroken", None),
        ("It came BROKEN.", Match("broken", 1000)),
        ("brokenly spoken", Match("broken", 1000)),
        ("late delivery, and broken", Match("late", 17 * 1000 // 23)),
        ("late-delivery", Match("late", 1000)),
        ("昨天买的坏了", Match("again", 500)),
        ("延迟三天,坏了 broken", Match("broken", 666)),
        ("broken and broken", Match("broken", 1000)),
    ],
)
def test_b10_a_text_is_matched_by_the_length_of_its_keywords(text: str, found: Match | None) -> None:
    assert match(text, [LATE, BROKEN, AGAIN]) == found


@pytest.mark.parametrize(
    ("text", "scenario"),
    [
        ("收到后不喜欢,七天无理由退货被拒绝", "return-without-reason"),
        ("卖的是假货,要求退一赔三", "fraud"),
        ("没收到货,物流一直不动", "delivery"),
        ("The gym closed down and keeps my prepaid membership card", "prepaid-card"),
        ("They call me ever since the data breach", "data-leak"),
    ],
)
def test_b10_the_scenarios_of_the_first_edition_are_found_in_both_languages(text: str, scenario: str) -> None:
    found = match(text, FIRST.scenarios.values())
    assert found is not None
    assert found.scenario == scenario


@for_all(st.text(max_size=60), st.lists(st.sampled_from(["坏了", "late", "broken", " ", "-"]), max_size=6))
def test_b10_a_match_does_not_depend_on_the_order_of_scenarios(text: str, more: list[str]) -> None:
    told = text + "".join(more)
    found = match(told, [LATE, BROKEN, AGAIN])
    assert found == match(told, [AGAIN, LATE, BROKEN])
    assert found is None or 1000 // 3 <= found.confidence <= 1000
