"""Periods that reports and evaluations are of, by their names: 2026-03, 2026Q1, 2026H1, 2026."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from domain.errors import InvalidInput

#: How many months a period has, by the letter that its name has between the year and its number.
MONTHS = {"-": 1, "Q": 3, "H": 6, "": 12}
KINDS = {"-": "month", "Q": "quarter", "H": "half-year", "": "year"}
#: Years whose neighbours are years too, and which no database takes amiss.
YEARS = range(1900, 9000)
_NAME = re.compile(r"([0-9]{4})(?:(-)(0[1-9]|1[0-2])|(Q)([1-4])|(H)([12]))?")


@dataclass(frozen=True, slots=True)
class Period:
    """Whole months, with the ``first`` and the ``last`` day; ``letter`` is a key of MONTHS."""

    letter: str
    first: date

    @property
    def kind(self) -> str:
        return KINDS[self.letter]

    @property
    def last(self) -> date:
        return _months_on(self.first, MONTHS[self.letter]) - timedelta(days=1)

    @property
    def name(self) -> str:
        number = (self.first.month - 1) // MONTHS[self.letter] + 1
        return f"{self.first.year:04}{self.letter}" + {"": "", "-": f"{number:02}"}.get(self.letter, str(number))

    def before(self) -> Period:
        """Return the period just before."""
        return Period(self.letter, _months_on(self.first, -MONTHS[self.letter]))

    def a_year_ago(self) -> Period:
        """Return the same period of the year before."""
        return Period(self.letter, self.first.replace(year=self.first.year - 1))


def period(name: str, letters: str = "-QH") -> Period:
    """Return the period of a name, if it is a year or has one of the ``letters``; raises InvalidInput."""
    found = _NAME.fullmatch(name)
    if found is not None:
        year, *parts = found.groups()
        given = [part for part in parts if part is not None]
        letter = given[0] if given else ""
        if letter in letters and int(year) in YEARS:
            number = int(given[1]) if given else 1
            return Period(letter, date(int(year), (number - 1) * MONTHS[letter] + 1, 1))
    forms = [form for letter, form in (("Q", "2026Q1"), ("H", "2026H1"), ("-", "2026-03")) if letter in letters]
    raise InvalidInput(f"{name[:40]!r} is not a period", hint=f"write it as in {', '.join([*forms, '2026'])}")


def _months_on(day: date, months: int) -> date:
    months += day.month - 1
    return date(day.year + months // 12, months % 12 + 1, 1)
