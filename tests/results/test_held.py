"""Days that are taken in one by one give what all of them give that are loaded at once."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import duckdb
import hypothesis.strategies as st
import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from warehouse_events import MEXICO, ZONE, start, stop, store

from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.days import Period
from telemetry_pipeline.results.views import held, windows
from telemetry_pipeline.results.views.held import Held
from telemetry_pipeline.results.views.windows import Store
from telemetry_pipeline.warehouse.core import segments
from telemetry_pipeline.warehouse.core.segments import Segments, State
from telemetry_pipeline.warehouse.core.views import merge
from telemetry_pipeline.warehouse.db.connections import snapshot

DAY = date(2026, 1, 3)
NAMES = st.sampled_from(["", "Siete", "siete", "Ñandú", "Z", "10", "9", "日本", "x" * 1_500, "it's"]) | st.none()
VIEWS = st.lists(st.tuples(NAMES, NAMES, st.integers(0, 86_400)), max_size=4)
CHANGES = st.lists(st.dictionaries(st.integers(0, 5), VIEWS, max_size=3), max_size=5)


def found(days: dict[int, list[tuple[str | None, str | None, int]]]) -> Segments:
    """As segments are read: those of days that have views."""
    return Segments(State(), [segments._encoded(_of(DAY + timedelta(days=n), views)) for n, views in days.items() if views])


def _of(day: date, views: list[tuple[str | None, str | None, int]]) -> pa.Table:
    channels, subscribers, seconds = ([view[at] for view in views] for at in range(3))
    columns: dict[str, Any] = {
        "local_date": [day] * len(views),
        "channel_name": channels,
        "subscriber_code": subscribers,
        "duration_seconds": seconds,
    }
    arrays = [
        pa.array(columns.get(field.name, [None] * len(views)), field.type.value_type).dictionary_encode().cast(field.type)
        if pa.types.is_dictionary(field.type)
        else pa.array(columns.get(field.name, [None] * len(views)), field.type)
        for field in segments.SCHEMA
    ]
    return pa.table(arrays, segments.SCHEMA)


def said(connection: duckdb.DuckDBPyConnection) -> list[list[Any]]:
    """All views, and what depends on the order of names."""
    every = "select local_date, channel_name, subscriber_code, duration_seconds from views"
    questions = (
        f"{every} order by local_date, channel_name, subscriber_code, duration_seconds",
        "select channel_name, count(*), min(subscriber_code), max(subscriber_code) from views group by 1 order by 1",
        "select count(*) from views where channel_name = 'Siete' or subscriber_code is null",
    )
    return [connection.execute(question).fetchall() for question in questions]


@settings(max_examples=40)
@given(first=st.dictionaries(st.integers(0, 5), VIEWS), changes=CHANGES)
def test_what_is_taken_in_day_by_day_is_what_is_loaded_at_once(
    first: dict[int, list[tuple[str | None, str | None, int]]],
    changes: list[dict[int, list[tuple[str | None, str | None, int]]]],
) -> None:
    with duckdb.connect() as ours, duckdb.connect() as whole:
        days, taken = dict(first), Held(ours)
        taken.fill(found(days))
        for change in changes:
            days |= change
            taken.replace([DAY + timedelta(days=n) for n in change], found(change))
            Held(whole).fill(found(days))
            assert said(ours) == said(whole)
        taken.fill(found({}))
        assert ours.execute("select count(*) from views").fetchall() == [(0,)]


def test_what_is_worn_is_told() -> None:
    with duckdb.connect() as connection:
        taken = Held(connection)
        taken.fill(found({n: [("Siete", "S1", 1)] for n in range(100)}))
        assert not taken.is_worn(100)
        assert taken.is_worn(40), "of which most of the table is no more"
        for n in range(held._MOST_OWN + 1):
            taken.replace([DAY + timedelta(days=n)], found({n: [("Siete", "S1", 2)]}))
        assert taken.is_worn(100)


def load(engine: sa.Engine, views: Store, period: Period) -> list[tuple[Any, ...]]:
    with snapshot(engine) as connection:
        state = segments.state(connection, period.first, period.last)
    views.load(engine, period, state)
    select = "select local_date, channel_name, count(*) as views from counted group by 1, 2 order by 1, 2"
    return list(views.views(period).query(select).itertuples(index=False, name=None))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many views were read, each time."""
    rows: list[int] = []
    really = segments.read

    def noted(*arguments: Any) -> Segments:
        answer = really(*arguments)
        rows.append(answer.table.num_rows)
        return answer

    monkeypatch.setattr(segments, "read", noted)
    return rows


