"""Laws of all streams at once: whatever is tried, and whenever process managers are killed."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from domain.complaint.advances import AdvancePaid
from domain.measure.remedies import Decided, DecisionOutcome
from domain.reactions import RULES
from domain.streams import kind_of
from tests.domain.world import World
from tests.domain.world_laws import check, check_caught_up, check_replays
from tests.domain.world_lives import Market, years

SEEDS = st.integers(0, 2**32)
#: What has to happen in a few years, or the laws say little.
HAPPENS = re.findall(
    r"\S+",
    """
complaint.advance_paid complaint.advance_refused complaint.deadline_missed complaint.fraud_verified complaint.merged
complaint.mediation_ended complaint.penalty_imposed complaint.performed complaint.policy_executed complaint.reopened
credit.event_recorded fund.advance_refused fund.advanced fund.paid_in fund.recovered fund.written_off
grievance.answer_missed grievance.answered grievance.decided measure.appealed measure.damages_awarded measure.decided
measure.decision_missed measure.ended measure.imposed measure.lifted measure.paid merchant.absorbed merchant.circle_left
merchant.corrective_action_taken merchant.linked_back merchant.listed merchant.listing_ended merchant.listing_removed
merchant.policy_adopted merchant.promise_left merchant.repair_decided merchant.unlinked_back office.measured_again
office.warning_issued platform.hidden_change_reported platform.notice_answered platform.notice_declined
platform.notice_missed platform.rule_withdrawn platform.supervision_reported room.label_gap_found room.records_destroyed
subject.consent_withdrawn subject.leak_recorded complaint.penalty_revised credit.event_withdrawn
grievance.consequence_linked measure.remedy_withdrawn merchant.listing_extended merchant.separated
""",
)
#: What has to be refused.
REFUSED = re.findall(
    r"\S+",
    """
announce-before-effect consequence-of-own-complaints consequence-traces-to-complaints measure-cites-rule-in-force
measure-has-reason one-remedy-at-a-time policy-adopted-once recover-what-is-outstanding repair-after-its-term
""",
)


def what_is_repeated_changes_nothing(world: World, chance: Random) -> None:
    before = len(world.log)
    world.noted = 0
    world.catch_up(chance)
    assert world.log[before:] == [], "what is repeated changes something"


class AllAtOnce(RuleBasedStateMachine):
    """A market, its clock, and process managers that die."""

    def __init__(self) -> None:
        super().__init__()
        self.market = Market(0)

    @initialize(seed=SEEDS, steps=st.integers(0, 300))
    def begin(self, seed: int, steps: int) -> None:
        self.market = years(seed, steps)

    @rule(seed=SEEDS, steps=st.integers(1, 30))
    def much_goes_on(self, seed: int, steps: int) -> None:
        chance = Random(seed)
        for _ in range(steps):
            self.market.step(chance)

    @rule(days=st.sampled_from((0, 1, 4, 12, 40, 400)))
    def time_passes_and_is_noticed(self, days: int) -> None:
        self.market.at += timedelta(days=days)
        world = self.market.world
        world.watch(self.market.at)
        for stream in world.states:
            next_due = kind_of(stream).next_due
            due = None if next_due is None else next_due(world.state(stream))
            assert due is None or due >= self.market.at, "what has fallen due is not recorded"

    @rule(seed=SEEDS, dies=st.booleans())
    def process_managers_run(self, seed: int, dies: bool) -> None:
        self.market.react(Random(seed), dies)

    @rule(share=st.floats(0, 1))
    def process_managers_are_set_back(self, share: float) -> None:
        self.market.world.noted = int(self.market.world.noted * share)

    @rule(seed=SEEDS)
    def process_managers_catch_up(self, seed: int) -> None:
        self.market.world.catch_up(Random(seed))
        check_caught_up(self.market.world)

    @invariant()
    def the_laws_hold(self) -> None:
        check(self.market.world)

    def teardown(self) -> None:
        self.market.world.catch_up(Random(0))
        check_caught_up(self.market.world)
        check_replays(self.market.world)


AllAtOnce.TestCase.settings = settings(max_examples=100, stateful_step_count=25, deadline=None)
TestAllAtOnce = AllAtOnce.TestCase


def test_the_laws_hold_after_years_in_which_all_stories_have_happened() -> None:
    happened, followed, refused = Counter[str](), Counter[str](), Counter[str]()
    decided, performs = Counter[DecisionOutcome](), Counter[bool]()
    for seed in range(6):
        market = years(seed, 5000)
        world = market.world
        check_caught_up(world)
        check_replays(world)
        what_is_repeated_changes_nothing(world, Random(seed))
        happened.update(one.event.name for one in world.log)
        followed.update(one.command[2] for one in world.log if one.cause is not None)
        refused += world.refused
        decided.update(one.event.outcome for one in world.log if isinstance(one.event, Decided))
        performs.update(one.event.performs for one in world.log if isinstance(one.event, AdvancePaid))
    assert not set(HAPPENS) - happened.keys()
    assert followed.keys() == {rule.name for rules in RULES.values() for rule in rules}
    assert decided.keys() == set(DecisionOutcome)
    assert performs.keys() == {True, False}, "a complaint was reopened while a fund was asked"
    assert not set(REFUSED) - refused.keys()
