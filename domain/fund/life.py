"""A protection fund: its procedures."""

from __future__ import annotations

from domain.fund import advances, keeping
from domain.fund.advances import AdvanceEvent
from domain.fund.keeping import KeepingEvent
from domain.fund.state import NEW
from domain.kind import kind

FundEvent = KeepingEvent | AdvanceEvent

FUND = kind("fund", "ledger.governance", NEW, (keeping, KeepingEvent), (advances, AdvanceEvent))
