"""Dagster's storage in PostgreSQL, with connections that are kept."""

from __future__ import annotations

import functools
import os
from typing import Any, Self

import sqlalchemy as sa
from dagster._daemon.types import DaemonHeartbeat
from dagster._serdes import ConfigurableClassData
from dagster_postgres.run_storage import PostgresRunStorage
from dagster_postgres.schedule_storage import PostgresScheduleStorage
from dagster_postgres.storage import DagsterPostgresStorage
from dagster_postgres.utils import pg_url_from_config

from telemetry_pipeline.addresses import postgres_url
from telemetry_pipeline.orchestration import clock
from telemetry_pipeline.warehouse.database import in_utc

_KEPT_CONNECTIONS = 2


class KeepingPostgresStorage(DagsterPostgresStorage):
    """Dagster's own opens a connection for every statement: 1,500 in a tick, nearly half of its processor time."""

    def __init__(self, postgres_url: str, inst_data: ConfigurableClassData | None = None) -> None:
        engine = _engine(postgres_url, os.getpid())
        super().__init__(postgres_url, should_autocreate_tables=False, inst_data=inst_data)
        self._run_storage = _RunStorage(postgres_url, self._schedule_storage)
        for storage in (self._run_storage, self._event_log_storage, self._schedule_storage):
            storage._engine = engine

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Self:
        """The storage that ``dagster.yaml`` describes."""
        return cls(postgres_url(pg_url_from_config(config_value), driver="psycopg2"), inst_data)


class _RunStorage(PostgresRunStorage):
    """Learns that this process is the daemon: nobody else gives signs of life, and each of its parts does before it begins."""

    def __init__(self, postgres_url: str, schedules: PostgresScheduleStorage) -> None:
        super().__init__(postgres_url, should_autocreate_tables=False)
        self._schedules = schedules

    def add_daemon_heartbeat(self, daemon_heartbeat: DaemonHeartbeat) -> None:
        """Before the first one the daemon learns what to do about its clock."""
        clock.before_work(self._schedules)
        super().add_daemon_heartbeat(daemon_heartbeat)


@functools.cache
def _engine(postgres_url: str, _process: int) -> sa.Engine:
    """For all instances of a process: each step has one of its own. It never waits for a connection, and takes none that
    PostgreSQL has closed.
    """
    DagsterPostgresStorage(postgres_url)  # creates the tables where there are none
    return in_utc(
        sa.create_engine(
            postgres_url, isolation_level="AUTOCOMMIT", pool_size=_KEPT_CONNECTIONS, max_overflow=-1, pool_pre_ping=True
        )
    )
