from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry_pipeline.analyses.framework.columns import Column, conform
from telemetry_pipeline.errors import WarehouseError, WarehouseUnavailable
from telemetry_pipeline.results import catalogue, tables
from telemetry_pipeline.results.catalogue import parameters_key
from telemetry_pipeline.results.tables import Result, ResultTable, StoredResult
from telemetry_pipeline.warehouse.db.connections import snapshot

COLUMNS = (
    Column("channel", "text", "name", key=True),
    Column("rank", "bigint", "place"),
    Column("share_pct", "double precision", "share", unit="percent"),
    Column("day", "date", "a day"),
    Column("peak", "boolean", "is it one"),
)
TABLE = ResultTable("order", COLUMNS)  # a reserved word, so that a missing quote shows
DAY = date(2026, 3, 31)
Row = tuple[Any, ...]


def frame(*rows: Row) -> pd.DataFrame:
    return conform(pd.DataFrame(list(rows), columns=[c.name for c in COLUMNS], dtype=object), COLUMNS)


def result(*rows: Row, day: date = DAY, first: date = date(2026, 3, 2), **parameters: Any) -> Result:
    return Result(first, day, day, parameters, frame(*rows))


def of_period(*rows: Row, first: date, last: date = DAY) -> Result:
    return replace(result(*rows, day=last, first=first), partition_date=None)


def row(channel: str, rank: int = 1) -> Row:
    return (channel, rank, 12.5, DAY, True)


def store(engine: sa.Engine, *stored: Result, table: ResultTable = TABLE) -> int:
    with engine.begin() as connection:
        return sum(info.row_count for info in tables.replace(connection, table, stored))


def read(
    connection: sa.Connection, partition: date | None = None, table: ResultTable = TABLE, **parameters: Any
) -> StoredResult | None:
    info = catalogue.newest(connection, table.name, parameters, partition)
    return None if info is None else StoredResult(info, tables.load(connection, table, info))


def channels(engine: sa.Engine, partition: date | None = None, **parameters: Any) -> list[Any] | None:
    """The channels of the newest result with exactly these parameters; None if there is no result."""
    with engine.connect() as connection:
        stored = read(connection, partition, **parameters)
    return None if stored is None else stored.frame["channel"].tolist()


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


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


def test_the_writer_that_waited_for_another_has_computed_last(engine: sa.Engine) -> None:
    with engine.begin() as slow:
        slow.execute(sa.text("select now()"))
        store(engine, of_period(row("quick"), first=date(2026, 3, 1)))
        tables.replace(slow, TABLE, [of_period(row("slow"), first=date(2026, 3, 20))])
    assert channels(engine) == ["slow"]


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


def test_a_column_that_is_declared_later_is_added_and_null_in_older_rows(engine: sa.Engine) -> None:
    store(engine, result(row("A"), day=date(2026, 3, 30)))
    more = ResultTable("order", (*COLUMNS[:1], Column("user", "bigint", "more", unit="users"), *COLUMNS[1:]))
    with engine.connect() as connection:
        before = read(connection, table=more)
    later = result(row("B"))
    widened = later.frame.copy()
    widened.insert(1, "user", pd.Series([7], dtype="Int64"))
    store(engine, replace(later, frame=widened), table=more)
    with engine.connect() as connection:
        found = [read(connection, day, more) for day in (date(2026, 3, 30), DAY)]
        comment = connection.scalar(
            sa.text(
                "select col_description(attrelid, attnum) from pg_attribute "
                "where attrelid = 'analysis.order'::regclass and attname = 'user'"
            )
        )
    assert [each.frame["user"].tolist() for each in (before, *found) if each] == [[pd.NA], [pd.NA], [7]]
    assert comment == "more [users]"


