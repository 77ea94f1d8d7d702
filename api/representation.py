"""What is told of a complaint beyond its row: clocks, the offer on the table, the terms, and what may be done next."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from api.arguments import body_of, names_of, path_of, summary_of
from api.bodies import NextAction, OfferOnTable, RunningClock, SettledItem
from domain.complaint.state import Complaint
from domain.rulebook.book import Rulebook
from domain.streams import kind_of
from domain.values import Actor


def standing(state: Complaint, asked: datetime) -> dict[str, Any]:
    """Return ``clocks``, ``missed``, ``offer`` and ``terms`` of a complaint, as of a time."""
    settlement = state.settlement
    return {
        "clocks": [
            RunningClock(
                deadline=clock.deadline,
                due=None if clock.left is not None else clock.due,
                stopped=clock.left is not None,
                provisional=bool(clock.provisional),
                overdue=clock.left is None and clock.due < asked,
                rule_set=clock.rule_set,
                source=clock.source,
            )
            for clock in sorted(state.clocks, key=lambda clock: (clock.due, clock.deadline))
        ],
        "missed": sorted(state.missed),
        "offer": None
        if state.offer is None
        else OfferOnTable(number=state.offer.number, side=state.offer.by, terms=list(state.offer.terms)),
        "terms": [
            SettledItem(
                item=item,
                kind=outcome.kind,
                amount=outcome.amount,
                payer=outcome.payer or ("merchant" if outcome.amount is not None else None),
                performed_fen=settlement.performed[item],
                done=item in settlement.done,
            )
            for item, outcome in enumerate(settlement.terms)
        ],
    }


def next_actions(stream: str, state: Any, *, at: datetime, by: Actor, book: Rulebook) -> list[NextAction]:
    """Return the actions that somebody in the role of ``by`` may take now, in the order of a life."""
    kind, found = kind_of(stream), []
    for name in kind.legal_actions(state, at=at, by=by, book=book):
        arguments, required = names_of(body_of(kind.prefix, name))
        found.append(
            NextAction(
                name=name,
                path=f"/{kind.prefix}s/{stream}/{path_of(name)}",
                summary=summary_of(kind.actions[name])[0],
                arguments=arguments,
                required=required,
            )
        )
    return found
