"""Dagster over settings, instances and a pipeline of a test's own."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
import yaml
from celery import Celery
from dagster_celery.make_app import make_app
from orchestration_harness import STORAGE

from telemetry_pipeline.days import today
from telemetry_pipeline.orchestration.build import build_defs
from telemetry_pipeline.settings.addresses import postgres_url as as_postgres_url
from telemetry_pipeline.settings.loading import Settings
from telemetry_pipeline.simulator.server import SimulatorServer
from telemetry_pipeline.stack.servers.reach import at_database

# The whole graph is run once, in test_assets; more is said of single analyses in tests/analyses.
SOME_OF_EACH = ["telemetry_records", "ott_views", "general_summary", "top_channels", "period_summary"]
SECRET = "hunter2-very-secret"

PROJECT = Path(__file__).parents[2]

_numbers = itertools.count(1)


@pytest.fixture
def app(broker_url: str) -> Iterator[Celery]:
    """The application that dagster-celery submits steps with."""
    with make_app({"broker": broker_url, "backend": broker_url}) as app:
        yield app


@pytest.fixture
def make_settings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Settings]:
    """Settings that no variable of the surroundings and no .env file reaches."""
    return _maker(monkeypatch, tmp_path_factory)


def _maker(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Settings]:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path_factory.mktemp("cwd"))

    def make(**given: object) -> Settings:
        return Settings.load(
            **{
                "database_url": f"postgresql://nobody:{SECRET}@127.0.0.1:1/none",
                "dagster_database_url": f"postgresql://nobody:{SECRET}@127.0.0.1:1/none",
                "redis_url": f"redis://:{SECRET}@127.0.0.1:1/0",
                "panaccess_url": "http://127.0.0.1:1/",
                "panaccess_username": "simulator",
                "panaccess_password": "simulator",
                "panaccess_api_token": "simulator",
                "panaccess_salt": "simulator",
                "first_partition": date(2026, 1, 1),
                **given,
            }
        )

    return make


@pytest.fixture(scope="session")
def defs(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    """To be looked at."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        return build_defs(_maker(monkeypatch, tmp_path_factory)())


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path), {"telemetry": {"enabled": False}}) as temporary:
        yield temporary


@pytest.fixture
def postgres_instance(tmp_path: Path, postgres_url: str) -> Iterator[dg.DagsterInstance]:
    """A Dagster instance that keeps its runs and events where production does."""
    name = f"dagster_{next(_numbers)}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"create database {name}")
        url = as_postgres_url(at_database(postgres_url, name), driver="psycopg2")
        storage = {"storage": {"postgres": {"postgres_url": url}}, "telemetry": {"enabled": False}}
        with dg.DagsterInstance.local_temp(str(tmp_path), storage) as temporary:
            yield temporary
        connection.execute(f"drop database {name} with (force)")


@pytest.fixture
def instance_in_postgres(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """One with the storage of production."""
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump({"storage": STORAGE, "telemetry": {"enabled": False}}))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_DATABASE_URL", database_url)
    with dg.DagsterInstance.get() as instance:
        yield instance


@pytest.fixture
def pipeline(
    make_settings: Callable[..., Settings],
    database_url: str,
    redis_url: str,
    simulator: Callable[..., SimulatorServer],
    instance: dg.DagsterInstance,
) -> Pipeline:
    server = simulator()
    settings = make_settings(database_url=database_url, redis_url=redis_url, panaccess_url=server.url, step_retries=0)
    return Pipeline(settings, server, instance)


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def this_day(pipeline: Any) -> date:
    return today(pipeline.settings.operator_zone)


class Pipeline:
    """The real assets over a real database and a simulator, executed in this process."""

    def __init__(self, settings: Settings, simulator: SimulatorServer, instance: dg.DagsterInstance) -> None:
        self.settings = settings
        self.simulator = simulator
        self.instance = instance
        self._defs = build_defs(settings)

    def run(
        self,
        first: date,
        last: date | None = None,
        selection: list[str] | dg.AssetSelection | None = None,
        run_config: dict[str, object] | None = None,
    ) -> dg.ExecuteInProcessResult:
        """One partition, or a range in one run."""
        job = dg.Definitions(
            assets=list(self._defs.assets or []),
            resources=self._defs.resources,
            jobs=[dg.define_asset_job("job", selection=selection or SOME_OF_EACH)],
            executor=dg.in_process_executor,
        ).resolve_job_def("job")
        if last is None:
            return job.execute_in_process(
                partition_key=first.isoformat(),
                instance=self.instance,
                raise_on_error=False,
                run_config=run_config,
            )
        return job.execute_in_process(
            tags={
                "dagster/asset_partition_range_start": first.isoformat(),
                "dagster/asset_partition_range_end": last.isoformat(),
            },
            instance=self.instance,
            raise_on_error=False,
            run_config=run_config,
        )
