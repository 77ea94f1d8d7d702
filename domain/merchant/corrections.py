"""What a merchant changes because of complaints, and what came of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, assert_never

from pydantic import Field

from domain.action import action
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.merchant.registration import as_own
from domain.merchant.state import Merchant, Status, not_before
from domain.merchant.volumes import check_stage
from domain.rulebook.book import Rulebook
from domain.rulebook.codes import CodeValue
from domain.tracing import Traced, check_traced
from domain.values import Actor, ComplaintId, Instant, LongText, MerchantId, Role, ShortText

DURING = (Status.REGISTERED,)
Number = Annotated[int, Field(ge=1)]


class CorrectiveActionTaken(Event):
    """The merchant changes something because of these complaints, from ``effective_at`` on."""

    name = "merchant.corrective_action_taken"

    number: Number
    title: ShortText
    description: LongText
    complaints: Annotated[tuple[ComplaintId, ...], Field(min_length=1)]
    stage: CodeValue | None = None
    effective_at: Instant


class CorrectiveResultReported(Event):
    """What came of a corrective action."""

    name = "merchant.corrective_result_reported"

    number: Number
    text: LongText


CorrectionEvent = CorrectiveActionTaken | CorrectiveResultReported


def evolve(state: Merchant, event: CorrectionEvent) -> Merchant:
    match event:
        case CorrectiveActionTaken():
            return replace(state, corrections=(*state.corrections, event.effective_at))
        case CorrectiveResultReported():
            return state
        case _:
            assert_never(event)


@action("correction-by-the-merchant", roles=(Role.MERCHANT, Role.PLATFORM), during=DURING)
def take_corrective_action(
    state: Merchant,
    *,
    at: datetime,
    by: Actor,
    book: Rulebook,
    own_id: MerchantId,
    title: ShortText,
    description: LongText,
    complaints: tuple[ComplaintId, ...],
    traced: tuple[Traced, ...],
    effective_at: Instant,
    stage: CodeValue | None = None,
) -> list[CorrectionEvent]:
    """Record what is changed because of complaints, at which product stage, and from when on."""
    check_traced(as_own(state, own_id, traced), own_id)
    if stage is not None:
        check_stage(stage, book)
    return [
        CorrectiveActionTaken(
            occurred_at=at,
            actor=by,
            number=len(state.corrections) + 1,
            title=title,
            description=description,
            complaints=complaints,
            stage=stage,
            effective_at=effective_at,
        )
    ]


def _nothing_corrected(state: Merchant, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if any(effective_at <= at for effective_at in state.corrections):
        return None
    return RuleViolation(
        "result-of-a-correction", "no corrective action has taken effect", hint="record the action, and wait for it"
    )


@action("result-of-a-correction", roles=(Role.MERCHANT, Role.PLATFORM), during=DURING, unless=_nothing_corrected)
def report_corrective_result(
    state: Merchant, *, at: datetime, by: Actor, number: Number, text: LongText
) -> list[CorrectionEvent]:
    """Report what came of a corrective action, once it has taken effect."""
    if not 1 <= number <= len(state.corrections):
        raise InvalidInput(f"there is no corrective action {number}", hint=f"there are {len(state.corrections)}")
    not_before(state.corrections[number - 1], at, f"corrective action {number} takes effect")
    return [CorrectiveResultReported(occurred_at=at, actor=by, number=number, text=text)]
