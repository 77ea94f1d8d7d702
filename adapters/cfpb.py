"""Streaming reader of the Consumer Complaint Database as the US CFPB has published it since 2011.

Reads the 14-column form of 2014, the 18-column form with narratives and the field names of the search API's
export, in any column order. Memory does not grow with the file: a record is bounded, rows without an id are
counted on disk.
"""

import csv
import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, TypeVar

from adapters.csv_records import MAX_RECORD_BYTES, BadRecordError, Column, Layout, chomp, records, short, split

_T = TypeVar("_T")

OLDEST_YEAR: Final = 1990


class Response(StrEnum):
    """`RELIEF` and `NO_RELIEF` were used until 2012; `NOT_STATED` is a published row with none."""

    IN_PROGRESS = "in_progress"
    UNTIMELY = "untimely"
    CLOSED = "closed"
    EXPLANATION = "explanation"
    MONETARY_RELIEF = "monetary_relief"
    NON_MONETARY_RELIEF = "non_monetary_relief"
    RELIEF = "relief"
    NO_RELIEF = "no_relief"
    NOT_STATED = "not_stated"


@dataclass(frozen=True, slots=True)
class Row:
    """One published complaint. `line` is the physical line its record starts on (the header is line 1)."""

    line: int
    complaint_id: str
    id_derived: bool
    product: str
    sub_product: str | None
    issue: str | None
    sub_issue: str | None
    state: str | None
    zip_code: str | None
    channel: str
    received: date
    sent: date | None
    company: str
    response: Response
    timely: bool | None
    disputed: bool | None
    narrative: str | None
    public_response: str | None
    tags: tuple[str, ...]
    consent: str | None


@dataclass(frozen=True, slots=True)
class Refused:
    """A record left aside. `line` is the physical line it starts on; `reason` says what to do."""

    line: int
    reason: str


class NotCfpbError(Exception):
    """The whole file is unusable: it cannot be read, or its header is not one of the published forms."""


# Column names are compared by their letters and digits alone: `Date received` and `date_received` are one
# spelling. The API's own names: complaint_what_happened, company_response, timely, consumer_disputed.
_SPELLINGS: Final = {
    "complaint_id": ("Complaint ID", ("complaintid",)),
    "product": ("Product", ("product",)),
    "sub_product": ("Sub-product", ("subproduct",)),
    "issue": ("Issue", ("issue",)),
    "sub_issue": ("Sub-issue", ("subissue",)),
    "state": ("State", ("state",)),
    "zip_code": ("ZIP code", ("zipcode", "zip")),
    "channel": ("Submitted via", ("submittedvia",)),
    "received": ("Date received", ("datereceived",)),
    "sent": ("Date sent to company", ("datesenttocompany",)),
    "company": ("Company", ("company",)),
    "response": ("Company response", ("companyresponse", "companyresponsetoconsumer")),
    "timely": ("Timely response?", ("timelyresponse", "timely")),
    "disputed": ("Consumer disputed?", ("consumerdisputed",)),
    "narrative": ("Consumer complaint narrative", ("consumercomplaintnarrative", "complaintwhathappened")),
    "public_response": ("Company public response", ("companypublicresponse",)),
    "tags": ("Tags", ("tags",)),
    "consent": ("Consumer consent provided?", ("consumerconsentprovided",)),
}
_COLUMN_OF: Final = {spelling: key for key, (_, spellings) in _SPELLINGS.items() for spelling in spellings}
# Every published form has these; without one of them the figures drawn from the file would be silently wrong.
_NEEDED: Final = ("product", "issue", "state", "channel", "received", "sent", "company", "response", "timely")

_CHANNELS: Final = {
    name.replace("_", " "): name for name in ("web", "referral", "phone", "postal_mail", "fax", "email", "web_referral")
}
_RESPONSES: Final = {
    "in progress": Response.IN_PROGRESS,
    "untimely response": Response.UNTIMELY,
    "closed": Response.CLOSED,
    "closed with explanation": Response.EXPLANATION,
    "closed with monetary relief": Response.MONETARY_RELIEF,
    "closed with non-monetary relief": Response.NON_MONETARY_RELIEF,
    "closed with relief": Response.RELIEF,
    "closed without relief": Response.NO_RELIEF,
    "": Response.NOT_STATED,
}
_YES_NO: Final[dict[str, bool | None]] = {"yes": True, "no": False, "": None}

_SIGNATURES: Final = (
    (b"\xff\xfe", "it is UTF-16 text; convert it: iconv -f UTF-16 -t UTF-8 IN > OUT"),
    (b"\xfe\xff", "it is UTF-16 text; convert it: iconv -f UTF-16 -t UTF-8 IN > OUT"),
    (b"PK\x03\x04", "it is a zip archive or a spreadsheet; unpack it, or save it as CSV in UTF-8"),
    (b"\x1f\x8b", "it is compressed with gzip; unpack it first"),
)


