"""Analyses that count the same views agree, and a document that contradicts itself is not stored."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from orchestration_harness import execute, figures, record, scalar

from telemetry_pipeline.orchestration.checks import (
    check_totals,
)
from telemetry_pipeline.warehouse.db.connections import connect

PERIOD = {"first": "2026-11-01", "last": "2026-11-30", "input_version": "7"}


def document(*, of: Mapping[str, Mapping[str, Any]] | None = None, **rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Of analyses with these rows; *of* some of them something else is said than that they are of the document's period."""
    filters = {name: {**PERIOD, "facts": {}, **(of or {}).get(name, {})} for name in rows}
    return {"filters": {**PERIOD, "analyses": filters}, "analyses": rows}


def views(*counts: int, hours: float = 2.0) -> list[dict[str, Any]]:
    """Rows with so many views, and so many hours in all."""
    return [{"views": count, "watch_hours": hours / len(counts)} for count in counts]


def comparison(count: float, hours: float = 2.0) -> list[dict[str, Any]]:
    currents = {"views": count, "subscribers": 1.0, "watch_hours": hours}
    return [{"metric": metric, "current": current, "previous": 99.0} for metric, current in currents.items()]


def contradictions(body: dict[str, Any]) -> dict[str, Any]:
    result = check_totals(body)
    found: dict[str, Any] = figures(result)["contradictions"]
    assert result.passed is not bool(found)
    assert result.severity is dg.AssetCheckSeverity.ERROR
    return found


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(document(), id="no analyses"),
        pytest.param(document(period_summary=views(5)), id="nothing to compare with"),
        pytest.param(
            document(
                period_summary=views(5),
                period_events=[{"views": 2}, {"views": 3}],
                period_breakdown=views(0, 5),
                period_comparison=comparison(5.0),
            ),
            id="as much in all",
        ),
        pytest.param(document(period_summary=views(5), period_channels=views(2)), id="an analysis that counts some views"),
        pytest.param(document(period_summary=views(0, hours=0), period_events=[]), id="nothing at all"),
        pytest.param(
            document(period_summary=views(3, hours=0.3), period_breakdown=views(1, 1, 1, hours=0.1 + 0.2)),
            id="but for rounding",
        ),
        pytest.param(
            document(general_summary=views(5), day_over_day=[{"views": 4}], of={"day_over_day": {"first": "2026-11-02"}}),
            id="windows of another length",
        ),
        pytest.param(
            document(
                period_summary=views(5),
                period_comparison=comparison(4.0),
                of={"period_comparison": {"facts": {"provisional_days": ["2026-11-30"]}}},
            ),
            id="a comparison of parts of days",
        ),
        pytest.param(
            document(period_summary=views(5), period_events=[{"views": 5}], of={"period_events": {"input_version": "8"}}),
            id="as much, of other inputs",
        ),
    ],
)
def test_totals_agree_where_they_are_of_the_same_days(body: dict[str, Any]) -> None:
    assert contradictions(body) == {}


@pytest.mark.parametrize("name", ["period_breakdown", "period_comparison", "period_events"])
def test_an_analysis_of_the_period_that_counts_other_views_contradicts_the_rest(name: str) -> None:
    rows = {"period_breakdown": views(2, 2), "period_comparison": comparison(4.0), "period_events": [{"views": 4}]}[name]
    body = document(period_summary=views(5), of={name: {"input_version": "8"}}, **{name: rows})
    assert contradictions(body) == {"views of 2026-11-01 to 2026-11-30": {"period_summary": 5, name: 4}}


@pytest.mark.parametrize("name", ["day_over_day", "general_summary", "viewing_by_period"])
def test_an_analysis_that_looks_back_and_counts_other_views_contradicts_the_rest(name: str) -> None:
    rows: dict[str, Any] = {name: [{"views": 4}]}
    body = document(time_slots=views(1, 1, 1, 2), **rows)
    assert contradictions(body) == {"views of 2026-11-01 to 2026-11-30": {"time_slots": 5, name: 4}}


@pytest.mark.parametrize(
    ("name", "rows"), [("period_breakdown", views(3, 2, hours=2.001)), ("period_comparison", comparison(5.0, 1.999))]
)
def test_watch_time_agrees_too(name: str, rows: list[dict[str, Any]]) -> None:
    given: dict[str, Any] = {name: rows}
    [(figure, totals)] = contradictions(document(period_summary=views(5), **given)).items()
    assert (figure, set(totals)) == ("watch_hours of 2026-11-01 to 2026-11-30", {"period_summary", name})


def test_analyses_of_all_channels_agree_with_each_other() -> None:
    body = document(average_duration=views(2, 3), channel_audience=views(2, 3, hours=2.5), share=views(9))
    assert set(contradictions(body)) == {"watch_hours of all channels of 2026-11-01 to 2026-11-30"}


@pytest.mark.parametrize("of", [{"first": "2026-11-02"}, {"last": "2026-11-29"}, {"first": None}], ids=str)
def test_an_analysis_of_another_period_contradicts_the_document_even_alone(of: dict[str, Any]) -> None:
    for body in (
        document(period_trend=[{"slope": 1.0}], of={"period_trend": of}),
        document(period_trend=[{"slope": 1.0}], period_summary=views(5), of={"period_trend": of}),
    ):
        first, last = ({**PERIOD, **of}[end] for end in ("first", "last"))
        assert contradictions(body) == {"period_trend": f"of {first} to {last}, not of 2026-11-01 to 2026-11-30"}


def test_a_period_that_mixes_with_another_is_one_contradiction_whatever_its_totals() -> None:
    other = {"first": "2026-10-01"}
    body = document(period_summary=views(8_955), period_breakdown=views(1_371), of={"period_summary": other})
    assert contradictions(body) == {"period_summary": "of 2026-10-01 to 2026-11-30, not of 2026-11-01 to 2026-11-30"}


@pytest.mark.slow
def test_a_document_that_contradicts_itself_is_not_stored(pipeline: Any, now: datetime, this_day: date) -> None:
    pipeline.simulator.add_records([record(n, 8, now - timedelta(days=n)) for n in (1, 2)])
    first = this_day - timedelta(days=3)
    analyses = ["telemetry_records", "ott_views", "period_summary", "period_events"]
    assert pipeline.run(first, this_day, selection=[*analyses, "period_analysis"]).success
    query = "select max(body::text) from analysis.documents"
    stored = scalar(pipeline, query)
    # Of rows that somebody changes the triggers tell.
    damage = "set session_replication_role = replica; update analysis.period_summary set views = views + 1"
    execute(connect(pipeline.settings.database_url), damage)
    result = pipeline.run(first, this_day, selection=["period_analysis"])
    assert not result.success
    [check] = result.get_asset_check_evaluations()
    assert (check.check_name, check.passed) == ("totals_agree", False)
    failure = result.failure_data_for_node("period_analysis").user_failure_data.description
    assert "contradicts itself and is not stored" in failure
    assert scalar(pipeline, query) == stored
