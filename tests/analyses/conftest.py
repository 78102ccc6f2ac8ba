"""A warehouse of views for the analyses: histories are loaded inside a transaction that is rolled back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, date, datetime, time
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from analyses.oracle import View

from telemetry_pipeline.stack.servers import at_database
from telemetry_pipeline.warehouse.database import connect
from telemetry_pipeline.warehouse.partitions import ensure_months

Seen = Callable[[Iterable[View]], AbstractContextManager[sa.Connection]]

_MONTHS = [
    date(1969, 12, 1),
    date(2024, 11, 1),
    date(2025, 11, 1),
    date(2025, 12, 1),
    date(2026, 1, 1),
    date(2026, 2, 1),
]
_COPY = """
copy telemetry.views (record_id, local_date, local_hour, ended_at, duration_seconds, channel_id, channel_name,
                      subscriber_code, device_id, country, isp) from stdin
"""


@pytest.fixture(scope="session")
def views_engine(postgres_url: str) -> Iterator[sa.Engine]:
    """A migrated database for all tests of analyses, with partitions for the months that they use."""
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute("create database analyses template template")
        engine = connect(at_database(postgres_url, "analyses"))
        with engine.begin() as connection:
            ensure_months(connection, "views", _MONTHS)
        yield engine
        server.execute("drop database analyses with (force)")


@pytest.fixture(scope="session")
def seen(views_engine: sa.Engine) -> Iterator[Seen]:
    """``with seen(views) as connection``: a connection that sees exactly these views."""
    with views_engine.connect() as connection:

        @contextmanager
        def load(views: Iterable[View]) -> Iterator[sa.Connection]:
            driver: Any = connection.connection.driver_connection
            with connection.begin() as transaction:
                with driver.cursor() as cursor, cursor.copy(_COPY) as copy:
                    for record_id, view in enumerate(views, start=1):
                        ended_at = datetime.combine(view.local_date, time(view.local_hour), UTC)
                        copy.write_row(
                            (
                                record_id,
                                view.local_date,
                                view.local_hour,
                                ended_at,
                                view.duration_seconds,
                                view.channel_id,
                                view.channel_name,
                                view.subscriber_code,
                                view.device_id,
                                view.country,
                                view.isp,
                            )
                        )
                try:
                    yield connection
                finally:
                    transaction.rollback()

        yield load
