"""What is stored against what there is: records and views against the upstream, results against fresh ones from the views.

To be asked while nothing new comes. What it finds it says by its kind: ``lost``, ``twice``, ``wrong``.
"""

from __future__ import annotations

import bisect
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa

from bench.upstream import Record
from telemetry_pipeline.analyses.documents import DOCUMENTS, gathered
from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.days import Period
from telemetry_pipeline.results import document_store, stored
from telemetry_pipeline.results.rows import to_rows
from telemetry_pipeline.results.views.windows import Store
from telemetry_pipeline.warehouse.core import segments
from telemetry_pipeline.warehouse.db.connections import snapshot

Finding = tuple[str, str]
Row = tuple[Any, ...]

_EXAMPLES = 3

_RECORDS = sa.text("""
    select record_id, action_id, timestamp, data_id, data_name, duration_seconds, subscriber_code, device_id
    from telemetry.records where record_id <= :up_to
""")
_REJECTED = sa.text("select distinct record_id from telemetry.rejected_records where record_id is not null")
_VIEWS = sa.text("""
    select record_id, ended_at, channel_id, channel_name, duration_seconds, subscriber_code, device_id
    from telemetry.views where record_id <= :up_to
""")
_MISJUDGED = sa.text("""
    with judged as (
        select views.record_id, excluded, timestamp > received_at as ahead, device_id,
               row_number() over (
                   partition by timestamp > received_at, ended_at, device_id, channel_id, duration_seconds order by record_id
               ) > 1 as repeats
        from telemetry.views join (select record_id, timestamp, received_at from telemetry.records) as records
             using (record_id)
    )
    select record_id, excluded from judged
    where excluded is distinct from
        case when ahead then 'future' when repeats and device_id is not null then 'duplicate' end
    order by record_id
""")
_GAPS = sa.text("select first_record_id, last_record_id, reason from telemetry.sync_gaps where resolved_at is null")
_PENDING = sa.text("select first_record_id, last_record_id from telemetry.pending_merges")
_REPEATED_STEPS = sa.text("""
    select run_id, step_key, count(*) as times from event_logs where dagster_event_type = 'STEP_SUCCESS'
    group by run_id, step_key having count(*) > 1
""")
_CATALOGUE = sa.text("""
    select asset, parameters, period_first, period_last, row_count from analysis.results
    order by asset, period_last, period_first
""")
_ROWS = """
    select period_first, period_last, row_count, stored from (
        select period_first, period_last, parameters_key, count(*) as stored from analysis.{name} group by 1, 2, 3
    ) as tables full join (select * from analysis.results where asset = '{name}') as catalogue
        using (period_first, period_last, parameters_key)
    where coalesce(row_count, -1) <> coalesce(stored, 0)
"""


def compare_records(engine: sa.Engine, upstream: Iterable[Record], up_to_id: int) -> Iterator[Finding]:
    """Every record that the upstream has is stored once, as it is, or rejected; every stop is one view, with its name."""
    with snapshot(engine) as connection:
        rejected = set(connection.scalars(_REJECTED))
        truth = {record["recordId"]: _as_stored(record) for record in upstream if record["recordId"] not in rejected}
        yield from _compared("record", truth, connection.execute(_RECORDS, {"up_to": up_to_id}))
        yield from _compared("view", dict(_views(truth)), connection.execute(_VIEWS, {"up_to": up_to_id}))
        misjudged = connection.execute(_MISJUDGED).all()
        yield from _several("wrong", "views that count, or do not", [f"{row.record_id} {row.excluded}" for row in misjudged])
        yield from (("lost", f"ids {row[0]} to {row[1]} are a gap: {row[2][:200]}") for row in connection.execute(_GAPS))
        yield from (("lost", f"ids {row[0]} to {row[1]} wait to be merged") for row in connection.execute(_PENDING))


def compare_steps(dagster: sa.Engine) -> Iterator[Finding]:
    """No step of a run has succeeded twice."""
    with dagster.connect() as connection:
        for row in connection.execute(_REPEATED_STEPS):
            yield "twice", f"step {row.step_key} of run {row.run_id} succeeded {row.times} times"


