"""Figures by the functions that count them, and what a scrape does when PostgreSQL does not answer."""

from __future__ import annotations

import logging
import socket
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Metric

from adapters import metrics
from adapters.database import Pool, connect
from adapters.ledger_figures import LedgerFigures, projection_figures, relay_figures
from adapters.metrics_endpoint import serving_metrics
from projections.catalogue import PROJECTIONS

NAMES = [projection.name for projection in PROJECTIONS]


def value(figures: CollectorRegistry, name: str, **labels: str) -> float:
    found = figures.get_sample_value(f"complaints_{name}", labels)
    assert found is not None, (name, labels)
    return found


def test_a_projector_shows_each_projection_from_the_start_and_counts_its_batches() -> None:
    figures = metrics.registry("projector")
    before = [value(figures, "projected_events_total", projection=name) for name in NAMES]
    restarts = value(figures, "projector_restarts_total")
    metrics.projected(NAMES[0], 20, 0.1)
    metrics.projected(NAMES[0], 3, 0.1)
    metrics.projector_started_over()
    after = [value(figures, "projected_events_total", projection=name) for name in NAMES]
    assert after == [before[0] + 23, *before[1:]]
    assert value(figures, "projection_batch_events_sum", projection=NAMES[0]) >= 23
    assert value(figures, "projection_batch_events_count", projection=NAMES[0]) >= 2
    assert value(figures, "projection_batch_seconds_sum", projection=NAMES[0]) >= 0.2
    assert value(figures, "projector_restarts_total") == restarts + 1


def test_every_way_in_which_an_append_ends_is_counted() -> None:
    figures = metrics.registry("api")
    before = {outcome: value(figures, "appends_total", outcome=outcome) for outcome in metrics.OUTCOMES}
    metrics.appends_committed({"appended": 3, "duplicate": 2, "conflict": 1}, 5, 0.01)
    metrics.appends_lost("unavailable", 4)
    metrics.appends_lost("failed", 1)
    grown = {outcome: value(figures, "appends_total", outcome=outcome) - before[outcome] for outcome in before}
    assert grown == {"appended": 3, "duplicate": 2, "conflict": 1, "unavailable": 4, "failed": 1}


@pytest.mark.parametrize("process", ["api", "relay", "projector", "watcher"])
def test_names_say_the_unit_and_counters_end_in_total(process: metrics.Process) -> None:
    own = [metric for metric in metrics.registry(process).collect() if metric.name.startswith("complaints_")]
    assert own
    for metric in own:
        assert metric.documentation
        # The library leaves _total away in the names of families.
        assert metric.type == "counter" or metric.name.endswith(("_seconds", "_events", "_appends", "_leader"))


def database_up(figures: LedgerFigures) -> tuple[float, int]:
    """Return complaints_database_up, and how many other figures there are."""
    up, *others = figures.collect()
    assert up.name == "complaints_database_up"
    return up.samples[0].value, len(others)


def test_a_scrape_without_postgresql_answers_without_the_figures_that_it_knows() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        figures = LedgerFigures(f"postgresql://x@127.0.0.1:{nobody.getsockname()[1]}/x", relay_figures)
        assert database_up(figures) == (0, 0)


def test_scrapes_of_a_postgresql_that_has_stopped_answer_too_and_only_one_waits_for_it() -> None:
    # The kernel takes the connection; nobody ever says anything.
    with socket.create_server(("127.0.0.1", 0)) as mute:
        mute.settimeout(30)
        figures = LedgerFigures(f"postgresql://x@127.0.0.1:{mute.getsockname()[1]}/x", relay_figures)
        assert [database_up(figures) for _ in range(3)] == [(0, 0)] * 3
        first, _ = mute.accept()
        mute.setblocking(False)
        with pytest.raises(BlockingIOError):
            mute.accept()
        first.close()


def test_a_connection_that_broke_since_the_last_scrape_is_replaced(database_url: str) -> None:
    figures = LedgerFigures(database_url, projection_figures)
    assert database_up(figures) == (1, 4)
    conn = connect(database_url, None)
    with conn.cursor() as cursor:
        cursor.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where application_name = 'complaints ledger_api' and datname = current_database()"
        )
        assert cursor.fetchall() == [(True,)]
    conn.close()
    assert database_up(figures) == (1, 4)


def test_a_question_that_takes_too_long_is_as_good_as_no_answer(database_url: str) -> None:
    def read(pool: Pool) -> list[Metric]:
        with pool.cursor() as cursor:
            cursor.execute("set statement_timeout = 1; select pg_sleep(30)")
        return []

    assert database_up(LedgerFigures(database_url, read)) == (0, 0)


def test_a_data_directory_that_cannot_be_written_is_told_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "run").write_text("in the way")
    with (
        caplog.at_level(logging.WARNING),
        serving_metrics("relay", metrics.registry("relay"), "127.0.0.1", 0, tmp_path),
    ):
        assert "cannot note where the metrics are" in caplog.text
