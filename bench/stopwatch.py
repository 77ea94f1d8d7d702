"""Where the time of a thread goes: whatever is timed within something else is taken off that."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any


class Stopwatch:
    """Seconds by name, of the thread that made it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._thread = threading.get_ident()
        self._within = [0.0]

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        """Count what happens inside under ``name``."""
        if threading.get_ident() != self._thread:
            yield
            return
        self._within.append(0.0)
        started = time.perf_counter()
        try:
            yield
        finally:
            seconds = time.perf_counter() - started
            self.seconds[name] += seconds - self._within.pop()
            self._within[-1] += seconds

    def watch(self, owner: Any, attribute: str, name: Callable[..., str]) -> None:
        """Count the calls of a function from now on, under the name that ``name`` makes of their arguments."""
        function = getattr(owner, attribute)

        @wraps(function)
        def timed(*args: Any, **named: Any) -> Any:
            with self.span(name(*args, **named)):
                return function(*args, **named)

        setattr(owner, attribute, timed)
