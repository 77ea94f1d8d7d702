"""The list of read models. A new one is a file and a line here."""

from __future__ import annotations

from projections.complaint_details import COMPLAINT_DETAILS
from projections.complaint_texts import COMPLAINT_TEXTS
from projections.credit_events import CREDIT_DAYS
from projections.credit_grades import CREDIT_GRADES
from projections.funds import FUNDS
from projections.grievances import GRIEVANCES
from projections.measures import MEASURES
from projections.merchants import MERCHANTS
from projections.offices import OFFICES
from projections.platforms import PLATFORMS
from projections.rooms import ROOMS
from projections.rulebook import RULEBOOKS
from projections.subjects import SUBJECTS

PROJECTIONS = (
    COMPLAINT_DETAILS,
    COMPLAINT_TEXTS,
    MERCHANTS,
    PLATFORMS,
    MEASURES,
    GRIEVANCES,
    ROOMS,
    CREDIT_DAYS,
    CREDIT_GRADES,
    OFFICES,
    FUNDS,
    SUBJECTS,
    RULEBOOKS,
)
