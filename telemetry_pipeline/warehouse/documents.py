"""Documents: finished analyses of a period, gathered as JSON. What is in one is said in ``reports.documents``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa

from telemetry_pipeline.warehouse.database import lock

_KEEP = sa.text("""
    insert into analysis.documents (document, period_first, period_last, body)
    values (:document, :first, :last, cast(:body as json))
    on conflict (document, period_last, period_first) do update set body = excluded.body, generated_at = now()
""")
_NEWEST = sa.text("""
    select body from analysis.documents
    where document = :document and (cast(:day as date) is null or :day between period_first and period_last)
    order by period_last desc, generated_at desc limit 1
""")


def keep(connection: sa.Connection, document: str, first: date, last: date, body: Mapping[str, Any]) -> None:
    """Store a document in place of the earlier one of the same days.

    :raises ValueError: it holds a number that strict JSON cannot.
    """
    lock(connection, f"analysis.documents.{document}")
    text = json.dumps(body, ensure_ascii=False, allow_nan=False)
    connection.execute(_KEEP, {"document": document, "first": first, "last": last, "body": text})


def read(connection: sa.Connection, document: str, day: date | None = None) -> dict[str, Any] | None:
    """The newest document of a day, or of the latest day there is; None if there is none."""
    body = connection.scalar(_NEWEST, {"document": document, "day": day})
    return None if body is None else dict(body)
