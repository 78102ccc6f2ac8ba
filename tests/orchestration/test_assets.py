"""The real assets over real servers, executed in this process; the executor has its own test of the whole."""

from __future__ import annotations

import json
import re
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from orchestration.conftest import SOME_OF_EACH
from orchestration_harness import record, scalar

from telemetry_pipeline.analyses.documents import DOCUMENTS, gathered
from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.analyses.registry import all_analyses, find_analysis
from telemetry_pipeline.errors import ADVICE, Cancelled
from telemetry_pipeline.orchestration.runtime.cluster.steps import RunGuard
from telemetry_pipeline.results import computing, document_store
from telemetry_pipeline.results.documents import stale_documents
from telemetry_pipeline.results.freshness import staleness
from telemetry_pipeline.results.freshness.staleness import stale_of
from telemetry_pipeline.results.windows import rules_of
from telemetry_pipeline.warehouse.core import rebuilding
from telemetry_pipeline.warehouse.db.connections import connect


def materialized(result: dg.ExecuteInProcessResult) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for event in result.all_events:
        if event.is_step_materialization and event.asset_key:
            found.setdefault(event.asset_key.to_user_string(), set()).add(event.partition or "")
    return found


def failure(result: dg.ExecuteInProcessResult, step: str) -> str:
    data = result.failure_data_for_node(step)
    assert data
    assert data.user_failure_data
    return str(data.user_failure_data.description)


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


def test_a_merge_that_failed_is_made_up_for_by_a_tick_without_news(pipeline: Any, now: datetime, this_day: date) -> None:
    """The records were stored, and their run died before it merged them."""
    pipeline.simulator.add_records([record(1, 8, now)])
    assert pipeline.run(this_day, selection=["telemetry_records"]).success
    assert scalar(pipeline, "select count(*) from telemetry.views") == 0
    assert pipeline.run(this_day).success
    assert scalar(pipeline, "select count(*) from telemetry.views") == 1


FIVE_AND_DOCUMENTS = [*SOME_OF_EACH, "full_analysis", "period_analysis"]


def left_undone(pipeline: Any, day: date, rules: Rules | None = None) -> set[str]:
    """What of a day is not of what is stored, of the analyses and documents that these tests compute."""
    engine = connect(pipeline.settings.database_url)
    chosen = {name: find_analysis(name).parse({}) for name in FIVE_AND_DOCUMENTS[2:5]}
    return {
        *stale_of(engine, day, chosen, rules or rules_of(pipeline.settings)),
        *stale_documents(engine, day, day).get(day, {}),
    }


@pytest.mark.parametrize("last_step", FIVE_AND_DOCUMENTS)
@pytest.mark.slow
def test_whatever_a_tick_did_last_before_it_died_the_next_one_leaves_nothing_undone(
    pipeline: Any, now: datetime, this_day: date, last_step: str
) -> None:
    """No newer record comes: a tick that asked only whether there is any would leave today's figures as they were for good."""
    pipeline.simulator.add_records([record(1, 8, now)])
    assert pipeline.run(this_day, selection=FIVE_AND_DOCUMENTS).success
    pipeline.simulator.add_records([record(2, 8, now)])
    done = FIVE_AND_DOCUMENTS[: FIVE_AND_DOCUMENTS.index(last_step) + 1]
    assert pipeline.run(this_day, selection=done).success
    assert pipeline.run(this_day, selection=FIVE_AND_DOCUMENTS).success
    assert left_undone(pipeline, this_day) == set()
    assert scalar(pipeline, "select views from analysis.general_summary") == 2
    document = (
        "select body->'analyses'->'general_summary'->0->>'views' from analysis.documents where document = 'full_analysis'"
    )
    assert scalar(pipeline, document) == "2"
    assert materialized(pipeline.run(this_day, selection=FIVE_AND_DOCUMENTS)) == {}


@pytest.mark.parametrize(
    "statement",
    [
        "drop table analysis.top_channels cascade",
        "truncate analysis.general_summary",
        "delete from analysis.period_summary",
        "delete from analysis.results where asset = 'top_channels'",
        "alter table analysis.top_channels drop column share_pct cascade",
        "delete from analysis.documents where document = 'period_analysis'",
    ],
)
@pytest.mark.slow
def test_a_tick_makes_up_for_what_somebody_took_away(pipeline: Any, now: datetime, this_day: date, statement: str) -> None:
    pipeline.simulator.add_records([record(1, 8, now)])
    assert pipeline.run(this_day, selection=FIVE_AND_DOCUMENTS).success
    with connect(pipeline.settings.database_url).begin() as connection:
        connection.execute(sa.text(statement))
    assert left_undone(pipeline, this_day) != set()
    assert pipeline.run(this_day, selection=FIVE_AND_DOCUMENTS).success
    assert left_undone(pipeline, this_day) == set()
    assert materialized(pipeline.run(this_day, selection=FIVE_AND_DOCUMENTS)) == {}


