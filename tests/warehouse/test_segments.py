"""Segments: what is read by column is exactly what is committed by row."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from warehouse_events import ZONE, complete, start, stop, store

from telemetry_pipeline.errors import Cancelled
from telemetry_pipeline.warehouse.core import segments
from telemetry_pipeline.warehouse.core.segments import State
from telemetry_pipeline.warehouse.core.views import merge

FIRST, SECOND = date(2025, 1, 30), date(2025, 1, 31)


def state(engine: sa.Engine, first: date = date.min, last: date = date.max) -> State:
    with engine.connect() as connection:
        return segments.state(connection, first, last)


def versions(engine: sa.Engine) -> dict[date, int]:
    return dict(state(engine).versions)


def changed_by(engine: sa.Engine, *merging: Any, **how: Any) -> set[date]:
    """The days to which a merge, behind some new records, gives a new version, which is higher than any before."""
    before = versions(engine)
    store(engine, *merging)
    merge(engine, ZONE, **how)
    after = versions(engine)
    changed = {day for day, version in after.items() if before.get(day) != version}
    assert all(after[day] > max(before.values(), default=0) for day in changed)
    assert len({after[day] for day in changed}) <= 1
    return changed


def names(engine: sa.Engine) -> list[str]:
    found: list[str] = segments.read(engine, date.min, date.max).table.column("channel_name").to_pylist()
    return found


def test_without_views_there_are_the_columns_and_no_rows(engine: sa.Engine) -> None:
    found = segments.read(engine, date.min, date.max)
    assert (found.state.versions, found.table.num_rows, found.table.schema) == ({}, 0, segments.SCHEMA)


def test_only_days_whose_views_changed_get_a_new_version(engine: sa.Engine) -> None:
    assert changed_by(engine, start(1, "A"), stop(2), stop(3, hours=24)) == {FIRST, SECOND}
    assert changed_by(engine, stop(4, hours=24)) == {SECOND}
    assert changed_by(engine, start(5, "B")) == set()
    assert changed_by(engine, start(6, "B"), stop(7, hours=24)) == {SECOND}
    assert changed_by(engine, rebuild=(FIRST, SECOND)) == set()


def test_one_number_goes_up_for_all_days(engine: sa.Engine) -> None:
    store(engine, stop(1), stop(2, hours=24))
    merge(engine, ZONE)
    assert changed_by(engine, stop(3)) == {FIRST}
    newest = state(engine).newest
    assert newest == versions(engine)[FIRST] > versions(engine)[SECOND]
    assert changed_by(engine, stop(4, hours=24)) == {SECOND}
    assert state(engine, FIRST, FIRST).newest == versions(engine)[SECOND] > newest
    assert state(engine, FIRST, FIRST).versions == {FIRST: newest}


def test_a_day_keeps_the_version_with_which_views_changed_last_that_had_begun_before_it(engine: sa.Engine) -> None:
    def mark(*days: date, spilled: tuple[date, ...] = ()) -> int:
        with engine.begin() as connection:
            segments.mark_changed(connection, days, spilled)
        return state(engine).newest

    first = mark(FIRST, SECOND)
    assert state(engine).spills == {FIRST: 0, SECOND: 0}
    second = mark(FIRST, SECOND, spilled=(SECOND,))
    assert state(engine).spills == {FIRST: 0, SECOND: second}
    third = mark(FIRST, SECOND, spilled=(FIRST,))
    assert state(engine).spills == {FIRST: third, SECOND: second}
    assert first < second < third
    assert versions(engine) == {FIRST: third, SECOND: third}


def test_a_state_says_what_is_known_of_the_days(engine: sa.Engine) -> None:
    assert not state(engine).known.is_complete(FIRST)
    store(engine, stop(1), stop(2, hours=24))
    merge(engine, ZONE)
    assert not state(engine).known.is_complete(SECOND)
    complete(engine, SECOND)
    assert not state(engine).known.is_complete(SECOND)
    complete(engine)
    known = state(engine, SECOND, SECOND).known
    assert (known.first_day, known.is_complete(FIRST), known.is_complete(SECOND)) == (FIRST, False, True)


def test_a_rebuild_marks_the_days_that_it_mends(engine: sa.Engine) -> None:
    store(engine, start(1, "A"), stop(2), stop(3, hours=24))
    merge(engine, ZONE)
    with engine.begin() as connection:
        connection.execute(sa.text("update telemetry.views set channel_name = 'wrong' where record_id = 3"))
    assert changed_by(engine, rebuild=(FIRST, SECOND)) == {SECOND}


def test_a_name_that_comes_late_marks_the_days_of_the_views_that_it_mends(engine: sa.Engine) -> None:
    store(engine, stop(10), stop(20, hours=24))
    merge(engine, ZONE)
    segments.refresh(engine)
    store(engine, start(15, "A"), start(5, "B"))
    merge(engine, ZONE)
    assert names(engine) == ["B", "A"]


def test_a_merge_that_is_given_up_marks_nothing(engine: sa.Engine) -> None:
    def give_up() -> None:
        raise Cancelled("ended")

    store(engine, stop(1))
    with pytest.raises(Cancelled):
        merge(engine, ZONE, checkpoint=give_up)
    assert versions(engine) == {}


def test_what_is_up_to_date_is_not_made_again(engine: sa.Engine) -> None:
    store(engine, stop(1), stop(2, hours=24))
    merge(engine, ZONE)
    assert [segments.refresh(engine, last=FIRST), segments.refresh(engine), segments.refresh(engine)] == [1, 1, 0]


def test_a_reader_never_sees_a_segment_of_another_version(engine: sa.Engine) -> None:
    """Between the merge and the step that makes the segments anew there is time for a reader."""
    store(engine, start(1, "A"), stop(2))
    merge(engine, ZONE)
    segments.refresh(engine)
    store(engine, stop(4))
    merge(engine, ZONE)
    assert names(engine) == ["A", "A"]
    assert segments.refresh(engine) == 0


def test_text_comes_back_as_it_was(engine: sa.Engine) -> None:
    texts = ['Ñandú, "El"', "two\nlines", "tab\there", "\\N", "NULL", "null", " ", "'", "日本", "a" * 5_000]
    store(engine, *(stop(number, channel=number, name=text) for number, text in enumerate(texts, start=1)))
    merge(engine, ZONE)
    assert names(engine) == texts


def test_a_text_of_megabytes_does_not_break_its_day(engine: sa.Engine) -> None:
    """Arrow read blocks of a megabyte, and refused a row that was longer: no analysis of its day ran again."""
    texts = ["before", "a" * 3_000_000, "after"]
    store(engine, *(stop(number, channel=number, name=text) for number, text in enumerate(texts, start=1)))
    merge(engine, ZONE)
    assert names(engine) == texts


def test_a_day_that_lost_its_views_is_empty(engine: sa.Engine) -> None:
    store(engine, stop(1))
    merge(engine, ZONE)
    segments.refresh(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("delete from telemetry.records"))
    merge(engine, ZONE, rebuild=(FIRST, FIRST))
    assert segments.read(engine, FIRST, FIRST).table.num_rows == 0
