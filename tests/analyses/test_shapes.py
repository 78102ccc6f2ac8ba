"""What holds for the result of every analysis, whatever it answers."""

from __future__ import annotations

import functools
import json
import random
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any, get_args, get_origin
from zoneinfo import ZoneInfo

import annotated_types
import pandas as pd
import pytest
from analyses.conftest import DAY, History
from analyses.histories import CODES, NAMES, REQUIRED
from analyses.oracle import Row, View
from analyses.oracles import ORACLES, expected
from analyses.seen import Seen, capped
from analyses.test_oracles import about
from pydantic.fields import FieldInfo

from telemetry_pipeline.analyses.framework.columns import Column, conform
from telemetry_pipeline.analyses.framework.declaration import Analysis, GeneralParameters
from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.days import Period
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.warehouse.core import segments

ZONE = "America/New_York"
LAST = date(2025, 11, 3)
"""The day before, the clock was set back there."""
MONTH = Period(LAST - timedelta(days=29), LAST)

EVERY = list(all_analyses().values())
by_name = pytest.mark.parametrize("each", EVERY, ids=[each.name for each in EVERY])

FINDING = {"anomalies": {"threshold_std": 1}}
"""Parameters with which an analysis that lists exceptions finds some."""

ALWAYS_THERE = {
    "time_slots": 4,
    "subscriber_overview": 31,
    "subscriber_profile": 13,
    "period_comparison": 3,
    "subscriber_period": 39,
    "reach": 1,
}
"""Rows of those that say something of nothing, too: summaries."""


def crowd() -> list[View]:
    """Two hundred views of a few subscribers in a few weeks, and two subscribers who left."""
    rng = random.Random(7)
    left = [View(LAST - timedelta(days=20 + n), 9, 1_000 + n, "A", f"gone {n % 2}", 4, zone=ZONE) for n in range(8)]
    return left + [
        View.ending(
            datetime(2025, 11, 4, 5, tzinfo=UTC) - timedelta(minutes=rng.randrange(30 * 24 * 60)),
            ZONE,
            duration_seconds=rng.choice([None, 0, 60, 600, 3600, 5400, 100_000]),
            channel_name=rng.choice([None, *NAMES[:5]]),
            subscriber_code=rng.choice([None, *CODES]),
            device_id=rng.choice([None, 1, 2, 3]),
            isp=rng.choice([None, "Izzi", "Telmex"]),
        )
        for _n in range(200)
    ]


CROWD = crowd()
NEW_YORK = ZoneInfo(ZONE)


@functools.lru_cache(maxsize=8)
def history(views: tuple[View, ...], cap_hours: float | None = None) -> History:
    return History(views, NEW_YORK, cap_hours)


def ask(each: Analysis, views: Iterable[View], cap_hours: float | None = None, **parameters: Any) -> list[Row]:
    return history(tuple(views), cap_hours).ask(each.name, MONTH, **REQUIRED.get(each.name, {}), **parameters)


def own_parameters(each: Analysis, **given: Any) -> dict[str, Any]:
    """The parameters besides the window, as an oracle takes them."""
    values = each.parse(REQUIRED.get(each.name, {}) | given).model_dump()
    return {name: value for name, value in values.items() if name != "window_days"}


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


@pytest.mark.parametrize("views", [[], [View(LAST, zone=ZONE)], CROWD], ids=["empty", "one view", "many"])
@by_name
def test_a_result_is_strict_json_and_its_facts_are_text_and_numbers(each: Analysis, views: list[View]) -> None:
    json.dumps(ask(each, views), allow_nan=False)
    facts = history(tuple(views)).facts(each.name, MONTH, **REQUIRED.get(each.name, {}))
    json.dumps(facts, allow_nan=False)
    assert all(isinstance(value, str | int | float) for value in facts.values())


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
def test_key_columns_name_a_row(each: Analysis) -> None:
    finding = FINDING.get(each.name, {})
    key = [column.name for column in each.columns if column.key]
    found = [tuple(row[column] for column in key) for row in ask(each, CROWD, **finding)]
    assert len(found) > bool(key)
    assert len(set(found)) == len(found)


@by_name
def test_every_column_says_of_which_columns_of_the_views_it_is_computed(each: Analysis) -> None:
    for column in each.columns:
        assert column.of, column.name
        assert set(column.of) <= set(segments.SCHEMA.names), column.name


@by_name
def test_of_nothing_there_is_a_summary_or_an_empty_table(each: Analysis) -> None:
    unseen = [View(LAST + timedelta(days=1), zone=ZONE), View(LAST, duration_seconds=None, zone=ZONE)]
    for views in ([], unseen):
        found = ask(each, views)
        assert len(found) == ALWAYS_THERE.get(each.name, 0 if any(column.key for column in each.columns) else 1)
        if each.name in ORACLES:
            for row in found:
                row.pop("unit", None)
            assert found == about(expected(each.name, views, MONTH, NEW_YORK, **own_parameters(each)))


