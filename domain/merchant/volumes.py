"""What complaints are read beside: a merchant's transactions and active users, by product stage and period."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from domain.action import action
from domain.calendar import day_of
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.merchant.state import Merchant, Status
from domain.rulebook.book import Rulebook
from domain.rulebook.codes import CodeValue
from domain.values import Actor, Role

#: The code list of stages in the life of a product or service.
STAGES = "product-stage"
Count = Annotated[int, Field(ge=0, le=10**15, strict=True)]


class VolumeReported(Event):
    """How many transactions and active users there were at a stage from the ``first`` to the ``last`` day, both
    included. A higher ``edition`` replaces the one before."""

    name = "merchant.volume_reported"

    first: date
    last: date
    stage: CodeValue
    transactions: Count
    active_users: Count
    edition: Annotated[int, Field(ge=1)]


VolumeEvent = VolumeReported


def evolve(state: Merchant, event: VolumeEvent) -> Merchant:
    return replace(state, volumes={**state.volumes, (event.stage, event.first, event.last): event.edition})


def check_stage(stage: str, book: Rulebook) -> None:
    """Raise InvalidInput for a stage that is not in the code list, if that is published."""
    if STAGES in book.code_lists and book.code(STAGES, stage) is None:
        known = ", ".join(book.code_lists[STAGES].entries)
        raise InvalidInput(f"{stage!r} is no stage of a product", hint=f"choose one of the list {STAGES}: {known}")


@action(
    "volume-of-a-merchant", roles=(Role.MERCHANT, Role.PLATFORM, Role.PAYMENT_PROVIDER), during=(Status.REGISTERED,)
)
def report_volume(
    state: Merchant,
    *,
    at: datetime,
    by: Actor,
    book: Rulebook,
    first: date,
    last: date,
    stage: CodeValue,
    transactions: Count,
    active_users: Count,
) -> list[VolumeEvent]:
    """Report transactions and active users of a period at a product stage; a period reported again replaces it."""
    check_stage(stage, book)
    if last < first:
        raise InvalidInput(f"the period ends on {last}, before it begins on {first}", hint="correct the days")
    if last >= day_of(at):
        raise InvalidInput(f"the period ends on {last}, which is not over yet", hint="report it when it is over")
    for known, begins, ends in state.volumes:
        if known == stage and (begins, ends) != (first, last) and begins <= last and first <= ends:
            raise RuleViolation(
                "volumes-do-not-overlap",
                f"{first} to {last} overlaps with {begins} to {ends}, which is reported for {stage}",
                hint="report the same period again to correct it, or one beside it",
            )
    return [
        VolumeReported(
            occurred_at=at,
            actor=by,
            first=first,
            last=last,
            stage=stage,
            transactions=transactions,
            active_users=active_users,
            edition=state.volumes.get((stage, first, last), 0) + 1,
        )
    ]
