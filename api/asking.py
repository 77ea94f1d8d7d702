"""How figures are asked for: what their routes have in common, and how an answer is explained."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends

from adapters.explaining import RecordingPool
from api.paging import read_offset, wait_for, write_cursor
from api.requests import Cursor, Explain, Limit, MinPosition, Principal, Shared, State, WaitS


@dataclass(frozen=True, slots=True)
class Asking:
    """What was asked for. The queries by which an answer is explained are those that are run on ``pool``."""

    shared: State
    pool: RecordingPool
    explain: bool
    min_position: int | None
    wait_s: float
    limit: int = 0
    cursor: str | None = None

    def wait(self) -> int:
        """Wait until the read models hold what the asker has seen, and return the position that they are complete to.

        Raises ReadModelBehind.
        """
        return wait_for(self.shared, self.min_position, self.wait_s)

    @property
    def offset(self) -> int:
        """How many items the pages before had; raises InvalidInput for a cursor of another kind."""
        return read_offset(self.cursor)

    def next(self, *, more: bool) -> str | None:
        """Return the cursor of the next page, if there are more items."""
        return write_cursor(self.offset + self.limit) if more else None

    def explained(self, behind: Iterable[str] | None = None) -> dict[str, Any]:
        """Return what an answer is explained by, if that was asked for: the queries, and where the complaints behind
        its figures are listed."""
        if not self.explain:
            return {}
        return {"explain": self.pool.queries} | ({} if behind is None else {"behind": list(behind)})


# What these have of their own is in the order in which the OpenAPI document shows it.
async def _asking(
    by: Principal, shared: Shared, explain: Explain = False, min_position: MinPosition = None, wait_s: WaitS = 5.0
) -> Asking:
    return Asking(shared, RecordingPool(shared.ledger.recorder.pool), explain, min_position, wait_s)


async def _asking_for_page(
    by: Principal,
    shared: Shared,
    explain: Explain = False,
    limit: Limit = 100,
    cursor: Cursor = None,
    min_position: MinPosition = None,
    wait_s: WaitS = 5.0,
) -> Asking:
    pool = RecordingPool(shared.ledger.recorder.pool)
    return Asking(shared, pool, explain, min_position, wait_s, limit, cursor)


#: Of a route that answers at once, and of one that answers in pages.
AskedWhole = Annotated[Asking, Depends(_asking)]
AskedInPages = Annotated[Asking, Depends(_asking_for_page)]