def test_only_days_that_changed_are_read_again(two_days: sa.Engine, read: list[int]) -> None:
    period, views = Period(date(2025, 1, 29), date(2025, 1, 31)), Store(Rules(MEXICO))
    before = load(two_days, views, period)
    store(two_days, start(20, "Nuevo", channel=9), stop(21, channel=9, duration=60, hours=24))
    merge(two_days, ZONE)
    after = load(two_days, views, period)
    assert after == load(two_days, Store(Rules(MEXICO)), period) != before
    changed = {row[0] for row in set(after) ^ set(before)}
    assert len(changed) == 1
    assert read[1] == sum(row[2] for row in after if row[0] in changed) < read[0] < read[2]


def test_a_window_that_moves_reads_what_is_new_and_drops_what_is_not_wanted(two_days: sa.Engine, read: list[int]) -> None:
    views = Store(Rules(MEXICO))
    for first, last in ((29, 30), (30, 31), (29, 31), (31, 31)):
        period = Period(date(2025, 1, first), date(2025, 1, last))
        assert load(two_days, views, period) == load(two_days, Store(Rules(MEXICO)), period)
    assert read[2] < read[3]


@pytest.mark.parametrize(("remembered", "again"), [(1, True), (2, False)])
def test_days_stay_until_so_many_questions_were_about_others(
    two_days: sa.Engine, read: list[int], remembered: int, again: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "_REMEMBERED", remembered)
    views = Store(Rules(MEXICO))
    wide, narrow = Period(date(2025, 1, 29), date(2025, 1, 30)), Period(date(2025, 1, 31), date(2025, 1, 31))
    first = load(two_days, views, wide)
    for period in (narrow, wide, narrow, wide):
        load(two_days, views, period)
    assert load(two_days, views, wide) == first
    assert [rows > 0 for rows in read] == [True, True, *([again] * (len(read) - 2))]
    assert (len(read) > 2) == again


def test_days_that_change_while_others_are_asked_for_are_read_when_they_are_asked_for_again(two_days: sa.Engine) -> None:
    views = Store(Rules(MEXICO))
    wide, narrow = Period(date(2025, 1, 29), date(2025, 1, 31)), Period(date(2025, 1, 31), date(2025, 1, 31))
    before = load(two_days, views, wide)
    store(two_days, start(20, "Nuevo", channel=9), stop(21, channel=9, duration=60, hours=24))
    merge(two_days, ZONE)
    assert load(two_days, views, narrow) == load(two_days, Store(Rules(MEXICO)), narrow)
    assert load(two_days, views, wide) == load(two_days, Store(Rules(MEXICO)), wide) != before


def test_days_that_do_not_fit_with_others_are_loaded_alone(two_days: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    views = Store(Rules(MEXICO))
    wide, narrow = Period(date(2025, 1, 29), date(2025, 1, 30)), Period(date(2025, 1, 31), date(2025, 1, 31))
    load(two_days, views, wide)

    def refuse(_: Held, days: Any, found: Any) -> None:
        raise duckdb.TransactionException("failed to offload data block")

    monkeypatch.setattr(Held, "replace", refuse)
    assert load(two_days, views, narrow) == load(two_days, Store(Rules(MEXICO)), narrow)
    assert load(two_days, views, wide) == load(two_days, Store(Rules(MEXICO)), wide)
