"""The real assets over real servers, executed in this process; the executor has its own test of the whole."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from orchestration_harness import failure, materialized, metadata_of, record, scalar

from telemetry_pipeline.analyses.documents import DOCUMENTS, gathered
from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.errors import ADVICE, Cancelled
from telemetry_pipeline.orchestration.runtime.cluster.steps import RunGuard
from telemetry_pipeline.results import document_store
from telemetry_pipeline.warehouse.core import rebuilding
from telemetry_pipeline.warehouse.db.connections import connect


def test_a_tick_takes_in_what_is_new_merges_it_and_analyses_today(pipeline: Any, now: datetime, this_day: date) -> None:
    pipeline.simulator.add_records([record(1, 7, now), record(2, 8, now)])
    result = pipeline.run(this_day)
    assert result.success
    assert materialized(result)["top_channels"] == {this_day.isoformat()}
    assert scalar(pipeline, "select channel_name from telemetry.views") == "Canal Siete"
    assert scalar(pipeline, "select channel from analysis.top_channels") == "Canal Siete"


def test_a_tick_that_finds_nothing_new_ends_there(pipeline: Any, now: datetime, this_day: date) -> None:
    pipeline.simulator.add_records([record(1, 8, now)])
    assert pipeline.run(this_day).success
    second = pipeline.run(this_day)
    assert second.success
    assert materialized(second) == {}


def test_late_records_are_taken_in_and_their_day_is_reported(pipeline: Any, now: datetime, this_day: date) -> None:
    late = now - timedelta(days=9)
    pipeline.simulator.add_records([record(1, 8, now), record(2, 8, late)])
    found = materialized(pipeline.run(this_day))
    late_day = late.astimezone(pipeline.settings.operator_zone).date().isoformat()
    assert found["telemetry_records"] == {this_day.isoformat(), late_day}
    assert found["ott_views"] == {this_day.isoformat(), late_day}
    assert found["top_channels"] == {this_day.isoformat()}


def test_a_range_computes_each_of_its_days_in_one_run(pipeline: Any, now: datetime, this_day: date) -> None:
    pipeline.simulator.add_records([record(n, 8, now - timedelta(days=n)) for n in range(1, 5)])
    first = this_day - timedelta(days=4)
    result = pipeline.run(first, this_day)
    assert result.success
    days = {(first + timedelta(days=n)).isoformat() for n in range(5)}
    found = materialized(result)
    assert all(found[asset] == days for asset in ("telemetry_records", "ott_views", "general_summary"))
    assert scalar(pipeline, "select count(*) from analysis.general_summary") == 5


def test_a_past_day_is_repaired_without_moving_the_cursor(pipeline: Any, now: datetime, this_day: date) -> None:
    pipeline.simulator.add_records([record(1, 8, now - timedelta(days=3)), record(2, 8, now)])
    past = (now - timedelta(days=3)).astimezone(pipeline.settings.operator_zone).date()
    assert pipeline.run(past).success
    assert scalar(pipeline, "select array_agg(record_id) from telemetry.records") == [1]
    assert scalar(pipeline, "select cursor from telemetry.sync_state") == 0


def test_a_repair_longer_than_a_step_goes_on_where_it_stopped(pipeline: Any, now: datetime, this_day: date) -> None:
    """Every step stops after its first page, and the run still stores everything."""
    pipeline.simulator.add_records([record(n, 8, now - timedelta(days=n)) for n in range(1, 6)])
    config = {"ops": {"telemetry_records": {"config": {"max_seconds": 0}}}}
    result = pipeline.run(this_day - timedelta(days=6), this_day - timedelta(days=1), run_config=config)
    assert result.success
    assert scalar(pipeline, "select count(*) from telemetry.records") >= 4
    assert scalar(pipeline, "select count(*) from telemetry.sync_repairs") == 0


@pytest.mark.slow
def test_an_unreachable_panaccess_fails_clearly_after_three_tries(pipeline: Any, this_day: date) -> None:
    pipeline.simulator.set_faults([{"kind": "error", "status": 503, "functions": ["*"]}])
    pipeline.simulator.reset_requests()
    result = pipeline.run(this_day)
    assert not result.success
    assert "HTTP 503" in failure(result, "telemetry_records")
    assert sum(pipeline.simulator.requests()["functions"].values()) == 3
    assert scalar(pipeline, "select cursor from telemetry.sync_state") == 0
    pipeline.simulator.set_faults([])
    assert pipeline.run(this_day).success


def test_a_wrong_password_is_tried_once_and_not_again_by_the_next_tick(
    pipeline: Any, make_settings: Any, this_day: date
) -> None:
    settings = pipeline.settings.model_copy(update={"panaccess_username": "somebody-else"})
    wrong = type(pipeline)(settings, pipeline.simulator, pipeline.instance)
    for _ in range(2):
        result = wrong.run(this_day)
        assert not result.success
        failed = result.failure_data_for_node("telemetry_records")
        assert failed
        assert failed.user_failure_data
        assert "PANACCESS_PASSWORD" in str(failed.user_failure_data.metadata[ADVICE].value)
    assert pipeline.simulator.requests()["rejected_logins"] == 1


def test_impossible_parameters_fail_where_no_launcher_stood_before_them(pipeline: Any, now: datetime, this_day: date) -> None:
    pipeline.simulator.add_records([record(1, 8, now)])
    result = pipeline.run(this_day, run_config={"ops": {"general": {"config": {"top_channels": {"limit": 0}}}}})
    assert "top_channels cannot run with these parameters: limit" in failure(result, "general")


@pytest.mark.slow
def test_the_whole_graph_fills_every_table_and_document(pipeline: Any, now: datetime, this_day: date) -> None:
    pipeline.simulator.add_records(
        [record(n, 7 + n % 2, now - timedelta(hours=n), dataId=n // 2 % 3, subscriberCode=f"S{n % 5}") for n in range(1, 60)]
    )
    result = pipeline.run(this_day, selection=dg.AssetSelection.tag("tick", "true"))
    assert result.success
    stored = {name for name, analysis in all_analyses().items() if analysis.runs_unattended}
    assert set(materialized(result)) == {"telemetry_records", "ott_views", *stored, *DOCUMENTS}
    with connect(pipeline.settings.database_url).connect() as connection:
        for document in DOCUMENTS:
            body = document_store.read(connection, document)
            assert body is not None
            assert list(body["analyses"]) == [analysis.name for analysis in gathered(document)]
            assert body["missing"] == []
            assert body["filters"]["last"] == this_day.isoformat()
            where = f"/api/documents/{document}/stored?from={this_day}&to={this_day}"
            assert metadata_of(result, document, this_day)["document"] == where
            [rows] = connection.execute(sa.text("select count(*) from analysis.top_channels")).one()
            assert document != "full_analysis" or len(body["analyses"]["top_channels"]) == rows


def test_a_period_analysis_takes_the_range_of_its_run_and_is_stored_once(pipeline: Any, now: datetime, this_day: date) -> None:
    pipeline.simulator.add_records([record(n, 8, now - timedelta(days=n)) for n in range(1, 4)])
    assert pipeline.run(this_day - timedelta(days=3), this_day).success
    with connect(pipeline.settings.database_url).connect() as connection:
        [row] = connection.execute(sa.text("select period_first, period_last, days, views from analysis.period_summary")).all()
    assert tuple(row) == (this_day - timedelta(days=3), this_day, 4, 3)


def test_a_subscriber_is_asked_for_by_name(pipeline: Any, now: datetime, this_day: date) -> None:
    pipeline.simulator.add_records([record(1, 8, now, subscriberCode="Ñandú")])
    assert pipeline.run(this_day).success
    config = {"ops": {"subscribers": {"config": {"subscriber_profile": {"subscriber_code": "Ñandú"}}}}}
    assert pipeline.run(this_day, selection=["subscriber_profile"], run_config=config).success
    query = "select value from analysis.subscriber_profile where section = 'total' and item = 'views'"
    assert scalar(pipeline, query) == 1


def test_a_cancelled_run_stops_its_steps_before_they_commit(instance: dg.DagsterInstance) -> None:
    run = instance.add_run(dg.DagsterRun(job_name="j", run_id="00000000-0000-4000-8000-000000000002"))
    context: Any = SimpleNamespace(instance=instance, run=run)
    RunGuard(context).check()
    instance.report_run_canceling(run)
    with pytest.raises(Cancelled, match="was ended"):
        RunGuard(context).check()


def test_a_range_is_merged_some_days_at_a_time_and_lets_others_have_the_worker_in_between(
    pipeline: Any, now: datetime, this_day: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "_DAYS_A_MERGE", 2)
    monkeypatch.setattr(rebuilding, "SECONDS_A_STEP", 0.0)
    pipeline.simulator.add_records([record(number + 1, 8, now - timedelta(days=number)) for number in range(5)])
    selection = ["telemetry_records", "ott_views"]
    assert pipeline.run(this_day - timedelta(days=4), this_day, selection=selection).success
    result = pipeline.run(this_day - timedelta(days=4), this_day, selection=selection)
    assert result.success
    again = [event for event in result.all_events if event.event_type is dg.DagsterEventType.STEP_UP_FOR_RETRY]
    assert [event.step_key for event in again].count("ott_views") == 2
    assert scalar(pipeline, "select count(*) from telemetry.views") == 5
    assert scalar(pipeline, "select count(*) from telemetry.sync_repairs") == 0


def test_days_that_had_no_views_are_merged_once(pipeline: Any, now: datetime, this_day: date) -> None:
    """The first range of all had its views merged as new ones and then, days after days, anew."""
    pipeline.simulator.add_records([record(number + 1, 8, now - timedelta(days=number)) for number in range(20)])
    assert pipeline.run(this_day - timedelta(days=2), selection=["telemetry_records", "ott_views"]).success
    result = pipeline.run(this_day - timedelta(days=19), this_day, selection=["telemetry_records", "ott_views"])
    [stored] = [each for each in result.asset_materializations_for_node("ott_views") if "views_merged" in each.metadata][-1:]
    assert scalar(pipeline, "select count(*) from telemetry.views") == 20
    assert stored.metadata["views_merged"].value == 20  # 19 new ones, and the day that had one
