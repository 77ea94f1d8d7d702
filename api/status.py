"""The command `complaints status`: what runs for a data directory, how often it was started again, how far it is."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from adapters import dues, reactions
from adapters.database import UNAVAILABLE, connect
from adapters.embedded import Restarts
from adapters.embedded import status as services_status
from api import render
from api.running import listening
from api.settings import load_settings

#: Of complaints that the watchers cannot handle, so many are shown.
MAX_SHOWN = 20


def status(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Tell what runs for this data directory, and how far it has come."""
    settings = load_settings()
    found = services_status(settings.data_dir)
    answer: dict[str, Any] = {"running": False, "data_dir": str(settings.data_dir)}
    if found is None or not found.running:
        _print_status(answer, f"nothing runs in {settings.data_dir}; start it with: complaints up", as_json)
        return
    answer |= {
        "running": True,
        "status": found.status,
        "pids": dict(found.pids) | dict(found.workers),
        "restarts": {name: _restarts_json(restarts) for name, restarts in found.restarts.items()},
        "users": list(found.users),
    }
    if found.status != "ready" or found.endpoints is None:
        doing = f": {found.message}" if found.message != found.status else ""
        _print_status(answer, f"the services of {settings.data_dir} are {found.status}{doing}", as_json)
        return
    try:
        answer |= _progress(found.endpoints.database_url)
    except UNAVAILABLE as error:
        now = services_status(settings.data_dir)
        if now is None or now.status != "ready":
            answer |= {"running": now is not None and now.running, "status": "stopping"}
            _print_status(answer, f"the services of {settings.data_dir} are stopping", as_json)
            return
        answer |= {
            "head": None,
            "published": None,
            "public_feed": None,
            "watermarks": {},
            "watched": None,
            "clocks": {},
            "reactions": {},
        }
        answer["problem"] = f"PostgreSQL does not answer: {str(error).strip()}"
    answer |= {
        "database_url": found.endpoints.database_url,
        "kafka_bootstrap": found.endpoints.kafka_bootstrap,
        "http_url": listening(found.endpoints.http_url),
    }
    _print_status(answer, _status_text(answer), as_json)


def _progress(database_url: str) -> dict[str, Any]:
    """How far ledger, relay, read models and watchers have come; clocks are counted by complaints that have one."""
    with closing(connect(database_url, "ledger_api")) as conn, conn.cursor() as cursor:
        cursor.execute(
            "select h.position, p.position, f.position from ledger.head h, ledger.published p, ledger.feed f"
        )
        ((head, published, fed),) = cursor.fetchall()
        cursor.execute(
            "select projection, min(p.watermark) from read.progress p "
            "join read.active a using (projection, generation) group by 1 order by 1"
        )
        watermarks = dict(cursor.fetchall())
        watched, failed = dues.standing(cursor), dues.failures(cursor, MAX_SHOWN)
        reacted, waiting = reactions.standing(cursor), reactions.waiting(cursor, MAX_SHOWN)
    clocks = {
        "running": watched.running,
        "overdue": watched.overdue,
        "overdue_s": round(watched.overdue_s, 3),
        "failed": watched.failed,
        "failures": failed,
    }
    return {
        "head": head,
        "published": published,
        "public_feed": fed,
        "watermarks": watermarks,
        "watched": watched.position,
        "clocks": clocks,
        "reactions": {"position": reacted.position, "waiting": reacted.waiting, "failures": waiting},
    }


def _restarts_json(restarts: Restarts) -> dict[str, Any]:
    last = None if restarts.last is None else datetime.fromtimestamp(restarts.last, UTC).isoformat(timespec="seconds")
    return {"count": restarts.count, "last": last, "ended": restarts.ended}


def _status_text(answer: dict[str, Any]) -> str:
    answer = dict(answer)
    pids, restarts = answer.pop("pids"), answer.pop("restarts")
    answer["clocks"] = dict(answer["clocks"])
    failures = answer["clocks"].pop("failures", [])
    answer["reactions"] = dict(answer["reactions"])
    waiting = answer["reactions"].pop("failures", [])
    lines = [f"{name.replace('_', ' '):16} {value}" for name, value in answer.items()]
    for name in sorted(pids.keys() | restarts.keys()):
        times = restarts.get(name, {"count": 0})
        again = f", restarts {times['count']}, last {times['last']} after {times['ended']}" if times["count"] else ""
        lines.append(f"{name:16} {f'process {pids[name]}' if name in pids else 'does not run'}{again}")
    lines += [
        f"not handled by the watchers: {one['stream']} ({one['attempts']} times, last {one['at']:%Y-%m-%dT%H:%M:%SZ}): "
        f"{one['error']}"
        for one in failures
    ]
    lines += [
        f"not recorded by the process managers: {one['rule']} of position {one['position']} in {one['stream']} "
        f"({one['attempts']} times, last {one['at']:%Y-%m-%dT%H:%M:%SZ}): {one['error']}"
        for one in waiting
    ]
    return "\n".join(lines)


def _print_status(answer: dict[str, Any], text: str, as_json: bool) -> None:
    if as_json:
        render.print_json(answer)
    else:
        render.out.print(render.clean(text))
