"""Segments: what is read by column is exactly what is committed by row."""

from __future__ import annotations

from datetime import date

import pytest
import sqlalchemy as sa
from warehouse.events import ZONE, start, stop, store

from telemetry_pipeline.errors import Cancelled
from telemetry_pipeline.warehouse import segments
from telemetry_pipeline.warehouse.views import merge

FIRST, SECOND = date(2025, 1, 30), date(2025, 1, 31)


def versions(engine: sa.Engine) -> dict[date, int]:
    with engine.connect() as connection:
        return segments.versions(connection, date.min, date.max)


def names(engine: sa.Engine) -> list[str]:
    return segments.read(engine, date.min, date.max).table.column("channel_name").to_pylist()


def test_without_views_there_are_the_columns_and_no_rows(engine: sa.Engine) -> None:
    found = segments.read(engine, date.min, date.max)
    assert (found.versions, found.table.num_rows, found.table.schema) == ({}, 0, segments.SCHEMA)


def test_only_days_whose_views_changed_get_a_new_version(engine: sa.Engine) -> None:
    store(engine, start(1, "A"), stop(2), stop(3, hours=24))
    merge(engine, ZONE)
    assert versions(engine) == {FIRST: 2, SECOND: 2}
    store(engine, stop(4, hours=24))
    merge(engine, ZONE)
    assert versions(engine) == {FIRST: 2, SECOND: 3}
    store(engine, start(5, "B"))
    merge(engine, ZONE)
    merge(engine, ZONE, rebuild=(FIRST, SECOND))
    assert versions(engine) == {FIRST: 2, SECOND: 3}


def test_a_rebuild_marks_the_days_that_it_mends(engine: sa.Engine) -> None:
    store(engine, start(1, "A"), stop(2), stop(3, hours=24))
    merge(engine, ZONE)
    with engine.begin() as connection:
        connection.execute(sa.text("update telemetry.views set channel_name = 'wrong' where record_id = 3"))
    merge(engine, ZONE, rebuild=(FIRST, SECOND))
    assert versions(engine) == {FIRST: 2, SECOND: 3}


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


def test_a_day_that_lost_its_views_is_empty(engine: sa.Engine) -> None:
    store(engine, stop(1))
    merge(engine, ZONE)
    segments.refresh(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("delete from telemetry.records"))
    merge(engine, ZONE, rebuild=(FIRST, FIRST))
    assert segments.read(engine, FIRST, FIRST).table.num_rows == 0
