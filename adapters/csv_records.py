"""Physical lines of a CSV file made into records, each within bounds, so that one broken record costs only itself."""

import csv
import re
from collections import deque
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final, NamedTuple

MAX_LONG_FIELD: Final = 32_000  # characters
MAX_FIELD: Final = 500  # characters
# Above what a record at both limits needs in UTF-8, so that a legal one is never cut.
MAX_RECORD_BYTES: Final = 192 * 1024
MAX_RECORD_LINES: Final = 33_000

# U+0080 to U+009F pass: the published files hold them as the remains of mangled accents ("S.à r.l.").
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_CONTROL_IN_LONG: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class BadRecordError(Exception):
    """This record is refused; the message is the reason."""


class BrokenRecordError(BadRecordError):
    """Where this record ends is not known, so reading goes on at the line after its first."""


class Column(NamedTuple):
    """A column whose text is checked: its place in the record and its name. Long text may run over several lines."""

    place: int
    name: str
    long: bool


class Layout(NamedTuple):
    """What a record of the file must look like: the number of its fields, and the columns that are read."""

    width: int
    columns: Sequence[Column]


def records(file: BinaryIO, layout: Layout) -> Iterator[tuple[int, list[str] | str]]:
    """Each record as its first line and its checked fields, or the reason why there are none.

    In sound CSV a record is complete when its quotes are even, so a line whose quotes are odd and that is no
    record by itself goes on to the next odd line, within bounds. If what comes of that is no record of this
    file, only the first line is refused and those after it are read again: an open quote swallows nothing.
    Every line is looked at a bounded number of times, whatever the file holds.
    """
    source = _physical_lines(file)
    ahead: deque[bytes | None] = deque()
    number = 1
    while True:
        number += 1
        if ahead:
            first = ahead.popleft()
        else:
            try:
                first = next(source)
            except StopIteration:
                return
        if first is None:
            yield number, f"the line is longer than {MAX_RECORD_BYTES:,} bytes; no complaint needs as many"
            continue
        if first in (b"\n", b"\r\n", b"\r"):
            continue
        try:
            yield number, _fields(first, layout)
            continue
        except BrokenRecordError as error:
            reason = str(error)
            if first.count(b'"') % 2 == 0:
                yield number, reason
                continue
        except BadRecordError as error:
            yield number, str(error)
            continue
        taken, closed = _up_to_odd_line(source, ahead, len(first))
        if not closed:
            yield (
                number,
                (
                    f"a quote is opened here and not closed within {len(taken) + 1:,} lines; close it, or "
                    "write a quote inside a field twice"
                ),
            )
            ahead.extendleft(reversed(taken))
            continue
        try:
            yield number, _fields(first + b"".join(line for line in taken if line), layout, several=True)
        except BrokenRecordError:
            yield (
                number,
                (
                    "a quote is opened here and not closed before the next one; close it, or write a quote "
                    "inside a field twice"
                ),
            )
            ahead.extendleft(reversed(taken))
            continue
        except BadRecordError as error:
            yield number, str(error)
        number += len(taken)


def _up_to_odd_line(
    source: Iterator[bytes | None], ahead: deque[bytes | None], size: int
) -> tuple[list[bytes | None], bool]:
    """The lines up to the next with an odd number of quotes, and whether there was one within the bounds."""
    taken: list[bytes | None] = []
    while len(taken) < MAX_RECORD_LINES:
        line = ahead.popleft() if ahead else next(source, b"")
        if line == b"":
            return taken, False
        taken.append(line)
        if line is None:
            return taken, False
        size += len(line)
        if size > MAX_RECORD_BYTES:
            return taken, False
        if line.count(b'"') % 2:
            return taken, True
    return taken, False


def _physical_lines(file: BinaryIO) -> Iterator[bytes | None]:
    """Lines with their ends; None for one over the bound, of which only a piece at a time is held."""
    while line := file.readline(MAX_RECORD_BYTES + 1):
        if len(line) <= MAX_RECORD_BYTES:
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = file.readline(MAX_RECORD_BYTES)
        yield None


def _fields(raw: bytes, layout: Layout, *, several: bool = False) -> list[str]:
    """The stripped fields of one record, followed by "" for the columns which the file does not have."""
    raw = chomp(raw)
    bad_bytes = ""
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        text = raw.decode(errors="replace")
        bad_bytes = (
            f"byte 0x{raw[error.start]:02x} at place {error.start + 1} of the record is not UTF-8; if the "
            "file is Windows-1252, convert it: iconv -f WINDOWS-1252 -t UTF-8 IN > OUT"
        )
    try:
        fields = split(text)
    except csv.Error as error:
        raise BrokenRecordError(bad_bytes or f"not a CSV record: {error}; check its quotes") from error
    if len(fields) != layout.width:
        kind = BrokenRecordError if several else BadRecordError
        raise kind(
            bad_bytes
            or f"has {len(fields)} field{'s' * (len(fields) != 1)}, the header has {layout.width}; "
            "the row is cut short, or a comma or quote in it is not quoted"
        )
    # The one test nearly every short row passes, so that the others need not be made field by field.
    if not (text.isprintable() and len(text) <= MAX_FIELD):
        _check_text(fields, layout, several)
    if bad_bytes:
        raise BadRecordError(bad_bytes)
    fields = [field.strip() for field in fields]
    fields.append("")
    return fields


def split(text: str) -> list[str]:
    """Split one record into its fields; raises csv.Error when it is none."""
    return next(csv.reader((text,), strict=True)) if '"' in text else text.split(",")


def _check_text(fields: list[str], layout: Layout, several: bool) -> None:
    for place, name, long in layout.columns:
        field = fields[place]
        if not field.isprintable() and (found := (_CONTROL_IN_LONG if long else _CONTROL).search(field)):
            kind = BrokenRecordError if several and not long and "\n" in field else BadRecordError
            raise kind(
                f"column {name!r} holds the control character U+{ord(found[0]):04X} at place "
                f"{found.start() + 1}; remove it"
            )
        limit = MAX_LONG_FIELD if long else MAX_FIELD
        if len(field) > limit and len(field.strip()) > limit:
            raise BadRecordError(
                f"column {name!r} has {len(field.strip()):,} characters, at most {limit:,} are taken: {short(field)}"
            )


def chomp(line: bytes) -> bytes:
    """Return the line without its end."""
    return line.removesuffix(b"\n").removesuffix(b"\r")


def short(value: str) -> str:
    """Quote a value for a message, cut to 40 characters."""
    return repr(value) if len(value) <= 40 else repr(value[:40]) + "…"
