"""A check passes up to its limit and fails beyond it, and a document that contradicts itself is not stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from datetime import date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from orchestration_harness import record, scalar
from warehouse_events import ZONE, start, stop, store

from telemetry_pipeline.days import Period
from telemetry_pipeline.orchestration.checks import check_records, check_totals, check_views, limits_hours
from telemetry_pipeline.settings.loading import Settings
from telemetry_pipeline.warehouse.core.views import merge
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.operations.checks import look_at_records, look_at_views
from telemetry_pipeline.warehouse.raw import records
from telemetry_pipeline.warehouse.raw.batch import Batch, Rejected

DAY = stop(1).local_date
OF_A_QUARTER = pytest.mark.parametrize(
    ("limit", "passed"),
    [(24.9, False), (25, True), (25.1, True)],
    ids=["above the limit", "exactly at the limit", "below the limit"],
)
PERIOD = {"first": "2026-11-01", "last": "2026-11-30", "input_version": "7"}


def execute(engine: sa.Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text(statement))


def reject(engine: sa.Engine, count: int) -> None:
    with records.writing(engine) as connection:
        records.store(connection, Batch(rejected=[Rejected(None, f"{n}", "unreadable") for n in range(count)]))


def records_check(engine: sa.Engine, settings: Settings, name: str, *, recent: bool = True) -> dg.AssetCheckResult:
    [result] = [each for each in check_records(look_at_records(engine, recent=recent), settings) if each.check_name == name]
    return result


def views_checks(
    engine: sa.Engine, settings: Settings, day: date = DAY, merged: Set[date] = frozenset()
) -> list[dg.AssetCheckResult]:
    return check_views(look_at_views(engine, Period(day, day), merged, limits_hours(settings)), settings)


def views_check(engine: sa.Engine, settings: Settings, name: str) -> dg.AssetCheckResult:
    [result] = [each for each in views_checks(engine, settings) if each.check_name == name]
    return result


def figures(result: dg.AssetCheckResult) -> dict[str, Any]:
    return {name: value.value for name, value in result.metadata.items()}


def figures_of(result: dg.AssetCheckResult, *names: str) -> tuple[Any, ...]:
    return tuple(result.metadata[name].value for name in names)


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


@OF_A_QUARTER
def test_rejected_records_beyond_their_limit_are_a_warning(
    engine: sa.Engine, make_settings: Callable[..., Settings], limit: float, passed: bool
) -> None:
    store(engine, stop(1), stop(2), stop(3))
    reject(engine, 1)
    result = records_check(engine, make_settings(max_rejected_pct=limit), "few_records_are_rejected")
    assert result.passed is passed
    assert result.severity is dg.AssetCheckSeverity.WARN
    assert figures(result) == {"count": 1, "of": 4, "percent": 25, "limit_percent": limit}


@OF_A_QUARTER
def test_unnamed_views_beyond_their_limit_are_a_warning(
    engine: sa.Engine, make_settings: Callable[..., Settings], limit: float, passed: bool
) -> None:
    store(engine, start(1, "A"), stop(2), stop(3), stop(4), stop(5, channel=9))
    merge(engine, ZONE)
    result = views_check(engine, make_settings(max_unnamed_pct=limit), "few_views_are_unnamed")
    assert result.passed is passed
    assert result.severity is dg.AssetCheckSeverity.WARN
    assert figures(result) == {"count": 1, "of": 4, "percent": 25, "limit_percent": limit}


@pytest.mark.parametrize(
    ("of_future", "passed"), [(0, True), (1, True), (2, False)], ids=["none", "exactly at the limit", "above the limit"]
)
def test_more_than_one_percent_of_records_of_the_future_is_a_warning(
    engine: sa.Engine, make_settings: Callable[..., Settings], of_future: int, passed: bool
) -> None:
    store(engine, *(stop(n) for n in range(1, 101)))
    execute(engine, f"update telemetry.records set timestamp = now() + interval '1 day' where record_id <= {of_future}")
    result = records_check(engine, make_settings(), "few_records_are_of_the_future")
    assert result.passed is passed
    assert result.severity is dg.AssetCheckSeverity.WARN
    assert figures(result) == {"count": of_future, "of": 100, "percent": of_future, "limit_percent": 1}


def test_rejected_records_of_the_evening_are_no_warning_at_five_past_midnight(
    engine: sa.Engine, make_settings: Callable[..., Settings]
) -> None:
    """The day has a minute's records then, and the rejected ones are of 24 hours."""
    store(engine, *(stop(n) for n in range(1, 200)))
    reject(engine, 1)
    execute(engine, "update telemetry.receipts set hour = hour - interval '1 hour'")
    store(engine, stop(500, hours=24), stop(501, hours=24))
    assert records_check(engine, make_settings(max_rejected_pct=1), "few_records_are_rejected").passed


