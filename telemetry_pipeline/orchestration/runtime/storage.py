"""Dagster's storage in PostgreSQL, with connections that are kept, and replaced when PostgreSQL has closed them."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Self

import dagster as dg
import sqlalchemy as sa
from dagster._daemon.types import DaemonHeartbeat
from dagster._serdes import ConfigurableClassData
from dagster_postgres.event_log import PostgresEventLogStorage
from dagster_postgres.run_storage import PostgresRunStorage
from dagster_postgres.schedule_storage import PostgresScheduleStorage
from dagster_postgres.storage import DagsterPostgresStorage
from dagster_postgres.utils import pg_url_from_config

from telemetry_pipeline.orchestration.runtime import clock
from telemetry_pipeline.settings.addresses import postgres_url
from telemetry_pipeline.settings.loading import StackSettings, told_without_a_trace
from telemetry_pipeline.warehouse.db.connections import in_utc

_KEPT_CONNECTIONS = 2


_ASKED_ONCE = (
    "has_table",
    "_has_asset_key_col_on_connection",
    "has_run_stats_index_cols",
    "has_bulk_actions_selector_cols",
    "has_backfill_id_column",
    "has_bulk_action_job_name_column",
    "has_backfill_tags_table",
    "_has_instigators_table",
    "_has_asset_daemon_asset_evaluations_table",
    "has_secondary_index_table",
    "has_built_index",
)
"""What Dagster asks PostgreSQL about its own tables, a hundred times in a tick. What is there does not go away."""


def _asked_once(ask: Callable[..., bool]) -> Callable[..., bool]:
    there: set[tuple[Any, ...]] = set()

    @functools.wraps(ask)
    def asked(storage: _Keeping, *about: Any) -> bool:
        key = (storage.postgres_url, *(each for each in about if not isinstance(each, sa.Connection)))
        if key not in there and ask(storage, *about):
            there.add(key)
        return key in there

    return asked


class _Keeping:
    """One of the three storages. Each makes an engine of its own, and in the web server another one."""

    postgres_url: str
    _engine: sa.Engine

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name in _ASKED_ONCE:
            if hasattr(cls, name):
                setattr(cls, name, _asked_once(getattr(cls, name)))

    def __init__(self, postgres_url: str) -> None:
        super().__init__(postgres_url, should_autocreate_tables=False)  # type: ignore[call-arg]
        self._engine = _engine(postgres_url, os.getpid())

    def optimize_for_webserver(self, statement_timeout: int, pool_recycle: int, max_overflow: int) -> None:
        """Bound the time of statements. Dagster's own engine for this takes connections that PostgreSQL has closed, so that
        the first request after a restart fails.
        """
        self._engine = _engine(self.postgres_url, os.getpid(), statement_timeout)


class KeepingEventLogStorage(_Keeping, PostgresEventLogStorage):
    """Dagster's own takes a connection and a transaction for each of the two or three statements with which an event is
    stored.
    """

    def __init__(self, postgres_url: str) -> None:
        super().__init__(postgres_url)
        self._open = threading.local()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Store what this thread stores in the block, in one transaction."""
        with super()._connect() as connection:
            connection.execution_options(isolation_level="READ COMMITTED")
            with connection.begin():
                self._open.connection = connection
                try:
                    yield
                finally:
                    self._open.connection = None

    def _connect(self) -> AbstractContextManager[sa.Connection]:
        connection = getattr(self._open, "connection", None)
        return super()._connect() if connection is None else nullcontext(connection)

    def store_event(self, event: dg.EventLogEntry) -> None:
        """Store an event; of one that says something of an asset, that too."""
        alone = event.dagster_event is None or event.dagster_event.asset_key is None
        with nullcontext() if alone or getattr(self._open, "connection", None) else self.together():
            super().store_event(event)

    def store_event_batch(self, events: Sequence[dg.EventLogEntry]) -> None:
        """Store events at once, or none of them: Dagster then stores one by one, in the transaction that is open."""
        connection = getattr(self._open, "connection", None)
        with connection.begin_nested() if connection else nullcontext():
            super().store_event_batch(events)


class _ScheduleStorage(_Keeping, PostgresScheduleStorage):
    pass


class _RunStorage(_Keeping, PostgresRunStorage):
    """Learns that this process is the daemon: nobody else gives signs of life, and each of its parts does before it begins."""

    def __init__(self, postgres_url: str, schedules: PostgresScheduleStorage) -> None:
        super().__init__(postgres_url)
        self._schedules = schedules

    def add_daemon_heartbeat(self, daemon_heartbeat: DaemonHeartbeat) -> None:
        """Add a heartbeat; before the first one the daemon learns what to do about its clock."""
        clock.before_work(self._schedules)
        super().add_daemon_heartbeat(daemon_heartbeat)


class KeepingPostgresStorage(DagsterPostgresStorage):
    """Dagster's own opens a connection for every statement: 1,500 in a tick, nearly half of its processor time."""

    def __init__(self, postgres_url: str, inst_data: ConfigurableClassData | None = None) -> None:
        _engine(postgres_url, os.getpid())  # before anything asks for the tables
        super().__init__(postgres_url, should_autocreate_tables=False, inst_data=inst_data)
        self._event_log_storage = KeepingEventLogStorage(postgres_url)
        self._schedule_storage = _ScheduleStorage(postgres_url)
        self._run_storage = _RunStorage(postgres_url, self._schedule_storage)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Self:
        """Return the storage that ``dagster.yaml`` describes.

        :raises SettingsError: its address is none; names every other setting that cannot be used, too.
        """
        try:
            url = postgres_url(pg_url_from_config(config_value), driver="psycopg2")
        except ValueError:
            with told_without_a_trace():
                StackSettings.load()
            raise
        return cls(url, inst_data)


@functools.cache
def _engine(postgres_url: str, _process: int, statement_timeout: int | None = None) -> sa.Engine:
    """Make the engine of all instances of a process, of which each step has one. It never waits for a connection, and takes
    none that PostgreSQL has closed.

    :param statement_timeout: in milliseconds.
    """
    DagsterPostgresStorage(postgres_url)  # creates the tables where there are none
    engine = in_utc(
        sa.create_engine(
            postgres_url, isolation_level="AUTOCOMMIT", pool_size=_KEPT_CONNECTIONS, max_overflow=-1, pool_pre_ping=True
        )
    )
    if statement_timeout is not None:
        sa.event.listen(engine, "connect", functools.partial(_bound_statements, statement_timeout))
    return engine


def _bound_statements(milliseconds: int, connection: Any, _: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"set statement_timeout = {milliseconds:d}")
    connection.commit()
