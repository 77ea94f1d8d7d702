"""Credit events: nobody acts on them; they follow from what happens to complaints."""

from __future__ import annotations

from domain.credit import silence
from domain.credit.silence import CreditEvent
from domain.credit.state import NEW
from domain.kind import kind

CREDIT = kind("credit", "ledger.merchants", NEW, (silence, CreditEvent))
