"""A merchant: its procedures."""

from __future__ import annotations

from domain.kind import kind
from domain.merchant import membership, registration
from domain.merchant.membership import MembershipEvent
from domain.merchant.registration import RegistrationEvent
from domain.merchant.state import NEW

MerchantEvent = RegistrationEvent | MembershipEvent

MERCHANT = kind("merchant", "ledger.merchants", NEW, (registration, RegistrationEvent), (membership, MembershipEvent))
