"""What every order source has to do: the same questions to a file of either form and to a table of PostgreSQL."""

from __future__ import annotations

import csv
import json
import os
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from psycopg2 import sql

from adapters.database import connect
from adapters.orders import COLUMNS, FileOrders, OrderSource, OrdersUnavailable, TableOrders, open_orders
from domain.complaint.filing import Order
from domain.errors import InvalidInput
from domain.values import Money, parse_instant

MERCHANT = "merchant-f3f3a985-9840-ca16-6825-698f8803c309"
RECEIPT = "0123456789abcdef" * 4
WHOLE: dict[str, Any] = {
    "reference": "2026030200042",
    "purchased_at": "2026-03-02T09:00:00.000001+08:00",
    "amount": "19900.01",
    "currency": "CNY",
    "merchant_id": MERCHANT,
    "platform": "market-7",
    "payment_provider": "pay-3",
    "receipt": RECEIPT,
    "product": '电饭锅, 4 "升"',
    "region": "330106",
}
LEAST = {"reference": "x' or '1'='1", "purchased_at": "2026-03-02T01:00:00Z", "amount": "0.01"}
BAD: dict[str, dict[str, Any]] = {
    "negative": LEAST | {"reference": "negative", "amount": "-1.00"},
    "too fine": LEAST | {"reference": "too fine", "amount": "1.001"},
    "no amount": {name: value for name, value in LEAST.items() if name != "amount"} | {"reference": "no amount"},
    "merchant": LEAST | {"reference": "merchant", "merchant_id": "merchant-7"},
    "receipt": LEAST | {"reference": "receipt", "receipt": "abc"},
    "region": LEAST | {"reference": "region", "region": "Hangzhou"},
    "currency": LEAST | {"reference": "currency", "currency": "yuan"},
}

Make = Callable[[Sequence[dict[str, Any]]], OrderSource]


@pytest.fixture(params=["jsonl", "csv", "table"])
def make(request: pytest.FixtureRequest, tmp_path: Path, database_url: str) -> Make:
    """Puts rows where an order source finds them, in place of those before."""

    def jsonl(rows: Sequence[dict[str, Any]]) -> OrderSource:
        path = tmp_path / "orders.jsonl"
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
        return open_orders(str(path))

    def table_csv(rows: Sequence[dict[str, Any]]) -> OrderSource:
        path = tmp_path / "orders.csv"
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        return open_orders(str(path))

    def table(rows: Sequence[dict[str, Any]]) -> OrderSource:
        conn = connect(database_url, None)
        with conn.cursor() as cursor:
            cursor.execute("drop schema if exists shop cascade")
            cursor.execute("create schema shop")
            # As a shop would have it: own types, further columns, names that need quotes.
            cursor.execute(
                'create table shop."Orders" (id bigserial, reference text, purchased_at timestamptz, amount numeric, '
                "currency text, merchant_id text, platform text, payment_provider text, receipt text, product text, "
                "region text)"
            )
            for row in rows:
                cursor.execute(
                    sql.SQL('insert into shop."Orders" ({}) values ({})').format(
                        sql.SQL(", ").join(map(sql.Identifier, row)), sql.SQL(", ").join(map(sql.Literal, row.values()))
                    )
                )
        conn.close()
        separator = "&" if "?" in database_url else "?"
        return open_orders(f"{database_url}{separator}table=shop.Orders")

    return {"jsonl": jsonl, "csv": table_csv, "table": table}[request.param]


def test_c1_an_order_is_found_with_all_that_its_source_knows(make: Make) -> None:
    found = make([LEAST, WHOLE]).find(WHOLE["reference"])
    assert found is not None
    assert found.order == Order(
        source=found.order.source,
        reference=WHOLE["reference"],
        purchased_at=parse_instant(WHOLE["purchased_at"]),
        amount=Money(fen=1_990_001),
        merchant_id=MERCHANT,
        platform="market-7",
        payment_provider="pay-3",
        receipt=RECEIPT,
    )
    assert (found.product, found.region) == (WHOLE["product"], "330106")
    assert found.order.source in ("orders", "shop.Orders")


