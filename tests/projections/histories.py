"""Histories of streams of all kinds, by chance: a market with its process managers, and a rulebook published anew."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from random import Random

from adapters.rulebook import FIRST_EDITION_AT, PUBLISHER, first_edition, publish_all
from domain.event import Event
from domain.rulebook.book import EMPTY
from domain.streams import RULEBOOK
from projections.projection import Fact
from tests.domain.world_lives import years


def of_a_market(seed: int, steps: int) -> dict[str, list[Event]]:
    """What happens in a market to streams of all kinds but the rulebook."""
    return years(seed, steps).world.histories()


def of_a_rulebook(chance: Random) -> dict[str, list[Event]]:
    """What the program comes with, a stream for each part, and then some of it again in a new edition."""
    found: dict[str, list[Event]] = defaultdict(list)
    for event in _first():
        found[f"rulebook-{RULEBOOK.procedure_of[event.name]}-{type(event).__name__.lower()}"].append(event)
    for own in found.values():
        whole = [event for event in own if getattr(event, "parts", 1) == 1]
        for event in chance.sample(whole, min(2, len(whole))):
            own.append(event.model_copy(update={"edition": getattr(event, "edition", 1) + 1}))
    return dict(found)


@cache
def _first() -> Sequence[Event]:
    return tuple(publish_all(EMPTY, first_edition(), FIRST_EDITION_AT, PUBLISHER))


def interleaved(histories: Mapping[str, Sequence[Event]], chance: Random) -> list[Fact]:
    """Put the events of several streams into one order that keeps each stream's own."""
    order = [stream for stream, events in histories.items() for _ in events]
    chance.shuffle(order)
    next_version: dict[str, int] = defaultdict(int)
    facts = []
    for position, stream in enumerate(order, 1):
        version = next_version[stream] = next_version[stream] + 1
        facts.append(Fact(position, stream, version, histories[stream][version - 1]))
    return facts
