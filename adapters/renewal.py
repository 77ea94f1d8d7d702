"""Builds read models anew that an older version made, while a projector goes on with the others."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from kafka.errors import KafkaError

from adapters.database import UNAVAILABLE, connect
from adapters.generations import BeingRebuilt, RebuildError, RebuildStopped, outdated
from adapters.rebuild import RebuildSettings, rebuild
from domain.errors import LedgerError
from projections.projection import Projection

log = logging.getLogger("renewal")

#: Between looks whether another builder has ended, and before a new try after an error of a connection.
LOOK_S = 2.0


@contextmanager
def renewing(settings: RebuildSettings, projections: Sequence[Projection]) -> Iterator[None]:
    """Build in a thread what is of an older version, until all is done or the block ends."""
    stop = threading.Event()
    thread = threading.Thread(target=_renew, args=(settings, projections, stop), name="renewal")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _renew(settings: RebuildSettings, projections: Sequence[Projection], stop: threading.Event) -> None:
    left = list(projections)
    while not stop.is_set():
        try:
            with closing(connect(settings.database_url, "ledger_projector")) as conn, conn.cursor() as cursor:
                due = outdated(cursor, left)
            if not due:
                return
            log.info("building anew: %s", ", ".join(projection.name for projection in due))
            for built in rebuild(settings, due, stop) or ():
                log.info("%s: generation %d is in use", built.projection, built.generation)
        except BeingRebuilt:
            stop.wait(LOOK_S)
        except RebuildStopped as stopped:
            # It stays as it is until somebody has looked at it; the others do not wait for that.
            log.error("%s", stopped)
            left = [projection for projection in left if projection.name != stopped.projection]
        except RebuildError as error:
            log.error("%s", error)
            return
        except (*UNAVAILABLE, KafkaError, LedgerError) as error:
            log.warning("trying again after %s: %s", type(error).__name__, str(error).strip())
            stop.wait(LOOK_S)