def compare_results(engine: sa.Engine, rules: Rules) -> Iterator[Finding]:
    """Every stored result that is not out of date equals a fresh one of the views' rows, and documents hold what is stored."""
    with engine.begin() as connection:
        connection.execute(sa.text("delete from telemetry.view_segments"))
    store, everything, analyses = Store(rules), Period(date.min, date.max), all_analyses()
    with snapshot(engine) as connection:
        state = segments.state(connection, everything.first, everything.last)
        store.load(engine, everything, state)
        if store.state != state:
            yield "wrong", "views changed while they were compared: something goes on"
            return
        for asset in {row.asset for row in connection.execute(_CATALOGUE)}:
            for row in connection.execute(sa.text(_ROWS.format(name=asset))):
                counted = f"has {row.stored} rows, and {row.row_count} in the catalogue"
                yield "wrong", f"{asset} of {row.period_first} to {row.period_last} {counted}"
        fresh: dict[tuple[str, Period], list[dict[str, Any]]] = {}
        for row in connection.execute(_CATALOGUE).all():
            analysis, period = analyses[row.asset], Period(row.period_first, row.period_last)
            parameters = analysis.parse(row.parameters)
            asked = {"period": period} if analysis.is_of_period else {"day": period.last}
            found = stored.read(connection, analysis, parameters, rules, **asked)
            if found is None or found.outdated:
                continue
            rows = to_rows(found.frame)
            if not _alike(rows, to_rows(analysis.compute(store.views(period), parameters))):
                yield "wrong", f"{row.asset} of {period} is not what its views say; computed at {found.info.computed_at}"
            if parameters == analysis.parse({}):
                fresh[row.asset, period if analysis.is_of_period else Period(period.last, period.last)] = rows
        yield from _compare_documents(connection, fresh)


def _compare_documents(
    connection: sa.Connection, fresh: Mapping[tuple[str, Period], list[dict[str, Any]]]
) -> Iterator[Finding]:
    """Documents all of whose results are as they should be hold exactly them."""
    for document in DOCUMENTS:
        names = [analysis.name for analysis in gathered(document)]
        for first, last in document_store.periods(connection, document):
            period = Period(first, last)
            if not all((name, period) in fresh for name in names):
                continue
            body = document_store.read(connection, document, (first, last))
            if body is None or body["missing"]:
                yield "wrong", f"{document} of {period} lacks {', '.join((body or {}).get('missing', ['everything']))}"
                continue
            other = [name for name in names if not _alike(body["analyses"][name], fresh[name, period])]
            if other:
                yield "wrong", f"{document} of {period}, made at {body['generated_at']}, has older {', '.join(other)}"


def _as_stored(record: Record) -> Row:
    """What is to be stored of a record, in the order of ``_RECORDS``."""
    at = datetime.fromisoformat(record["timestamp"]).replace(tzinfo=UTC)
    personal = ("subscriberCode", "deviceId")
    fields = (record.get(name) for name in ("dataId", "dataName", "dataDuration"))
    return (record.get("actionId"), at, *fields, *(None if record.get("anonymized") else record.get(name) for name in personal))


def _views(records: Mapping[int, Row]) -> Iterator[tuple[int, Row]]:
    """The views of some records, as they are to be: a stop has the name of the latest start before it, else of the first."""
    starts: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for identity, (action, _, channel, name, *_) in sorted(records.items()):
        if action == 7 and name and channel is not None:
            starts[channel].append((identity, name))
    for identity, (action, at, channel, name, duration, subscriber, device) in records.items():
        if action == 8 and channel is not None:
            if named := starts[channel]:
                name = named[max(0, bisect.bisect(named, (identity,)) - 1)][1]
            seconds = duration if duration is not None and duration >= 0 else None
            yield identity, (at, channel, name or None, seconds, subscriber or None, device)


def _compared(what: str, expected: Mapping[int, Row], rows: Iterable[sa.Row[Any]]) -> Iterator[Finding]:
    seen: dict[int, Row] = {}
    twice = []
    for row in rows:
        if row[0] in seen:
            twice.append(row[0])
        seen[row[0]] = tuple(row[1:])
    yield from _several("lost", f"{what}s that are not stored", sorted(expected.keys() - seen.keys()))
    yield from _several("twice", f"{what}s that are stored more than once", twice)
    yield from _several("wrong", f"{what}s that the upstream does not have", sorted(seen.keys() - expected.keys()))
    other = [identity for identity in sorted(seen.keys() & expected.keys()) if seen[identity] != expected[identity]]
    yield from _several("wrong", f"{what}s that differ", [f"{each} {seen[each]}, not {expected[each]}" for each in other])


def _several(kind: str, what: str, cases: list[Any]) -> Iterator[Finding]:
    if cases:
        yield kind, f"{len(cases)} {what}: {', '.join(map(str, cases[:_EXAMPLES]))}{' ...' if len(cases) > _EXAMPLES else ''}"


def _alike(one: Any, other: Any) -> bool:
    """Whether they are the same, but for floating-point numbers that were summed up in another order."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(value, other[name]) for name, value in one.items())
    return bool(one == other)
