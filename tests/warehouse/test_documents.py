"""Who makes the same document at the same time takes turns; who makes another one does not wait."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import sqlalchemy as sa

from telemetry_pipeline.results import document_store

DAY, OTHER = date(2026, 3, 31), date(2026, 3, 30)


def count(connection: sa.Connection) -> int:
    return int(connection.scalar(sa.text("select count(*) from telemetry.rejected_records")) or 0)


def body(found: int) -> dict[str, Any]:
    return {"found": found, "filters": {"analyses": {}}, "missing": []}


def reject_another(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("insert into telemetry.rejected_records (payload, reason) values (random(), 'odd')"))


def test_an_older_document_never_replaces_a_newer_one(engine: sa.Engine) -> None:
    """What is counted stands for the results that a document is made of."""

    def make() -> int:
        with document_store.making(engine, "full_analysis", DAY, DAY) as connection:
            begun.set()
            found = count(connection)
            document_store.keep(connection, "full_analysis", DAY, DAY, body(found))
            return found

    begun = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        with document_store.making(engine, "full_analysis", DAY, DAY) as connection:
            assert count(connection) == 0
            second = pool.submit(make)
            reject_another(engine)
            with document_store.making(engine, "full_analysis", OTHER, OTHER) as beside:
                document_store.keep(beside, "full_analysis", OTHER, OTHER, body(count(beside)))
            assert not begun.is_set()
            document_store.keep(connection, "full_analysis", DAY, DAY, body(count(connection)))
        assert second.result(timeout=30) == 1
    with engine.connect() as connection:
        assert document_store.read(connection, "full_analysis", (DAY, DAY)) == body(1)
        assert document_store.read(connection, "full_analysis", (OTHER, OTHER)) == body(1)