class _Header(NamedTuple):
    width: int
    at: dict[str, int]  # the place of every known column, -1 where the file has none
    names: dict[str, str]  # the file's own spelling of each


def read_cfpb(path: Path, *, today: date) -> Iterator[Row | Refused]:
    """Each record of the file in order, as a Row or, where it is unusable, as Refused; the rest still comes.

    Empty lines are passed over. A complaint sent before it was received is taken: both days are the bureau's.
    In a file without `Complaint ID` the id comes from the row's content and its occurrence, so that equal
    rows stay apart and the same rows get the same ids again, in whatever order and spelling.

    Raises NotCfpbError, when the first record is asked for, or on a read error later.
    """
    try:
        file = path.open("rb")
    except (OSError, ValueError) as error:
        raise NotCfpbError(f"{path} cannot be opened: {error}") from error
    try:
        with file:
            header = _header(path, file)
            if header.at["complaint_id"] >= 0:
                yield from _rows(file, header, today, None)
                return
            # An unnamed SQLite database is a temporary file that goes when it is closed.
            with closing(sqlite3.connect("", isolation_level=None, check_same_thread=False)) as seen:
                seen.execute("PRAGMA journal_mode = OFF")
                seen.execute("CREATE TABLE seen (row BLOB PRIMARY KEY, times INTEGER) WITHOUT ROWID")
                seen.execute("BEGIN")
                yield from _rows(file, header, today, seen)
    except OSError as error:
        raise NotCfpbError(f"{path} cannot be read: {error}") from error
    except sqlite3.Error as error:
        raise NotCfpbError(f"{path}: equal rows cannot be counted ({error}); free space for temporary files") from error


