"""A result has the columns that its analysis declares, of their types, and is refused otherwise."""

from __future__ import annotations

import re
from datetime import date, datetime
from fractions import Fraction
from typing import Any

import pandas as pd
import pytest
from analyses.histories import REQUIRED
from analyses.oracle import View
from analyses.oracles import ORACLES
from analyses.seen import Seen
from shapes import CROWD, FINDING, LAST, MONTH, NEW_YORK, ZONE, by_name, history, own_parameters

from telemetry_pipeline.analyses.framework.columns import Column, conform
from telemetry_pipeline.analyses.framework.declaration import Analysis
from telemetry_pipeline.warehouse.core import segments


@pytest.mark.parametrize("views", [[], [View(LAST, zone=ZONE)], CROWD], ids=["empty", "one view", "many"])
@by_name
def test_columns_have_the_declared_names_order_and_types(each: Analysis, views: list[View]) -> None:
    frame = history(tuple(views)).frame(each.name, MONTH, **REQUIRED.get(each.name, {}))
    dtypes = {"bigint": "Int64", "double precision": "Float64", "text": "string", "date": "object", "boolean": "boolean"}
    assert [(column, str(frame[column].dtype)) for column in frame.columns] == [
        (column.name, dtypes[column.type]) for column in each.columns
    ]


@by_name
def test_other_columns_than_the_declared_ones_are_refused_with_both_lists(each: Analysis) -> None:
    declared = [column.name for column in each.columns]
    frame = history(tuple(CROWD)).frame(each.name, MONTH, **REQUIRED.get(each.name, {}))
    others = ["another", *declared[1:]]
    with pytest.raises(TypeError, match=re.escape(f"the columns are {others}, and {declared} are declared")):
        conform(frame.set_axis(others, axis="columns"), each.columns)


@pytest.mark.parametrize("returned", [None, {"day": 1}, [1, 2]], ids=["nothing", "a mapping", "a list"])
def test_what_is_no_frame_is_refused_with_what_is_declared(returned: Any) -> None:
    with pytest.raises(TypeError, match=rf"is a {type(returned).__name__}, and a frame with the columns \['day'\] is declared"):
        conform(returned, [Column("day", "date", "")])


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("date", "not a day"),
        ("date", 20260101),
        ("date", datetime(2026, 1, 1, 12)),
        ("text", [1, 2]),
        ("text", 5),
        ("bigint", "x"),
        ("bigint", 1.5),
        ("double precision", "much"),
        ("boolean", "maybe"),
    ],
)
def test_a_value_of_another_type_is_refused_with_its_column(type_: Any, value: Any) -> None:
    with pytest.raises(ValueError, match="column found holds ") as told:
        conform(pd.DataFrame({"found": pd.Series([value], dtype=object)}), [Column("found", type_, "")])
    assert str(value) not in str(told.value)


def test_a_role_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(TypeError, match="the role 'metric'; there are dimension, measure, time"):
        Column("found", "bigint", "", role="metric")  # type: ignore[arg-type]


@by_name
def test_declared_columns_are_those_of_the_definition(each: Analysis) -> None:
    """In name, order and type: exact fractions are double precision, whole numbers may be."""
    if each.name == "subscriber_segments":
        assert [(column.name, column.type) for column in each.columns] == [
            ("segment", "text"),
            ("subscribers", "bigint"),
            ("share_pct", "double precision"),
            ("mean_views", "double precision"),
            ("mean_watch_hours", "double precision"),
            ("mean_average_seconds", "double precision"),
            ("mean_unique_channels", "double precision"),
            ("small_base", "boolean"),
        ]
        return
    types: dict[type, set[str]] = {
        Fraction: {"double precision"},
        float: {"double precision"},
        int: {"bigint", "double precision"},
        bool: {"boolean"},
        str: {"text"},
        date: {"date"},
    }
    finding = FINDING.get(each.name, {})
    rows = ORACLES[each.name](Seen(tuple(CROWD), MONTH, NEW_YORK), **own_parameters(each, **finding))
    assert rows
    for row in rows:
        declared = [column for column in each.columns if (each.name, column.name) != ("subscriber_overview", "unit")]
        assert list(row) == [column.name for column in declared]
        for column in declared:
            assert row[column.name] is None or column.type in types[type(row[column.name])], column.name


@by_name
def test_every_column_says_of_which_columns_of_the_views_it_is_computed(each: Analysis) -> None:
    for column in each.columns:
        assert column.of, column.name
        assert set(column.of) <= set(segments.SCHEMA.names), column.name
