"""What a tick finds as it was it does not write: not results, not documents, not segments of other days."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from warehouse_events import MEXICO, ZONE, start, stop, store

from telemetry_pipeline.analyses.documents import gathered
from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.days import Period
from telemetry_pipeline.results import computing, document_store, documents
from telemetry_pipeline.results.views.windows import Store
from telemetry_pipeline.warehouse.core.views import merge

FIRST, SECOND = date(2025, 1, 30), date(2025, 1, 31)
DOCUMENT = "period_analysis"
RULES = Rules(MEXICO)
Written = dict[Any, tuple[Any, ...]]


def written(engine: sa.Engine, table: str, *key: str) -> Written:
    """Where each row lies, and by which transactions it was written and locked, by its key."""
    with engine.connect() as connection:
        query = sa.text(f"select {', '.join(key)}, ctid::text, xmin::text, xmax::text from {table}")
        return {tuple(row[: len(key)]): tuple(row[len(key) :]) for row in connection.execute(query)}


def changed(before: Written, after: Written) -> set[Any]:
    return {key for key in {*before, *after} if before.get(key) != after.get(key)}


def tick(engine: sa.Engine, names: Iterable[str], *days: date) -> None:
    views = Store(RULES)
    for name in names:
        analysis = find_analysis(name)
        values = analysis.parse({})
        for day in days:
            computing.update(engine, views, analysis, [analysis.asked(day, day, values)], values)
    documents.make(engine, DOCUMENT, Period(days[-1], days[-1]), RULES, keep_if=lambda _: True)


def every(engine: sa.Engine) -> dict[str, Written]:
    result = ("period_last", "period_first", "parameters_key")
    return {
        "results": written(engine, "analysis.results", "asset", *result),
        "rows": written(engine, "analysis.channel_audience", *result, "ordinal"),
        "documents": written(engine, "analysis.documents", "document", "period_last"),
        "segments": written(engine, "telemetry.view_segments", "local_date"),
        "days": written(engine, "telemetry.view_days", "local_date"),
        "comments": written(engine, "pg_description", "objoid", "classoid", "objsubid"),
    }


@pytest.fixture(scope="module")
def names() -> list[str]:
    return ["channel_audience", *(each.name for each in gathered(DOCUMENT))]


def test_a_tick_that_finds_everything_as_it_was_writes_nothing(two_days: sa.Engine, names: list[str]) -> None:
    tick(two_days, names, FIRST, SECOND)
    before = every(two_days)
    tick(two_days, names, FIRST, SECOND)
    assert before["documents"]
    assert every(two_days) == before


def test_a_tick_with_new_views_writes_what_is_of_them_and_no_other_day(two_days: sa.Engine, names: list[str]) -> None:
    tick(two_days, names, FIRST, SECOND)
    before = every(two_days)
    store(two_days, start(8, "B", channel=2), stop(9, channel=2, duration=60, hours=24))
    merge(two_days, ZONE)
    tick(two_days, names, FIRST, SECOND)
    now = every(two_days)
    assert {day for (day,) in changed(before["segments"], now["segments"])} == {SECOND}
    assert {day for (day,) in changed(before["days"], now["days"])} == {SECOND}
    assert {day for _, day, *_ in changed(before["results"], now["results"])} == {SECOND}
    assert {(day, place) for day, _, _, place in changed(before["rows"], now["rows"])} == {(SECOND, 1)}, "channel 2"


def test_a_result_is_noted_as_wanted_once_an_hour(two_days: sa.Engine) -> None:
    def wanted_anew() -> bool:
        before = written(two_days, "analysis.results", "asset")
        tick(two_days, ["general_summary"], SECOND)
        return written(two_days, "analysis.results", "asset") != before

    tick(two_days, ["general_summary"], SECOND)
    assert not wanted_anew()
    with two_days.begin() as connection:
        connection.execute(sa.text("update analysis.results set wanted_at = now() - interval '61 minutes'"))
    assert wanted_anew()


def body(**changes: Any) -> dict[str, Any]:
    filters = {"analyses": {"share": {"computed_at": "2026-03-31T10:00:00+00:00"}}}
    return {"generated_at": "10:00", "filters": filters, "analyses": {"share": [{"pct": 0.0}]}, "missing": [], **changes}


@pytest.mark.parametrize(
    ("changes", "is_written"),
    [
        ({}, False),
        ({"generated_at": "10:02"}, False),
        ({"analyses": {"share": [{"pct": -0.0}]}}, True),
        ({"analyses": {"share": [{"pct": 0}]}}, True),
        ({"filters": {"analyses": {"share": {"computed_at": "2026-03-31T10:02:00+00:00"}}}}, True),
        ({"missing": ["reach"]}, True),
    ],
    ids=lambda value: str(value),
)
def test_a_document_is_written_when_it_says_something_else(
    engine: sa.Engine, changes: dict[str, Any], is_written: bool
) -> None:
    def keep(document: dict[str, Any]) -> Written:
        with engine.begin() as connection:
            document_store.keep(connection, DOCUMENT, SECOND, SECOND, document)
        return written(engine, "analysis.documents", "document")

    before = keep(body())
    assert (keep(body(**changes)) != before) is is_written
    with engine.connect() as connection:
        found = document_store.read(connection, DOCUMENT, (SECOND, SECOND))
    assert str(found) == str(body(**changes) if is_written else body())


def test_a_document_that_lacks_an_analysis_says_when_it_was_made_last(engine: sa.Engine) -> None:
    """Else whoever looks for what is stale would have it made again at once, and again."""

    def generated_at() -> Any:
        with engine.begin() as connection:
            document_store.keep(connection, DOCUMENT, SECOND, SECOND, body(missing=["reach"]))
            return connection.scalar(sa.text("select generated_at from analysis.documents"))

    assert generated_at() < generated_at()
