"""Which office handles a complaint, and which court hears a suit."""

from __future__ import annotations

from typing import Any

import pytest

from domain.complaint import handling, ways
from domain.complaint.handling import Received
from domain.complaint.jurisdiction import Sale, Shop
from domain.complaint.ways import CourtReferred
from tests.domain.lives import ACCEPTED, FILED, OFFICE_ID, PUDONG, XIHU, lived, step
from tests.domain.scenario import CONSUMER, REGULATOR, day, given


@pytest.mark.parametrize(
    ("shop", "division", "basis"),
    [
        (Shop(division=XIHU), XIHU, "merchant_location"),
        (Shop(division=XIHU, platform_division=PUDONG), XIHU, "merchant_location"),
        (Shop(division=XIHU, platform_division=PUDONG, address="dead"), PUDONG, "platform_domicile"),
        (Shop(platform_division=PUDONG, address="missing"), PUDONG, "platform_domicile"),
        (Shop(platform_division=PUDONG), PUDONG, "platform_domicile"),
        (Shop(division=XIHU, address="dead"), XIHU, "merchant_location"),
    ],
)
def test_a13_the_merchants_county_office_is_competent_or_that_of_the_platform(
    shop: Shop, division: str, basis: str
) -> None:
    received = lived(
        step(handling.receive, day(1), REGULATOR, office_id=OFFICE_ID, division=division, shop=shop), since=FILED
    )[-1]
    assert isinstance(received, Received)
    assert received.basis == basis


def test_a13_the_facts_say_where_the_shop_is() -> None:
    given(*FILED).when(
        handling.receive, at=day(1), by=REGULATOR, office_id=OFFICE_ID, division=XIHU, shop=Shop()
    ).invalid("neither the merchant's nor the platform's division")


BUYER, RECEIPT, AGREED = "110105", "440305", "310115"


@pytest.mark.parametrize(
    ("facts", "division", "basis"),
    [
        ({"delivered": "over_the_net"}, BUYER, "buyer_domicile"),
        ({"delivered": "otherwise"}, RECEIPT, "place_of_receipt"),
        ({"delivered": "over_the_net", "agreed_division": AGREED}, AGREED, "agreed_place_of_performance"),
        ({"delivered": "otherwise", "agreed_division": AGREED}, AGREED, "agreed_place_of_performance"),
    ],
)
def test_b11_the_court_follows_from_how_it_was_delivered_unless_the_contract_says(
    facts: dict[str, Any], division: str, basis: Any
) -> None:
    sale = Sale(buyer_division=BUYER, receipt_division=RECEIPT, **facts)
    given(*ACCEPTED).when(ways.refer_to_court, at=day(5), by=CONSUMER, sale=sale).then(
        CourtReferred(occurred_at=day(5), actor=CONSUMER, division=division, basis=basis)
    )


@pytest.mark.parametrize(
    ("sale", "missing"),
    [
        (Sale(delivered="over_the_net", receipt_division=RECEIPT), "the buyer domicile decides"),
        (Sale(delivered="otherwise", buyer_division=BUYER), "the place of receipt decides"),
    ],
)
def test_b11_the_place_that_decides_has_to_be_known(sale: Sale, missing: str) -> None:
    given(*ACCEPTED).when(ways.refer_to_court, at=day(5), by=CONSUMER, sale=sale).invalid(missing)
