"""Which days are complete, from what the sync left behind."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from telemetry_pipeline.days import EVERYTHING, Completeness
from telemetry_pipeline.warehouse.raw import completeness

DAY = date(2025, 3, 4)
W = datetime(2025, 3, 6, 12, tzinfo=UTC)


def execute(engine: sa.Engine, statement: str, **parameters: Any) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text(statement), parameters)


def read(engine: sa.Engine) -> Completeness:
    with engine.connect() as connection:
        return completeness.read(connection)


def known(**values: Any) -> Completeness:
    return Completeness(
        **{
            "known_until": W,
            "complete_before": DAY,
            "repaired": frozenset(),
            "gaps": (),
            "first_day": DAY - timedelta(days=9),
            **values,
        }
    )


@pytest.mark.parametrize(
    ("what", "days_after", "complete"),
    [
        pytest.param(known(), -1, True, id="before the day of the last complete sync"),
        pytest.param(known(), 0, False, id="the day of the last complete sync"),
        pytest.param(known(repaired=frozenset([DAY])), 0, True, id="repaired"),
        pytest.param(known(first_day=DAY - timedelta(days=1)), -1, False, id="the first day of data"),
        pytest.param(known(first_day=DAY), -1, False, id="before the first day of data"),
        pytest.param(known(first_day=None), -1, False, id="no data"),
        pytest.param(known(complete_before=None), -1, False, id="no complete sync"),
        pytest.param(known(gaps=((DAY - timedelta(days=3), DAY - timedelta(days=1)),)), -1, False, id="last day of a gap"),
        pytest.param(known(gaps=((DAY - timedelta(days=3), DAY - timedelta(days=2)),)), -1, True, id="after a gap"),
        pytest.param(known(gaps=((DAY, DAY),), repaired=frozenset([DAY])), 0, False, id="repaired but for a gap"),
        pytest.param(EVERYTHING, 0, True, id="everything"),
    ],
)
def test_a_day_is_complete_when_it_was_read_to_its_end(what: Completeness, days_after: int, complete: bool) -> None:
    assert what.is_complete(DAY + timedelta(days=days_after)) is complete


def test_an_empty_warehouse_knows_of_no_day(engine: sa.Engine) -> None:
    assert read(engine) == Completeness(None, None, frozenset(), (), None)


def test_what_the_sync_left_behind_is_read_but_for_what_says_nothing_more(engine: sa.Engine) -> None:
    execute(engine, "update telemetry.sync_state set known_until = :w, complete_before = :day", w=W, day=DAY)
    execute(
        engine,
        "insert into telemetry.view_days (local_date, version) values ('2000-01-02', 1), ('2025-02-10', 1), ('2025-03-04', 2)",
    )
    execute(engine, "insert into telemetry.complete_days select generate_series(date '2025-03-01', '2025-03-05', '1 day')")
    gaps = [
        (1, "2025-03-01", "2025-03-03", False),
        (2, "2025-03-01", "2025-03-04", False),
        (3, "2025-03-05", "2025-03-05", True),
    ]
    for number, first, last, resolved in gaps:
        execute(
            engine,
            "insert into telemetry.sync_gaps (first_record_id, last_record_id, reason, first_date, last_date, resolved_at) "
            "values (:id, :id, 'x', :first, :last, case when :resolved then now() end)",
            id=number,
            first=first,
            last=last,
            resolved=resolved,
        )
    assert read(engine) == Completeness(
        known_until=W,
        complete_before=DAY,
        repaired=frozenset([DAY, DAY + timedelta(days=1)]),
        gaps=((date(2025, 3, 1), date(2025, 3, 3)), (date(2025, 3, 1), DAY)),
        first_day=date(2025, 2, 10),
    )


def test_a_gap_of_unknown_days_may_be_anywhere(engine: sa.Engine) -> None:
    execute(engine, "insert into telemetry.sync_gaps (first_record_id, last_record_id, reason) values (1, 1, 'x')")
    assert read(engine).gaps == ((date.min, date.max),)