def _header(path: Path, file: BinaryIO) -> _Header:
    raw = file.readline(MAX_RECORD_BYTES)
    for signature, advice in _SIGNATURES:
        if raw.startswith(signature):
            raise NotCfpbError(f"{path} is not a CSV of the CFPB: {advice}")
    if not raw.removeprefix(b"\xef\xbb\xbf").strip():
        raise NotCfpbError(f"{path} is {'empty' if not raw else 'without a header: line 1 is empty'}")
    if b"\0" in raw:
        raise NotCfpbError(
            f"{path} has NUL bytes in line 1: it is not text, or it is UTF-16 "
            "(then convert it: iconv -f UTF-16LE -t UTF-8 IN > OUT)"
        )
    try:
        names = split(chomp(raw).decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise NotCfpbError(
            f"{path} has a header that is not UTF-8 (byte {error.start + 1} of line 1); "
            "convert the file, for example: iconv -f WINDOWS-1252 -t UTF-8 IN > OUT"
        ) from error
    except csv.Error as error:
        raise NotCfpbError(f"{path} has a header that is not CSV: {error}") from error
    at = dict.fromkeys(_SPELLINGS, -1)
    for place, name in enumerate(names):
        key = _COLUMN_OF.get("".join(filter(str.isalnum, name)).lower())
        if key is None:
            continue
        if at[key] >= 0:
            raise NotCfpbError(
                f"{path} has two columns for one thing, {short(names[at[key]])} and {short(name)}; remove one"
            )
        at[key] = place
    missing = [_SPELLINGS[key][0] for key in _NEEDED if at[key] < 0]
    if missing:
        found = ", ".join(map(short, names[:20])) + (" …" if len(names) > 20 else "")
        raise NotCfpbError(
            f"{path} is not a complaint CSV of the CFPB in a known form: no column "
            f"{', '.join(map(repr, missing))}; found {len(names)}: {found}"
        )
    return _Header(len(names), at, {k: names[i].strip() if i >= 0 else _SPELLINGS[k][0] for k, i in at.items()})


def _rows(file: BinaryIO, header: _Header, today: date, seen: sqlite3.Connection | None) -> Iterator[Row | Refused]:
    to_row = _row_maker(header, today, seen)
    columns = [Column(at, header.names[key], key == "narrative") for key, at in header.at.items() if at >= 0]
    layout = Layout(header.width, columns)
    for line, record in records(file, layout):
        if isinstance(record, str):
            yield Refused(line, record)
            continue
        try:
            row = to_row(line, record)
        except BadRecordError as error:
            yield Refused(line, str(error))
        else:
            yield row


def _row_maker(header: _Header, today: date, seen: sqlite3.Connection | None) -> Callable[[int, list[str]], Row]:
    at, names = header.at, header.names
    (
        complaint_id,
        product,
        sub_product,
        issue,
        sub_issue,
        state,
        zip_code,
        channel,
        received,
        sent,
        company,
        response,
        timely,
        disputed,
        narrative,
        public_response,
        tags,
        consent,
    ) = (at[key] for key in _SPELLINGS)

    def needed(value: str, key: str) -> str:
        if value.upper() in ("", "N/A"):
            raise BadRecordError(f"column {names[key]!r} is empty; it is needed")
        return value

    def optional(value: str) -> str | None:
        return None if value in ("", "N/A", "n/a") else value

    def day(value: str, key: str) -> date:
        parsed = _day(value)
        if isinstance(parsed, str):
            raise BadRecordError(f"column {names[key]!r}: {short(value)} {parsed}")
        if parsed > today:
            raise BadRecordError(f"column {names[key]!r}: {short(value)} lies in the future (today is {today})")
        return parsed

    def known(value: str, key: str, table: dict[str, _T]) -> _T:
        folded = value.lower()
        try:
            return table["" if folded == "n/a" else folded]
        except KeyError:
            raise BadRecordError(
                f"column {names[key]!r}: {short(value)} is none of "
                f"{', '.join(repr(name) for name in table if name)} (in any case)"
            ) from None

    def to_row(line: int, f: list[str]) -> Row:
        if seen is None:
            ident = f[complaint_id]
            if not (ident.isascii() and ident.isdigit() and len(ident) <= 18 and ident[0] != "0"):
                raise BadRecordError(
                    f"column {names['complaint_id']!r}: {short(ident)} is no complaint id, which is a "
                    "whole number of 1 to 18 digits"
                )
        else:
            ident = ""
        if not f[received]:
            raise BadRecordError(f"column {names['received']!r} is empty; it is needed")
        text = f[narrative]
        row = Row(
            line=line,
            complaint_id=ident,
            id_derived=seen is not None,
            product=needed(f[product], "product"),
            sub_product=optional(f[sub_product]),
            issue=optional(f[issue]),
            sub_issue=optional(f[sub_issue]),
            state=optional(f[state]),
            zip_code=optional(f[zip_code]),
            channel=known(f[channel], "channel", _CHANNELS),
            received=day(f[received], "received"),
            sent=day(f[sent], "sent") if optional(f[sent]) else None,
            company=needed(f[company], "company"),
            response=known(f[response], "response", _RESPONSES),
            timely=known(f[timely], "timely", _YES_NO),
            disputed=known(f[disputed], "disputed", _YES_NO),
            # The same narrative must read the same whichever line ends the file was saved with.
            narrative=optional(text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text),
            public_response=optional(f[public_response]),
            tags=tuple(tag for part in f[tags].split(",") if (tag := optional(part.strip()))) if f[tags] else (),
            consent=optional(f[consent]),
        )
        return row if seen is None else replace(row, complaint_id=_derived_id(row, seen))

    return to_row


def _derived_id(row: Row, seen: sqlite3.Connection) -> str:
    """`row-` and 32 hex digits of sha256 over the values, in the order of `Row`, and the row's occurrence."""
    values = [getattr(row, field.name) for field in fields(row)[3:]]
    # No value holds U+001F (control characters are refused), so no two different rows give the same text.
    content = hashlib.sha256("\x1f".join("" if value is None else str(value) for value in values).encode())
    key = content.digest()
    found = seen.execute("SELECT times FROM seen WHERE row = ?", (key,)).fetchone()
    times = 1 + (found[0] if found else 0)
    seen.execute("INSERT OR REPLACE INTO seen VALUES (?, ?)", (key, times))
    content.update(b"\x1f%d" % times)
    return "row-" + content.hexdigest()[:32]


@lru_cache(maxsize=4096)
def _day(text: str) -> date | str:
    """The calendar day as written, or what is wrong with it. Two-digit years are of this century."""
    year = month = day = ""
    if text.isascii():
        if text.count("/") == 2:
            month, day, year = text.split("/")
        elif text[4:5] == text[7:8] == "-" and _is_time(text[10:]):
            year, month, day = text[:4], text[5:7], text[8:10]
    if not (
        year.isdigit() and month.isdigit() and day.isdigit()
        and len(year) in (2, 4) and len(month) <= 2 and len(day) <= 2
    ):  # fmt: skip
        return "is no date; the forms are month/day/year and year-month-day, with a time or without"
    try:
        parsed = date(int(year) + (2000 if len(year) == 2 else 0), int(month), int(day))
    except ValueError:
        return "is a day that does not exist"
    return parsed if parsed.year >= OLDEST_YEAR else f"lies before {OLDEST_YEAR}"


def _is_time(text: str) -> bool:
    if not text:
        return True
    try:
        datetime.fromisoformat("2000-01-01" + text)
    except ValueError:
        return False
    return text[0] in "T "
