"""Runs the process managers of ``domain.reactions``: reads the ledger by position, and records what follows.

One process at a time does it. What follows is recorded under a command made of cause and rule, so that after a crash it
can be tried again from where the progress was noted: what is in the ledger already is found there. What cannot be
recorded waits, and what is to be recorded behind it in the same stream waits with it; all else goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from psycopg2.extensions import connection as Connection

from adapters import metrics
from adapters.dues import FIRST_PAUSE_S, told
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
#: Where so much follows, the rest of the causes is left for the next transaction.
ENOUGH = 500
#: What stands for the rule where the cause cannot be read, and for the error of what waits behind another.
UNREAD = "*"
BEHIND = "it waits behind another in its stream"
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
        position = _take_progress(cursor)
        if position is None:
            return False
        _try_again(reactor, cursor, now)
        upto, causes = _read(cursor, position)
        if upto == position:
            return False
        following, unread = list[Due](), list[_Unread]()
        for at, found in _following(reactor.ledger, causes):
            if isinstance(found, _Unread):
                unread.append(found)
                continue
            following += found
            if len(following) >= ENOUGH and at < upto:
                upto = at
                break
        for one in unread:
            if one.position <= upto:
                _wait(cursor, one.position, UNREAD, one.stream, one.error, now)
        _carry_out(reactor, cursor, following, now)
        reactor.reached("between_reactions_and_progress")
        cursor.execute("update watch.reactions set position = %s", (upto,))
    reactor.reached("after_reactions_progress")
    return True


def _take_progress(cursor: Any) -> int | None:
    """Return up to which position what follows is recorded, and lock it; None where that is for another to go on with.

    Another process may be at it, or a newer program, which knows rules that this one does not. With rules that are new
    all is read again: what follows by the others is found in the ledger.
    """
    cursor.execute("select position, rules from watch.reactions for update skip locked")
    row = cursor.fetchone()
    if row is None:
        return None
    position, known = int(row[0]), set(row[1])
    own = {rule.name for rules in RULES.values() for rule in rules}
    if known - own:
        log.warning("a newer program knows rules that this one does not: %s", ", ".join(sorted(known - own)))
        return None
    if own - known:
        cursor.execute("update watch.reactions set position = 0, rules = %s", (sorted(own),))
        return 0
    return position


def _read(cursor: Any, position: int) -> tuple[int, list[tuple[int, str, int, bytes]]]:
    """Read the next causes; returns up to which position, and of these position, stream, version and record."""
    cursor.execute("select least(position, %s) from ledger.head", (position + MAX_POSITIONS,))
    ((upto,),) = cursor.fetchall()
    cursor.execute(
        "select position, stream, version, record from ledger.events "
        "where position > %s and position <= %s and type = any(%s) order by position limit %s",
        (position, upto, list(RULES), MAX_CAUSES),
    )
    causes = [(found, stream, version, bytes(record)) for found, stream, version, record in cursor]
    return (causes[-1][0] if len(causes) == MAX_CAUSES else upto), causes


class _Unread(NamedTuple):
    """A cause that cannot be read, or of whose stream the state cannot be told."""

    position: int
    stream: str
    error: BaseException


def _following(
    ledger: Ledger, causes: Sequence[tuple[int, str, int, bytes]]
) -> Iterator[tuple[int, list[Due] | _Unread]]:
    """Find what follows from each cause, by the state of its stream right after it; with the cause's position.

    A stream that cannot be read stops no other.
    """
    histories = _histories(ledger, sorted({stream for _, stream, _, _ in causes}))
    # Each stream is folded once, however many causes it has.
    states: dict[str, tuple[int, Any]] = {}
    for position, stream, version, record in causes:
        try:
            history = histories[stream]
            if isinstance(history, BaseException):
                raise history
            cause = read_record(record)
            kind = kind_of(stream)
            done, state = states.get(stream, (0, kind.new))
            for recorded in history[done:version]:
                state = kind.evolve(state, recorded.event)
            states[stream] = version, state
            found = [Due(position, cause, reaction) for reaction in reactions_to(stream, cause.event, state)]
        except LedgerUnavailable:
            raise
        except Exception as error:
            log.error(
                "what follows cannot be found: %s", type(error).__name__, exc_info=error, extra={"stream": stream}
            )
            metrics.reaction_failed(UNREAD)
            yield position, _Unread(position, stream, error)
        else:
            yield position, found


def _histories(ledger: Ledger, streams: Sequence[str]) -> dict[str, list[Recorded] | BaseException]:
    """Read the streams in one query; one by one, where one of them cannot be read."""
    if not streams:
        return {}
    try:
        return {**ledger.histories(streams)}
    except LedgerUnavailable:
        raise
    except Exception:
        return {stream: _history(ledger, stream) for stream in streams}


def _history(ledger: Ledger, stream: str) -> list[Recorded] | BaseException:
    try:
        return ledger.history(stream)
    except LedgerUnavailable:
        raise
    except Exception as error:
        return error


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
        for due in by_stream.pop(stream):
            _wait(cursor, *due.key, BEHIND, now)
    book = reactor.book.current()
    for failed in reactor.threads.map(lambda group: _one_stream(reactor, group, book), by_stream.values()):
        for due, error in failed:
            _wait(cursor, *due.key, error, now)


def _one_stream(reactor: Reactor, dues: Sequence[Due], book: Rulebook) -> list[tuple[Due, BaseException | str]]:
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
            return [(due, error), *((one, BEHIND) for one in dues[number + 1 :])]
    return []


def _record(reactor: Reactor, due: Due, book: Rulebook) -> None:
    reaction = due.reaction
    by_command = command_of(due.cause.originator_id, due.cause.originator_version, reaction)
    reactor.reached("before_reaction")
    done = reactor.ledger.execute(
        reaction.stream, lambda state: reaction.decide(state, book), by_command, new=reaction.begins
    )
    reactor.reached("after_reaction")
    if done.events and not done.repeated:
        metrics.reacted(reaction.rule)


def command_of(stream: str, version: int, reaction: Reaction) -> Command:
    """Identify the command of a cause, which is the event of a stream at a version, and a rule."""
    cause = f"{stream}:{version}"
    digest = sha256(canonical([cause, reaction.rule, reaction.stream])).hexdigest()
    return Command(digest[:32], digest, causation_id=cause)


def _wait(cursor: Any, position: int, rule: str, stream: str, error: BaseException | str, now: datetime) -> None:
    """Note what could not be recorded, to be tried again after a pause that grows."""
    cursor.execute(
        "insert into watch.reactions_waiting as w (position, rule, stream, error, at, attempts, again) "
        "values (%(position)s, %(rule)s, %(stream)s, %(error)s, %(now)s, 1, "
        "%(now)s + make_interval(secs => %(pause)s)) "
        "on conflict (position, rule, stream) do update set error = excluded.error, at = excluded.at, "
        "attempts = w.attempts + 1, "
        "again = excluded.at + make_interval(secs => least(3600, %(pause)s * power(2, least(w.attempts, 10))))",
        {
            "position": position,
            "rule": rule,
            "stream": stream,
            "error": error if isinstance(error, str) else told(error),
            "now": now,
            "pause": FIRST_PAUSE_S,
        },
    )


def _try_again(reactor: Reactor, cursor: Any, now: datetime) -> None:
    """Try again what waits in streams whose first waiting one has waited long enough, in order."""
    cursor.execute(
        "select w.position, w.rule, w.stream, e.stream, e.version, e.record from watch.reactions_waiting w "
        "join ledger.events e using (position) where w.stream in ("
        "select f.stream from (select distinct on (stream) stream, again from watch.reactions_waiting "
        "order by stream, position, rule) f where f.again <= %s) order by w.stream, w.position, w.rule limit %s",
        (now, MAX_CAUSES),
    )
    waiting = cursor.fetchall()
    book = reactor.book.current() if waiting else None
    stuck = set[str]()
    for position, rule, target, stream, version, record in waiting:
        if target in stuck:
            continue
        ((_, found),) = _following(reactor.ledger, [(position, stream, version, bytes(record))])
        if isinstance(found, _Unread):
            stuck.add(target)
            _wait(cursor, position, rule, target, found.error, now)
            continue
        failed: list[tuple[Due, BaseException | str]] = []
        if rule == UNREAD:
            _carry_out(reactor, cursor, found, now)
        else:
            assert book is not None
            # A rule that is gone, or says otherwise by now, leaves nothing to be done.
            failed = _one_stream(reactor, [due for due in found if due.key == (position, rule, target)], book)
        for due, error in failed:
            stuck.add(target)
            _wait(cursor, *due.key, error, now)
        if not failed:
            _done(cursor, position, rule, target)


def _done(cursor: Any, position: int, rule: str, stream: str) -> None:
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
    # So that a watcher that sleeps takes it up now.
    cursor.execute("notify ledger")
