"""A clock that was ahead and is set back: Dagster's daemon goes on, with the real scheduler and storage."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.scheduler.instigation import SensorInstigatorData, TickStatus
from dagster._core.storage.schedules import SqlScheduleStorage
from dagster._core.test_utils import create_test_daemon_workspace_context
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.sensor import execute_sensor_iteration
from dagster._daemon.types import DaemonHeartbeat
from dagster._scheduler.scheduler import launch_scheduled_runs

from telemetry_pipeline.orchestration.runtime import clock
from telemetry_pipeline.orchestration.runtime.clock import SetBack

LOG = logging.getLogger(__name__)
# Dagster writes what it wants nobody to use any more into what describes a schedule.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

STEP = timedelta(hours=2)
MINUTE = timedelta(minutes=1)
DEFINITIONS = """
import dagster as dg

@dg.job
def job():
    pass

@dg.schedule(job=job, cron_schedule="* * * * *", default_status=dg.DefaultScheduleStatus.RUNNING)
def every_minute(context):
    return dg.SkipReason("a tick")

@dg.sensor(job=job, minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING)
def often(context):
    return dg.SkipReason("a look")

defs = dg.Definitions(schedules=[every_minute], sensors=[often])
"""
ENDS = """
import threading, time
from telemetry_pipeline.orchestration.runtime import clock
real, ahead = time.time, 7200.0
time.time = lambda: real() + ahead
threading.Thread(target=clock._end_when_set_back, daemon=True).start()
print("ahead", flush=True)
input()
ahead = 0.0
time.sleep(600)
"""


@pytest.fixture
def workspace(instance_in_postgres: dg.DagsterInstance, tmp_path: Path) -> Iterator[WorkspaceProcessContext]:
    """With a schedule and a sensor."""
    (tmp_path / "toy.py").write_text(DEFINITIONS)
    origin = LoadableTargetOrigin(python_file=str(tmp_path / "toy.py"), executable_path=sys.executable)
    target = InProcessWorkspaceLoadTarget(InProcessCodeLocationOrigin(origin, location_name="toy"))
    with create_test_daemon_workspace_context(target, instance_in_postgres) as context:
        yield context


def schedule(workspace: WorkspaceProcessContext, at: datetime) -> None:
    """An iteration of the scheduler at a time, by a daemon that has just been started."""
    list(launch_scheduled_runs(workspace, LOG, at, iteration_times={}))


def moments(workspace: WorkspaceProcessContext, name: str) -> list[datetime]:
    """When the schedule or the sensor ran, the newest first."""
    instance = workspace.instance
    (state,) = (each for each in instance.all_instigator_state() if each.instigator_name == name)
    ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id)
    assert {tick.status for tick in ticks} <= {TickStatus.SKIPPED}
    return [datetime.fromtimestamp(tick.timestamp, UTC) for tick in ticks]


@pytest.mark.slow
def test_schedules_and_sensors_go_on_after_a_clock_was_set_back(workspace: WorkspaceProcessContext) -> None:
    """No tick came for as long as the clock had been ahead, whether the daemon was restarted or not."""
    instance = workspace.instance
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    for at in (now + STEP, now + STEP + MINUTE, now + STEP + 2 * MINUTE):
        schedule(workspace, at)
    list(execute_sensor_iteration(workspace, LOG, None, None))
    (sensor,) = (each for each in instance.all_instigator_state() if each.instigator_name == "often")
    ahead = (now + STEP).timestamp()
    data = sensor.instigator_data
    assert isinstance(data, SensorInstigatorData)
    instance.update_instigator_state(
        sensor.with_data(data._replace(last_tick_timestamp=ahead, last_tick_start_timestamp=ahead, cursor="a run"))
    )
    for minutes in range(3):
        schedule(workspace, now + minutes * MINUTE)
    assert min(moments(workspace, "every_minute")) >= now + STEP, "there is no tick of now"

    clock._begun.clear()
    instance.add_daemon_heartbeat(DaemonHeartbeat(time.time(), "SCHEDULER", "new", []))
    for minutes in range(1, 4):
        schedule(workspace, now + minutes * MINUTE)
    assert moments(workspace, "every_minute")[:2] == [now + 3 * MINUTE, now + 2 * MINUTE]
    assert max(moments(workspace, "every_minute")) == now + 3 * MINUTE
    (sensor,) = (each for each in instance.all_instigator_state() if each.instigator_name == "often")
    assert isinstance(sensor.instigator_data, SensorInstigatorData)
    assert (sensor.instigator_data.last_tick_start_timestamp or ahead) < time.time() + 1
    assert sensor.instigator_data.cursor == "a run"


def test_what_is_of_the_past_stays_as_it_is(workspace: WorkspaceProcessContext) -> None:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    for minutes in (-3, -2, -1, 0):
        schedule(workspace, now + minutes * MINUTE)
    before = workspace.instance.all_instigator_state()
    storage = workspace.instance.schedule_storage
    assert isinstance(storage, SqlScheduleStorage)
    assert clock.forget_the_future(storage, time.time()) == 0
    assert workspace.instance.all_instigator_state() == before
    assert len(moments(workspace, "every_minute")) == 4


def test_a_clock_is_set_back_only_if_it_is_by_more_than_a_minute() -> None:
    seconds = range(1_000, 1_005)
    ahead = [0, 7_200, 7_150, 7_139, 0]
    clock = iter([now + offset for now, offset in zip(seconds, ahead, strict=True)])
    is_set_back = SetBack(clock.__next__, iter(seconds).__next__)
    assert [is_set_back() for _ in seconds] == [False, False, False, True, True]


def test_a_daemon_whose_clock_is_set_back_ends_to_be_started_again() -> None:
    with subprocess.Popen([sys.executable, "-c", ENDS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ahead\n"
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.wait(60) == -signal.SIGTERM
