"""Documents: finished analyses of a period, gathered as JSON. What is in one is said in ``results.documents``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from telemetry_pipeline.warehouse.db.connections import lock, snapshot

_KEEP = sa.text("""
    insert into analysis.documents (document, period_first, period_last, body, results)
    values (:document, :first, :last, cast(:body as json), cast(:results as timestamptz[]))
    on conflict (document, period_last, period_first) do update
        set body = excluded.body, results = excluded.results, generated_at = now()
""")
_OF_THE_SAME_RESULTS = sa.text("""
    select body::text, body ->> 'generated_at' as generated_at from analysis.documents
    where document = :document and period_first = :first and period_last = :last and results = cast(:results as timestamptz[])
""")
_STALE = sa.text("""
    with stored as (
        select document, period_last, array_agg(computed_at order by asset collate "C") as results
        from unnest(cast(:documents as text[]), cast(:assets as text[]), cast(:keys as text[])) as part (document, asset, key)
        join analysis.results using (asset)
        where parameters_key = key and period_last between :first and :last
          and (partition_date is not null or period_first = period_last)
        group by document, period_last
    )
    select stored.document, stored.period_last, documents.generated_at
    from stored left join analysis.documents
        on documents.document = stored.document and documents.period_last = stored.period_last
        and documents.period_first = stored.period_last
    where documents.results is distinct from stored.results
""")
_EXACT = sa.text("""
    select body from analysis.documents
    where document = :document and period_first = :first and period_last = :last
""")
_NEWEST = sa.text("""
    select body from analysis.documents where document = :document
    order by period_first = period_last desc, period_last desc, generated_at desc limit 1
""")
_PERIODS = sa.text("""
    select period_first, period_last from analysis.documents where document = :document
    order by period_last desc, generated_at desc
""")


@contextmanager
def making(engine: sa.Engine, document: str, first: date, last: date) -> Iterator[sa.Connection]:
    """Provide a connection that holds one moment, to read what goes into a document and to ``keep`` it.

    Who makes the document of the same days meanwhile waits, and then reads what is newer: an older one never replaces it.
    """
    with engine.begin() as turn:
        lock(turn, f"analysis.documents.{document} {first} {last}")
        with snapshot(engine) as connection:
            yield connection


def keep(connection: sa.Connection, document: str, first: date, last: date, body: Mapping[str, Any]) -> None:
    """Store a document, as ``results.documents`` assembles it, in place of the earlier one of the same days, unless that says
    the same. One that lacks an analysis is stored all the same: when it was made last says when to make it again.

    :raises ValueError: it holds a number that strict JSON cannot.
    """
    text = _json(body)
    computed_at = [each["computed_at"] for _, each in sorted(body["filters"]["analyses"].items())]
    values = {"document": document, "first": first, "last": last, "body": text, "results": computed_at}
    if not body["missing"]:
        stored = connection.execute(_OF_THE_SAME_RESULTS, values).one_or_none()
        if stored and stored.body == _json({**body, "generated_at": stored.generated_at}):
            return
    connection.execute(_KEEP, values)


def stale(
    connection: sa.Connection, parts: Mapping[str, Mapping[str, str]], first: date, last: date
) -> list[tuple[str, date, datetime | None]]:
    """Return the documents of single days from *first* to *last* that are not of the results that are stored, or are not there:
    name, day, and when it was made, if it was.

    :param parts: name of the document to those of the analyses in it, with the keys of their parameters.
    """
    rows = [(document, asset, key) for document, analyses in parts.items() for asset, key in analyses.items()]
    documents, assets, keys = zip(*rows, strict=True)
    values = {"documents": list(documents), "assets": list(assets), "keys": list(keys), "first": first, "last": last}
    return [(row.document, row.period_last, row.generated_at) for row in connection.execute(_STALE, values)]


def read(connection: sa.Connection, document: str, days: tuple[date, date] | None = None) -> dict[str, Any] | None:
    """Return the document of exactly some days, from the first to the last; None if there is none.

    Without days that of the newest single day, and where none is stored of a single day, of the newest period.
    """
    if days is None:
        body = connection.scalar(_NEWEST, {"document": document})
    else:
        body = connection.scalar(_EXACT, {"document": document, "first": days[0], "last": days[1]})
    return None if body is None else dict(body)


def periods(connection: sa.Connection, document: str) -> list[tuple[date, date]]:
    """Return first and last day of every document of that name, the newest first."""
    return [(row[0], row[1]) for row in connection.execute(_PERIODS, {"document": document})]


def _json(body: Mapping[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, allow_nan=False)
