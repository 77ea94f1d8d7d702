"""The state of a measure, and the two ladders on which measures stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import BaseModel, Field

from domain.errors import InvalidInput
from domain.rulebook.codes import Slug
from domain.rulebook.terms import RunningTerm
from domain.values import FROZEN, Money, Role

_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
#: Whom a measure is on.
Target = Annotated[str, Field(pattern=f"^(merchant|platform)-{_UUID}$")]
#: Who imposes it.
Imposer = Annotated[str, Field(pattern=f"^(platform|office)-{_UUID}$")]


class Status(StrEnum):
    """Where a measure stands. CONTESTED: an appeal, a review or a suit is open, in which the measure goes on."""

    NONE = "none"
    IN_FORCE = "in_force"
    CONTESTED = "contested"
    ENDED = "ended"
    REVOKED = "revoked"


class MeasureKind(StrEnum):
    """The measures of platforms, then the penalties of authorities, each from mild to severe."""

    WARNING = "warning"
    TRAFFIC_CONTROL = "traffic_control"
    LIMITED_FUNCTIONS = "limited_functions"
    ACCOUNT_CLOSURE = "account_closure"
    PENALTY_WARNING = "penalty_warning"
    FINE = "fine"
    CONFISCATION = "confiscation"
    SUSPENSION = "suspension"
    LICENCE_REVOKED = "licence_revoked"


#: How severe each is, on the ladder on which it stands. Fine and confiscation are of one step.
PLATFORM_LADDER = {
    MeasureKind.WARNING: 1,
    MeasureKind.TRAFFIC_CONTROL: 2,
    MeasureKind.LIMITED_FUNCTIONS: 3,
    MeasureKind.ACCOUNT_CLOSURE: 4,
}
AUTHORITY_LADDER = {
    MeasureKind.PENALTY_WARNING: 1,
    MeasureKind.FINE: 2,
    MeasureKind.CONFISCATION: 2,
    MeasureKind.SUSPENSION: 3,
    MeasureKind.LICENCE_REVOKED: 4,
}
WITH_AMOUNT = frozenset({MeasureKind.FINE, MeasureKind.CONFISCATION})
WITH_END = frozenset({MeasureKind.TRAFFIC_CONTROL, MeasureKind.LIMITED_FUNCTIONS, MeasureKind.SUSPENSION})


class RuleReference(BaseModel):
    """A version of a rule of the platform."""

    model_config = FROZEN
    rule_id: Slug
    version: Annotated[int, Field(ge=1, le=10**6, strict=True)]


class RemedyKind(StrEnum):
    """What can be done against a measure: an appeal to the platform; review or suit against a penalty."""

    APPEAL = "appeal"
    REVIEW = "review"
    SUIT = "suit"


#: Who decides on each.
BODIES = {
    RemedyKind.APPEAL: Role.PLATFORM,
    RemedyKind.REVIEW: Role.APPEAL_REVIEWER,
    RemedyKind.SUIT: Role.ADJUDICATOR,
}


class Remedy(BaseModel):
    """A remedy that is open, within ``term`` (None: without an end)."""

    model_config = FROZEN
    kind: RemedyKind
    term: RunningTerm | None = None


class Sanction(BaseModel):
    """What a measure does to its target."""

    model_config = FROZEN
    kind: MeasureKind
    amount: Money | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """``remedies``: those not used yet; ``contested_by`` the one that is open, with ``decision_due`` for deciding it.

    ``since`` is when it was imposed, ``latest`` when something was done last against it; ``missed``: when the term for
    deciding passed. ``target``: the role of whom it is on. ``over``: it has no effect any more, by time or because it
    was lifted. ``claimed``: damages not decided on.
    ``report``: the one of which it is the penalty.
    """

    kind: ClassVar[str] = "measure"
    since_what: ClassVar[str] = "the measure was imposed"

    status: Status = Status.NONE
    since: datetime | None = None
    latest: datetime | None = None
    target: Role | None = None
    sanction: Sanction | None = None
    by_platform: bool = False
    remedies: Mapping[RemedyKind, datetime | None] = field(default_factory=dict)
    contested_by: RemedyKind | None = None
    decision_due: datetime | None = None
    missed: datetime | None = None
    over: bool = False
    paid_fen: int = 0
    claimed: Money | None = None
    awarded: bool = False
    report: str = ""

    @property
    def left_fen(self) -> int:
        """What is still to be paid."""
        amount = None if self.sanction is None else self.sanction.amount
        return 0 if amount is None else max(amount.fen - self.paid_fen, 0)


NEW = Measure()


def check_sanction(sanction: Sanction, at: datetime) -> None:
    """Raise InvalidInput for an amount or an end where there is none, or for none where there has to be one."""
    kind, said = sanction.kind, sanction.kind.replace("_", " ")
    if (sanction.amount is not None) != (kind in WITH_AMOUNT) or (
        sanction.amount is not None and not sanction.amount.fen
    ):
        raise InvalidInput(
            f"a {said} {'needs an amount' if kind in WITH_AMOUNT else 'has no amount'}",
            hint="fines and confiscations have one, above zero; the others have none",
        )
    if (sanction.until is not None) != (kind in WITH_END):
        raise InvalidInput(
            f"a {said} {'needs its end' if kind in WITH_END else 'has no end'}",
            hint="traffic control, limited functions and suspensions have one; the others have none",
        )
    if sanction.until is not None and sanction.until <= at:
        raise InvalidInput("the measure would end before it begins", hint="give an end that is still to come")


def is_milder(new: Sanction, old: Sanction) -> bool:
    """Return whether something is less severe: of a lower step, or of the same kind for less or shorter; nothing more.

    No amount is milder than none, so a suspension does not become a fine. What differs in currency cannot be compared.
    """
    ladder = PLATFORM_LADDER if old.kind in PLATFORM_LADDER else AUTHORITY_LADDER
    if new.kind not in ladder or ladder[new.kind] > ladder[old.kind]:
        return False
    if ladder[new.kind] == ladder[old.kind] and new.kind is not old.kind:
        return False
    if new.amount is not None and (old.amount is None or not _at_most(new.amount, old.amount)):
        return False
    if old.until is not None and new.until is not None and new.until > old.until:
        return False
    return new != old


def _at_most(amount: Money, most: Money) -> bool:
    return amount.currency == most.currency and amount.fen <= most.fen
