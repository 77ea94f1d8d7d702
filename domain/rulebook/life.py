"""A stream of the rulebook; it is published into by parts, not acted on."""

from __future__ import annotations

from domain.kind import kind
from domain.rulebook import state
from domain.rulebook.events import RulebookEvent

RULEBOOK = kind("rulebook", "ledger.governance", state.NEW, (state, RulebookEvent))
