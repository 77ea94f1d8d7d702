"""Projections as a later version of the program has them. Rebuilding processes import them from here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from domain.complaint.ending import Closed
from domain.complaint.filing import Filed
from domain.complaint.negotiation import Answered
from projections.complaint_details import COMPLAINT_DETAILS

RENAMED = "网购"


def renamed(row: Any, event: Any) -> Any:
    """Call all products by another name."""
    new = COMPLAINT_DETAILS.fold(row, event)
    return new._replace(product=RENAMED) if isinstance(event, Filed) else new


def stumbling(row: Any, event: Any) -> Any:
    """Fail at answers, and give closed requests an amount that no column takes."""
    if isinstance(event, Answered):
        raise ZeroDivisionError("a fault of the program")
    new = renamed(row, event)
    return new._replace(recovered_fen=10**30) if isinstance(event, Closed) else new


NEXT = replace(COMPLAINT_DETAILS, fold=renamed, version=COMPLAINT_DETAILS.version + 1)
FAULTY = replace(COMPLAINT_DETAILS, fold=stumbling, version=COMPLAINT_DETAILS.version + 2)
MENDED = replace(COMPLAINT_DETAILS, version=COMPLAINT_DETAILS.version + 3)
