"""Rates, and how they are rounded: docs/definitions.md."""

from __future__ import annotations

from collections.abc import Mapping

#: Each rate as the measure that it is the share of, and the measure among which.
RATES = {
    "resolved_rate": ("resolved", "valid"),
    "answered_rate": ("answered", "answer_ended"),
    "answered_on_time_rate": ("answered_on_time", "answer_ended"),
    "resolved_on_time_rate": ("resolved_on_time", "valid"),
    "confirmed_rate": ("confirmed", "resolved"),
    "reopened_rate": ("reopened", "valid"),
    "self_settlement_rate": ("self_settled", "routed_here"),
    "settled_before_authority_rate": ("self_settled", "valid_here"),
    "first_check_on_time_rate": ("checked_on_time", "checked"),
    "accepted_rate": ("accepted", "checked"),
    "mediation_success_rate": ("mediation_succeeded", "mediated"),
    "concluded_rate": ("concluded", "received"),
    "concluded_on_time_rate": ("concluded_on_time", "concluded"),
    "without_person_rate": ("ended_without_person", "ended_here"),
    "person_reached_rate": ("person_reached", "person_requested"),
    "suggestion_taken_rate": ("suggestion_taken", "suggested"),
    "verified_on_time_rate": ("verified_on_time", "verified"),
    "case_rate": ("cases_filed", "verified"),
}


def ratio(part: int, whole: int, factor: int = 1, decimals: int = 1) -> str | None:
    """Return factor * part / whole with so many decimals, half-up (away from zero); None when there is no whole."""
    if whole == 0:
        return None
    scale = factor * 10**decimals
    units = (2 * abs(part) * scale + abs(whole)) // (2 * abs(whole))
    sign = "-" if units and (part < 0) != (whole < 0) else ""
    text = str(units).rjust(decimals + 1, "0")
    return sign + (f"{text[:-decimals]}.{text[-decimals:]}" if decimals else text)


def percent(part: int, whole: int) -> str | None:
    """Return part / whole in percent with one decimal, half-up, such as "15.3"; None when there is no whole."""
    return ratio(part, whole, 100)


def rates(measures: Mapping[str, int]) -> dict[str, str | None]:
    """Return every rate in percent, and ``satisfaction``, an average from 1 to 5, as text with one decimal."""
    found = {name: percent(measures[part], measures[whole]) for name, (part, whole) in RATES.items()}
    return {**found, "satisfaction": ratio(measures["satisfaction_points"], measures["rated"])}


def growth(this: int, before: int) -> str | None:
    """Return (this - before) / before in percent; None when there was nothing before."""
    return percent(this - before, before)
