"""A consumer finishes every rebalance, however briefly it polls."""

from __future__ import annotations

import time

from adapters.projector import finish_rebalance
from adapters.topics import consumer
from domain.streams import TOPICS

DEADLINE_S = 60.0


def test_a_group_leader_that_rejoins_takes_its_partitions_up_again_although_its_polls_are_short(
    kafka_bootstrap: str, topic_prefix: str
) -> None:
    topics = [topic_prefix + topic for topic in TOPICS]
    reader = consumer(kafka_bootstrap, group_id=f"{topic_prefix}short-polls")
    reader.subscribe(topics)
    try:
        for _ in range(5):
            # What the consumer remembers of the topics differs from what they are: the leader has to join anew.
            reader._coordinator._assignment_snapshot = {}
            generation = reader._coordinator._generation.generation_id
            deadline = time.monotonic() + DEADLINE_S
            while (
                reader._coordinator._generation.generation_id == generation
                or reader._coordinator.rejoining
                or {tp.topic for tp in reader.assignment()} != set(topics)
            ):
                assert time.monotonic() < deadline, "the rebalance was forgotten"
                finish_rebalance(reader)
                reader.poll(timeout_ms=1)
            # The first time there may be a second one, for topics of which the client had not heard before.
            assert reader._coordinator._generation.generation_id <= max(generation, 0) + 2
    finally:
        reader.close()
