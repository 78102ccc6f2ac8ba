"""What tools get of analyses in the schema ``bi``: the results themselves, explained, and nobody's name."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from warehouse_events import MEXICO, ZONE, select, start, stop, store

from telemetry_pipeline.analyses.framework.columns import OF_A_SUBSCRIBER, Column, conform
from telemetry_pipeline.analyses.framework.declaration import Analysis
from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.analyses.registry import all_analyses, find_analysis
from telemetry_pipeline.days import Period
from telemetry_pipeline.results import computing, tables
from telemetry_pipeline.results.computing import Updated
from telemetry_pipeline.results.published import bi
from telemetry_pipeline.results.tables import Result, table_of
from telemetry_pipeline.results.views.windows import Store
from telemetry_pipeline.warehouse.core.views import merge

BEFORE, FIRST, SECOND = (date(2025, 1, n) for n in (29, 30, 31))
EXPLAINED = """
    select relname::text, attname::text, obj_description(attrelid, 'pg_class'), col_description(attrelid, attnum)
    from pg_class join pg_attribute on attrelid = pg_class.oid
    where relnamespace = 'bi'::regnamespace and attnum > 0 order by relname, attnum
"""
MADE = "select 'bi.top_channels'::regclass::oid::bigint"


@pytest.fixture
def viewed(engine: sa.Engine) -> sa.Engine:
    """Three views of two channels on the first day, and one more on the second."""
    store(engine, start(1, "A"), start(2, "B", channel=2))
    store(engine, stop(3, duration=60), stop(4, duration=60, channel=2), stop(5, duration=600), stop(6, duration=60, hours=24))
    merge(engine, ZONE)
    return engine


def update(engine: sa.Engine, name: str, *days: date, **parameters: object) -> Updated:
    analysis = find_analysis(name)
    values = analysis.parse(parameters)
    windows = [window for day in days for window in analysis.windows(Period(day, day), values)]
    return computing.update(engine, Store(Rules(MEXICO)), analysis, windows, values)


def publish(engine: sa.Engine, analysis: Analysis, day: date = FIRST, **values: list[Any]) -> None:
    """Keep a result with the default parameters, without rows or with the values given, and the view."""
    rows = len(next(iter(values.values()), []))
    columns = {column.name: values.get(column.name, [None] * rows) for column in analysis.columns}
    frame = conform(pd.DataFrame(columns, dtype=object), analysis.columns)
    parameters = analysis.parse({}).model_dump(mode="json")
    with engine.begin() as connection:
        tables.replace(connection, table_of(analysis), [Result(day, day, day, parameters, frame)])
        bi.publish(connection, analysis)


def test_every_analysis_has_a_view_but_those_of_single_subscribers_and_each_column_is_explained(engine: sa.Engine) -> None:
    unattended = [each for each in all_analyses().values() if each.runs_unattended]
    for analysis in unattended:
        publish(engine, analysis)
    found = select(engine, EXPLAINED)
    assert [row for row in found if not (row[2] and row[3])] == []
    assert {row[0] for row in found} == {"views", "channels", "days"} | {
        each.name for each in unattended if not each.is_of_subscribers
    }
    assert OF_A_SUBSCRIBER.isdisjoint({row[1] for row in found})
    units = {(row[0], row[1]): row[3] for row in found}
    assert units["share", "watch_hours"].endswith("[hours]")
    [question] = {row[2] for row in found if row[0] == "top_channels"}
    assert question == f"{find_analysis('top_channels').question} (window_days=30, limit=20)"


def test_rows_are_those_of_the_results_of_the_defaults_and_no_others(viewed: sa.Engine) -> None:
    update(viewed, "top_channels", SECOND, limit=1)
    expected = {day: update(viewed, "top_channels", day).last for day in (FIRST, SECOND)}
    names = [column.name for column in find_analysis("top_channels").columns]
    for day, frame in expected.items():
        rows = select(viewed, f"select {', '.join(names)} from bi.top_channels where period_last = '{day}' order by ordinal")
        assert [tuple(row) for row in rows] == [tuple(row) for row in frame.itertuples(index=False)]
    sums = "select period_last, sum(views) from bi.top_channels group by 1 order by 1"
    assert [tuple(row) for row in select(viewed, sums)] == [(FIRST, 3), (SECOND, 4)]


def test_the_newest_day_is_marked_and_what_has_changed_since(viewed: sa.Engine) -> None:
    update(viewed, "period_summary", BEFORE, FIRST, SECOND)
    analysis = find_analysis("period_summary")
    longer = [Period(FIRST, SECOND)]
    computing.update(viewed, Store(Rules(MEXICO)), analysis, longer, analysis.parse({}))
    rows = "select period_first, period_last, {} from bi.period_summary where {} order by 1, 2"
    assert [tuple(row) for row in select(viewed, rows.format("views", "is_newest"))] == [(SECOND, SECOND, 1)]
    assert select(viewed, rows.format("views", "is_outdated")) == []
    store(viewed, stop(9, duration=60, hours=24))
    merge(viewed, ZONE)
    outdated = [(FIRST, SECOND), (SECOND, SECOND)]
    assert [tuple(row)[:2] for row in select(viewed, rows.format("views", "is_outdated"))] == outdated
    update(viewed, "period_summary", SECOND)
    assert [tuple(row)[:2] for row in select(viewed, rows.format("views", "is_outdated"))] == outdated[:1]


def test_all_history_begins_nowhere(viewed: sa.Engine) -> None:
    """Spreadsheets have no day before 1900."""
    with viewed.begin() as connection:
        frame = conform(pd.DataFrame({column.name: [None] for column in TOP.columns}, dtype=object), TOP.columns)
        parameters = TOP.parse({}).model_dump(mode="json")
        tables.replace(connection, table_of(TOP), [Result(date.min, FIRST, FIRST, parameters, frame)])
        bi.publish(connection, TOP)
    assert select(viewed, "select period_first, period_last from bi.top_channels") == [(None, FIRST)]


TOP = find_analysis("top_channels")


class OtherDefault(TOP.parameters):  # type: ignore[name-defined,misc]
    limit: int = 3


CHANGED = {
    "a column more": replace(TOP, columns=(Column("ratio", "double precision", "how much", "%"), *TOP.columns)),
    "a column less": replace(TOP, columns=TOP.columns[:-1]),
    "what a column is": replace(TOP, columns=(replace(TOP.columns[0], description="another word"), *TOP.columns[1:])),
    "the question": replace(TOP, description="Which ones?"),
    "a default": replace(TOP, parameters=OtherDefault),
}


@pytest.mark.parametrize("analysis", CHANGED.values(), ids=CHANGED)
def test_a_view_follows_what_its_analysis_declares_and_is_made_anew_only_then(engine: sa.Engine, analysis: Analysis) -> None:
    """A view that is made anew is locked, and waits for whoever reads it."""
    publish(engine, TOP, channel=["A"])
    before = select(engine, MADE)
    publish(engine, TOP, SECOND, channel=["B"])
    assert select(engine, MADE) == before
    publish(engine, analysis, SECOND, channel=["C"])
    assert select(engine, MADE) != before
    shown = [row[1:] for row in select(engine, EXPLAINED) if row[0] == "top_channels"]
    assert [row[0] for row in shown] == [*bi.OF_A_RESULT, *(column.name for column in analysis.columns)]
    assert [row[2] for row in shown[len(bi.OF_A_RESULT) :]] == [column.explanation for column in analysis.columns]
    assert select(engine, "select channel from bi.top_channels where is_newest") == [("C",)]


def test_what_a_dba_made_of_a_view_keeps_no_result_from_being_stored(engine: sa.Engine) -> None:
    publish(engine, TOP, channel=["A"])
    with engine.begin() as connection:
        connection.execute(sa.text("create view public.mine as select channel from bi.top_channels where is_newest"))
    publish(engine, replace(TOP, description="Which ones?"), SECOND, channel=["B"])
    assert select(engine, "select channel from public.mine") == [("B",)]


def plan(engine: sa.Engine, query: str) -> str:
    return "\n".join(row[0] for row in select(engine, f"explain (costs off) {query}"))


@pytest.mark.parametrize(
    "condition", ["is_newest", f"period_last = '{SECOND}'", f"period_last between '{FIRST}' and '{SECOND}'"], ids=str
)
def test_who_names_days_reads_no_other_results(engine: sa.Engine, condition: str) -> None:
    publish(engine, TOP)
    with engine.begin() as connection:
        connection.execute(
            sa.text("""
            with days as materialized (
                insert into analysis.results (asset, period_last, period_first, partition_date, parameters, parameters_key,
                                              row_count, computed_at)
                select asset, day, day, day, parameters, parameters_key, 50, now()
                from analysis.results, lateral (
                    select date '2020-01-01' + n as day from generate_series(1, 400) as n
                ) as before
                returning period_last, parameters_key
            )
            insert into analysis.top_channels (period_last, period_first, parameters_key, ordinal)
            select period_last, period_last, parameters_key, place from days, generate_series(1, 50) as place
        """)
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("analyze analysis.top_channels, analysis.results"))
    found = plan(engine, f"select channel, views from bi.top_channels where {condition}")
    scanned = re.search(r"Scan.* on top_channels result\n.*?(\w+ Cond: .*)", found)
    assert scanned, found
    assert re.search(r"period_last >?= (\(InitPlan|'20)", scanned[1]), found
    assert "view_days" not in found


def test_no_analysis_is_called_as_a_view_of_none() -> None:
    assert all_analyses().keys().isdisjoint({"views", "channels", "days"})
