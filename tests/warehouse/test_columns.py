from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from telemetry_pipeline.analyses.framework.columns import Column, conform

COLUMNS = (Column("day", "date", "a day"), Column("views", "bigint", "views"), Column("hours", "double precision", "h"))


def test_values_take_the_declared_types_and_nan_becomes_null() -> None:
    frame = pd.DataFrame(
        {
            "day": pd.to_datetime(pd.array(["2026-01-02", None], dtype="string")),
            "views": [1.0, float("nan")],
            "hours": [float("nan"), 2],
        },
        index=[7, 8],
    )
    conformed = conform(frame, COLUMNS)
    assert conformed["day"].tolist() == [date(2026, 1, 2), None]
    assert conformed["views"].tolist() == [1, pd.NA]
    assert conformed["hours"].tolist() == [pd.NA, 2.0]
    assert list(conformed.index) == [0, 1]


def test_a_frame_without_rows_has_the_declared_types() -> None:
    conformed = conform(pd.DataFrame({"day": [], "views": [], "hours": []}), COLUMNS)
    assert [str(dtype) for dtype in conformed.dtypes] == ["object", "Int64", "Float64"]


@pytest.mark.parametrize("names", [["views", "day", "hours"], ["day", "views"], ["day", "views", "hours", "more"]])
def test_other_columns_or_another_order_are_refused(names: list[str]) -> None:
    with pytest.raises(TypeError, match="are declared"):
        conform(pd.DataFrame({name: [] for name in names}), COLUMNS)


def test_an_infinite_value_is_refused_with_its_column() -> None:
    with pytest.raises(ValueError, match="column hours holds an infinite value"):
        conform(pd.DataFrame({"day": [None], "views": [1], "hours": [float("inf")]}), COLUMNS)


def test_a_fraction_is_no_integer() -> None:
    with pytest.raises((TypeError, ValueError)):
        conform(pd.DataFrame({"day": [None], "views": [1.5], "hours": [1.0]}), COLUMNS)


@pytest.mark.parametrize("name", ["", "Views", "1st", "a b", 'a"b', "ñ", "a" * 64])
def test_a_name_that_sql_would_change_is_refused(name: str) -> None:
    with pytest.raises(TypeError, match="is not a name"):
        Column(name, "text", "")


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(TypeError, match="there are bigint"):
        Column("views", "int", "")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("column", "role"),
    [
        (Column("date", "date", ""), "time"),
        (Column("channel", "text", "", key=True), "dimension"),
        (Column("risk", "text", ""), "dimension"),
        (Column("is_peak", "boolean", ""), "dimension"),
        (Column("segment", "bigint", "", key=True), "dimension"),
        (Column("views", "bigint", ""), "measure"),
        (Column("share_pct", "double precision", ""), "measure"),
        (Column("hour", "bigint", "", key=True, role="time"), "time"),
        (Column("rank", "bigint", "", role="dimension"), "dimension"),
    ],
    ids=lambda value: value.name if isinstance(value, Column) else "",
)
def test_a_column_is_for_what_it_says_or_its_type_and_key_suggest(column: Column, role: str) -> None:
    assert column.role == role
