"""How likely a move is, and how long it takes: what the tables of moves share."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from adapters.simulation.market import Life, Manner
from domain.violations import VIOLATIONS

Weight = Callable[[Life], float]
DAY = 24.0
#: Where no list of violations is published, any code will do.
UNLISTED = ("unfair-fee",)


def always(weight: float) -> Weight:
    """Give the same weight whatever the life."""
    return lambda life: weight


def by_manner(fair: float, slow: float, silent: float, cheat: float) -> Weight:
    """Give a weight by how the merchant deals with complaints."""
    weights = {Manner.FAIR: fair, Manner.SLOW: slow, Manner.SILENT: silent, Manner.CHEAT: cheat}
    return lambda life: weights[life.shop.manner]


def one_in(n: int) -> Weight:
    """Give a weight in one life of ``n``, none in the others."""
    return lambda life: 10 if life.number % n == 0 else 0


def while_filing(weight: float) -> Weight:
    """Give a weight as long as complaints are filed."""
    return lambda life: weight if life.at < life.market.ends else 0


def digest(life: Life) -> str:
    """Return the digest of something: another at each step."""
    return sha256(f"{life.stream}:{life.tries}".encode()).hexdigest()


def violation(life: Life) -> str:
    """Draw a named violation."""
    codes = life.market.book.code_lists.get(VIOLATIONS)
    return life.chance.choice(UNLISTED if codes is None else tuple(codes.entries))
