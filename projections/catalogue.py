"""The list of read models. A new one is a file and a line here."""

from __future__ import annotations

from projections.complaint_details import COMPLAINT_DETAILS
from projections.merchants import MERCHANTS

PROJECTIONS = (COMPLAINT_DETAILS, MERCHANTS)