@pytest.mark.parametrize(
    ("of_future", "passed"), [(0, True), (1, True), (2, False)], ids=["none", "exactly at the limit", "above the limit"]
)
def test_more_than_one_percent_of_views_of_the_future_is_a_warning_that_lists_them(
    engine: sa.Engine, make_settings: Callable[..., Settings], of_future: int, passed: bool
) -> None:
    store(engine, *(stop(n) for n in range(1, 101 - of_future)), *(stop(n, hours=10**5) for n in range(101 - of_future, 101)))
    merge(engine, ZONE)
    result = views_check(engine, make_settings(), "few_views_are_of_the_future")
    assert result.passed is passed
    assert result.severity is dg.AssetCheckSeverity.WARN
    assert isinstance(newest := result.metadata["newest"], dg.TableMetadataValue)
    assert [record.data["record_id"] for record in newest.records] == list(range(100, 100 - of_future, -1))
    assert figures_of(result, "count", "of", "total") == (of_future, 100, of_future)


@pytest.mark.parametrize(("repeated", "passed"), [(0, True), (1, True), (2, False)])
def test_more_than_one_percent_of_repeated_views_is_a_warning(
    engine: sa.Engine, make_settings: Callable[..., Settings], repeated: int, passed: bool
) -> None:
    store(engine, *(stop(n) for n in range(1, 101)))
    merge(engine, ZONE)
    execute(engine, f"update telemetry.views set excluded = 'duplicate' where record_id <= {repeated}")
    result = views_check(engine, make_settings(), "few_views_are_repeated")
    assert result.passed is passed
    assert result.severity is dg.AssetCheckSeverity.WARN
    assert figures(result) == {"count": repeated, "of": 100, "percent": repeated, "limit_percent": 1}


def watched(engine: sa.Engine, views: int, *, hours: int, hours_before: int = 0) -> None:
    """Views of an hour, and one of so many hours."""
    store(engine, *(stop(n, duration=3600) for n in range(1, views)), stop(views, duration=hours * 3600, hours=-hours_before))
    merge(engine, ZONE)


@pytest.mark.parametrize(
    ("settings", "views", "hours", "passed"),
    [
        pytest.param({}, 101, 48, True, id="few"),
        pytest.param({}, 101, 52, False, id="many"),
        pytest.param({}, 99, 200, True, id="of too few views"),
        pytest.param({"view_cap_hours": 4}, 101, 52, True, id="that a cap cuts"),
        pytest.param({"view_cap_hours": "auto"}, 101, 52, True, id="that a cap of its own for each channel cuts"),
        pytest.param({"max_long_view_pct": 27}, 101, 52, True, id="below another limit"),
        pytest.param({"long_view_hours": 20}, 101, 52, True, id="of which more hours are usual"),
    ],
)
def test_much_watch_time_beyond_twelve_hours_of_a_view_is_a_warning(
    engine: sa.Engine, make_settings: Callable[..., Settings], settings: dict[str, Any], views: int, hours: int, passed: bool
) -> None:
    watched(engine, views, hours=hours)
    result = views_check(engine, make_settings(**settings), "few_hours_are_of_long_views")
    assert result.passed is passed
    assert result.severity is dg.AssetCheckSeverity.WARN
    caps = result.metadata["caps"]
    assert isinstance(caps, dg.TableMetadataValue)
    assert [(record.data["cap_hours"], record.data["views"]) for record in caps.records] == [(4, 1), (6, 1), (12, 1)]


def test_long_views_are_looked_for_on_the_day_before_too(engine: sa.Engine, make_settings: Callable[..., Settings]) -> None:
    watched(engine, 101, hours=60, hours_before=24)
    assert not views_check(engine, make_settings(), "few_hours_are_of_long_views").passed


