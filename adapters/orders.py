"""Payment orders, as somebody else keeps them: a port, with a file of orders and a table of PostgreSQL behind it.

Both have the same columns: ``reference``, ``purchased_at`` (with zone), ``amount`` (a decimal such as 199.00), and
where they are known ``currency`` (default CNY), ``merchant_id``, ``platform``, ``payment_provider``, ``receipt``
(SHA-256 of the receipt), ``product`` and ``region`` (six digits of GB/T 2260). Others are not looked at.
"""

from __future__ import annotations

import csv
import io
import json
import logging
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import psycopg2
from psycopg2 import sql
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adapters.database import UNAVAILABLE, Pool
from domain.complaint.filing import Order
from domain.errors import InvalidInput, LedgerError
from domain.values import Money, ShortText, parse_instant

log = logging.getLogger("orders")

COLUMNS = (
    "reference",
    "purchased_at",
    "amount",
    "currency",
    "merchant_id",
    "platform",
    "payment_provider",
    "receipt",
    "product",
    "region",
)
NEEDED = ("reference", "purchased_at", "amount")


class OrdersUnavailable(Exception):
    """The order source does not answer; try again later."""


class FoundOrder(NamedTuple):
    """A payment order with what it was for, and the region (GB/T 2260) of who bought it."""

    order: Order
    product: str | None
    region: str | None


class OrderSource(Protocol):
    """Where a payment order is looked up."""

    def find(self, reference: str) -> FoundOrder | None:
        """Return an order; None if it is not known.

        Raises InvalidInput if what is known of it makes no sense, OrdersUnavailable.
        """
        ...


class _Beside(BaseModel):
    model_config = ConfigDict(extra="forbid")
    product: ShortText | None = None
    region: Annotated[str, Field(pattern=r"^[0-9]{6}$")] | None = None


def open_orders(where: str) -> OrderSource:
    """Open an order source: a file ending in .jsonl or .csv, or ``postgresql://…?table=NAME`` (default: orders).

    Raises InvalidInput.
    """
    parts = urlsplit(where)
    if parts.scheme in ("postgresql", "postgres"):
        options = parse_qsl(parts.query, keep_blank_values=True)
        tables = [value for name, value in options if name == "table"] or ["orders"]
        if len(tables) > 1 or not all(tables[0].split(".")):
            raise InvalidInput("the order source names no table", hint="write postgresql://…?table=schema.name")
        rest = urlencode([(name, value) for name, value in options if name != "table"])
        return TableOrders(urlunsplit(parts._replace(query=rest)), tables[0])
    path = Path(where)
    # The processes do not run in the directory of who starts them.
    if path.suffix not in (".jsonl", ".csv") or not path.is_absolute():
        raise InvalidInput(
            f"the order source {where} is neither the absolute path of a file of orders nor a PostgreSQL",
            hint="give a path ending in .jsonl or .csv, or postgresql://…?table=NAME",
        )
    return FileOrders(path)


