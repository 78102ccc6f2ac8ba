"""What holds for the result of every analysis, whatever it answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, get_args, get_origin

import annotated_types
import pytest
from analyses.conftest import DAY, History
from analyses.histories import REQUIRED
from analyses.oracle import View
from analyses.oracles import ORACLES, expected
from analyses.seen import capped
from analyses.test_oracles import about
from pydantic.fields import FieldInfo
from shapes import CROWD, EVERY, FINDING, LAST, MONTH, NEW_YORK, ZONE, ask, by_name, history, own_parameters

from telemetry_pipeline.analyses.framework.declaration import Analysis, GeneralParameters
from telemetry_pipeline.days import Period
from telemetry_pipeline.errors import RequestRefused

ALWAYS_THERE = {
    "time_slots": 4,
    "subscriber_overview": 31,
    "subscriber_profile": 13,
    "period_comparison": 3,
    "subscriber_period": 39,
    "reach": 1,
}
"""Rows of those that say something of nothing, too: summaries."""


@pytest.mark.parametrize("views", [[], [View(LAST, zone=ZONE)], CROWD], ids=["empty", "one view", "many"])
@by_name
def test_a_result_is_strict_json_and_its_facts_are_text_and_numbers(each: Analysis, views: list[View]) -> None:
    json.dumps(ask(each, views), allow_nan=False)
    facts = history(tuple(views)).facts(each.name, MONTH, **REQUIRED.get(each.name, {}))
    json.dumps(facts, allow_nan=False)
    assert all(isinstance(value, str | int | float) for value in facts.values())


@by_name
def test_key_columns_name_a_row(each: Analysis) -> None:
    finding = FINDING.get(each.name, {})
    key = [column.name for column in each.columns if column.key]
    found = [tuple(row[column] for column in key) for row in ask(each, CROWD, **finding)]
    assert len(found) > bool(key), f"{each.name}: too few rows of CROWD to see anything; give it other parameters in FINDING"
    assert len(set(found)) == len(found), f"{each.name}: several rows have the same {', '.join(key)}, which are its key"


@by_name
def test_of_nothing_there_is_a_summary_or_an_empty_table(each: Analysis) -> None:
    unseen = [View(LAST + timedelta(days=1), zone=ZONE), View(LAST, duration_seconds=None, zone=ZONE)]
    for views in ([], unseen):
        found = ask(each, views)
        rows = ALWAYS_THERE.get(each.name, 0 if any(column.key for column in each.columns) else 1)
        assert len(found) == rows, f"{each.name}: of nothing there are no rows, or one without a key, or as ALWAYS_THERE has it"
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


def impossible(name: str, field: FieldInfo) -> Iterator[Any]:
    """Yield values just outside of the bounds of a parameter, of which there is one on each side if it is a number."""
    bounds: dict[type, Any] = {type(each): each for each in field.metadata}
    kinds = {field.annotation, *get_args(field.annotation)}
    if int in kinds or float in kinds:
        step = 1 if int in kinds else 1e-6
        lower, upper = bounds.get(annotated_types.Ge), bounds.get(annotated_types.Le)
        strictly = bounds.get(annotated_types.Gt)
        assert upper, (
            f"{name}: a number needs both bounds, and this one has no upper one: declare it with Field(ge=..., le=...)"
        )
        if strictly is not None:
            yield strictly.gt
        else:
            assert lower, (
                f"{name}: a number needs both bounds, and this one has no lower one: declare it with Field(ge=..., le=...)"
            )
            yield lower.ge - step
        yield upper.le + step
        yield float("nan")
        yield "many"
    elif str in kinds:
        shortest = bounds.get(annotated_types.MinLen)
        assert shortest == annotated_types.MinLen(1), f"{name}: a text may not be empty: declare it with Field(min_length=1)"
        yield ""
    else:
        assert "Literal" in str(get_origin(field.annotation)), (
            f"{name}: a parameter is a number, a text or a Literal, or one of these or None; this is {field.annotation}"
        )
        yield "never"
    if type(None) not in kinds:
        yield None


@by_name
def test_a_parameter_outside_of_its_bounds_is_refused_by_name(each: Analysis) -> None:
    for name, field in each.parameters.model_fields.items():
        values = list(impossible(f"{each.name}.{name}", field))
        assert values, f"{each.name}.{name}: no value of it is impossible, and nothing would be refused"
        for value in values:
            with pytest.raises(RequestRefused, match=f"{each.name} cannot run with these parameters: {name}: "):
                each.parse(REQUIRED.get(each.name, {}) | {name: value})
    with pytest.raises(RequestRefused, match="unknown: "):
        each.parse(REQUIRED.get(each.name, {}) | {"unknown": 1})


@by_name
def test_only_what_is_required_must_be_said(each: Analysis) -> None:
    assert each.runs_unattended == (each.name not in REQUIRED), (
        f"{each.name}: give its parameters defaults, or values to try in REQUIRED of histories.py; not both"
    )
    assert (each.is_of_period) != issubclass(each.parameters, GeneralParameters)
    if not each.runs_unattended:
        with pytest.raises(RequestRefused, match=r"(channel|subscriber_code): "):
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
