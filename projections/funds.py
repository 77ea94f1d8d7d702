"""Read model ``funds``: what came into each fund, what it advanced, and what came back, in fen."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, assert_never

from domain.calendar import day_of
from domain.event import Event
from domain.fund.advances import Advanced, AdvanceRefused, Recovered, WrittenOff
from domain.fund.keeping import Closed, Opened, PaidIn
from domain.fund.life import FUND, FundEvent
from domain.fund.state import Status
from projections.items import NONE, Items, alter, day, dump, following, instant, load, number, put, table, text, texts
from projections.projection import Projection


class Row(NamedTuple):
    """See the comments on the columns of ``read.funds``."""

    title: str
    office_id: str
    currency: str
    status: str
    opened_at: datetime
    closed_at: datetime | None = None
    paid_in_fen: int = 0
    advanced_fen: int = 0
    recovered_fen: int = 0
    written_off_fen: int = 0
    stated_balance_fen: int = 0
    items: str = NONE


#: What moves in a fund on a day.
FLOWS = ("paid_in_fen", "advanced_fen", "recovered_fen", "written_off_fen")


def fold(row: Row | None, event: FundEvent) -> Row:
    """Return the row after ``event``; raises ValueError when a stream does not begin with its opening."""
    at = event.occurred_at
    if isinstance(event, Opened):
        return Row(event.title, event.office_id, event.currency, Status.OPEN, at)
    if row is None:
        raise ValueError(f"{event.name} before fund.opened")
    items = load(row.items)
    match event:
        case PaidIn():
            row = _flow(row, items, event, "paid_in_fen", event.amount.fen)
            row = row._replace(stated_balance_fen=event.balance.fen)
        case Advanced():
            put(
                items,
                "advance",
                event.number,
                number=event.number,
                complaint_id=event.complaint_id,
                request=event.request,
                item=event.item,
                payer=event.payer,
                debtor=event.debtor,
                advanced_at=at,
                advanced_fen=event.amount.fen,
            )
            row = _flow(row, items, event, "advanced_fen", event.amount.fen)
            row = row._replace(stated_balance_fen=event.balance.fen)
        case Recovered():
            _of_advance(items, event.advance, "recovered_fen", event.amount.fen)
            row = _flow(row, items, event, "recovered_fen", event.amount.fen)
            row = row._replace(stated_balance_fen=event.balance.fen)
        case WrittenOff():
            _of_advance(items, event.advance, "written_off_fen", event.amount.fen)
            alter(items, "advance", event.advance, number=event.advance, texts={"reason": event.reason})
            row = _flow(row, items, event, "written_off_fen", event.amount.fen)
        case AdvanceRefused():
            put(
                items,
                "refusal",
                following(items, "refusal"),
                number=following(items, "refusal"),
                complaint_id=event.complaint_id,
                request=event.request,
                item=event.item,
                reason=event.reason,
                refused_at=at,
                currency=event.amount.currency,
                amount_fen=event.amount.fen,
            )
        case Closed():
            return row._replace(status=Status.CLOSED, closed_at=at, stated_balance_fen=event.balance.fen)
        case _:
            assert_never(event)
    return row._replace(items=dump(items))


def _flow(row: Row, items: Items, event: Event, name: str, fen: int) -> Row:
    on = day_of(event.occurred_at)
    moved = items.get("flow", {}).get(str(on), {})
    flows = {flow: moved.get(flow, 0) for flow in FLOWS}
    put(items, "flow", on, day=on, **(flows | {name: flows[name] + fen}))
    return row._replace(**{name: getattr(row, name) + fen})


def _of_advance(items: Items, advance: int, name: str, fen: int) -> None:
    before = items["advance"][str(advance)].get(name, 0)
    alter(items, "advance", advance, **{name: before + fen})


ID = "fund_id"
FUNDS = Projection(
    name="funds",
    kind=FUND,
    table="read.funds",
    key=ID,
    row=Row,
    fold=fold,
    sums=(
        table("fund_flows", ID, "flow", day("day"), amounts=FLOWS),
        table(
            "fund_advances",
            ID,
            "advance",
            *(number("number"), text("complaint_id"), number("request"), number("item"), text("payer")),
            *(text("debtor"), instant("advanced_at")),
            amounts=FLOWS[1:],
        ),
        table(
            "fund_refusals",
            ID,
            "refusal",
            *(number("number"), text("complaint_id"), number("request"), number("item"), text("reason")),
            *(instant("refused_at"), text("currency")),
            amounts=("amount_fen",),
        ),
        texts("fund_texts", ID),
    ),
)
