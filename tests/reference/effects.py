"""Whether it helped, what is overdue, and what moved in funds: before and after a day, and within days, slowly."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from domain.complaint.state import OPEN
from domain.fund.advances import Advanced, Recovered, WrittenOff
from domain.fund.keeping import Opened, PaidIn
from domain.streams import COMPLAINT
from tests.reference import figures
from tests.reference.boards_trade import circle_members, corrective_actions, merged
from tests.reference.complaints import merchant, office, stage
from tests.reference.history import SHANGHAI, Events, all_of
from tests.reference.rows import Histories, Row, by, called, streams
from tests.reference.statistics import surviving


def circle_effects(histories: Histories, at: datetime, *, circle: str | None = None) -> list[Row]:
    """Each membership with the complaints about the merchant before it joined, and from that day on."""
    return [
        {**one, **_around(histories, one["merchant_id"], one["begun_at"], at)}
        for one in circle_members(histories, circle=circle)
    ]


def corrective_effects(histories: Histories, at: datetime, *, merchant_id: str | None = None) -> list[Row]:
    """Each corrective action with the complaints, of its stage if it names one, before its effect and from then on."""
    return [
        {**one, **_around(histories, one["merchant_id"], one["effective_at"], at, one["stage"])}
        for one in corrective_actions(histories, merchant_id=merchant_id)
    ]


def _around(histories: Histories, who: str, turn: datetime, at: datetime, of: str | None = None) -> Row:
    day, today = (time.astimezone(SHANGHAI).date() for time in (turn, at))
    into = merged(histories)
    own = [
        events
        for _, events in streams(histories, "complaint")
        if surviving(merchant(events), into) == surviving(who, into) and of in (None, stage(events))
    ]

    def side(first: date) -> Row:
        days = [first + timedelta(days=n) for n in range(180)]
        over = [one for one in days if one < today]
        valid = figures.total(figures.filed_between(own, over[0], over[-1]), "valid") if over else 0
        return {
            "first": first,
            "last": over[-1] if over else None,
            "days": len(over),
            "valid": valid,
            "per_30_days": figures.rounded(figures.share(valid * 30, len(over)), 2),
            "incomplete": len(over) < len(days),
        }

    return {"before": side(day - timedelta(days=180)), "after": side(day)}


def overdue(histories: Histories, by: str, *, now: datetime, office_id: str | None = None) -> list[Row]:
    """By office, or by the merchant that goes on: what is open, and of what is pending what is overdue or at risk."""
    into = merged(histories)
    rows: dict[str, Row] = {}
    for _, events in streams(histories, "complaint"):
        if figures.waits(events) and office_id in (None, office(events)):
            whose = office(events) if by == "office" else surviving(merchant(events), into)
            nothing = {"id": whose or None, "title": called(histories, whose), "open": 0, "overdue": 0, "at_risk": 0}
            row = rows.setdefault(whose, nothing)
            row["open"] += COMPLAINT.fold(events).status in OPEN
            row["overdue"] += bool(figures.overdue(events, now))
            row["at_risk"] += figures.at_risk(events, now)
    # Whatever is of nobody known comes behind all else of as much.
    return sorted(rows.values(), key=lambda one: (-one["overdue"], -one["at_risk"], one["id"] is None, one["id"]))


def funds(histories: Histories, first: date, last: date) -> list[Row]:
    """What moved in each fund from the first to the last day in Shanghai, and what it had at the end of that."""
    found = []
    for fund, events in streams(histories, "fund"):
        until = [one for one in events if one.occurred_at.astimezone(SHANGHAI).date() <= last]
        within = [one for one in until if one.occurred_at.astimezone(SHANGHAI).date() >= first]
        if not until:
            continue
        opened = all_of(until, Opened)[0]

        def fen(events: Events, kind: type[PaidIn | Advanced | Recovered | WrittenOff]) -> int:
            return sum(one.amount.fen for one in all_of(events, kind))

        found.append(
            {
                "fund_id": fund,
                "title": opened.title,
                "currency": opened.currency,
                "paid_in_fen": fen(within, PaidIn),
                "advanced_fen": fen(within, Advanced),
                "recovered_fen": fen(within, Recovered),
                "written_off_fen": fen(within, WrittenOff),
                "balance_fen": fen(until, PaidIn) - fen(until, Advanced) + fen(until, Recovered),
                "outstanding_fen": fen(until, Advanced) - fen(until, Recovered) - fen(until, WrittenOff),
            }
        )
    return by(found, "title", "fund_id")
