"""The tables of the watchers (schema ``watch``): how far the ledger was read, and what falls due when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

#: What cannot be handled is tried again after this many seconds, then after twice as many, up to an hour.
FIRST_PAUSE_S = 5
#: Errors are kept up to this length.
MAX_ERROR = 500


class Seen(NamedTuple):
    """A complaint as of its ``version``. ``next_due``: the last instant in time of the clock that ends first, if any.

    ``provisional``: a clock rests on a calendar that was not published; ``revise``: the one that is published now says
    otherwise.
    """

    stream: str
    version: int
    next_due: datetime | None
    provisional: bool
    revise: bool


class Failed(NamedTuple):
    """A complaint that cannot be read or decided."""

    stream: str
    error: BaseException


class Claim(NamedTuple):
    """A row that is due, or to be revised, as of a version; locked until the end of the transaction."""

    stream: str
    version: int
    next_due: datetime
    provisional: bool
    revise: bool


def take_progress(cursor: Any) -> int | None:
    """Return the position up to which the ledger was read, and lock it; None while another watcher reads on."""
    cursor.execute("select position from watch.progress for update skip locked")
    row = cursor.fetchone()
    return None if row is None else int(row[0])


def set_progress(cursor: Any, position: int) -> None:
    """Note up to which position the ledger was read."""
    cursor.execute("update watch.progress set position = %s", (position,))


def claim(cursor: Any, now: datetime, limit: int) -> list[Claim]:
    """Lock and return rows to be revised; if there are none, those that were due before ``now``, earliest first.

    Rows that another watcher has claimed, and those that wait after a failure, are passed over.
    """
    for condition in ("d.revise", "d.next_due < %(now)s"):
        cursor.execute(
            "select d.stream, d.version, d.next_due, d.provisional, d.revise from watch.dues d "
            f"where {condition} and not exists ("
            "select from watch.failed f where f.stream = d.stream and f.again > %(now)s) "
            "order by d.next_due, d.stream limit %(limit)s for update of d skip locked",
            {"now": now, "limit": limit},
        )
        if claimed := [Claim(*row) for row in cursor]:
            return claimed
    return []


def write(cursor: Any, seen: Iterable[Seen | Failed], now: datetime) -> None:
    """Bring the rows of complaints up to date, set-wise. A row is never set back to an older version.

    The rows are written in one order, so that watchers wait for each other but never in a circle.
    """
    found = sorted(seen, key=lambda one: one.stream)
    if not found:
        return
    known = [one for one in found if isinstance(one, Seen)]
    _delete(cursor, [one for one in known if one.next_due is None])
    _upsert(cursor, [one for one in known if one.next_due is not None])
    _fail(cursor, [one for one in found if isinstance(one, Failed)], now)
    # One that is still due has been read, but perhaps not decided.
    cursor.execute(
        "delete from watch.failed where stream = any(%s)",
        ([one.stream for one in known if one.next_due is None or one.next_due >= now],),
    )


def _delete(cursor: Any, gone: Sequence[Seen]) -> None:
    cursor.execute(
        "delete from watch.dues d using unnest(%s::text[], %s::bigint[]) as g (stream, version) "
        "where d.stream = g.stream and d.version <= g.version",
        ([one.stream for one in gone], [one.version for one in gone]),
    )


def _upsert(cursor: Any, running: Sequence[Seen]) -> None:
    cursor.execute(
        "insert into watch.dues as d (stream, version, next_due, provisional, revise) "
        "select * from unnest(%s::text[], %s::bigint[], %s::timestamptz[], %s::boolean[], %s::boolean[]) "
        "on conflict (stream) do update set version = excluded.version, next_due = excluded.next_due, "
        "provisional = excluded.provisional, revise = excluded.revise where d.version <= excluded.version",
        [list(column) for column in zip(*running, strict=True)] or [[]] * len(Seen._fields),
    )


def _fail(cursor: Any, failed: Sequence[Failed], now: datetime) -> None:
    cursor.execute(
        "insert into watch.failed as f (stream, error, at, attempts, again) "
        "select stream, error, %(now)s, 1, %(now)s + make_interval(secs => %(pause)s) "
        "from unnest(%(streams)s::text[], %(errors)s::text[]) as e (stream, error) "
        "on conflict (stream) do update set error = excluded.error, at = excluded.at, attempts = f.attempts + 1, "
        "again = excluded.at + make_interval(secs => least(3600, %(pause)s * power(2, least(f.attempts, 10))))",
        {
            "now": now,
            "pause": FIRST_PAUSE_S,
            "streams": [one.stream for one in failed],
            "errors": [told(one.error) for one in failed],
        },
    )


def told(error: BaseException) -> str:
    """Return what an error says, as it is kept: its type and its text, without what PostgreSQL cannot hold."""
    return f"{type(error).__name__}: {error}".replace("\0", "\N{REPLACEMENT CHARACTER}")[:MAX_ERROR]


def to_try_again(cursor: Any, now: datetime) -> list[str]:
    """Return the complaints that failed and may be tried again."""
    cursor.execute("select stream from watch.failed where again <= %s order by stream", (now,))
    return [stream for (stream,) in cursor]


def mark_provisional(cursor: Any) -> None:
    """Have all provisional due times revised."""
    cursor.execute("update watch.dues set revise = true where provisional and not revise")


def next_look(cursor: Any) -> datetime | None:
    """Return after which instant there will be something to do, as things stand."""
    cursor.execute(
        "select least((select d.next_due from watch.dues d "
        "where not exists (select from watch.failed f where f.stream = d.stream) order by d.next_due limit 1), "
        "(select min(again) from watch.failed))"
    )
    (at,) = cursor.fetchone()
    assert at is None or isinstance(at, datetime)
    return at


#: Position read, complaints whose clocks run, those overdue, how long the oldest of them is (seconds), and failed ones.
_STANDING = """
select (select position from watch.progress), count(*), count(*) filter (where d.next_due < clock_timestamp()),
       coalesce(greatest(extract(epoch from clock_timestamp() - min(d.next_due)), 0), 0)::float,
       (select count(*) from watch.failed)
from watch.dues d
"""


class Standing(NamedTuple):
    """How far the watchers are: ``running`` and ``overdue`` count complaints, ``overdue_s`` is of the oldest due."""

    position: int
    running: int
    overdue: int
    overdue_s: float
    failed: int


def standing(cursor: Any) -> Standing:
    """Return how far the watchers are, by the clock of PostgreSQL."""
    cursor.execute(_STANDING)
    return Standing(*cursor.fetchone())


def failures(cursor: Any, limit: int) -> list[dict[str, Any]]:
    """Return complaints that could not be handled, newest first: ``stream``, ``error``, ``at``, ``attempts``."""
    cursor.execute(
        "select stream, error, at, attempts from watch.failed order by at desc, stream limit %s",
        (limit,),
    )
    return [dict(zip(("stream", "error", "at", "attempts"), row, strict=True)) for row in cursor]
