"""What goes on in a world: who does what, by chance, while time passes; much of it is meant to come to something."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from random import Random
from typing import Any

from domain.action import Action
from domain.complaint.state import ENDED
from domain.kind import Kind
from domain.office.establishment import Level
from domain.streams import KINDS, kind_of
from domain.values import Actor, Role
from tests.domain.arguments import ACTORS, DIVISIONS, IDS, MERCHANTS, OFFICES
from tests.domain.scenario import day
from tests.domain.world import Killed, Scene, World
from tests.domain.world_arguments import make

SERVICE = next(one for one in ACTORS if one.role is Role.SERVICE)
PAUSES = (timedelta(microseconds=1), *(timedelta(minutes=n) for n in (0, 0, 0, 10, 60, 240)))
#: So many streams of a kind there may be, and how often one begins when something does.
AS_MANY = {"complaint": (300, 20), "measure": (80, 6), "grievance": (20, 2), "room": (6, 1), "subject": (4, 2),
           "merchant": (8, 1), "fund": (4, 1), "platform": (3, 1)}  # fmt: skip
#: How often something happens to a stream of a kind.
BUSY = {"complaint": 12, "merchant": 5, "platform": 4, "measure": 4, "fund": 2, "office": 2, "grievance": 1, "room": 1,
        "subject": 1}  # fmt: skip
#: What is meant to come of a stream: actions in their order, each as soon as it is legal.
PLOTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "complaint": (
        (),
        ("route", "settle", *("request_advance",) * 3),
        ("route", "allege_fraud", "submit_evidence", "verify_fraud", "request_advance", "reopen"),
        ("route", "allege_fraud", "submit_evidence", "verify_fraud", "request_advance"),
        ("route",),
        ("receive", "accept", *("consent_to_mediation",) * 2, "assign_mediator", "begin_mediation", "settle"),
        ("receive", "accept", "settle", "request_advance"),
        ("begin_verification", "file_case", "impose_penalty"),
    ),
    "measure": ((), ("appeal", "decide_appeal", "claim_damages", "award_damages"), ("seek_review", "decide_appeal")),
    "merchant": ((), ("list_merchant", "apply_for_repair", "decide_repair")),
    "platform": (("announce_rule", "give_notice", "announce_rule"),),
    "grievance": (("take_up", "decide_grievance"), ()),
    "room": (("begin_session", "show_content", "keep_record", "end_session", "destroy_record"), ()),
    "fund": (("pay_in",), ("pay_in", "pay_in", "pay_in")),
}
#: What would leave too little to happen.
SELDOM = frozenset(
    {
        "merge_merchant",
        "close_fund",
        "close_room",
        "withdraw_rule",
        "release_mediator",
        "remove_listing",
        "write_off",
        "refer",
    }
)


class Market:
    """A world, who acts in it, and what time it is."""

    def __init__(self, seed: int) -> None:
        self.world = World()
        self.at = day(0)
        self.plots: dict[str, tuple[str, ...]] = {}
        self._found(Random(seed))

    def _found(self, chance: Random) -> None:
        """Let there be an office in each division, merchants, platforms with rules, and a fund."""
        levels = (Level.COUNTY, Level.CITY, Level.NATIONAL)
        above = (OFFICES[1], OFFICES[2], None)
        for n in (2, 1, 0):
            place = {"title": "t", "level": levels[n], "division": DIVISIONS[n]} | (
                {"superior": above[n]} if above[n] else {}
            )
            self.begin(KINDS["office"], chance, stream=OFFICES[n], arguments=place)
        for stream in (*MERCHANTS, f"platform-{IDS[0]}", f"platform-{IDS[1]}", f"fund-{IDS[0]}"):
            self.begin(kind_of(stream), chance, stream=stream)
        for stream, name in (
            *((one, "announce_rule") for one in self.world.of("platform")),
            *((one, "enrol_mediator") for one in OFFICES),
            *((one, "adopt_policy") for one in MERCHANTS[:1] * 4),
            *((one, "sign_promise") for one in MERCHANTS[:1]),
            *((one, "enrol") for one in MERCHANTS[:1]),
            *((one, "pay_in") for one in self.world.of("fund")),
        ):
            self.take(stream, kind_of(stream).actions[name], SERVICE, chance)

    def begin(
        self, kind: Kind, chance: Random, *, stream: str | None = None, arguments: dict[str, Any] | None = None
    ) -> None:
        """Begin a stream; the one of a person has the id of the person."""
        if stream is None:
            number = IDS[chance.randrange(4)] if kind.prefix == "subject" else _random_id(chance)
            stream = f"{kind.prefix}-{number}"
        assert kind.begin is not None
        plot = chance.choice(PLOTS.get(kind.prefix, ((),)))
        begun = stream in self.world.states
        if self.take(stream, kind.begin, SERVICE, chance, plot=plot, arguments=arguments) and not begun:
            self.plots[stream] = plot

    def step(self, chance: Random) -> None:
        """Let some time pass, and somebody do something."""
        self.at += chance.choice(PAUSES)
        if chance.random() < 0.2:
            few = [kind for kind, (most, _) in AS_MANY.items() if len(self.world.of(kind)) < most]
            if few:
                kind = chance.choices(few, [AS_MANY[one][1] for one in few])[0]
                self.begin(KINDS[kind], chance)
                return
        if chance.random() < 0.005:
            self._merge_in_a_row(chance)
            return
        prefix = chance.choices(list(BUSY), list(BUSY.values()))[0]
        if not (streams := self.world.of(prefix)):
            return
        stream = chance.choice(streams[-15:] if chance.random() < 0.7 else streams)
        by = self._somebody(stream, chance)
        if (action := self._choose(stream, by, chance)) is not None:
            self.take(stream, action, by, chance)

    def _merge_in_a_row(self, chance: Random) -> None:
        """Merge merchants, each into the next, before anybody is told; it may be undone later."""
        merchants = self.world.of("merchant")
        row = chance.sample(merchants, min(3, len(merchants)))
        for stream, into in pairwise(row):
            if chance.random() < 0.8:
                arguments = {"merchant_id": into, "basis": "b"}
                self.take(stream, kind_of(stream).actions["merge_merchant"], SERVICE, chance, arguments=arguments)
        self.plots[row[0]] = ("undo_merger",)

    def take(
        self,
        stream: str,
        action: Action,
        by: Actor,
        chance: Random,
        *,
        plot: tuple[str, ...] = (),
        arguments: dict[str, Any] | None = None,
    ) -> bool:
        """Try an action; officials and services may tell what happened some days ago."""
        kind, world = kind_of(stream), self.world
        at = self.at - timedelta(hours=chance.randint(1, 99)) if chance.random() < 0.05 else self.at
        state = world.state(stream)
        for event in kind.fall_due(state, at=at, book=world.book):
            state = kind.evolve(state, event)
        plot = plot or self.plots.get(stream, ())
        made = arguments or make(action, Scene(world, stream, state, at, by, chance, plot))
        done = world.take(stream, action, at, by, made)
        if done and plot[:1] == (action.name,):
            self.plots[stream] = plot[1:]
            # Before a fund can answer what it was just asked for.
            if plot[1:2] in (("reopen",), ("request_advance",)):
                self.take(stream, kind.actions[plot[1]], SERVICE, chance)
        return done

    def _somebody(self, stream: str, chance: Random) -> Actor:
        if chance.random() < 0.6:
            return SERVICE
        by = chance.choice(ACTORS)
        own = getattr(self.world.state(stream), "consumer_id", "")
        return Actor(own, Role.CONSUMER) if by.role is Role.CONSUMER and own else by

    def _choose(self, stream: str, by: Actor, chance: Random) -> Action | None:
        """What is meant to come next, if it is legal, or something else that is; now and then anything."""
        kind, state = kind_of(stream), self.world.state(stream)
        actions = kind.actions
        if chance.random() < 0.05:
            return actions[chance.choice(sorted(actions))]
        legal = kind.legal_actions(state, at=self.at, by=by, book=self.world.book)
        meant = self.plots.get(stream, ())[:1]
        if meant and chance.random() < 0.8:
            return actions[meant[0]] if meant[0] in legal else None
        legal = [name for name in legal if name not in SELDOM or chance.random() < 0.1]
        # What ends it leaves less to happen.
        return (
            actions[chance.choices(legal, [1 if set(actions[one].to) & ENDED else 5 for one in legal])[0]]
            if legal
            else None
        )

    def react(self, chance: Random, dies: bool) -> None:
        """Let process managers run for a while, and die at some moment if they are to."""
        after = chance.randint(0, 12) if dies else None
        try:
            for _ in range(3):
                if not self.world.react(chance, chance.randint(1, 30), after):
                    break
        except Killed:
            pass


def _random_id(chance: Random) -> str:
    digits = f"{chance.getrandbits(128):032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def years(seed: int, steps: int) -> Market:
    """A market after so many steps; process managers run in between, die and are set back, and catch up at last."""
    chance, market = Random(seed), Market(seed)
    for n in range(steps):
        market.step(chance)
        if chance.random() < 0.07:
            market.react(chance, dies=chance.random() < 0.5)
        if n % 150 == 0:
            market.at += timedelta(days=chance.choice((1, 4, 9, 40, 40, 200)))
            market.world.watch(market.at)
            market.world.noted = int(market.world.noted * chance.choice((1, 1, 0.9)))
    market.world.catch_up(chance)
    return market
