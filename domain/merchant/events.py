"""What can happen to a merchant."""

from __future__ import annotations

from domain.event import Event
from domain.values import Code, ShortText, TimePrecision


class Registered(Event):
    """A merchant became known, under a name and, where there is one, an official identifier."""

    name = "merchant.registered"

    trade_name: ShortText
    identifier: Code | None = None
    register_name: ShortText | None = None
    precision: TimePrecision = TimePrecision.INSTANT


class PromiseSigned(Event):
    """The merchant promises to answer within a day and to try to resolve within seven, from now on."""

    name = "merchant.promise_signed"

    batch: ShortText


class PromiseLeft(Event):
    """The merchant leaves the promise; complaints filed before stay under it."""

    name = "merchant.promise_left"

    reason: ShortText


class Enrolled(Event):
    """The enterprise takes part in online dispute resolution: it gets complaints first, from now on."""

    name = "merchant.enrolled"


class EnrolmentEnded(Event):
    """The enterprise no longer gets complaints first."""

    name = "merchant.enrolment_ended"

    reason: ShortText


MerchantEvent = Registered | PromiseSigned | PromiseLeft | Enrolled | EnrolmentEnded
