"""Calendar days, in the time of Shanghai."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def start_of_day(day: date) -> datetime:
    """Return the instant at which ``day`` begins in Shanghai, in UTC."""
    return datetime.combine(day, time.min, SHANGHAI).astimezone(UTC)


def month_of(at: datetime) -> date:
    """Return the first day of the month in which ``at`` lies in Shanghai."""
    return at.astimezone(SHANGHAI).date().replace(day=1)
