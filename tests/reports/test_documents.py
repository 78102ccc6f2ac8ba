"""Documents hold what is stored of exactly their period, with the defaults, of one version of the views."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from warehouse_events import MEXICO, ZONE, complete, start, stop, store

from telemetry_pipeline.analyses.documents import DOCUMENTS, documents_of, gathered
from telemetry_pipeline.analyses.framework.caps import Cap
from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.analyses.registry import all_analyses, find_analysis
from telemetry_pipeline.days import Period
from telemetry_pipeline.results import computing
from telemetry_pipeline.results.documents import Valid, assemble, version_of_most
from telemetry_pipeline.results.views.windows import Store
from telemetry_pipeline.warehouse.core import segments
from telemetry_pipeline.warehouse.core.views import merge
from telemetry_pipeline.warehouse.db.connections import snapshot

ZEROTH, FIRST, SECOND = date(2025, 1, 29), date(2025, 1, 30), date(2025, 1, 31)
BOTH = Period(FIRST, SECOND)
RULES = Rules(MEXICO)
EVER = float("inf")


@pytest.fixture
def views(engine: sa.Engine) -> sa.Engine:
    """One view on the first day of data, two on the next one, three on the last."""
    stops = [stop(10 * n + k, duration=3600, hours=24 * (n - 1)) for n in range(3) for k in range(1, n + 2)]
    store(engine, start(99, "A"), *stops)
    merge(engine, ZONE)
    complete(engine)
    return engine


def compute(engine: sa.Engine, period: Period, *names: str, **parameters: Any) -> None:
    for name in names:
        analysis = find_analysis(name)
        values = analysis.parse(parameters)
        window = period if analysis.is_of_period else analysis.window(period.last, values)
        computing.update(engine, Store(RULES), analysis, [window], values)


def document(engine: sa.Engine, period: Period, *names: str, rules: Rules = RULES) -> dict[str, Any]:
    with snapshot(engine) as connection:
        state = segments.state(connection, date.min, date.max)
        body = assemble(connection, [find_analysis(name) for name in names], period, rules, state)
    json.dumps(body, allow_nan=False)
    return body


def late_view(engine: sa.Engine, record_id: int, hours: int) -> None:
    store(engine, stop(record_id, duration=3600, hours=hours))
    merge(engine, ZONE)


def test_of_a_period_it_holds_what_is_of_exactly_that_and_what_is_not_is_missing(views: sa.Engine) -> None:
    compute(views, BOTH, "period_summary")
    compute(views, Period(ZEROTH, SECOND), "period_summary", "period_breakdown")
    compute(views, Period(SECOND, SECOND), "period_breakdown", "period_events")
    body = document(views, BOTH, "period_breakdown", "period_events", "period_summary")
    assert body["missing"] == ["period_breakdown", "period_events"]
    [row] = body["analyses"]["period_summary"]
    assert (row["days"], row["views"]) == (2, 5)
    assert (body["filters"]["first"], body["filters"]["last"]) == ("2025-01-30", "2025-01-31")
    assert list(body["filters"]["analyses"]) == list(body["analyses"]) == ["period_summary"]


def test_what_looks_back_is_of_its_last_day(views: sa.Engine) -> None:
    for day in (FIRST, SECOND):
        compute(views, Period(day, day), "general_summary")
    compute(views, Period(SECOND, SECOND), "top_channels")
    body = document(views, Period(FIRST, FIRST), "general_summary", "top_channels")
    assert ([row["views"] for row in body["analyses"]["general_summary"]], body["missing"]) == ([3], ["top_channels"])


def test_it_holds_the_defaults_results_whatever_was_computed_last(views: sa.Engine) -> None:
    day = Period(SECOND, SECOND)
    compute(views, day, "general_summary", "top_channels")
    compute(views, day, "general_summary", window_days=1)
    compute(views, day, "top_channels", limit=1)
    compute(views, day, "geography", window_days=1)
    body = document(views, day, "general_summary", "geography", "top_channels")
    assert [row["views"] for row in body["analyses"]["general_summary"]] == [6]
    assert body["filters"]["analyses"]["top_channels"]["parameters"] == {"limit": 20, "window_days": 30}
    assert body["missing"] == ["geography"]


def test_it_says_of_which_days_parameters_and_facts_each_analysis_is(views: sa.Engine) -> None:
    complete(views, SECOND)
    compute(views, BOTH, "period_trend")
    of = document(views, BOTH, "period_trend")["filters"]["analyses"]["period_trend"]
    assert (of["first"], of["last"], of["parameters"]) == ("2025-01-30", "2025-01-31", {})
    assert of["facts"]["provisional_days"] == ["2025-01-31"]
    assert of["computed_at"].endswith("+00:00")
    assert len(of["input_version"]) == 12


def test_all_history_has_no_first_day(views: sa.Engine) -> None:
    compute(views, BOTH, "cohorts")
    assert document(views, BOTH, "cohorts")["filters"]["analyses"]["cohorts"]["first"] is None


def test_of_nothing_it_says_what_is_missing(views: sa.Engine) -> None:
    body = document(views, BOTH, "period_summary", "period_trend")
    assert (body["analyses"], body["missing"], body["views_version"]) == ({}, ["period_summary", "period_trend"], 0)


def test_results_that_nothing_changed_for_since_are_of_one_version_whenever_they_were_computed(views: sa.Engine) -> None:
    compute(views, BOTH, "period_summary")
    late_view(views, 200, 48)
    compute(views, BOTH, "period_trend")
    body = document(views, BOTH, "period_summary", "period_trend")
    with views.connect() as connection:
        newest = segments.state(connection, date.min, date.max).newest
    assert (body["missing"], body["views_version"]) == ([], newest)


def test_a_result_of_another_version_than_most_is_missing(views: sa.Engine) -> None:
    compute(views, BOTH, "period_summary", "period_trend", "period_events")
    late_view(views, 200, 0)
    compute(views, BOTH, "period_summary")
    names = ["period_events", "period_summary", "period_trend"]
    body = document(views, BOTH, *names)
    assert body["missing"] == ["period_summary"]
    compute(views, BOTH, "period_trend")
    body = document(views, BOTH, *names)
    assert body["missing"] == ["period_events"]
    assert [row["views"] for row in body["analyses"]["period_summary"]] == [6]


def test_a_result_that_counted_by_other_rules_is_missing(views: sa.Engine) -> None:
    """Else hours that a cap cut would stand beside hours that none did."""
    names = ["period_summary", "period_trend"]
    compute(views, BOTH, *names)
    capped = Rules(RULES.zone, Cap(4))
    assert document(views, BOTH, *names, rules=capped)["missing"] == names
    assert document(views, BOTH, *names)["missing"] == []


def test_of_two_versions_with_as_many_results_the_newer_one_is_taken(views: sa.Engine) -> None:
    compute(views, BOTH, "period_summary", "period_trend")
    late_view(views, 200, 0)
    compute(views, BOTH, "period_summary")
    assert document(views, BOTH, "period_summary", "period_trend")["missing"] == ["period_trend"]


def test_a_measure_by_minute_is_of_another_version_when_views_that_were_running_came(views: sa.Engine) -> None:
    day = Period(FIRST, FIRST)
    compute(views, day, "rating", "share", "reach")
    with views.begin() as connection:
        segments.mark_changed(connection, [SECOND], [SECOND])
    assert document(views, day, "rating", "reach", "share")["missing"] == []
    compute(views, day, "rating")
    assert document(views, day, "rating", "reach", "share")["missing"] == []
    late_view(views, 200, 0)
    compute(views, day, "reach", "share")
    assert document(views, day, "rating", "reach", "share")["missing"] == ["rating"]


@pytest.mark.parametrize(
    ("results", "version"),
    [
        ([], 0),
        ([(5, 3, EVER)], 5),
        ([(5, 3, EVER), (9, 7, EVER)], 9),
        ([(5, 3, 5), (5, 4, 5), (9, 7, EVER)], 5),
        ([(5, 3, 5), (9, 7, EVER)], 9),
        ([(6, 3, 6), (9, 4, EVER), (9, 9, EVER)], 9),
        ([(5, 5, 5), (6, 3, 6), (9, 4, EVER), (9, 9, EVER)], 5),
        ([(5, 3, 5), (6, 3, 6), (7, 3, EVER), (9, 9, EVER)], 5),
    ],
    ids=str,
)
def test_the_version_is_that_of_most_and_the_newest_of_several(results: list[tuple[int, int, float]], version: int) -> None:
    """Each was computed at a version, and holds from the one with which its views changed last until they did again."""
    computed_at = [at for at, _, _ in results]
    assert version_of_most(computed_at, [Valid(first, last) for _, first, last in results]) == version


def test_documents_are_of_the_analyses_of_their_kind_that_need_no_subscriber() -> None:
    every = {name: each for name, each in all_analyses().items() if each.runs_unattended and each.theme != "audience"}
    assert {each.name for document in DOCUMENTS for each in gathered(document)} == set(every)
    assert documents_of(["top_channels", "period_trend", "reach"]) == {"full_analysis", "period_analysis"}
    assert documents_of(["reach", "subscriber_profile"]) == set()
