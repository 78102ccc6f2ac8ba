"""A stored result comes back as it was stored, under its period, parameters and partition alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stored_results import COLUMNS, DAY, TABLE, Row, channels, frame, of_period, read, result, row, store

from telemetry_pipeline.analyses.framework.columns import Column
from telemetry_pipeline.results import catalogue, tables
from telemetry_pipeline.results.catalogue import parameters_key
from telemetry_pipeline.results.tables import ResultTable


def test_a_result_comes_back_as_it_was_stored(engine: sa.Engine) -> None:
    rows = [
        ("Ñu \t\\N\n\"'", 2**62, 1 / 3, date(1, 1, 1), False),
        ("", -1, 5e-324, date(9999, 12, 31), True),
        (None, None, None, None, None),
        ("NULL", 0, -0.0, DAY, None),
    ]
    stored = replace(result(*rows, limit=5, channel=None), views_version=41, changed_version=2**40)
    assert store(engine, stored) == 4
    with engine.connect() as connection:
        found = read(connection, channel=None, limit=5)
    assert found is not None
    pd.testing.assert_frame_equal(found.frame, stored.frame)
    info = found.info
    assert (info.asset, info.partition_date, info.period_first, info.period_last) == (
        "order",
        DAY,
        date(2026, 3, 2),
        DAY,
    )
    assert (info.parameters, info.row_count) == ({"limit": 5, "channel": None}, 4)
    assert info.computed_at.tzinfo is not None
    assert (info.views_version, info.changed_version) == (41, 2**40)


_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
_rows = st.lists(
    st.tuples(
        st.none() | _texts,
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
        st.none() | st.dates(),
        st.none() | st.booleans(),
    ),
    max_size=5,
)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(rows=_rows)
def test_any_rows_come_back_in_their_order(engine: sa.Engine, rows: list[Row]) -> None:
    with engine.connect() as connection, connection.begin():
        tables.replace(connection, TABLE, [result(*rows)])
        found = read(connection)
    assert found is not None
    pd.testing.assert_frame_equal(found.frame, frame(*rows), check_exact=True)
    assert found.info.row_count == len(rows)


def test_storing_again_replaces_and_storing_twice_is_storing_once(engine: sa.Engine) -> None:
    store(engine, result(row("A"), row("B")))
    for _ in range(2):
        store(engine, result(row("C")))
    assert channels(engine) == ["C"]
    with engine.connect() as connection:
        assert connection.scalar(sa.text('select count(*) from analysis."order"')) == 1
        assert connection.scalar(sa.text("select count(*) from analysis.results")) == 1


def test_results_of_other_periods_parameters_and_analyses_stay(engine: sa.Engine) -> None:
    other = ResultTable("other", COLUMNS)
    earlier = date(2026, 3, 30)
    store(engine, result(row("A")), result(row("B"), limit=5), result(row("C"), day=earlier))
    store(engine, result(row("D")), table=other)
    store(engine, result(row("E")))
    with engine.connect() as connection:
        assert connection.execute(
            sa.text('select period_last, parameters_key, channel from analysis."order" order by 3')
        ).fetchall() == [
            (DAY, parameters_key({"limit": 5}), "B"),
            (earlier, parameters_key({}), "C"),
            (DAY, parameters_key({}), "E"),
        ]
        found = read(connection, table=other)
    assert found is not None
    assert found.frame["channel"].tolist() == ["D"]


def test_many_partitions_are_stored_at_once(engine: sa.Engine) -> None:
    days = [date(2026, 3, n) for n in range(1, 29)]
    assert store(engine, *(result(row(f"C{day.day}"), row("X"), day=day) for day in days)) == 56
    assert [channels(engine, day) for day in days] == [[f"C{day.day}", "X"] for day in days]


def test_an_empty_result_is_not_one_that_was_never_computed(engine: sa.Engine) -> None:
    assert channels(engine) is None
    store(engine, result())
    assert channels(engine) == []
    assert channels(engine, date(2026, 3, 30)) is None
    assert channels(engine, limit=5) is None


def test_without_a_partition_the_latest_day_is_read_even_if_another_was_computed_later(engine: sa.Engine) -> None:
    store(engine, result(row("late")))
    store(engine, result(row("early"), day=date(2026, 3, 30)))
    assert channels(engine) == ["late"]


def test_only_what_has_exactly_the_parameters_is_read_whatever_was_computed_last(engine: sa.Engine) -> None:
    store(engine, result(row("twenty"), limit=20))
    store(engine, result(row("five"), limit=5))
    assert channels(engine, DAY, limit=20) == channels(engine, limit=20) == ["twenty"]
    assert channels(engine, DAY, limit=5) == channels(engine, limit=5) == ["five"]
    assert channels(engine) is None
    store(engine, result(row("later"), day=date(2026, 4, 1), limit=5))
    assert channels(engine, limit=20) == ["twenty"]


def test_rows_keep_their_order_wherever_they_lie_in_the_table(engine: sa.Engine) -> None:
    store(engine, result(row("A"), row("B"), row("C")))
    with engine.begin() as connection:
        connection.execute(sa.text("set local session_replication_role = replica"))  # no triggers
        connection.execute(sa.text("update analysis.\"order\" set rank = 9 where channel <> 'C'"))
        connection.execute(sa.text("set local enable_indexscan = off; set local enable_bitmapscan = off"))
        found = read(connection)
    assert found is not None
    assert found.frame["channel"].tolist() == ["A", "B", "C"]


def test_a_result_of_a_period_is_no_answer_for_any_day_of_it(engine: sa.Engine) -> None:
    store(engine, of_period(row("A"), first=date(2026, 3, 1)))
    for day in (date(2026, 3, 1), date(2026, 3, 15), DAY):
        assert channels(engine, day) is None
    store(engine, of_period(row("B"), first=DAY))
    assert channels(engine, DAY) == ["B"]


def test_the_newest_single_day_comes_before_any_longer_period(engine: sa.Engine) -> None:
    store(engine, of_period(row("old period"), first=date(2026, 2, 1), last=date(2026, 2, 28)))
    store(engine, of_period(row("new period"), first=date(2026, 3, 1)))
    assert channels(engine) == ["new period"]
    for day in (date(2026, 1, 1), date(2026, 1, 2)):
        store(engine, of_period(row(f"{day}"), first=day, last=day))
    store(engine, of_period(row("newest period"), first=date(2026, 3, 2), last=date(2026, 4, 1)))
    assert channels(engine) == ["2026-01-02"]


def test_every_result_that_is_stored_is_listed_by_its_period_and_parameters(engine: sa.Engine) -> None:
    store(engine, result(row("A"), limit=5))
    store(engine, of_period(first=date(2026, 4, 1), last=date(2026, 4, 2)))
    store(engine, result(row("A"), limit=20))
    with engine.connect() as connection:
        assert catalogue.stored_periods(connection, TABLE.name) == [
            (date(2026, 4, 1), date(2026, 4, 2), {}),
            (date(2026, 3, 2), DAY, {"limit": 20}),
            (date(2026, 3, 2), DAY, {"limit": 5}),
        ]


def test_a_window_does_not_make_a_result_that_of_an_earlier_day(engine: sa.Engine) -> None:
    store(engine, result(row("A"), first=date.min))
    assert channels(engine, date(2026, 3, 15)) is None


@pytest.mark.parametrize("sizes", [(0,), (0, 1), (0, 0, 2, 0), (1, 0, 1)], ids=str)
def test_results_without_rows_are_stored_between_others(engine: sa.Engine, sizes: tuple[int, ...]) -> None:
    days = [date(2026, 3, number + 1) for number in range(len(sizes))]
    store(engine, *(result(*[row("A")] * size, day=day, first=day) for day, size in zip(days, sizes, strict=True)))
    assert [channels(engine, day) for day in days] == [["A"] * size for size in sizes]


def test_of_two_results_for_the_same_keys_in_one_call_the_last_is_stored(engine: sa.Engine) -> None:
    assert store(engine, result(row("A")), result(row("B"))) == 1
    assert channels(engine) == ["B"]


def test_storing_nothing_does_nothing(engine: sa.Engine) -> None:
    assert store(engine) == 0
    assert channels(engine) is None


def test_a_key_of_parameters_depends_on_their_values_alone() -> None:
    assert parameters_key({"limit": 20, "window_days": 30}) == parameters_key({"window_days": 30, "limit": 20})
    assert parameters_key({"limit": 20, "window_days": 30}) == "e74312703797"
    others: list[dict[str, Any]] = [
        {},
        {"limit": 20},
        {"limit": 2},
        {"limit": None},
        {"limit": "20"},
        {"channel": "Ñu"},
        {"channel": "Nu"},
    ]
    assert len({parameters_key(each) for each in others}) == len(others)


def test_a_table_cannot_be_the_catalogue_or_repeat_a_column() -> None:
    with pytest.raises(TypeError, match="name of the catalogue"):
        ResultTable("results", COLUMNS)
    for columns in ((), COLUMNS[:1] * 2, (Column("ordinal", "bigint", "place"),)):
        with pytest.raises(TypeError, match="must have different names"):
            ResultTable("order", columns)