@pytest.mark.parametrize("sizes", [(0,), (0, 1), (0, 0, 2, 0), (1, 0, 1)], ids=str)
def test_results_without_rows_are_stored_between_others(engine: sa.Engine, sizes: tuple[int, ...]) -> None:
    days = [date(2026, 3, number + 1) for number in range(len(sizes))]
    store(engine, *(result(*[row("A")] * size, day=day, first=day) for day, size in zip(days, sizes, strict=True)))
    assert [channels(engine, day) for day in days] == [["A"] * size for size in sizes]


def test_a_column_of_another_type_is_refused_before_anything_is_written(engine: sa.Engine) -> None:
    store(engine, result(row("A")))
    changed = ResultTable("order", (*COLUMNS[:1], Column("rank", "text", "place"), *COLUMNS[2:]))
    with pytest.raises(WarehouseError, match=r"analysis.order.rank is bigint in the database and text in the program"):
        store(engine, replace(result(), frame=frame()), table=changed)
    assert channels(engine) == ["A"]


def test_a_transaction_that_fails_leaves_the_earlier_result(engine: sa.Engine) -> None:
    store(engine, result(row("A")))

    def interrupted() -> None:
        with engine.begin() as connection:
            tables.replace(connection, TABLE, [result(row("B"))])
            raise InterruptedError

    with pytest.raises(InterruptedError):
        interrupted()
    assert channels(engine) == ["A"]


