"""The picture that columns suggest: of any table, and in words that people read."""

from __future__ import annotations

import warnings
from datetime import date, timedelta
from typing import Any, get_args

import hypothesis.strategies as st
import pandas as pd
import pytest
from chart_results import CELLS, texts
from hypothesis import given, settings

from telemetry_pipeline.analyses.framework.columns import Column, Role, SqlType, conform
from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.reports.charts import default
from telemetry_pipeline.reports.charts.declaring import CHARTS, declare
from telemetry_pipeline.reports.figures import rendering
from telemetry_pipeline.reports.figures.sheet import Sheet

DAY = date(2026, 11, 1)
CHANNEL = Column("channel", "text", "", key=True)
HOUR = Column("hour", "bigint", "", key=True, role="time")
VIEWS = Column("views", "bigint", "", unit="views")
HOURS = Column("watch_hours", "double precision", "", unit="hours")
SHARE = Column("share_pct", "double precision", "", unit="percent")
NOVEL = Column("zapped_twice", "bigint", "", unit="zaps")


def picture(columns: tuple[Column, ...], *rows: tuple[Any, ...], measures: tuple[str, ...] = ()) -> str | None:
    frame = conform(pd.DataFrame(rows, columns=[column.name for column in columns]), columns)
    sheet = Sheet("Título")
    default.draw(sheet, frame, columns, measures)
    declaration = sheet.declaration()
    return None if declaration is None else rendering.svg(declaration, "Título")


@pytest.mark.parametrize("name", sorted(all_analyses()))
def test_a_picture_of_its_own_that_lacks_a_column_is_drawn_as_the_others_suggest(name: str) -> None:
    columns = all_analyses()[name].columns
    values = {"date": DAY, "bigint": 3, "double precision": 2.5, "text": "Siete", "boolean": True}
    frame = conform(pd.DataFrame([{column.name: values[column.type] for column in columns}] * 2), columns)
    for column in columns:
        declare(name, frame.drop(columns=[column.name]))


def test_without_a_key_the_measures_stand_in_large_type() -> None:
    said = texts(picture((VIEWS, HOURS, NOVEL), (1_234, 5.5, 7)))
    assert {"1,234", "reproducciones", "5.50", "horas vistas", "7", "zapped twice"} <= {*said}


def test_by_a_name_there_are_bars_with_the_largest_first_and_its_share_behind() -> None:
    said = texts(picture((CHANNEL, VIEWS, SHARE), ("A", 1, 10), ("B", 9, 90)))
    assert said == ["B", "A", "9 (90.0 %)", "1 (10.0 %)", "reproducciones por canal", "Título"]


def test_by_several_names_a_bar_has_all_of_them() -> None:
    city = Column("city", "text", "", key=True)
    said = texts(picture((CHANNEL, city, VIEWS), ("A", "León", 1), ("A", "Oaxaca", 2)))
    assert said == ["A · Oaxaca", "A · León", "2", "1", "reproducciones por canal y city", "Título"]


def test_successive_times_stay_in_their_order() -> None:
    slot = Column("slot", "text", "", key=True, role="time")
    said = texts(picture((slot, VIEWS), ("mañana", 1), ("noche", 9)))
    assert said.index("mañana") < said.index("noche")


def test_by_date_there_are_columns_for_a_measure_of_each_unit() -> None:
    day = Column("date", "date", "", key=True)
    more = Column("previous_views", "bigint", "", unit="views")
    said = texts(picture((day, VIEWS, more, HOURS), *((DAY + timedelta(days=n), n, n, n) for n in range(5))))
    assert [each for each in said if each in ("reproducciones", "horas vistas", "previous views", "fecha")] == [
        *("fecha", "reproducciones", "fecha", "horas vistas"),
    ]


def test_by_hour_there_is_a_map() -> None:
    said = texts(picture((CHANNEL, HOUR, VIEWS), ("A", 20, 5), ("B", 21, 9)))
    assert {"reproducciones por canal (el más intenso: 9)", "hora del día", "A", "B", "23"} <= {*said}


def test_what_is_chosen_is_drawn_and_what_is_not_there_is_passed_over() -> None:
    said = texts(picture((CHANNEL, VIEWS, HOURS), ("A", 1, 2.0), measures=("watch_hours", "never")))
    assert "horas vistas por canal" in said


def test_without_a_measure_there_is_no_picture() -> None:
    assert picture((CHANNEL, Column("risk", "text", "")), ("A", "high")) is None


def test_a_declared_column_that_is_not_in_the_frame_is_passed_over() -> None:
    sheet = Sheet("")
    default.draw(sheet, pd.DataFrame({"channel": ["A"], "views": [1], "other": [2]}), (CHANNEL, NOVEL, VIEWS))
    assert "reproducciones por canal" in str(sheet.declaration())


ANY_COLUMN = st.builds(
    lambda name, type_, unit, key, role: Column(name, type_, "", unit, key, (), role),
    st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True) | st.sampled_from(["date", "hour", "channel", "share_pct", "views"]),
    st.sampled_from(get_args(SqlType)),
    st.none() | st.sampled_from(["views", "percent", "hours"]),
    st.booleans(),
    st.none() | st.sampled_from(get_args(Role)),
)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_table_has_a_picture_or_none_and_never_an_error(data: st.DataObject) -> None:
    columns = tuple(data.draw(st.lists(ANY_COLUMN, min_size=1, max_size=6, unique_by=lambda column: column.name)))
    rows = data.draw(st.lists(st.tuples(*(CELLS[column.type] for column in columns)), min_size=1, max_size=8))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        svg = picture(columns, *rows, measures=tuple(data.draw(st.lists(st.sampled_from(columns), max_size=3).map(names))))
    assert svg is None or texts(svg)


def names(columns: list[Column]) -> list[str]:
    return [column.name for column in columns]


@pytest.mark.parametrize("name", [*default.MEASURES, *CHARTS])
def test_what_is_drawn_otherwise_is_an_analysis_that_is_there(name: str) -> None:
    assert name in all_analyses()
    assert {*default.MEASURES.get(name, ())} <= {column.name for column in all_analyses()[name].columns}
