"""The analyses of a theme are made in one step, and yet each is an asset of its own: launched alone, told of, failed alone."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import dagster as dg
import pytest
from analyses.oracle import View
from fakes import FakeWarehouse, asset, materializations_of
from orchestration_harness import materialized, record, sense

from telemetry_pipeline.analyses.framework.declaration import Analysis
from telemetry_pipeline.days import Period
from telemetry_pipeline.errors import ADVICE, FAILED, Cancelled, RequestRefused, StatementFailed, WarehouseUnavailable
from telemetry_pipeline.orchestration.resources import Warehouse
from telemetry_pipeline.results.computing import Updated
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.operations import dead_letters, problems

DAY = date(2026, 1, 3)
NAMES = ["channel_performance", "cohorts", "top_channels"]


class Failing(FakeWarehouse):
    """It fails at some analyses, and knows in which order it was asked."""

    def __init__(self, **errors: Exception) -> None:
        super().__init__(View(DAY, channel_name="Siete"))
        self._errors = errors
        self.asked: list[str] = []

    def update(self, analysis: Analysis, period: Period, *parameters: Any, **options: Any) -> Updated:
        self.asked.append(analysis.name)
        if analysis.name in self._errors:
            raise self._errors[analysis.name]
        return super().update(analysis, period, *parameters, **options)


def materialize(warehouse: FakeWarehouse, names: list[str] = NAMES, **options: Any) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        [asset(names[0])],
        selection=names,
        partition_key=DAY.isoformat(),
        resources={"warehouse": warehouse},
        tags={"dagster/schedule_name": "telemetry_sync_schedule"},
        raise_on_error=False,
        **options,
    )


def made(done: dg.ExecuteInProcessResult) -> set[str]:
    return {name for name in NAMES if materializations_of(done, name)}


def told(done: dg.ExecuteInProcessResult) -> tuple[str, dict[str, Any]]:
    failed = done.failure_data_for_node("general")
    assert failed
    assert failed.user_failure_data
    values = {name: entry.value for name, entry in failed.user_failure_data.metadata.items()}
    return str(failed.user_failure_data.description), values


def test_only_what_is_chosen_is_made_in_one_step_the_one_of_most_days_first() -> None:
    """The views that it has loaded do for the others."""
    warehouse = Failing()
    done = materialize(warehouse)
    assert {event.step_key for event in done.all_events if event.is_step_success} == {"general"}
    assert warehouse.asked == ["cohorts", "channel_performance", "top_channels"]
    assert made(done) == set(NAMES)


def test_each_is_given_its_own_parameters() -> None:
    config = {"ops": {"general": {"config": {"top_channels": {"limit": 3}}}}}
    done = materialize(Failing(), run_config=config)
    parameters = {name: materializations_of(done, name)[-1].metadata["parameters"].value for name in NAMES}
    assert parameters["top_channels"] == {"window_days": 30, "limit": 3}
    assert parameters["cohorts"] == {"window_days": None}


def test_one_that_fails_is_named_and_all_others_are_made() -> None:
    errors = {"cohorts": ZeroDivisionError("division by zero"), "top_channels": RequestRefused("too much", "ask for less")}
    done = materialize(Failing(**errors))
    assert not done.success
    assert made(done) == {"channel_performance"}
    description, values = told(done)
    assert description == "cohorts: ZeroDivisionError: division by zero; top_channels: too much"
    assert values == {
        f"{FAILED}/cohorts": "ZeroDivisionError: division by zero",
        f"{FAILED}/top_channels": "too much",
        f"{ADVICE}/top_channels": "ask for less",
    }


def test_one_that_cannot_run_with_its_parameters_is_named_and_all_others_are_made() -> None:
    """Where no launcher stood before it."""
    done = materialize(Failing(), run_config={"ops": {"general": {"config": {"top_channels": {"limit": 0}}}}})
    assert made(done) == {"channel_performance", "cohorts"}
    assert told(done)[1].keys() == {f"{FAILED}/top_channels"}


@pytest.mark.parametrize("error", [WarehouseUnavailable("PostgreSQL is away"), Cancelled("the run was ended")])
def test_what_would_fail_every_one_ends_the_step_at_once(error: Exception) -> None:
    warehouse = Failing(channel_performance=error)
    done = materialize(warehouse)
    assert warehouse.asked == ["cohorts", "channel_performance"]
    assert made(done) == {"cohorts"}
    assert told(done) == (error.args[0], {})


@pytest.mark.parametrize(
    ("errors", "again"),
    [
        ({"cohorts": RequestRefused("too much")}, False),
        ({"cohorts": RequestRefused("too much"), "top_channels": StatementFailed("deadlock detected")}, True),
    ],
    ids=["none may pass", "one may pass"],
)
def test_the_step_is_tried_again_if_one_of_the_failures_may_pass(
    errors: dict[str, Exception], again: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("telemetry_pipeline.orchestration.runtime.cluster.attempts.is_tick", lambda run: True)
    monkeypatch.setattr("telemetry_pipeline.orchestration.runtime.cluster.attempts.PROMPTLY_SECONDS", 0)
    warehouse = Failing(**errors)
    with dg.instance_for_test() as instance:
        done = materialize(warehouse, instance=instance)
    assert warehouse.asked[:3] == ["cohorts", "channel_performance", "top_channels"]
    assert (len(warehouse.asked) > 3) is again
    assert told(done)[1].keys() == {f"{FAILED}/{name}" for name in errors}
    retries = [str(event.step_retry_data.error) for event in done.all_events if event.is_step_up_for_retry]
    assert all("cohorts: too much; top_channels: deadlock detected" in retry for retry in retries)


@pytest.mark.slow
def test_an_analysis_that_fails_is_a_dead_letter_that_none_of_its_theme_settles_but_itself(
    pipeline: Any, now: datetime, this_day: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = connect(pipeline.settings.database_url)
    theme = ["top_channels", "geography", "peak_hours"]
    pipeline.simulator.add_records([record(1, 7, now), record(2, 8, now)])
    assert pipeline.run(this_day, selection=["telemetry_records", "ott_views"]).success
    update = Warehouse.update

    def failing(warehouse: Warehouse, analysis: Analysis, *arguments: Any, **options: Any) -> Any:
        if analysis.name == "geography":
            raise ZeroDivisionError("division by zero")
        return update(warehouse, analysis, *arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(Warehouse, "update", failing)
        failed = pipeline.run(this_day, selection=theme)
    assert set(materialized(failed)) == {"top_channels", "peak_hours"}
    sense(pipeline, failed)
    [problem] = problems.open_problems(engine)
    assert (problem.summary, problem.detail) == ("job failed at geography", "ZeroDivisionError: division by zero")
    [letter] = dead_letters.open_letters(engine)
    assert (letter.step, letter.error) == ("geography", "ZeroDivisionError: division by zero")
    sense(pipeline, pipeline.run(this_day, selection=["top_channels", "peak_hours"]))
    assert dead_letters.open_letters(engine) == [letter]
    sense(pipeline, pipeline.run(this_day, selection=["geography"]))
    assert dead_letters.open_letters(engine) == []
