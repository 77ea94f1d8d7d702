"""The two tables that projectors are compared on: cases, and the statistics over them."""

from __future__ import annotations

from dataclasses import replace

from projections.complaint_details import COMPLAINT_DETAILS
from projections.resolution_statistics import RESOLUTION_STATISTICS

TWO_TABLES = (replace(COMPLAINT_DETAILS, sums=(RESOLUTION_STATISTICS,)),)
