"""Which office handles a complaint, and which court hears a suit. The two are not the same question."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from domain.errors import InvalidInput
from domain.rulebook.book import regions_around
from domain.values import FROZEN

DivisionCode = Annotated[str, Field(pattern=r"^[0-9]{6}$")]


class OfficeBasis(StrEnum):
    """Why an office is competent."""

    MERCHANT = "merchant_location"
    PLATFORM = "platform_domicile"


class Shop(BaseModel):
    """Where the merchant does business (GB/T 2260); for a shop on a platform, what its published address is worth."""

    model_config = FROZEN
    division: DivisionCode | None = None
    platform_division: DivisionCode | None = None
    address: Literal["reachable", "missing", "dead"] = "reachable"


def competent_division(shop: Shop) -> tuple[str, OfficeBasis]:
    """Return the division whose county office is competent, and why (Order 121, art. 9).

    That of the merchant; for a shop on a platform whose published address is missing or dead, that of the platform.
    Raises InvalidInput when the facts do not say.
    """
    if shop.address == "reachable" and shop.division is not None:
        return shop.division, OfficeBasis.MERCHANT
    if shop.platform_division is not None:
        return shop.platform_division, OfficeBasis.PLATFORM
    if shop.division is not None:
        return shop.division, OfficeBasis.MERCHANT
    raise InvalidInput("neither the merchant's nor the platform's division is given", hint="give one of them")


def covers(office: str, division: str) -> bool:
    """Whether the office of a division is competent for another: the same, or one that contains it."""
    return office in regions_around(division)


class CourtBasis(StrEnum):
    """Why a court is competent."""

    AGREED = "agreed_place_of_performance"
    BUYER = "buyer_domicile"
    RECEIPT = "place_of_receipt"


class Sale(BaseModel):
    """The facts of an online sale that decide on the court: divisions by GB/T 2260."""

    model_config = FROZEN
    delivered: Literal["over_the_net", "otherwise"]
    buyer_division: DivisionCode | None = None
    receipt_division: DivisionCode | None = None
    agreed_division: DivisionCode | None = None


def competent_court(sale: Sale) -> tuple[str, CourtBasis]:
    """Return the division whose court is competent for an online sale, and why.

    The place of performance that the contract names prevails; what was delivered over the net is performed at the
    buyer's domicile, anything else at the place of receipt (Interpretation of the Civil Procedure Law, art. 20).
    Raises InvalidInput when the place that decides is not given.
    """
    if sale.agreed_division is not None:
        return sale.agreed_division, CourtBasis.AGREED
    place, basis = (
        (sale.buyer_division, CourtBasis.BUYER)
        if sale.delivered == "over_the_net"
        else (sale.receipt_division, CourtBasis.RECEIPT)
    )
    if place is None:
        raise InvalidInput(f"the {basis.replace('_', ' ')} decides, and is not given", hint="give its division")
    return place, basis
