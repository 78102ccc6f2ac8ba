"""Reports that are due are asked for once, when their days are complete or may wait no longer; and what runs make is theirs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from fakes import FakeWarehouse, asset, metadata_of
from warehouse_events import MEXICO, ZONE, complete, start, stop, store, with_two_days

from telemetry_pipeline.analyses.reports import KINDS, Wanted
from telemetry_pipeline.days import AllowedDays, Period
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.orchestration.build import build_defs
from telemetry_pipeline.orchestration.due_reports import look_at, tell
from telemetry_pipeline.orchestration.requests import check_request
from telemetry_pipeline.orchestration.schedules import build_schedules
from telemetry_pipeline.orchestration.sensors.reports import build_reports_sensor
from telemetry_pipeline.reports.publishing.due import Due, Waiting, last_due
from telemetry_pipeline.reports.publishing.published import Addressees, Published
from telemetry_pipeline.reports.publishing.publishing import gather
from telemetry_pipeline.reports.publishing.subscribing import subscribe
from telemetry_pipeline.results.views.windows import Store, rules_of
from telemetry_pipeline.settings.loading import Settings
from telemetry_pipeline.warehouse.access.audit import Actor
from telemetry_pipeline.warehouse.core.views import merge
from telemetry_pipeline.warehouse.operations import problems
from telemetry_pipeline.warehouse.outgoing import made_reports

MakeSettings = Callable[..., Settings]
NOW = datetime(2025, 2, 1, 15, tzinfo=UTC)  # nine in Mexico, of which the day before is the last one of the data
ALLOWED = AllowedDays(date(2026, 1, 1), date(2026, 11, 21), "America/Mexico_City")


@pytest.fixture
def data(engine: sa.Engine) -> sa.Engine:
    return with_two_days(engine)


def due(settings: Settings, name: str = "daily_report", now: datetime = NOW) -> Due:
    [found] = [each for each in last_due(settings, settings.operator_zone, now) if each.kind.name == name]
    return found


def asked(
    instance: dg.DagsterInstance,
    engine: sa.Engine,
    settings: Settings,
    name: str = "daily_report",
    after: timedelta = timedelta(),
) -> list[dg.RunRequest]:
    answer = look_at(instance, engine, due(settings, name), settings, NOW + after, NOW)
    tell(engine, [answer])
    return list(answer.requests)


def incomplete(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("update telemetry.sync_state set complete_before = '2025-01-31'"))


def open_problems(engine: sa.Engine) -> list[tuple[str, int]]:
    return [(each.key, each.times) for each in problems.open_problems(engine)]


def test_a_report_whose_days_are_complete_is_asked_for_with_delivery(
    data: sa.Engine, instance: dg.DagsterInstance, make_settings: MakeSettings
) -> None:
    [request] = asked(instance, data, make_settings())
    assert request.partition_key == "2025-01-31"
    assert request.run_config == {"ops": {"daily_report": {"config": {"deliver": True}}}}
    assert request.tags["telemetry/report"] == "daily_report:2025-01-31"


def test_one_that_is_asked_for_or_made_is_not_asked_for_again(
    data: sa.Engine, instance: dg.DagsterInstance, make_settings: MakeSettings
) -> None:
    """A run that failed is told, and for a person to repeat."""
    run = dg.DagsterRun("__ASSET_JOB", tags={"telemetry/report": "daily_report:2025-01-31"}, status=dg.DagsterRunStatus.FAILURE)
    instance.add_run(run)
    assert asked(instance, data, make_settings()) == []
    instance.delete_run(run.run_id)
    assert len(asked(instance, data, make_settings())) == 1
    with data.begin() as connection:
        day = date(2025, 1, 31)
        made_reports.add(connection, "daily_report", "", day, day, [], is_scheduled=True, is_complete=True)
    assert asked(instance, data, make_settings()) == []


def test_one_that_waits_for_its_days_is_made_when_they_are_complete_or_the_deadline_is_over(
    data: sa.Engine, instance: dg.DagsterInstance, make_settings: MakeSettings
) -> None:
    incomplete(data)
    settings = make_settings()
    assert asked(instance, data, settings, after=timedelta(hours=3.9)) == []
    assert open_problems(data) == []
    assert len(asked(instance, data, settings, after=timedelta(hours=4.1))) == 1
    assert open_problems(data) == [("report:daily_report", 1)]
    with data.begin() as connection:
        connection.execute(sa.text("update telemetry.sync_state set complete_before = '2100-01-01'"))
    assert len(asked(instance, data, settings, after=timedelta(hours=4.2))) == 1
    assert open_problems(data) == []


def test_one_that_is_withheld_is_told_once(data: sa.Engine, instance: dg.DagsterInstance, make_settings: MakeSettings) -> None:
    incomplete(data)
    settings = make_settings(incomplete_reports="withhold")
    for minutes in range(3):
        assert asked(instance, data, settings, after=timedelta(hours=5, minutes=minutes)) == []
    assert open_problems(data) == [("report:daily_report", 1)]


def test_one_of_whose_days_records_wait_to_be_merged_waits(
    data: sa.Engine, instance: dg.DagsterInstance, make_settings: MakeSettings
) -> None:
    """The sync has read all of them, and the views lack some."""
    store(data, stop(1_000, channel=1, duration=3_600, hours=30))
    complete(data, date(2025, 2, 1))
    settings = make_settings()
    wanted = Wanted(KINDS["daily_report"], Period(date(2025, 1, 31), date(2025, 1, 31)))
    assert asked(instance, data, settings) == []
    assert not gather(data, Store(rules_of(settings)), settings, wanted).complete
    merge(data, ZONE)
    assert len(asked(instance, data, settings)) == 1
    assert gather(data, Store(rules_of(settings)), settings, wanted).complete


def test_reports_of_channels_are_made_of_those_that_somebody_subscribed_to(
    data: sa.Engine, instance: dg.DagsterInstance, make_settings: MakeSettings
) -> None:
    settings = make_settings(monthly_report_cron="0 8 1 * *")
    store(data, start(90, "B", channel=2))
    merge(data, ZONE)
    with data.begin() as connection:
        for channel, someone in (("B", "ana@example.com"), ("A", "ana@example.com"), ("A", "eva@example.com")):
            subscribe(connection, Actor("ana", "command"), "channel_report", channel, ("pdf",), (someone,))
    found = asked(instance, data, settings, "channel_report", timedelta(hours=100))
    assert [each.run_config["ops"]["channel_report"]["config"]["channel"] for each in found] == ["A", "B"]
    assert {each.partition_key for each in found} == {"2025-01-01"}


def test_the_schedule_asks_at_its_hour_and_the_sensor_for_what_it_did_not(
    data: sa.Engine, instance: dg.DagsterInstance, make_settings: MakeSettings
) -> None:
    hour = (datetime.now(MEXICO) - timedelta(hours=2)).hour
    url = data.url.render_as_string(hide_password=False)
    settings = make_settings(database_url=url, first_partition=date(2025, 1, 1), daily_report_cron=f"0 {hour} * * *")
    wanted = due(settings, now=datetime.now(UTC)).period.first.isoformat()
    schedule = next(each for each in build_schedules(settings) if each.name == "daily_report_schedule")
    repository = build_defs(settings).get_repository_def()
    said = schedule.evaluate_tick(dg.build_schedule_context(instance=instance, repository_def=repository))
    assert [request.partition_key for request in said.run_requests or []] == [wanted]
    context = dg.build_sensor_context(instance=instance, repository_def=repository)
    result = build_reports_sensor(settings)(context)
    assert isinstance(result, dg.SensorResult)
    assert ("daily_report", wanted) in [
        (request.asset_selection[0].to_user_string(), request.partition_key)
        for request in result.run_requests or []
        if request.asset_selection
    ]
    waiting = [report.name for report, _ in Waiting.read(context.cursor).seen]
    assert f"daily_report:{wanted}" not in waiting
    assert isinstance(build_reports_sensor(settings)(context), dg.SkipReason)


@pytest.mark.parametrize(
    ("name", "partition", "config", "said"),
    [
        ("weekly_report", "2026-11-18", {}, "that of 2026-11-18 is 2026-11-16"),
        ("monthly_report", "2026-11-18", {}, "that of 2026-11-18 is 2026-11-01"),
        ("channel_report", "2026-11-01", {}, "channel"),
        ("daily_report", "2026-11-18", {"first": "2026-11-01"}, "both its first and its last day"),
        ("daily_report", "2026-11-18", {"first": "2026-11-09", "last": "2026-11-01"}, "before it"),
        ("daily_report", "2026-11-18", {"first": "2025-11-09", "last": "2026-11-01"}, "no partition 2025-11-09"),
        ("daily_report", "2026-11-18", {"send_to": "ana"}, "send_to"),
        ("daily_report", "2026-11-18", {"format": "pdf"}, "format"),
    ],
)
def test_a_report_that_cannot_be_is_refused_at_launch(name: str, partition: str, config: dict[str, Any], said: str) -> None:
    run_config = {"ops": {name: {"config": config}}}
    with pytest.raises(RequestRefused) as refused:
        check_request("__ASSET_JOB", {"dagster/partition": partition}, run_config, allowed=ALLOWED, assets=[name])
    assert said in str(refused.value)


class Publisher(FakeWarehouse):
    """Notes what it is asked for."""

    def publish(self, wanted: Wanted, addressees: Addressees, run: str, **given: Any) -> Published:
        self.wanted, self.addressees = wanted, addressees
        return super().publish(wanted, addressees, run, **given)


@pytest.mark.parametrize(
    ("name", "partition", "first", "last"),
    [
        ("daily_report", "2026-01-30", "2026-01-30", "2026-01-30"),
        ("weekly_report", "2026-01-26", "2026-01-26", "2026-02-01"),
        ("monthly_report", "2026-02-01", "2026-02-01", "2026-02-28"),
    ],
)
def test_a_run_of_a_partition_makes_the_report_of_its_days(name: str, partition: str, first: str, last: str) -> None:
    warehouse = Publisher()
    done = dg.materialize([asset(name)], partition_key=partition, resources={"warehouse": warehouse})
    assert str(warehouse.wanted.period) == f"{first} to {last}"
    assert warehouse.addressees == Addressees()
    assert metadata_of(done, name)["period"] == f"{first} to {last}"


def test_a_run_of_other_days_makes_these_and_not_its_partition() -> None:
    warehouse = Publisher()
    config = {"first": "2026-01-05", "last": "2026-01-20", "channel": "Siete", "send_to": "ana@example.com"}
    done = dg.materialize(
        [asset("channel_report")],
        partition_key="2026-01-01",
        resources={"warehouse": warehouse},
        run_config={"ops": {"channel_report": {"config": config}}},
    )
    assert done.success
    assert (str(warehouse.wanted.period), warehouse.wanted.channel) == ("2026-01-05 to 2026-01-20", "Siete")
    assert warehouse.addressees == Addressees(one="ana@example.com")
    assert done.asset_materializations_for_node("channel_report") == []
    [observed] = done.asset_observations_for_node("channel_report")
    assert observed.metadata["period"].value == "2026-01-05 to 2026-01-20"


def test_the_process_of_a_run_loads_nothing_that_makes_reports() -> None:
    """Each of 720 ticks a day starts one; to load it takes a tenth of a second."""
    makers = {"xlsxwriter", "typst", "altair"}
    program = f"import sys, telemetry_pipeline.orchestration.build; print({makers} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_child_of_a_process_that_has_loaded_what_a_worker_does_draws_pictures() -> None:
    """The engine that draws them does not survive a fork; what loads it is loaded before."""
    program = """
import importlib, multiprocessing
from telemetry_pipeline.orchestration.runtime.cluster.executor import LOADED
from telemetry_pipeline.reports.figures.rendering import png
for each in LOADED:
    importlib.import_module(each)
def draw():
    picture = {"data": {"values": [{"a": 1}]}, "mark": "bar", "encoding": {"x": {"field": "a", "type": "quantitative"}}}
    assert png(picture, 1).startswith(b"\\x89PNG")
child = multiprocessing.get_context("fork").Process(target=draw, daemon=True)
child.start()
child.join(60)
print("exit code", child.exitcode)
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "exit code 0", done.stderr