def test_long_views_are_looked_for_on_days_of_which_late_records_came(
    engine: sa.Engine, make_settings: Callable[..., Settings]
) -> None:
    watched(engine, 101, hours=60)
    later = DAY + timedelta(days=9)
    for merged, passed in ((set(), True), ({DAY}, False)):
        found = {each.check_name: each for each in views_checks(engine, make_settings(), later, merged)}
        assert found["few_hours_are_of_long_views"].passed is passed


def test_a_cap_is_recommended_with_what_it_would_cut(engine: sa.Engine, make_settings: Callable[..., Settings]) -> None:
    watched(engine, 101, hours=100)
    result = views_check(engine, make_settings(), "few_hours_are_of_long_views")
    assert figures_of(result, "percent", "limit_percent", "long_views", "of", "watch_hours") == (44, 25, 1, 101, 200)
    assert figures_of(result, "advice") == (
        "44.0 % of the watch time lies beyond the first 12 hours of a view, as of boxes that were left on. Set VIEW_CAP_HOURS: "
        "4 would cut 48.0 %, 6 would cut 47.0 %, 12 would cut 44.0 % of it; auto takes what is usual for each channel and time "
        "of day.",
    )
    caps = result.metadata["caps"]
    assert isinstance(caps, dg.TableMetadataValue)
    assert dict(caps.records[0].data) == {"cap_hours": 4, "views": 1, "views_pct": 0.99, "watch_time_pct": 48}


def test_every_check_of_an_empty_warehouse_passes(engine: sa.Engine, make_settings: Callable[..., Settings]) -> None:
    settings = make_settings(max_rejected_pct=0, max_unnamed_pct=0)
    results = [*check_records(look_at_records(engine, recent=True), settings), *views_checks(engine, settings)]
    assert [result.check_name for result in results if not result.passed] == []
    assert len(results) == 8


@pytest.mark.parametrize(
    ("cursor", "recent", "passed"),
    [
        pytest.param(3, True, False, id="a tick finds it among the newest"),
        pytest.param(1_000_000, True, True, id="a tick does not look further"),
        pytest.param(1_000_000, False, False, id="a repair finds it among all"),
    ],
)
def test_an_id_that_is_stored_twice_is_an_error(
    engine: sa.Engine, make_settings: Callable[..., Settings], cursor: int, recent: bool, passed: bool
) -> None:
    store(engine, stop(1), stop(2), stop(3, hours=24))
    assert records_check(engine, make_settings(), "record_ids_are_unique", recent=recent).passed
    execute(engine, "update telemetry.records set record_id = 2 where record_id = 3")
    execute(engine, f"update telemetry.sync_state set cursor = {cursor}")
    result = records_check(engine, make_settings(), "record_ids_are_unique", recent=recent)
    assert result.passed is passed
    assert result.severity is dg.AssetCheckSeverity.ERROR
    assert figures(result) == {"duplicates": 0 if passed else 1}


@pytest.mark.parametrize(
    ("damage", "passed", "stops", "views"),
    [
        pytest.param("select", True, 2, 2, id="as many"),
        pytest.param("delete from telemetry.views where record_id = 1", False, 2, 1, id="a view is lost"),
        pytest.param("delete from telemetry.records where record_id = 1", False, 1, 2, id="a stop is lost"),
    ],
)
def test_views_that_are_not_as_many_as_their_stops_are_an_error(
    engine: sa.Engine, make_settings: Callable[..., Settings], damage: str, passed: bool, stops: int, views: int
) -> None:
    store(engine, stop(1), stop(2))
    merge(engine, ZONE)
    execute(engine, damage)
    result = views_check(engine, make_settings(), "views_are_stops")
    assert result.passed is passed
    assert result.severity is dg.AssetCheckSeverity.ERROR
    assert figures(result) == {"stops": stops, "views": views}


def test_stops_that_came_after_the_merge_are_not_missed(engine: sa.Engine, make_settings: Callable[..., Settings]) -> None:
    store(engine, stop(1))
    merge(engine, ZONE)
    store(engine, stop(2))
    assert views_check(engine, make_settings(), "views_are_stops").passed


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