def test_c1_of_an_order_only_reference_time_and_amount_have_to_be_known(make: Make) -> None:
    found = make([WHOLE, LEAST]).find(LEAST["reference"])
    assert found is not None
    assert (found.order.amount, found.order.merchant_id, found.product, found.region) == (
        Money(fen=1),
        None,
        None,
        None,
    )


@pytest.mark.parametrize("reference", ["other", "2026030200042 ", "20260302%", "", "a\0b", "' or true --", "好"])
def test_a_reference_that_is_not_known_finds_nothing(make: Make, reference: str) -> None:
    assert make([WHOLE, LEAST]).find(reference) is None


@pytest.mark.parametrize("reference", BAD)
def test_an_order_that_makes_no_sense_is_told_to_who_asks_for_it_and_the_others_are_found(
    make: Make, reference: str
) -> None:
    source = make([*BAD.values(), WHOLE])
    with pytest.raises(InvalidInput, match=f"the order {reference!r}") as told:
        source.find(reference)
    assert told.value.hint
    assert source.find(WHOLE["reference"]) is not None


def test_a_reference_that_stands_twice_is_not_guessed_at(make: Make) -> None:
    with pytest.raises(InvalidInput, match="stands in"):
        make([WHOLE, WHOLE | {"amount": "1.00"}]).find(WHOLE["reference"])


def test_an_order_that_comes_later_is_found_too(make: Make) -> None:
    source = make([LEAST])
    assert source.find(WHOLE["reference"]) is None
    make([LEAST, WHOLE])
    assert source.find(WHOLE["reference"]) is not None


def test_bad_lines_of_a_file_are_named_by_number_and_cost_only_themselves(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "orders.jsonl"
    lines = [b"{", b"[]", b'{"reference":"\xff"}', b"", json.dumps(WHOLE | {"amount": 1.001}).encode()]
    path.write_bytes(b"\n".join([*lines, json.dumps(LEAST).encode()]))
    source = FileOrders(path)
    assert source.find(LEAST["reference"]) is not None
    with pytest.raises(InvalidInput, match=r"line 5 of orders\.jsonl"):
        source.find(WHOLE["reference"])
    named = [record.getMessage().partition(" of ")[0] for record in caplog.records]
    assert named == ["line 1", "line 2", "line 3", "line 5"]


def test_a_float_in_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "orders.jsonl"
    path.write_text(json.dumps(LEAST).replace('"0.01"', "4503599627370.29"))
    found = FileOrders(path).find(LEAST["reference"])
    assert found is not None
    assert found.order.amount == Money(fen=450_359_962_737_029)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"reference,amount\n", "no column purchased_at"),
        (b"reference,purchased_at,amount\na,b\n", "3 fields"),
        (b"reference,purchased_at,amount\na,b,c,d\n", "3 fields"),
        (b'reference,purchased_at,amount\n"a,b,c\n', "not CSV"),
    ],
)
def test_a_csv_that_is_no_file_of_orders_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes, reason: str
) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(content)
    assert FileOrders(path).find("a") is None
    assert reason in caplog.text


@pytest.mark.parametrize("where", ["orders.jsonl", "/orders.txt", "mysql://x/y", "postgresql://x/y?table=a..b", ""])
def test_what_is_no_order_source_is_refused(where: str) -> None:
    with pytest.raises(InvalidInput) as told:
        open_orders(where)
    assert told.value.hint


def test_an_order_source_that_is_away_is_not_taken_for_one_without_the_order(tmp_path: Path, database_url: str) -> None:
    url = database_url.replace(database_url.rpartition("/")[2], f"gone_{uuid.uuid4().hex}")
    for source in (FileOrders(tmp_path / "missing.jsonl"), TableOrders(url, "orders"), TableOrders(database_url, "no")):
        with pytest.raises(OrdersUnavailable):
            source.find("a")
    path = tmp_path / "orders.jsonl"
    path.write_text(json.dumps(LEAST))
    source = FileOrders(path)
    assert source.find(LEAST["reference"]) is not None
    os.unlink(path)
    with pytest.raises(OrdersUnavailable):
        source.find(LEAST["reference"])