@by_name
def test_a_cap_cuts_every_view_from_its_start(each: Analysis) -> None:
    cut = capped(CROWD, 0.5)
    finding = FINDING.get(each.name, {})
    found = ask(each, CROWD, cap_hours=0.5, **finding)
    if each.name == "subscriber_segments":
        assert found == ask(each, cut)
        return
    for row in found:
        row.pop("unit", None)
    assert found == about(expected(each.name, CROWD, MONTH, NEW_YORK, cap=0.5, **own_parameters(each, **finding)))


def test_what_a_cap_takes_off_is_counted() -> None:
    views = [View(DAY, duration_seconds=seconds) for seconds in (None, 0, 1800, 1801, 3600)]
    store = History(views, cap_hours=0.5).store
    taken = store.capped(Period(DAY, DAY))
    assert taken is not None
    assert taken.views == 2
    assert taken.hours == pytest.approx(1801 / 3600)
    assert store.capped(Period(DAY + timedelta(days=1), DAY + timedelta(days=1))) is not None
    assert History(views).store.capped(Period(DAY, DAY)) is None


@by_name
def test_a_result_is_the_same_whatever_order_the_views_came_in(each: Analysis) -> None:
    views = CROWD
    finding = FINDING.get(each.name, {})
    assert ask(each, views, **finding) == ask(each, views[::-1], **finding) == ask(each, views[1::2] + views[::2], **finding)


@by_name
def test_a_result_does_not_depend_on_what_else_is_in_the_store(each: Analysis) -> None:
    """Days around the period change nothing, except those before it for an analysis that compares."""
    period = MONTH
    reads = each.reads(period)
    outside = [
        View(day, 12, 7_777, "Otro", "S99", 99, zone=ZONE)
        for day in (reads.first - timedelta(days=1), reads.last + timedelta(days=1))
    ]
    assert ask(each, CROWD + outside) == ask(each, CROWD)


def impossible(field: FieldInfo) -> Iterator[Any]:
    """Values just outside of the bounds of a parameter, of which there is one on each side if it is a number."""
    bounds: dict[type, Any] = {type(each): each for each in field.metadata}
    kinds = {field.annotation, *get_args(field.annotation)}
    if int in kinds or float in kinds:
        step = 1 if int in kinds else 1e-6
        lower, upper = bounds.get(annotated_types.Ge), bounds.get(annotated_types.Le)
        strictly = bounds.get(annotated_types.Gt)
        assert upper
        if strictly is not None:
            yield strictly.gt
        else:
            assert lower is not None
            yield lower.ge - step
        yield upper.le + step
        yield float("nan")
        yield "many"
    elif str in kinds:
        assert bounds[annotated_types.MinLen].min_length == 1
        yield ""
    else:
        assert "Literal" in str(get_origin(field.annotation))
        yield "never"
    if type(None) not in kinds:
        yield None


@by_name
def test_a_parameter_outside_of_its_bounds_is_refused_by_name(each: Analysis) -> None:
    for name, field in each.parameters.model_fields.items():
        values = list(impossible(field))
        assert values
        for value in values:
            with pytest.raises(RequestRefused, match=f"{each.name} cannot run with these parameters: {name}: "):
                each.parse(REQUIRED.get(each.name, {}) | {name: value})
    with pytest.raises(RequestRefused, match="unknown: "):
        each.parse(REQUIRED.get(each.name, {}) | {"unknown": 1})


@by_name
def test_only_what_is_required_must_be_said(each: Analysis) -> None:
    assert each.runs_unattended == (each.name not in REQUIRED)
    assert (each.is_of_period) != issubclass(each.parameters, GeneralParameters)
    if not each.runs_unattended:
        with pytest.raises(RequestRefused, match="subscriber_code: "):
            each.parse({})


@pytest.mark.parametrize("each", [each for each in EVERY if each.covers], ids=lambda each: each.name)
def test_what_covers_all_views_or_all_with_a_channel_counts_each_of_them_once(each: Analysis) -> None:
    covered = [v for v in CROWD if MONTH.first <= v.local_date <= MONTH.last and v.duration_seconds is not None]
    if each.covers == "channels":
        covered = [v for v in covered if v.channel_name is not None]
    rows = ask(each, CROWD)
    named = {column.name for column in each.columns}
    if "views" in named:
        assert sum(row["views"] for row in rows) == len(covered)
    if "watch_hours" in named:
        assert sum(row["watch_hours"] for row in rows) == pytest.approx(sum(v.duration_seconds or 0 for v in covered) / 3600)
    assert named & {"views", "watch_hours"}
