"""Numbers are written for people in one way, wherever they stand."""

from __future__ import annotations

import math

import pytest

from telemetry_pipeline.amounts import change, duration, number, percent, short, size


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.04, "0.0 s"), (9.96, "10.0 s"), (12.4, "12 s"), (200, "3 min 20 s"), (7500, "2 h 5 min"), (273_600, "3 d 4 h")],
)
def test_time_spans_are_for_people(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 MB"), (1_000_000, "1 MB"), (1_540_000, "1.5 MB"), (999e6, "999 MB"), (1.5e9, "1.5 GB"), (12.4e9, "12 GB")],
)
def test_sizes_are_in_megabytes_or_gigabytes(count: float, said: str) -> None:
    assert size(count) == said


@pytest.mark.parametrize(("value", "said"), [(1234, "1,234"), (1234.0, "1,234.00"), (-0.005, "-0.01"), (7, "7")])
def test_a_count_has_no_decimals_and_a_measure_two(value: float, said: str) -> None:
    assert number(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.125, "0.12"), (12.34, "12.3"), (7.0, "7"), (1234.5, "1,234"), (12_345_678, "12.3 M"), (math.nan, "—")],
)
def test_where_there_is_little_room_a_number_has_three_digits_or_as_many_as_are_whole(value: float, said: str) -> None:
    assert short(value) == said


def test_parts_and_changes_are_in_percent_and_a_dash_where_there_is_none() -> None:
    assert [percent(12.34), percent(math.nan)] == ["12.3 %", "—"]
    assert [change(3), change(-3.25), change(math.nan)] == ["+3.0 %", "-3.2 %", "—"]