class FileOrders:
    """A file with an order a line: JSON objects (.jsonl), or CSV with a header. Read anew when it has changed.

    A bad line is named in the log, and to whoever asks for its order; the others are found.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._seen: tuple[int, int] | None = None
        self._orders: dict[str, FoundOrder | str] = {}

    def find(self, reference: str) -> FoundOrder | None:
        with self._lock:
            try:
                stat = self._path.stat()
                if self._seen != (stat.st_mtime_ns, stat.st_size):
                    self._orders = self._read()
                    self._seen = (stat.st_mtime_ns, stat.st_size)
            except OSError as error:
                raise OrdersUnavailable(f"{self._path} cannot be read: {error.strerror}") from None
            found = self._orders.get(reference)
        if isinstance(found, str):
            raise InvalidInput(f"the order {reference!r}: {found}", hint="have the order source corrected")
        return found

    def _read(self) -> dict[str, FoundOrder | str]:
        orders: dict[str, FoundOrder | str] = {}
        with self._path.open("rb") as file:
            for number, line in _csv(file) if self._path.suffix == ".csv" else _json_lines(file):
                where = f"line {number} of {self._path.name}"
                if isinstance(line, str):
                    log.warning("%s is left aside: %s", where, line)
                    continue
                reference = str(line.get("reference") or "")
                try:
                    if reference in orders:
                        raise InvalidInput(f"the reference {reference!r} stands in an earlier line too")
                    orders[reference] = _order(line, self._path.stem)
                except LedgerError as error:
                    # What stands there is nobody's business but of who asks for the order.
                    log.warning("%s is left aside: whoever asks for its order is told why", where)
                    orders[reference] = f"{where} is wrong: {error.message}"
        return orders


def _json_lines(file: io.BufferedReader) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            # A float would have lost what was written.
            given = json.loads(line.decode("utf-8"), parse_float=str)
        except (ValueError, RecursionError) as error:
            yield number, f"it is not JSON in UTF-8 ({error})"
            continue
        yield number, given if isinstance(given, dict) else "it is not a JSON object"


def _csv(file: io.BufferedReader) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    rows = csv.DictReader(text, restkey="", strict=True)
    try:
        missing = [name for name in NEEDED if name not in (rows.fieldnames or ())]
        if missing:
            yield 1, f"the header has no column {', '.join(missing)}"
            return
        for row in rows:
            if "" in row or None in row.values():
                yield rows.line_num, f"it does not have the {len(rows.fieldnames or ())} fields of the header"
            else:
                yield rows.line_num, {name: value for name, value in row.items() if value != ""}
    except csv.Error as error:
        yield rows.line_num, f"it is not CSV ({error}); what follows is not read"


class TableOrders:
    """A table or view of PostgreSQL with an order a row."""

    def __init__(self, url: str, table: str) -> None:
        self._pool = Pool(url, None)
        self._table = table

    def find(self, reference: str) -> FoundOrder | None:
        if "\0" in reference:
            return None
        # As text, so that no column has to be there but those that are needed, and numbers stay as they were written.
        query = sql.SQL("select {} from {} o where reference = %s limit 2").format(
            sql.SQL(", ").join(sql.SQL("to_jsonb(o) ->> {}").format(sql.Literal(column)) for column in COLUMNS),
            sql.Identifier(*self._table.split(".")),
        )
        try:
            with self._pool.cursor() as cursor:
                cursor.execute(query, (reference,))
                rows = [dict(zip(COLUMNS, row, strict=True)) for row in cursor]
        except UNAVAILABLE as error:
            raise OrdersUnavailable(f"the table of orders does not answer: {str(error).strip()}") from error
        except psycopg2.Error as error:
            raise OrdersUnavailable(f"the table {self._table} cannot be read: {str(error).strip()}") from error
        if not rows:
            return None
        try:
            if len(rows) > 1:
                raise InvalidInput("the reference stands in two rows")
            return _order(rows[0], self._table)
        except LedgerError as error:
            raise InvalidInput(
                f"the order {reference!r}: its row in {self._table} is wrong: {error.message}",
                hint="have the order source corrected",
            ) from None


def _order(row: Mapping[str, Any], source: str) -> FoundOrder:
    """Make an order of what a source says; raises InvalidInput."""
    known = {name: row[name] for name in COLUMNS if row.get(name) is not None}
    for name in NEEDED:
        if name not in known:
            raise InvalidInput(f"it has no {name}")
    at, amount = known.pop("purchased_at"), known.pop("amount")
    if not isinstance(at, str):
        raise InvalidInput("purchased_at is not a time, such as 2026-01-31T09:30:00+08:00")
    money = Money.parse(str(amount), str(known.pop("currency", "CNY")))
    purchased_at = parse_instant(at)
    try:
        beside = _Beside.model_validate({name: known.pop(name) for name in ("product", "region") if name in known})
        order = Order.model_validate({**known, "source": source, "purchased_at": purchased_at, "amount": money})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InvalidInput(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    return FoundOrder(order, beside.product, beside.region)
