"""What is said of a result, and how its values are shown to people."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from telemetry_pipeline.analyses.framework.columns import Column
from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.cli.showing.captions import caption, marked, versions
from telemetry_pipeline.reports.files.counts import whole_counts
from telemetry_pipeline.results.catalogue import ResultInfo
from telemetry_pipeline.results.tables import StoredResult

MEXICO = ZoneInfo("America/Mexico_City")
NOW = datetime(2026, 11, 26, 20, 2, 3, tzinfo=UTC)


def result(name: str = "top_channels", *, outdated: bool = False, first: date | None = None, **more: Any) -> StoredResult:
    analysis = find_analysis(name)
    last = date(2026, 11, 26)
    known: dict[str, Any] = {
        "asset": name,
        "partition_date": None if analysis.is_of_period else last,
        "period_first": first or last,
        "period_last": last,
        "parameters": analysis.parse({}).model_dump(mode="json") if analysis.runs_unattended else {},
        "parameters_key": "",
        "row_count": 1,
        "computed_at": NOW - timedelta(minutes=3, seconds=20),
        "input_version": "",
        "code_version": "",
        "compute_seconds": 0.0,
        "facts": {},
        "views_version": 0,
        "changed_version": 0,
        "rules": "None 30",
    }
    return StoredResult(ResultInfo(**(known | more)), pd.DataFrame(), outdated)


def said(found: StoredResult) -> list[str]:
    return caption(found, MEXICO, NOW).split("; ")


def test_a_caption_says_period_parameters_rows_and_age() -> None:
    assert said(result(first=date(2026, 10, 28))) == [
        "top_channels: 2026-10-28 to 2026-11-26",
        "default parameters",
        "1 row",
        "computed 2026-11-26 13:58:43 America/Mexico_City, 3 min 20 s ago",
    ]


def test_only_parameters_that_are_not_defaults_are_named() -> None:
    found = result(parameters={"limit": 3, "window_days": 30}, row_count=1234)
    assert said(found)[1:3] == ["limit=3", "1,234 rows"]
    assert said(result("subscriber_period", parameters={"subscriber_code": "24"}))[1] == 'subscriber_code="24"'


def test_what_is_provisional_is_said_with_the_moment_to_which_it_is_known() -> None:
    facts = {
        "provisional_days": ["2026-11-26"],
        "known_until": "2026-11-26T20:00:00+00:00",
        "incomplete_days": ["2026-11-01", "2026-11-02", "2026-11-03", "2026-11-04", "2026-11-05"],
        "low_risk_subscribers": 12_345,
        "note": "too little data",
        "capped_hours": 1.25,
        "settled": False,
    }
    assert said(result(facts=facts))[4:] == [
        "provisional (2026-11-26): known until 2026-11-26 14:00:00 America/Mexico_City",
        "incomplete days: 2026-11-01, 2026-11-02, 2026-11-03 and 2 more",
        "low risk subscribers: 12,345",
        "note: too little data",
        "capped hours: 1.25",
        "not settled: views that count may still come",
    ]
    settled: dict[str, Any] = {"provisional_days": [], "known_until": None, "incomplete_days": [], "settled": True}
    assert said(result(facts=settled))[4:] == []


@pytest.mark.parametrize(
    ("found", "command"),
    [
        (result(outdated=True, first=date(2026, 10, 28)), "top_channels --partition 2026-11-26"),
        (
            result("period_summary", outdated=True, first=date(2026, 11, 20)),
            "period_summary --from 2026-11-20 --to 2026-11-26",
        ),
        (
            result("peak_hours", outdated=True, parameters={"window_days": None, "channel": "El 5"}, first=date.min),
            "peak_hours --partition 2026-11-26 --set peak_hours.window_days=null --set 'peak_hours.channel=El 5'",
        ),
    ],
    ids=["a day", "a period", "other parameters"],
)
def test_a_result_whose_views_changed_says_what_to_run(found: StoredResult, command: str) -> None:
    assert (
        caption(found, MEXICO, NOW).split("; the ")[-1] == f"views changed since; run 'telemetry-pipeline run {command}' again"
    )


@pytest.mark.parametrize(
    ("first", "second", "one"),
    [
        ((5, 9, False), (7, 7, False), True),
        ((5, 9, True), (7, 7, True), True),
        ((5, 6, True), (7, 7, False), False),
        ((5, 6, False), (7, 7, False), True),
    ],
    ids=["both as of now", "both outdated, once together", "one outdated before the other changed", "reused since"],
)
def test_results_are_of_one_version_if_there_was_one_at_which_all_of_them_held(
    first: tuple[int, int, bool], second: tuple[int, int, bool], one: bool
) -> None:
    """What was computed at an earlier version and did not change since is as new as the rest."""
    found = [
        result(name, changed_version=changed, views_version=computed, outdated=outdated)
        for name, (changed, computed, outdated) in (("top_channels", first), ("geography", second))
    ]
    different = f"of different versions of the views: top_channels of {first[1]}, geography of {second[1]}"
    assert versions(found) == ("of one version of the views" if one else different)


def test_results_that_counted_by_different_rules_are_not_of_one_version() -> None:
    found = [result("top_channels", rules="None 30"), result("geography", rules="4.0 30")]
    assert "VIEW_CAP_HOURS or SMALL_BASE_SUBSCRIBERS changed" in versions(found)


def test_counts_are_whole_numbers_metric_by_metric() -> None:
    columns = find_analysis("period_comparison").columns
    names = ["metric", "current", "previous", "change", "change_pct", "trend"]
    rows: list[dict[str, Any]] = [
        dict(zip(names, ["views", 1234.0, 1000.0, 234.0, 23.4, "aumento"], strict=True)),
        dict(zip(names, ["watch_hours", 617.0, 500.25, 116.75, 23.34, "aumento"], strict=True)),
        dict(zip(names, ["subscribers", 7.0, None, None, 100.0, None], strict=True)),
    ]
    views, hours, subscribers = whole_counts(columns, rows)
    assert repr(list(views.values())) == repr(["views", 1234, 1000, 234, 23.4, "aumento"])
    assert repr(list(hours.values())) == repr(["watch_hours", 617.0, 500.25, 116.75, 23.34, "aumento"])
    assert repr(list(subscribers.values())) == repr(["subscribers", 7, None, None, 100.0, None])


@pytest.mark.parametrize(
    ("unit", "values", "shown"),
    [
        ("views", [3.0, 4.0], [3, 4]),
        ("views", [3.0, 4.5], [3.0, 4.5]),
        ("hours", [3.0, 4.0], [3.0, 4.0]),
        ("percent", [100.0], [100.0]),
        (None, [1.0], [1.0]),
    ],
    ids=["counts", "means of counts", "hours", "shares", "without a unit"],
)
def test_a_column_is_shown_whole_if_it_counts_and_all_of_it_is(unit: str, values: list[float], shown: list[float]) -> None:
    column = Column("value", "double precision", "what it is", unit=unit)
    found = [row["value"] for row in whole_counts([column], [{"value": value} for value in values])]
    assert repr(found) == repr(shown)


def test_marks_stand_in_front_and_are_explained_only_where_there_are_any() -> None:
    columns = ["date", "views", "provisional", "small_base"]
    rows = [
        {"date": "2026-11-25", "views": 9, "provisional": False, "small_base": None},
        {"date": "2026-11-26", "views": 7, "provisional": True, "small_base": False},
        {"date": "2026-11-27", "views": 1, "provisional": True, "small_base": True},
    ]
    found = marked(rows, columns)
    assert found.columns == ["", "date", "views"]
    assert [row[0] for row in found.rows] == ["", "~", "~°"]
    assert found.looks == ["", "italic", "italic dim"]
    assert [meaning[0] for meaning in found.meanings] == ["~", "°"]
    assert marked(rows[:1], columns).columns == ["date", "views"]
    assert marked(rows[:1], columns).meanings == []
