"""A merchant: its procedures."""

from __future__ import annotations

from domain.kind import kind
from domain.merchant import corrections, membership, policies, registration, standing, volumes
from domain.merchant.corrections import CorrectionEvent
from domain.merchant.membership import MembershipEvent
from domain.merchant.policies import PolicyEvent
from domain.merchant.registration import RegistrationEvent
from domain.merchant.standing import StandingEvent
from domain.merchant.state import NEW
from domain.merchant.volumes import VolumeEvent

MerchantEvent = RegistrationEvent | MembershipEvent | PolicyEvent | VolumeEvent | CorrectionEvent | StandingEvent

MERCHANT = kind(
    "merchant",
    "ledger.merchants",
    NEW,
    (registration, RegistrationEvent),
    (membership, MembershipEvent),
    (policies, PolicyEvent),
    (volumes, VolumeEvent),
    (corrections, CorrectionEvent),
    (standing, StandingEvent),
    fall_due=standing.fall_due,
    next_due=standing.next_due,
)
