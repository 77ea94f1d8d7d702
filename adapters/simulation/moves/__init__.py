"""What people do next in the simulated market, by the kind of stream and where it stands."""

from __future__ import annotations

from enum import StrEnum

from adapters.simulation.market import Move
from adapters.simulation.moves import authorities, complaints, measures, merchants, trade
from domain.streams import COMPLAINT, FUND, GRIEVANCE, MEASURE, MERCHANT, OFFICE, PLATFORM, ROOM, SUBJECT

MOVES: dict[str, dict[StrEnum, tuple[Move, ...]]] = {
    COMPLAINT.prefix: complaints.MOVES,
    MERCHANT.prefix: merchants.MOVES,
    PLATFORM.prefix: trade.PLATFORM_MOVES,
    GRIEVANCE.prefix: trade.GRIEVANCE_MOVES,
    ROOM.prefix: trade.ROOM_MOVES,
    MEASURE.prefix: measures.MOVES,
    OFFICE.prefix: authorities.OFFICE_MOVES,
    FUND.prefix: authorities.FUND_MOVES,
    SUBJECT.prefix: authorities.SUBJECT_MOVES,
}
