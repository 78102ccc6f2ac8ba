"""What who reads the database with other tools gets of the newest day: the result of the default parameters."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import sqlalchemy as sa
from warehouse_events import MEXICO, ZONE, select, start, stop, store

from telemetry_pipeline.analyses.framework.columns import Column, conform
from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.days import Period
from telemetry_pipeline.results import computing, tables
from telemetry_pipeline.results.published import latest
from telemetry_pipeline.results.tables import Result, ResultTable
from telemetry_pipeline.results.views.windows import Store
from telemetry_pipeline.warehouse.core.views import merge

FIRST, SECOND = date(2025, 1, 30), date(2025, 1, 31)
CHANNEL, VIEWS = Column("channel", "text", "name", key=True), Column("order", "bigint", "a reserved word")
TABLE = ResultTable("select", (CHANNEL,))


def keep(
    engine: sa.Engine,
    values: dict[str, Any],
    defaults: dict[str, Any],
    day: date = FIRST,
    first: date | None = None,
    table: ResultTable = TABLE,
    **parameters: Any,
) -> None:
    """A result of a day, or of exactly the days from *first* on, and the view as *defaults* have it."""
    frame = conform(pd.DataFrame(values, dtype=object), table.columns)
    with engine.begin() as connection:
        tables.replace(connection, table, [Result(first or date.min, day, None if first else day, parameters, frame)])
        latest.publish(connection, table, defaults)


def rows(engine: sa.Engine, *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in select(engine, f"select {', '.join(columns)} from analysis.latest_select")]


def test_the_defaults_newest_day_is_shown_although_an_experiment_ran_later(engine: sa.Engine) -> None:
    store(engine, start(1, "A"), start(2, "B", channel=2), stop(3, duration=60), stop(4, duration=60, channel=2))
    store(engine, *(stop(10 + n, duration=60, channel=1 + n % 2, hours=24) for n in range(3)))
    merge(engine, ZONE)
    analysis = find_analysis("top_channels")
    for day, given in ((FIRST, {}), (SECOND, {}), (SECOND, {"limit": 1}), (SECOND, {"window_days": 1})):
        parameters = analysis.parse(given)
        window = analysis.window(day, parameters)
        computing.update(engine, Store(Rules(MEXICO)), analysis, [window], parameters)
    found = select(engine, "select period_first, period_last, channel, views from analysis.latest_top_channels")
    first = date(2025, 1, 2)
    assert [tuple(row) for row in found] == [(first, SECOND, "A", 3), (first, SECOND, "B", 2)]


def test_a_period_analysis_shows_the_newest_single_day(engine: sa.Engine) -> None:
    analysis = find_analysis("period_summary")
    store(engine, stop(1, duration=60), stop(2, duration=60, hours=24))
    merge(engine, ZONE)
    parameters = analysis.parse({})
    for period in (Period(FIRST, FIRST), Period(SECOND, SECOND), Period(FIRST, SECOND)):
        computing.update(engine, Store(Rules(MEXICO)), analysis, [period], parameters)
    [row] = select(engine, "select period_first, period_last, days, views from analysis.latest_period_summary")
    assert tuple(row) == (SECOND, SECOND, 1, 1)


def test_rows_keep_their_order(engine: sa.Engine) -> None:
    keep(engine, {"channel": ["B", "A", None, "C"]}, {})
    assert rows(engine, "channel") == [("B",), ("A",), (None,), ("C",)]


def test_a_later_day_replaces_and_an_earlier_one_or_a_longer_period_does_not(engine: sa.Engine) -> None:
    keep(engine, {"channel": ["A"]}, {}, SECOND)
    keep(engine, {"channel": ["B"]}, {}, FIRST)
    keep(engine, {"channel": ["C"]}, {}, date(2025, 2, 1), first=SECOND)
    assert rows(engine, "channel", "period_last") == [("A", SECOND)]
    keep(engine, {"channel": ["D"]}, {}, date(2025, 2, 1), first=date(2025, 2, 1))
    assert rows(engine, "channel") == [("D",)]


def test_a_newest_day_without_rows_shows_none(engine: sa.Engine) -> None:
    keep(engine, {"channel": ["A"]}, {})
    keep(engine, {"channel": []}, {}, SECOND)
    assert rows(engine, "channel") == []


def test_a_column_that_is_declared_later_appears_in_its_place(engine: sa.Engine) -> None:
    keep(engine, {"channel": ["A"]}, {})
    wider = ResultTable("select", (VIEWS, CHANNEL))
    keep(engine, {"order": [7], "channel": ["B"]}, {}, SECOND, table=wider)
    with engine.connect() as connection:
        found = connection.execute(sa.text("select * from analysis.latest_select"))
        assert list(found.keys()) == ["period_first", "period_last", "computed_at", "order", "channel"]
        assert [tuple(row)[3:] for row in found] == [(7, "B")]


def test_changed_defaults_move_it(engine: sa.Engine) -> None:
    keep(engine, {"channel": ["twenty"]}, {"limit": 20}, SECOND, limit=20)
    keep(engine, {"channel": ["five"]}, {"limit": 20}, limit=5)
    assert rows(engine, "channel") == [("twenty",)]
    with engine.begin() as connection:
        latest.publish(connection, TABLE, {"limit": 5})
    assert rows(engine, "channel") == [("five",)]


def test_readers_are_disturbed_only_when_something_changed(engine: sa.Engine) -> None:
    """A view that is made anew is locked, and takes back what others may read."""
    keep(engine, {"channel": ["A"]}, {})
    made = "select 'analysis.latest_select'::regclass::oid::bigint"
    [before] = select(engine, made)
    keep(engine, {"channel": ["B"]}, {})
    assert select(engine, made) == [before]
    keep(engine, {"channel": ["B"]}, {"limit": 5})
    assert select(engine, made) != [before]


def test_what_has_to_be_told_a_subscriber_has_no_view(engine: sa.Engine) -> None:
    store(engine, stop(1, duration=60))
    merge(engine, ZONE)
    analysis = find_analysis("subscriber_profile")
    parameters = analysis.parse({"subscriber_code": "S-1"})
    window = analysis.window(FIRST, parameters)
    computing.update(engine, Store(Rules(MEXICO)), analysis, [window], parameters)
    assert select(engine, "select to_regclass('analysis.latest_subscriber_profile')") == [(None,)]
