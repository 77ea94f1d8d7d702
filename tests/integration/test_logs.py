"""The form of a log line, and what never gets into one."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import pty
import subprocess
import sys
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api import access
from api.logs import FIELDS
from tests.integration.observed import LIMIT, ROOT

SECRET = "what-a-person-wrote"


def run(code: str) -> list[dict[str, Any]]:
    """Run ``code`` in a process that logs as the relay; return its lines."""
    program = f"from api import logs\nimport logging\nlogs.configure('relay')\nlog = logging.getLogger('x')\n{code}"
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert SECRET not in ended.stderr
    return [json.loads(line) for line in ended.stderr.splitlines()]


def test_an_error_is_told_by_type_and_place_but_not_by_what_it_says() -> None:
    (line,) = run(
        f"def inner(): raise ValueError('{SECRET}')\n"
        f"try:\n  try: inner()\n  except ValueError as e: raise KeyError('{SECRET}') from e\n"
        "except KeyError: log.exception('it failed')\n"
    )
    assert (line["level"], line["logger"], line["message"], line["process"]) == ("ERROR", "x", "it failed", "relay")
    assert [error["type"] for error in line["exception"]] == ["builtins.KeyError", "builtins.ValueError"]
    assert line["exception"][1]["stack"][-1].endswith("inner")
    assert all("message" not in error for error in line["exception"])


def test_an_error_of_a_connection_is_told_in_its_first_line() -> None:
    (line,) = run(
        "import psycopg2\n"
        f"try: raise psycopg2.OperationalError('canceled\\nCONTEXT: COPY batch, line 1: \"{SECRET}\"')\n"
        "except psycopg2.Error: log.warning('starting over', exc_info=True)\n"
    )
    assert line["exception"][0]["message"] == "canceled"


def test_a_message_has_one_line_and_only_known_fields_are_attached() -> None:
    (line,) = run(
        f"log.info('a\\n{SECRET}', extra={{'stream': 'complaint-1', 'narrative': '{SECRET}', 'position': 3}})\n"
    )
    assert line["message"] == "a"
    assert (line["stream"], line["position"]) == ("complaint-1", 3)
    assert set(line) - set(FIELDS) == {"time", "level", "logger", "message", "process", "pid"}


def test_errors_of_threads_warnings_and_messages_that_do_not_fit_their_values_are_lines_too() -> None:
    lines = run(
        "import threading, warnings\n"
        f"def work(): raise ValueError('{SECRET}')\n"
        "thread = threading.Thread(target=work, name='worker'); thread.start(); thread.join()\n"
        "warnings.warn('take care', UserWarning)\n"
        "log.info('%d', 'x')\n"
        "log.info('half a surrogate \\ud800')\n"
    )
    assert [line["logger"] for line in lines] == ["thread", "py.warnings", "x"]
    assert lines[0]["message"] == "worker ends by an error"
    assert "take care" in lines[1]["message"]


def test_an_uncaught_error_leaves_no_traceback() -> None:
    assert run(f"raise ValueError('{SECRET}')") == []


def test_on_a_terminal_the_lines_are_text() -> None:
    ours, theirs = pty.openpty()
    program = (
        "from api import logs\nimport logging\nlogs.configure('relay')\n"
        f"try: raise ValueError('{SECRET}')\n"
        "except ValueError: logging.getLogger('x').info('leading', extra={'position': 3}, exc_info=True)\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, stderr=theirs, timeout=LIMIT, check=True)
    text = os.read(ours, 65_536).decode()
    os.close(ours)
    os.close(theirs)
    assert "INFO x leading position=3" in text
    assert "builtins.ValueError" in text
    assert SECRET not in text


def test_an_unforeseen_error_is_answered_as_a_problem_and_logged_with_its_place(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = FastAPI()

    @app.get("/things/{thing_id}")
    def fail(thing_id: str) -> None:
        raise ValueError(SECRET)

    access.install(app, app.routes)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            return await client.get("/things/7")

    with caplog.at_level(logging.INFO):
        answer = asyncio.run(ask())
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["correlation_id"] == answer.headers["x-correlation-id"]
    assert SECRET not in answer.text
    (line,) = [record for record in caplog.records if record.name == "api"]
    assert line.levelno == logging.ERROR
    assert line.getMessage() == "GET /things/{thing_id} 500"
    assert line.exc_info is not None
