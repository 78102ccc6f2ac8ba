"""Whoever else is at the tables of results (other writers, other versions, people by hand), a result is whole or not there."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date

import pandas as pd
import pytest
import sqlalchemy as sa
from stored_results import COLUMNS, DAY, TABLE, channels, frame, of_period, read, result, row, store

from telemetry_pipeline.analyses.framework.columns import Column
from telemetry_pipeline.errors import WarehouseError, WarehouseUnavailable
from telemetry_pipeline.results import catalogue, tables
from telemetry_pipeline.results.tables import ResultTable
from telemetry_pipeline.warehouse.db.connections import snapshot


def test_the_writer_that_waited_for_another_has_computed_last(engine: sa.Engine) -> None:
    with engine.begin() as slow:
        slow.execute(sa.text("select now()"))
        store(engine, of_period(row("quick"), first=date(2026, 3, 1)))
        tables.replace(slow, TABLE, [of_period(row("slow"), first=date(2026, 3, 20))])
    assert channels(engine) == ["slow"]


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
