"""The faults of a run, in order: a pure function of the seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from adapters import projector, relay, watcher

PROCESSES = ("api", "relay", "projector", "watcher")
TARGETS = (*PROCESSES, "broker", "postgres")
WORKERS = {"relay": relay.POINTS, "projector": projector.POINTS, "watcher": watcher.POINTS}
POINTS = tuple(f"{worker}:{point}" for worker, points in WORKERS.items() for point in points)
#: Each kind of fault, and what it can befall.
#: kill: SIGKILL. stop: SIGSTOP, later SIGCONT. cut: its connections are reset. stall: its connections stay, but carry
#: nothing for a while. delay: they are slow. fill: what it writes to the disk fails. forward, back: its clock jumps,
#: later it is right again. kill_at, stop_at: the next process that reaches this named point kills or stops itself.
#: The broker's clock is the machine's: a JVM's cannot be moved from outside.
KINDS: dict[str, tuple[str, ...]] = {
    "kill": TARGETS,
    "stop": TARGETS,
    "cut": TARGETS,
    "stall": TARGETS,
    "delay": TARGETS,
    "fill": ("broker", "postgres"),
    "forward": (*PROCESSES, "postgres"),
    "back": (*PROCESSES, "postgres"),
    "kill_at": POINTS,
    "stop_at": POINTS,
}
PRODUCT = tuple((kind, target) for kind, targets in KINDS.items() for target in targets)
SHORT_GAP_S = 0.9
#: So many short schedules in a row cover the whole product.
ROW = 8


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to whom, and when, in seconds from the beginning.

    ``which`` of the two processes of a kind; of the relays, 0 is the one that leads. ``for_s``: how long it lasts.
    ``amount``: delay, seconds per hop; forward and back, seconds; fill, bytes that a file may have; stop and stop_at,
    1 if its connections are cut as well, as when the network gives it up.
    """

    at_s: float
    kind: str
    target: str
    which: int
    for_s: float
    amount: float

    def __str__(self) -> str:
        lasting = f" for {self.for_s:.1f} s" if self.for_s else ""
        what = f" ({self.amount:g})" if self.amount else ""
        return f"{self.kind} {self.target} #{self.which}{lasting}{what}"


def short(seed: int) -> tuple[Fault, ...]:
    """Every kind of fault, and a kill at every named point. ``ROW`` seeds in a row cover the whole product."""
    chance = Random(f"short {seed}")
    chosen = [("kill", target) for target in ("api", tuple(WORKERS)[seed % len(WORKERS)], "broker", "postgres")]
    chosen += [("kill_at", point) for point in POINTS]
    for turn, (kind, targets) in enumerate(KINDS.items()):
        if kind not in ("kill", "kill_at"):
            share = -(-len(targets) // ROW)
            chosen += [(kind, targets[(seed * share + turn + n) % len(targets)]) for n in range(share)]
    chance.shuffle(chosen)
    return tuple(_spread(chosen, chance, SHORT_GAP_S, 3.0))


def long(seed: int, length_s: float) -> tuple[Fault, ...]:
    """The whole product, shuffled, again and again, for so many seconds; a longer one begins as a shorter one does."""
    order = Random(f"order {seed}")
    chosen: list[tuple[str, str]] = []
    gap_s = 4.0
    while len(chosen) * gap_s < length_s:
        again = list(PRODUCT)
        order.shuffle(again)
        chosen += again
    spread = _spread(chosen, Random(f"long {seed}"), gap_s, 12.0)
    return tuple(fault for fault in spread if fault.at_s <= length_s)


def _spread(chosen: Sequence[tuple[str, str]], chance: Random, gap_s: float, longest_s: float) -> Iterator[Fault]:
    for number, (kind, target) in enumerate(chosen):
        at_s = round((number + chance.random()) * gap_s, 2)
        which, for_s = chance.randrange(2), round(chance.uniform(longest_s / 4, longest_s), 2)
        amount = 0.0
        match kind:
            case "kill" | "kill_at" | "cut":
                for_s = 0.0
            case "stop" | "stop_at":
                amount = float(chance.randrange(2))
            case "delay":
                amount = round(chance.uniform(0.01, 0.2), 3)
            case "fill":
                room = chance.choice([0, 0, 1 << 16, 1 << 20])
                # The broker's files stay small in a run, so any room would be enough.
                amount = 0.0 if target == "broker" else float(room)
            case "forward" | "back":
                amount = round(chance.uniform(1, 36 * 3600))
        yield Fault(at_s, kind, target, which, for_s, amount)
