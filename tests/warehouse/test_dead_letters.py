"""A step that failed for good is on record once, until somebody settles it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from telemetry_pipeline.errors import WarehouseError
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.operations.dead_letters import DeadLetter, OpenLetter, add, open_letters, settle

MONTH = "2026-10-01 to 2026-10-31"


def letter(run_id: str = "run-1", step: str = "ott_views", partition: str = "2026-11-20", error: str = "broken") -> DeadLetter:
    return DeadLetter(run_id, "telemetry_tick", step, partition, error)


def on_list(engine: sa.Engine) -> list[tuple[str, str]]:
    return [(each.run_id, each.step) for each in open_letters(engine)]


def settled_by(engine: sa.Engine) -> list[str | None]:
    with engine.connect() as connection:
        found = connection.scalars(sa.text("select settled_by from telemetry.dead_letters order by dead_letter_id"))
        return list(found)


def test_a_letter_comes_back_with_its_number_and_time(engine: sa.Engine) -> None:
    add(engine, [letter(error="línea\nTraceback '; drop")])
    [found] = open_letters(engine)
    assert found == OpenLetter(
        "run-1", "telemetry_tick", "ott_views", "2026-11-20", "línea\nTraceback '; drop", found.id, found.failed_at
    )
    assert datetime.now(UTC) - found.failed_at < timedelta(minutes=1)


def test_the_same_failure_told_twice_is_one_letter(engine: sa.Engine) -> None:
    add(engine, [letter(), letter(step="geography")])
    add(engine, [letter(error="told again"), letter("run-2")])
    add(engine, [])
    assert on_list(engine) == [("run-1", "ott_views"), ("run-1", "geography"), ("run-2", "ott_views")]
    assert open_letters(engine)[0].error == "broken"


def test_a_settled_letter_does_not_come_back_when_its_failure_is_told_again(engine: sa.Engine) -> None:
    """A sensor whose cursor was lost reads old failures again."""
    add(engine, [letter()])
    [found] = open_letters(engine)
    assert settle(engine, [found.id], "given up by operator") == 1
    add(engine, [letter()])
    assert on_list(engine) == []


def test_settling_is_done_once(engine: sa.Engine) -> None:
    add(engine, [letter(), letter("run-2")])
    first, second = (found.id for found in open_letters(engine))
    assert settle(engine, [first], "run-9") == 1
    assert settle(engine, [first, second, 999], "given up by operator") == 1
    assert settled_by(engine) == ["run-9", "given up by operator"]


def test_a_database_without_the_table_says_what_to_do(postgres_url: str) -> None:
    with pytest.raises(WarehouseError, match="telemetry-pipeline migrate"):
        open_letters(connect(postgres_url))
