"""Runs the process managers of ``domain.reactions``: reads the ledger by position, and records what follows.

One process at a time does it. What follows is recorded under a command made of cause and rule, so that after a crash it
can be tried again from where the progress was noted: what is in the ledger already is found there. What cannot be
recorded waits, and what is to be recorded behind it in the same stream waits with it; all else goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from psycopg2.extensions import connection as Connection

from adapters import metrics
from adapters.dues import told
from adapters.execute import Command, Ledger
from adapters.ledger import LedgerUnavailable
from adapters.record import Recorded, canonical, read_record
from adapters.rulebook import RulebookReader
from domain.reactions import RULES, Reaction, reactions_to
from domain.rulebook.book import Rulebook
from domain.streams import kind_of

log = logging.getLogger("reactions")

#: So many causes are taken up in one transaction, and so many positions looked at.
MAX_CAUSES = 200
MAX_POSITIONS = 50_000
FIRST_PAUSE_S = 5
#: Names of the moments at which ``reached`` is called: where a crash is most interesting.
POINTS = ("before_reaction", "after_reaction", "between_reactions_and_progress", "after_reactions_progress")


@dataclass(frozen=True, slots=True)
class Reactor:
    """A process that reacts. ``conn`` autocommits."""

    conn: Connection
    ledger: Ledger
    book: RulebookReader
    threads: ThreadPoolExecutor
    reached: Callable[[str], None]


class Due(NamedTuple):
    """What follows from a cause, and is to be recorded."""

    position: int
    cause: Recorded
    reaction: Reaction

    @property
    def key(self) -> tuple[int, str, str]:
        return (self.position, self.reaction.rule, self.reaction.stream)


def react(reactor: Reactor, now: datetime) -> bool:
    """Record what follows from the next events, and try again what waits; returns whether there may be more."""
    with reactor.conn, reactor.conn.cursor() as cursor:
        cursor.execute("set local synchronous_commit = off")
        cursor.execute("select position from watch.reactions for update skip locked")
        row = cursor.fetchone()
        if row is None:
            return False
        position = int(row[0])
        _try_again(reactor, cursor, now)
        upto, causes = _read(cursor, position)
        if upto == position:
            return False
        _carry_out(reactor, cursor, [due for cause in _states(reactor.ledger, causes) for due in cause], now)
        reactor.reached("between_reactions_and_progress")
        cursor.execute("update watch.reactions set position = %s", (upto,))
    reactor.reached("after_reactions_progress")
    return True


def _read(cursor: Any, position: int) -> tuple[int, list[tuple[int, Recorded]]]:
    """Read the next causes; returns up to which position, and these with their positions."""
    cursor.execute("select least(position, %s) from ledger.head", (position + MAX_POSITIONS,))
    ((upto,),) = cursor.fetchall()
    cursor.execute(
        "select position, record from ledger.events where position > %s and position <= %s and type = any(%s) "
        "order by position limit %s",
        (position, upto, list(RULES), MAX_CAUSES),
    )
    causes = [(found, read_record(bytes(record))) for found, record in cursor]
    return (causes[-1][0] if len(causes) == MAX_CAUSES else upto), causes


def _states(ledger: Ledger, causes: Sequence[tuple[int, Recorded]]) -> Iterable[list[Due]]:
    """Find what follows from each cause, by the state of its stream right after it."""
    if not causes:
        return
    histories = ledger.histories(sorted({cause.originator_id for _, cause in causes}))
    for position, cause in causes:
        yield _following(position, cause, histories[cause.originator_id])


def _following(position: int, cause: Recorded, history: Sequence[Recorded]) -> list[Due]:
    kind = kind_of(cause.originator_id)
    state = kind.fold(recorded.event for recorded in history[: cause.originator_version])
    found = reactions_to(cause.originator_id, cause.event, state)
    return [Due(position, cause, reaction) for reaction in found]


def _carry_out(reactor: Reactor, cursor: Any, dues: Sequence[Due], now: datetime) -> None:
    """Record what follows, in the order of the causes for each stream, side by side for different ones."""
    if not dues:
        return
    by_stream: dict[str, list[Due]] = {}
    for due in dues:
        by_stream.setdefault(due.reaction.stream, []).append(due)
    cursor.execute("select distinct stream from watch.reactions_waiting where stream = any(%s)", (list(by_stream),))
    behind = {stream for (stream,) in cursor}
    for stream in behind:
        _wait(cursor, [(due, "it waits behind another in its stream") for due in by_stream.pop(stream)], now)
    book = reactor.book.current()
    for failed in reactor.threads.map(lambda group: _one_stream(reactor, group, book), by_stream.values()):
        _wait(cursor, failed, now)


def _one_stream(reactor: Reactor, dues: Sequence[Due], book: Rulebook) -> list[tuple[Due, str]]:
    """Record what follows in one stream; returns what could not be, and all behind it."""
    for number, due in enumerate(dues):
        try:
            _record(reactor, due, book)
        except LedgerUnavailable:
            raise
        except Exception as error:
            log.error(
                "cannot be recorded and waits: %s", due.reaction.rule, exc_info=error, extra={"stream": due.key[2]}
            )
            metrics.reaction_failed(due.reaction.rule)
            return [(due, told(error)), *((one, "it waits behind another in its stream") for one in dues[number + 1 :])]
    return []


def _record(reactor: Reactor, due: Due, book: Rulebook) -> None:
    reaction = due.reaction
    reactor.reached("before_reaction")
    done = reactor.ledger.execute(
        reaction.stream, lambda state: reaction.decide(state, book), _command(due), new=reaction.begins
    )
    reactor.reached("after_reaction")
    if done.events and not done.repeated:
        metrics.reacted(reaction.rule)


def _command(due: Due) -> Command:
    """Identify the command of a cause and a rule."""
    cause = f"{due.cause.originator_id}:{due.cause.originator_version}"
    digest = sha256(canonical([cause, due.reaction.rule, due.reaction.stream])).hexdigest()
    return Command(digest[:32], digest, causation_id=cause)


def _wait(cursor: Any, failed: Sequence[tuple[Due, str]], now: datetime) -> None:
    for due, error in failed:
        cursor.execute(
            "insert into watch.reactions_waiting as w (position, rule, stream, error, at, attempts, again) "
            "values (%(position)s, %(rule)s, %(stream)s, %(error)s, %(now)s, 1, "
            "%(now)s + make_interval(secs => %(pause)s)) "
            "on conflict (position, rule, stream) do update set error = excluded.error, at = excluded.at, "
            "attempts = w.attempts + 1, "
            "again = excluded.at + make_interval(secs => least(3600, %(pause)s * power(2, least(w.attempts, 10))))",
            {
                "position": due.position,
                "rule": due.reaction.rule,
                "stream": due.reaction.stream,
                "error": error,
                "now": now,
                "pause": FIRST_PAUSE_S,
            },
        )


def _try_again(reactor: Reactor, cursor: Any, now: datetime) -> None:
    """Try again what waits in streams whose first waiting one has waited long enough, in order."""
    cursor.execute(
        "select w.position, w.rule, w.stream, e.record from watch.reactions_waiting w "
        "join ledger.events e using (position) where w.stream in ("
        "select f.stream from (select distinct on (stream) stream, again from watch.reactions_waiting "
        "order by stream, position, rule) f where f.again <= %s) order by w.stream, w.position, w.rule",
        (now,),
    )
    waiting = [(position, rule, stream, read_record(bytes(record))) for position, rule, stream, record in cursor]
    if not waiting:
        return
    book = reactor.book.current()
    stuck = set[str]()
    for position, rule, stream, cause in waiting:
        if stream in stuck:
            continue
        history = reactor.ledger.history(cause.originator_id)
        # A rule that is gone, or says otherwise by now, leaves nothing to be done.
        again = [due for due in _following(position, cause, history) if due.key == (position, rule, stream)]
        if failed := _one_stream(reactor, again, book):
            stuck.add(stream)
            _wait(cursor, failed, now)
        else:
            cursor.execute(
                "delete from watch.reactions_waiting where position = %s and rule = %s and stream = %s",
                (position, rule, stream),
            )


class Standing(NamedTuple):
    """How far the process managers are: ``waiting`` counts what could not be recorded yet."""

    position: int
    waiting: int


def standing(cursor: Any) -> Standing:
    """Return how far the process managers are."""
    cursor.execute("select position, (select count(*) from watch.reactions_waiting) from watch.reactions")
    return Standing(*cursor.fetchone())


def waiting(cursor: Any, limit: int) -> list[dict[str, Any]]:
    """Return what could not be recorded, first causes first: position, rule, stream, error, at, attempts."""
    names = ("position", "rule", "stream", "error", "at", "attempts")
    cursor.execute(f"select {', '.join(names)} from watch.reactions_waiting order by position limit %s", (limit,))
    return [dict(zip(names, row, strict=True)) for row in cursor]


def replay(cursor: Any, position: int) -> None:
    """Have the process managers read on from behind ``position``: what follows from it all is found in the ledger."""
    cursor.execute("update watch.reactions set position = least(position, %s)", (position,))
    cursor.execute("update watch.reactions_waiting set again = at where position > %s", (position,))
