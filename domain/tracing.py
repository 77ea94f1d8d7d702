"""What a consequence rests on: the complaints and reports that it names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from domain.complaint.state import Complaint, RequestKind, Status
from domain.errors import InvalidInput, RuleViolation

#: Requests that say something of a merchant.
GROUNDS = frozenset({RequestKind.COMPLAINT, RequestKind.REPORT})
#: Requests that say nothing of a merchant, or no longer.
VOID = frozenset({Status.REFUSED, Status.REFERRED, Status.WITHDRAWN})


@dataclass(frozen=True, slots=True)
class Traced:
    """A request that is named as a reason, as it stands; ``merchant_id`` is empty before it was sent to one.

    ``unfounded``: it was closed without a word against the merchant.
    """

    complaint_id: str
    request_kind: RequestKind
    status: Status
    merchant_id: str
    unfounded: bool = False


def traced(complaint_id: str, state: Complaint) -> Traced:
    """Return what a consequence has to know of a request."""
    unfounded = state.status is Status.CLOSED and state.unfounded
    return Traced(complaint_id, state.kind, state.status, state.merchant_id, unfounded)


def check_traced(found: Iterable[Traced], merchant_id: str | None) -> None:
    """Check that a consequence names requests that stand, and that they are about this merchant (None: about anybody).

    A report need not have named the merchant: that is what is found out. Raises RuleViolation, InvalidInput.
    """
    named = list(found)
    if not named:
        raise RuleViolation(
            "consequence-traces-to-complaints",
            "a consequence without a complaint or report behind it",
            hint="name those that it rests on",
        )
    for one in named:
        _check_stands(one)
        unnamed = not one.merchant_id and one.request_kind is RequestKind.REPORT
        if merchant_id is not None and one.merchant_id != merchant_id and not unnamed:
            raise RuleViolation(
                "consequence-of-own-complaints",
                f"{one.complaint_id} is not about {merchant_id}",
                hint="name complaints that were sent to this merchant, or reports",
            )


def _check_stands(one: Traced) -> None:
    if one.status in (Status.NONE, Status.MERGED):
        raise InvalidInput(
            f"{one.complaint_id} is {'not there' if one.status is Status.NONE else 'merged into another'}",
            hint="name complaints that stand",
        )
    if one.request_kind not in GROUNDS:
        raise RuleViolation(
            "consequence-of-complaints-that-stand",
            f"{one.complaint_id} is a {one.request_kind}, which accuses nobody",
            hint="name complaints or reports",
        )
    if one.status in VOID or one.unfounded:
        raise RuleViolation(
            "consequence-of-complaints-that-stand",
            f"{one.complaint_id} was {'found not to count' if one.unfounded else one.status}",
            hint="name complaints and reports that stand",
        )