def test_writers_of_the_same_table_take_turns(engine: sa.Engine) -> None:
    """Both would create the table, and both replace the same result."""
    writers = [threading.Thread(target=store, args=(engine, result(row(f"{n}"), row(f"{n}")))) for n in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = channels(engine)
    assert found is not None
    assert len(found) == 2
    assert len(set(found)) == 1


def test_a_second_writer_waits_until_the_first_commits(engine: sa.Engine) -> None:
    with engine.begin() as first:
        tables.replace(first, TABLE, [result(row("A"))])
        with engine.connect() as second:
            second.execute(sa.text("set lock_timeout = '50ms'"))
            with pytest.raises(WarehouseUnavailable, match="lock timeout"):
                tables.replace(second, TABLE, [result(row("B"))])
    assert channels(engine) == ["A"]


def test_rows_and_what_is_said_of_them_are_of_the_moment_that_the_connection_holds(engine: sa.Engine) -> None:
    store(engine, result(row("A")))
    with snapshot(engine) as connection:
        info = catalogue.newest(connection, TABLE.name, {})
        store(engine, result(row("B"), row("C")))
        assert info is not None
        assert (info.row_count, tables.load(connection, TABLE, info)["channel"].tolist()) == (1, ["A"])
    assert channels(engine) == ["B", "C"]


BY_HAND = {
    "half of the rows deleted": 'delete from analysis."order" where period_last = :day and ordinal = 0',
    "its rows deleted": 'delete from analysis."order" where period_last = :day',
    "a row changed": 'update analysis."order" set rank = 7 where period_last = :day and ordinal = 1',
    "a row moved to another day": 'update analysis."order" set period_last = period_last + 90 where period_last = :day',
}


@pytest.mark.parametrize("statement", BY_HAND.values(), ids=BY_HAND)
def test_a_result_whose_rows_are_taken_away_or_changed_is_not_there_and_others_are(engine: sa.Engine, statement: str) -> None:
    day = date(2026, 3, 30)
    store(engine, result(row("A")), result(row("B"), row("C"), day=day), result(row("D"), limit=5))
    store(engine, result(row("X"), day=day), table=ResultTable("other", COLUMNS))
    with engine.begin() as connection:
        connection.execute(sa.text(statement), {"day": day})
    assert channels(engine, day) is None
    assert (channels(engine), channels(engine, limit=5)) == (["A"], ["D"])
    with engine.connect() as connection:
        assert read(connection, day, ResultTable("other", COLUMNS)) is not None
        assert catalogue.find(connection, TABLE.name, {}, day, day) == {}
        assert len(catalogue.stored_periods(connection, TABLE.name)) == 2
    store(engine, result(row("E"), day=day))
    assert channels(engine, day) == ["E"]


def test_who_may_delete_rows_need_not_be_allowed_to_write_the_catalogue(engine: sa.Engine) -> None:
    store(engine, result(row("A")))
    with engine.connect() as connection, connection.begin() as transaction:
        connection.execute(sa.text("create role tidy; grant usage on schema analysis to tidy"))
        connection.execute(sa.text('grant select, delete on analysis."order" to tidy; set local role tidy'))
        connection.execute(sa.text('delete from analysis."order"'))
        connection.execute(sa.text("reset role"))
        assert read(connection) is None
        transaction.rollback()
    assert channels(engine) == ["A"]


@pytest.mark.parametrize("statement", ['truncate analysis."order"', 'drop table analysis."order" cascade'])
def test_what_a_table_held_that_is_emptied_or_dropped_is_not_there(engine: sa.Engine, statement: str) -> None:
    """The table comes back with the next result: what the catalogue had of the dropped one must not come back with it."""
    store(engine, result(row("A")), result(row("B"), day=date(2026, 3, 30)), result(day=date(2026, 3, 29)))
    with engine.begin() as connection:
        connection.execute(sa.text(statement))
    for day in (None, DAY, date(2026, 3, 30), date(2026, 3, 29)):
        assert channels(engine, day) is None
    with engine.begin() as connection:
        assert catalogue.find(connection, TABLE.name, {}, date.min, DAY) == {}
        assert catalogue.stored_periods(connection, TABLE.name) == []
        connection.execute(sa.text("update analysis.results set wanted_at = now() - interval '31 days'"))
        tables.delete_unwanted(connection, {"order": TABLE}, {}, 30)
    store(engine, result(row("E")))
    assert (channels(engine), channels(engine, date(2026, 3, 30))) == (["E"], None)
    with engine.begin() as connection:
        connection.execute(sa.text('delete from analysis."order"'))
    assert channels(engine) is None


def test_a_column_that_was_dropped_leaves_no_result_of_its_table_whole(engine: sa.Engine) -> None:
    earlier = date(2026, 3, 30)
    store(engine, *(replace(result(row("A"), day=day), input_version="1") for day in (DAY, earlier)))
    wanted = catalogue.Wanted({"order": {}}, {"order": ""}, {(date(2026, 3, 2), day): "1" for day in (DAY, earlier)})

    def stale() -> set[date]:
        with engine.connect() as connection:
            damaged = tables.damaged(connection, [TABLE])
            return {day for _, day, _ in catalogue.stale(connection, wanted, damaged)}

    assert stale() == set()
    with engine.begin() as connection:
        connection.execute(sa.text('alter table analysis."order" drop column share_pct'))
    assert stale() == {DAY, earlier}
    store(engine, replace(result(row("B")), input_version="1"))
    assert stale() == {earlier}


def test_what_nobody_wants_is_deleted_but_for_that_with_the_defaults(engine: sa.Engine) -> None:
    other = ResultTable("other", COLUMNS)
    for table in (TABLE, other):
        store(engine, *(result(row("A"), day=date(2026, 3, n), limit=limit) for n in (1, 2) for limit in (5, 20)), table=table)
    with engine.begin() as connection:
        connection.execute(sa.text("update analysis.results set wanted_at = now() - interval '31 days'"))
        defaults = {"order": {"limit": 20}, "other": {"limit": 5}}
        assert tables.delete_unwanted(connection, {"order": TABLE}, defaults, 32) == 0
        assert tables.delete_unwanted(connection, {"order": TABLE}, defaults, 30) == 2
    for day in (date(2026, 3, 1), date(2026, 3, 2)):
        assert (channels(engine, day, limit=20), channels(engine, day, limit=5)) == (["A"], None)
    with engine.connect() as connection:
        assert len(catalogue.stored_periods(connection, other.name)) == 4


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
