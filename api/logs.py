"""Structured logs on standard error: a JSON object a line, or plain text on a terminal, with nothing personal in them.

Texts of people could come in by three ways, and each is closed: of a message only the first line is kept, since
database errors quote rows in the following ones; of an error its type and place are told, and what it says only if it
speaks of connections; of what is attached to a message only ``FIELDS`` are written.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from kafka.errors import KafkaError

from adapters.database import UNAVAILABLE
from adapters.embedded import ServicesError
from adapters.ledger import LedgerUnavailable
from adapters.topics import KafkaLostData, TopicsError

#: What may be attached to a log message, by ``extra`` or ``note``. All are ours; none holds what a person wrote.
FIELDS = (
    "correlation_id",
    "method",
    "route",
    "status",
    "duration_ms",
    "command_id",
    "stream",
    "position",
    "event_correlation_id",
    "projection",
    "generation",
    "topic",
    "partition",
    "offset",
    "events",
)
_SPEAKING = (KafkaError, *UNAVAILABLE, LedgerUnavailable, KafkaLostData, TopicsError, ServicesError, OSError)
_DEEPEST = 30

_noted: ContextVar[dict[str, object] | None] = ContextVar("noted", default=None)


def begin(**fields: object) -> None:
    """Put ``fields`` on every line of the present task, and of the threads that work for it."""
    _noted.set(fields)


def note(**fields: object) -> None:
    """Add to the fields of the present task; without one (a command line's, say) nothing is kept."""
    noted = _noted.get()
    if noted is not None:
        noted.update(fields)


def correlation_id() -> str | None:
    """Return that of the request being answered, None outside of one."""
    noted = _noted.get()
    return None if noted is None else str(noted["correlation_id"])


def configure(process: str) -> None:
    """Log as the process of this name, from INFO on; what ends a thread unexpectedly is logged too."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Plain() if sys.stderr.isatty() else _Json(process))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)
    logging.raiseExceptions = False
    # Tracebacks quote what errors say. The process itself logs what ends it.
    sys.excepthook = lambda kind, error, trace: None
    threading.excepthook = _thread_ended


def _thread_ended(of: threading.ExceptHookArgs) -> None:
    logging.getLogger("thread").critical("%s ends by an error", threading.current_thread().name, exc_info=of.exc_value)


class _Json(logging.Formatter):
    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = {"process": process, "pid": os.getpid()}

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(
            {
                "time": _time(record),
                "level": record.levelname,
                "logger": record.name,
                "message": _message(record),
                **self._process,
                **_fields(record),
            },
            default=str,
        )


class _Plain(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = _fields(record)
        errors = fields.pop("exception", [])
        line = f"{_time(record)} {record.levelname} {record.name} {_message(record)}"
        return "\n".join(
            [
                " ".join([line, *(f"{name}={value}" for name, value in fields.items())]),
                *(f"  {error['type']} {error.get('message', '')}" for error in errors),
                *(f"    {place}" for error in errors[:1] for place in error["stack"]),
            ]
        )


def _time(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _message(record: logging.LogRecord) -> str:
    return _first_line(record.getMessage())


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0] if lines else ""


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    given = {**(_noted.get() or {}), **record.__dict__}
    fields = {name: given[name] for name in FIELDS if given.get(name) is not None}
    if record.exc_info and record.exc_info[1] is not None:
        fields["exception"] = [_told(error) for error in _chain(record.exc_info[1])]
    return fields


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that led to it, latest first."""
    seen: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in seen:
        yield following
        seen.append(following)
        following = following.__cause__ or (None if following.__suppress_context__ else following.__context__)


def _told(error: BaseException) -> dict[str, Any]:
    told: dict[str, Any] = {"type": f"{type(error).__module__}.{type(error).__qualname__}"}
    if isinstance(error, _SPEAKING):
        told["message"] = _first_line(str(error))
    frames = traceback.extract_tb(error.__traceback__)[-_DEEPEST:]
    told["stack"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return told
