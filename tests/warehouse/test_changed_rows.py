"""Of a result that is stored again only the rows that changed are written."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stored_results import COLUMNS, DAY, TABLE, Row, channels, frame, read, result, row, store

from telemetry_pipeline.analyses.framework.columns import Column
from telemetry_pipeline.polling import polling
from telemetry_pipeline.results import tables
from telemetry_pipeline.results.tables import ResultTable

A, B, C, D = (row(name) for name in "ABCD")
NULLS: Row = (None, None, None, None, None)
_ROWS = sa.text("""
    select ordinal, ctid::text, xmin::text, xmax::text from analysis."order" where period_last = :day order by ordinal
""")
_WAITING = sa.text("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'")


def rows_in(connection: sa.Connection) -> dict[int, tuple[Any, ...]]:
    """Where each row of the result lies, and by which transactions it was written and locked, by its place."""
    return {ordinal: tuple(rest) for ordinal, *rest in connection.execute(_ROWS, {"day": DAY})}


def share(value: float | None) -> Row:
    return ("A", 1, value, DAY, True)


@pytest.mark.parametrize(
    ("before", "after", "written"),
    [
        ([A, B, C], [A, B, C], set()),
        ([NULLS, share(0.1), share(5e-324)], [NULLS, share(0.1), share(5e-324)], set()),
        ([("", 1, 1.0, DAY, True), (None, 1, 1.0, DAY, True)], [("", 1, 1.0, DAY, True), (None, 1, 1.0, DAY, True)], set()),
        ([A, ("\n\"',\t\\N", 2**62, 1 / 3, DAY, False)], [A, ("\n\"',\t\\N", 2**62, 1 / 3, DAY, False)], set()),
        ([], [], set()),
        ([A, B, C], [A, row("B", rank=2), C], {1}),
        ([A, B, C, D], [A, C, B, D], {1, 2}),
        ([A, C, D], [A, B, C, D], {1, 2, 3}),
        ([A, B, C], [A, B, C, D], {3}),
        ([A, B, C, D], [A, B], set()),
        ([A, B, C], [B, C], {0, 1}),
        ([A, B], [], set()),
        ([], [A, B], {0, 1}),
        ([share(0.0)], [share(-0.0)], {0}),
        ([share(0.1 + 0.2)], [share(0.3)], {0}),
        ([share(None), share(1.0)], [share(1.0), share(None)], {0, 1}),
        ([("", *A[1:])], [(None, *A[1:])], {0}),
        ([A], [(*A[:4], None)], {0}),
        ([A], [(*A[:3], None, True)], {0}),
    ],
    ids=lambda value: f"{len(value)} rows" if isinstance(value, list) else str(value),
)
def test_only_rows_that_changed_are_written(engine: sa.Engine, before: list[Row], after: list[Row], written: set[int]) -> None:
    store(engine, result(*before))
    with engine.connect() as connection:
        earlier = rows_in(connection)
    store(engine, result(*after))
    with engine.connect() as connection:
        now = rows_in(connection)
        found = read(connection)
    assert {place for place, at in now.items() if earlier.get(place) != at} == written
    assert found is not None
    pd.testing.assert_frame_equal(found.frame, frame(*after), check_exact=True)


_values = st.lists(
    st.tuples(
        st.none()
        | st.sampled_from(
            ["", "A", "\n", '"'],
        ),
        st.none() | st.integers(0, 1),
        st.none() | st.sampled_from([0.0, -0.0, 0.1, 1e300]),
        st.none() | st.just(DAY),
        st.none() | st.booleans(),
    ),
    max_size=6,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(before=_values, after=_values)
def test_whatever_was_stored_what_is_stored_then_is_the_new_result(
    pooled: sa.Engine, before: list[Row], after: list[Row]
) -> None:
    with pooled.connect() as connection, connection.begin() as transaction:
        tables.replace(connection, TABLE, [result(*before)])
        earlier = rows_in(connection)
        tables.replace(connection, TABLE, [result(*after)])
        kept = {place for place, at in rows_in(connection).items() if earlier.get(place) == at}
        found = read(connection)
        transaction.rollback()
    assert found is not None
    pd.testing.assert_frame_equal(found.frame, frame(*after), check_exact=True)
    assert [str(value) for value in found.frame["share_pct"]] == [str(value) for value in frame(*after)["share_pct"]]
    assert kept == {place for place, (one, other) in enumerate(zip(before, after, strict=False)) if repr(one) == repr(other)}


def test_what_is_said_of_a_result_is_new_though_no_row_is(engine: sa.Engine) -> None:
    def catalogued() -> Any:
        with engine.connect() as connection:
            found = read(connection)
        assert found is not None
        return found.info

    store(engine, replace(result(A, B), input_version="1", facts={"days": 1}))
    before = catalogued()
    store(engine, replace(result(A, B), input_version="2", facts={"days": 2}))
    after = catalogued()
    assert (after.input_version, after.facts, after.row_count) == ("2", {"days": 2}, 2)
    assert after.computed_at > before.computed_at


def test_other_results_of_the_table_are_left_alone(engine: sa.Engine) -> None:
    others = [result(A, B, limit=5), result(C, first=DAY)]
    store(engine, result(A, B), *others)
    query = sa.text('select parameters_key, period_first, ordinal, ctid::text, xmin::text, xmax::text from analysis."order"')
    with engine.connect() as connection:
        before = {tuple(each) for each in connection.execute(query)}
    store(engine, result(C))
    with engine.connect() as connection:
        after = {tuple(each) for each in connection.execute(query)}
    assert (len(before - after), len(after - before)) == (2, 1)


def test_rows_get_a_column_that_was_declared_since_where_they_have_a_value(engine: sa.Engine) -> None:
    store(engine, result(A, B, C))
    with engine.connect() as connection:
        before = rows_in(connection)
    wider = frame(A, B, C).assign(more=pd.Series([None, 7, None], dtype="Int64"))
    store(engine, replace(result(), frame=wider), table=ResultTable("order", (*COLUMNS, Column("more", "bigint", "more"))))
    with engine.connect() as connection:
        after = rows_in(connection)
        values = connection.scalars(sa.text('select more from analysis."order" order by ordinal')).all()
    assert values == [None, 7, None]
    assert [place for place in after if after[place] != before[place]] == [1]


def test_a_result_that_somebody_damaged_is_written_whole(engine: sa.Engine) -> None:
    """Arrow cannot even read some of what a person may write."""
    store(engine, result(A, B, C))
    with engine.begin() as connection:
        connection.execute(sa.text("""update analysis."order" set day = 'infinity' where ordinal = 1"""))
        connection.execute(
            sa.text(
                """insert into analysis."order" select period_last, period_first, parameters_key, -1"""
                """ from analysis."order" where ordinal = 0"""
            )
        )
    store(engine, result(A, B, C))
    assert channels(engine) == ["A", "B", "C"]


def test_a_row_that_somebody_added_goes(engine: sa.Engine) -> None:
    store(engine, result(A, B))
    with engine.begin() as connection:
        for place in (-1, 9):
            connection.execute(
                sa.text(
                    """insert into analysis."order" select period_last, period_first, parameters_key, :place"""
                    """ from analysis."order" where ordinal = 0"""
                ),
                {"place": place},
            )
    store(engine, result(A, B))
    assert channels(engine) == ["A", "B"]


def test_a_reader_has_the_old_rows_until_all_new_ones_are_there(engine: sa.Engine) -> None:
    store(engine, result(A, B, C))
    with engine.begin() as writer:
        tables.replace(writer, TABLE, [result(A, D)])
        assert channels(engine) == ["A", "B", "C"]
    assert channels(engine) == ["A", "D"]


@pytest.fixture
def thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


def until_it_waits(engine: sa.Engine, work: Future[Any]) -> None:
    """Until somebody in the database waits for a lock."""
    with engine.connect() as connection:
        for _ in polling(30):
            waiting = connection.scalar(_WAITING)
            connection.rollback()
            if waiting or work.done():
                break
    assert not work.done()


DELETE = sa.text('delete from analysis."order" where ordinal = 0')


@pytest.mark.parametrize("after", [[A, B, C], [A, B, D]], ids=["as it was", "another row changed"])
def test_a_row_that_somebody_is_taking_away_is_stored_again(
    engine: sa.Engine, thread: ThreadPoolExecutor, after: list[Row]
) -> None:
    store(engine, result(A, B, C))
    with engine.begin() as somebody:
        somebody.execute(DELETE)
        stored = thread.submit(store, engine, result(*after))
        until_it_waits(engine, stored)
    assert stored.result(30) == 3
    assert channels(engine) == [each[0] for each in after]


@pytest.mark.parametrize("after", [[A, B, C], [A, B, D]], ids=["as it was", "another row changed"])
def test_a_result_from_which_somebody_takes_a_row_meanwhile_is_not_there(
    engine: sa.Engine, thread: ThreadPoolExecutor, after: list[Row]
) -> None:
    """What is stored counted on that row."""

    def take_away() -> None:
        with engine.begin() as connection:
            connection.execute(DELETE)

    store(engine, result(A, B, C))
    with engine.begin() as writer:
        tables.replace(writer, TABLE, [result(*after)])
        taken = thread.submit(take_away)
        until_it_waits(engine, taken)
    taken.result(30)
    assert channels(engine) is None