@pytest.mark.slow
def test_a_tick_without_news_computes_what_other_code_or_other_rules_computed(
    pipeline: Any, now: datetime, this_day: date, make_settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.simulator.add_records([record(1, 8, now)])
    assert pipeline.run(this_day, selection=FIVE_AND_DOCUMENTS).success
    for module in (computing, staleness):
        monkeypatch.setattr(module, "code_version", lambda _: "another")
    said = metadata_of(pipeline.run(this_day, selection=FIVE_AND_DOCUMENTS), "top_channels", this_day)["result"]
    assert said == "computed: the code changed"
    given = pipeline.settings.model_dump(include={"database_url", "redis_url", "panaccess_url"})
    other = type(pipeline)(make_settings(**given, small_base_subscribers=2), pipeline.simulator, pipeline.instance)
    said = metadata_of(other.run(this_day, selection=FIVE_AND_DOCUMENTS), "top_channels", this_day)["result"]
    assert said == "computed: the views changed"
    assert materialized(other.run(this_day, selection=FIVE_AND_DOCUMENTS)) == {}


@pytest.mark.slow
def test_parameters_that_are_given_to_a_tick_without_news_are_computed(pipeline: Any, now: datetime, this_day: date) -> None:
    pipeline.simulator.add_records([record(1, 8, now)])
    assert pipeline.run(this_day).success
    config = {"ops": {"top_channels": {"config": {"limit": 3}}}}
    for found in ({this_day.isoformat()}, None):
        assert materialized(pipeline.run(this_day, run_config=config)).get("top_channels") == found


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
    result = pipeline.run(this_day, run_config={"ops": {"top_channels": {"config": {"limit": 0}}}})
    assert "top_channels cannot run with these parameters: limit" in failure(result, "top_channels")


def metadata_of(result: dg.ExecuteInProcessResult, asset: str, partition: date) -> dict[str, Any]:
    [event] = [
        event
        for event in result.all_events
        if event.is_step_materialization
        and event.asset_key
        and event.asset_key.to_user_string() == asset
        and event.partition == partition.isoformat()
    ]
    return {name: value.value for name, value in event.materialization.metadata.items()}


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
            shown = metadata_of(result, document, this_day)["document"]
            assert json.loads(json.dumps(shown, allow_nan=False)) == body
            [rows] = connection.execute(sa.text("select count(*) from analysis.top_channels")).one()
            assert document != "full_analysis" or len(body["analyses"]["top_channels"]) == rows


def test_a_materialization_shows_what_there_is_to_see(pipeline: Any, now: datetime, this_day: date) -> None:
    pipeline.simulator.add_records([record(1, 7, now), record(2, 8, now)])
    shown = metadata_of(pipeline.run(this_day), "top_channels", this_day)
    assert shown["chart"].startswith("![gráfica](data:image/svg+xml,")
    assert [row.data["channel"] for row in shown["preview"].records] == ["Canal Siete"]
    assert shown["dagster/partition_row_count"] == 1
    assert shown["period"] == f"{this_day - timedelta(days=29)} to {this_day}"
    assert shown["parameters"] == {"limit": 20, "window_days": 30}
    assert shown["compute_seconds"] > 0
    assert "dagster/column_lineage" not in shown  # it is on the definition, once


def by_partition(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, dict[str, Any]]:
    """What is said of each partition, in the order in which it is stored: the last is what the asset's page shows as latest."""
    return {
        str(event.partition): {name: value.value for name, value in event.materialization.metadata.items()}
        for event in result.all_events
        if event.is_step_materialization and event.asset_key == dg.AssetKey(asset)
    }


def figures(said: dict[str, dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(metadata.get(name) for name in names) for metadata in said.values()]


@pytest.mark.slow
def test_every_partition_of_a_range_keeps_its_figures_and_what_there_is_to_look_at_is_the_newests(
    pipeline: Any, now: datetime, this_day: date
) -> None:
    of_days = [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2), (6, 2)]
    pipeline.simulator.add_records(
        [record(n, 8, now - timedelta(days=day), dataName="Siete", dataDuration=1800) for n, day in of_days]
    )
    selection = [*SOME_OF_EACH, "full_analysis", "period_analysis"]
    for _ in ("computed", "reused"):
        result = pipeline.run(this_day - timedelta(days=2), this_day, selection=selection)
        assert result.success
        said = {asset: by_partition(result, asset) for asset in selection}
        days = [(this_day - timedelta(days=number)).isoformat() for number in (2, 1, 0)]
        assert {asset: list(each) for asset, each in said.items()} == dict.fromkeys(selection, days)

        assert figures(said["telemetry_records"], "dagster/partition_row_count") == [(3,), (2,), (1,)]
        of_views = figures(said["ott_views"], "dagster/partition_row_count", "views", "watch_hours")
        assert of_views == [(3, 3, 1.5), (2, 2, 1.0), (1, 1, 0.5)]
        looking_back = figures(said["general_summary"], "dagster/partition_row_count", "views", "watch_hours", "period")
        since = [day.isoformat() for day in (this_day - timedelta(days=number) for number in (31, 30, 29))]
        periods = [f"{first} to {last}" for first, last in zip(since, days, strict=True)]
        assert looking_back == [(1, 3, 1.5, periods[0]), (1, 5, 2.5, periods[1]), (1, 6, 3.0, periods[2])]
        of_range = figures(said["period_summary"], "dagster/row_count", "views", "watch_hours", "period")
        assert of_range == [(1, 6, 3.0, f"{days[0]} to {days[2]}")] * 3
        assert all(metadata["compute_seconds"] >= 0 for metadata in said["top_channels"].values())
        # Of those selected, the documents have as many as were computed.
        assert figures(said["full_analysis"], "analyses") == [(2,)] * 3
        assert figures(said["period_analysis"], "analyses") == [(1,)] * 3
        for asset, shown in {
            "top_channels": {"chart", "preview"},
            "period_summary": {"preview"},
            "full_analysis": {"document"},
            "period_analysis": {"document"},
            "telemetry_records": {"records_read", "cursor", "sync_seconds"},
            "ott_views": {"views_merged", "merge_seconds"},
        }.items():
            assert [shown <= set(metadata) for metadata in said[asset].values()] == [False, False, True]
            assert [shown & set(metadata) for metadata in said[asset].values()][:2] == [set(), set()]


def test_new_records_are_those_of_each_day(pipeline: Any, now: datetime, this_day: date) -> None:
    late = now - timedelta(days=2)
    pipeline.simulator.add_records([record(1, 8, now), record(2, 8, late), record(3, 8, late)])
    said = by_partition(pipeline.run(this_day, selection=["telemetry_records"]), "telemetry_records")
    assert figures(said, "records_stored", "records_stored_in_all") == [(2, None), (1, 3)]
    assert figures(said, "dagster/partition_row_count") == [(2,), (1,)]


@pytest.mark.slow
def test_a_number_in_metadata_is_a_number(pipeline: Any, now: datetime, this_day: date) -> None:
    """As text the web UI would not plot it."""
    pipeline.simulator.add_records([record(n, 8, now - timedelta(hours=n)) for n in range(1, 4)])
    result = pipeline.run(this_day, selection=[*SOME_OF_EACH, "full_analysis"])
    texts = {
        f"{event.asset_key.to_user_string()}.{name}": value.value
        for event in result.all_events
        if event.is_step_materialization
        for name, value in event.materialization.metadata.items()
        if isinstance(value, dg.TextMetadataValue)
    }
    assert texts
    assert {name: text for name, text in texts.items() if re.fullmatch(r"[\d.,% ]+", str(text))} == {}


def test_a_result_says_whether_it_was_computed_or_reused(pipeline: Any, now: datetime, this_day: date) -> None:
    pipeline.simulator.add_records([record(1, 8, now)])
    said = [
        metadata_of(pipeline.run(this_day, selection=selection), "general_summary", this_day)["result"]
        for selection in (None, ["general_summary"])
    ]
    assert said[0] == "computed: it was not stored yet"
    assert said[1].startswith("reused: computed 20")


def test_a_period_analysis_takes_the_range_of_its_run_and_is_stored_once(pipeline: Any, now: datetime, this_day: date) -> None:
    pipeline.simulator.add_records([record(n, 8, now - timedelta(days=n)) for n in range(1, 4)])
    assert pipeline.run(this_day - timedelta(days=3), this_day).success
    with connect(pipeline.settings.database_url).connect() as connection:
        [row] = connection.execute(sa.text("select period_first, period_last, days, views from analysis.period_summary")).all()
    assert tuple(row) == (this_day - timedelta(days=3), this_day, 4, 3)


def test_a_subscriber_is_asked_for_by_name(pipeline: Any, now: datetime, this_day: date) -> None:
    pipeline.simulator.add_records([record(1, 8, now, subscriberCode="Ñandú")])
    assert pipeline.run(this_day).success
    config = {"ops": {"subscriber_profile": {"config": {"subscriber_code": "Ñandú"}}}}
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
