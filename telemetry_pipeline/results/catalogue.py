"""The catalogue of what is stored, ``analysis.results``: a line a result, whose rows are in ``tables``.

It tells a result without rows from one that was never computed, and names none whose rows somebody took away: triggers of its
table have it forget those whose rows are deleted or changed, and what is of a table that was dropped does not count.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert

SCHEMA = "analysis"

CATALOGUE = sa.Table(
    "results",
    sa.MetaData(schema=SCHEMA),
    sa.Column("asset", sa.Text, primary_key=True),
    sa.Column("partition_date", sa.Date),
    sa.Column("period_first", sa.Date, primary_key=True),
    sa.Column("period_last", sa.Date, primary_key=True),
    sa.Column("parameters", JSONB, nullable=False),
    sa.Column("parameters_key", sa.Text, primary_key=True),
    sa.Column("row_count", sa.BigInteger, nullable=False),
    sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("input_version", sa.Text, nullable=False),
    sa.Column("code_version", sa.Text, nullable=False),
    sa.Column("compute_seconds", sa.Double, nullable=False),
    sa.Column("facts", JSONB, nullable=False),
    sa.Column("wanted_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("views_version", sa.BigInteger, nullable=False),
    sa.Column("changed_version", sa.BigInteger, nullable=False),
    sa.Column("rules", sa.Text, nullable=False),
)
Key = tuple[date, date, str]
"""Last and first day of a result's period, and the key of its parameters."""

_INFO = [column for column in CATALOGUE.c if column.name != "wanted_at"]
_INSERT = insert(CATALOGUE)
_UPSERT = _INSERT.on_conflict_do_update(
    index_elements=list(CATALOGUE.primary_key),
    set_={column.name: column for column in _INSERT.excluded if not CATALOGUE.c[column.name].primary_key},
)
_STALE = sa.text("""
    select wanted.asset, period.last, results.computed_at
    from unnest(cast(:assets as text[]), cast(:keys as text[]), cast(:codes as text[])) as wanted (asset, parameters_key, code)
    cross join unnest(cast(:firsts as date[]), cast(:lasts as date[]), cast(:versions as text[])) as period (first, last, now)
    left join analysis.results on (results.asset, results.parameters_key, results.period_first, results.period_last)
        = (wanted.asset, wanted.parameters_key, period.first, period.last)
        and results.asset = any(:assets)  -- or PostgreSQL reads the whole catalogue for one analysis
    where wanted.asset = any(:damaged)
       or (results.input_version, results.code_version) is distinct from (period.now, wanted.code)
""")
_DAYS = sa.text("""
    select distinct period_last
    from unnest(cast(:assets as text[]), cast(:keys as text[])) as wanted (asset, parameters_key)
    join analysis.results using (asset, parameters_key)
    where period_last between :first and :last and (partition_date is not null or period_first = period_last)
""")


# Led by the key of the catalogue to one result of each, however many there are.
_SECONDS = sa.text("""
    select coalesce(sum(compute_seconds), 0)
    from unnest(cast(:assets as text[])) as wanted (name)
    cross join lateral (
        select compute_seconds from analysis.results where asset = name order by period_last desc limit 1
    ) as newest
""")


@dataclass(frozen=True)
class ResultInfo:
    """What the catalogue says of a stored result; the names are those of :class:`Result`.

    :ivar computed_at: when it was stored.
    """

    asset: str
    partition_date: date | None
    period_first: date
    period_last: date
    parameters: Mapping[str, Any]
    parameters_key: str
    row_count: int
    computed_at: datetime
    input_version: str
    code_version: str
    compute_seconds: float
    facts: Mapping[str, Any]
    views_version: int
    changed_version: int
    rules: str


def parameters_key(parameters: Mapping[str, Any]) -> str:
    """Return twelve hexadecimal digits that are the same for the same parameters, in whatever order, on every machine."""
    canonical = json.dumps(parameters, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def find(
    connection: sa.Connection, table: str, parameters: Mapping[str, Any], first_end: date, last_end: date
) -> dict[tuple[date, date], ResultInfo]:
    """Return what is stored that was computed with exactly these parameters, by the first and the last day of its period.

    :param first_end: only periods that end from this day on, to *last_end*.
    """
    choice = sa.select(*_INFO).where(
        _of(table),
        CATALOGUE.c.parameters_key == parameters_key(parameters),
        CATALOGUE.c.period_last.between(first_end, last_end),
    )
    return {(row.period_first, row.period_last): ResultInfo(**row._mapping) for row in connection.execute(choice)}


@dataclass(frozen=True)
class Wanted:
    """Results that there are to be: of each of some analyses, one of each of some periods.

    :ivar parameters: name of the analysis to its parameters. :ivar code: to the version of the code that computes it now.
    :ivar versions: first and last day of a period to the version of what is there now to compute it from.
    """

    parameters: Mapping[str, Mapping[str, Any]]
    code: Mapping[str, str]
    versions: Mapping[tuple[date, date], str]


def stale(connection: sa.Connection, wanted: Wanted, damaged: Collection[str]) -> list[tuple[str, date, datetime | None]]:
    """Return those of the wanted results that are of other views or code, or are not there: the analysis, the last day of the
    period, and when it was computed, if it was.

    :param damaged: names of tables, see ``tables.damaged``.
    """
    periods = list(wanted.versions)
    values = {
        **_named(wanted.parameters),
        "firsts": [first for first, _ in periods],
        "lasts": [last for _, last in periods],
        "versions": list(wanted.versions.values()),
        "codes": [wanted.code[name] for name in wanted.parameters],
        "damaged": list(damaged),
    }
    return [(row.asset, row.last, row.computed_at) for row in connection.execute(_STALE, values)]


def seconds_of_a_day(connection: sa.Connection, assets: Collection[str]) -> float:
    """Return how long it took to compute the newest result of each of some analyses, all together."""
    return float(connection.execute(_SECONDS, {"assets": list(assets)}).scalar_one())


def stored_days(connection: sa.Connection, parameters: Mapping[str, Mapping[str, Any]], first: date, last: date) -> set[date]:
    """Return the days from *first* to *last* of which the catalogue has a result of any of some analyses with exactly some
    parameters.

    :param parameters: name of the analysis to its parameters.
    """
    return set(connection.scalars(_DAYS, {**_named(parameters), "first": first, "last": last}))


def hold(connection: sa.Connection, table: str, keys: Collection[Key]) -> dict[Key, ResultInfo]:
    """Return what is stored of some results, and keep it as it is until the transaction ends.

    Who takes rows of one of them away or changes them has it forgotten first, or waits for its line and has it forgotten then.
    """
    columns = CATALOGUE.c
    identity = sa.tuple_(columns.period_last, columns.period_first, columns.parameters_key)
    choice = sa.select(*_INFO).where(_of(table), identity.in_(list(keys))).with_for_update()
    found = [ResultInfo(**row._mapping) for row in connection.execute(choice)]
    return {(info.period_last, info.period_first, info.parameters_key): info for info in found}


def put(connection: sa.Connection, infos: Iterable[ResultInfo]) -> None:
    """Put the lines of some results in place of the earlier ones of the same."""
    connection.execute(_UPSERT, [{**vars(info), "wanted_at": info.computed_at} for info in infos])


def want(connection: sa.Connection, results: Iterable[ResultInfo]) -> None:
    """Note that somebody wants these results, which keeps them from being deleted; once an hour is enough."""
    keys = [(info.asset, info.period_last, info.period_first, info.parameters_key) for info in results]
    primary = CATALOGUE.c
    identity = sa.tuple_(primary.asset, primary.period_last, primary.period_first, primary.parameters_key)
    if keys:
        now = sa.func.clock_timestamp()
        is_old = primary.wanted_at < now - timedelta(hours=1)
        connection.execute(sa.update(CATALOGUE).where(identity.in_(keys), is_old).values(wanted_at=now))


def newest(
    connection: sa.Connection, table: str, parameters: Mapping[str, Any], partition: date | None = None
) -> ResultInfo | None:
    """Return the result with exactly these parameters of *partition*, or of exactly that day; without one, that of the newest
    day.

    A result of a longer period is an answer to no question for a day: it is given only where nothing is stored for a single
    day and none was asked for. None if nothing was stored yet.
    """
    columns = CATALOGUE.c
    of_a_day = sa.or_(columns.partition_date.is_not(None), columns.period_first == columns.period_last)
    choice = sa.select(*_INFO).where(_of(table), columns.parameters_key == parameters_key(parameters))
    if partition is not None:
        choice = choice.where(of_a_day, columns.period_last == partition)
    order = (of_a_day.desc(), columns.period_last.desc(), columns.computed_at.desc(), columns.period_first)
    row = connection.execute(choice.order_by(*order).limit(1)).one_or_none()
    return None if row is None else ResultInfo(**row._mapping)


def stored_periods(connection: sa.Connection, table: str) -> list[tuple[date, date, Mapping[str, Any]]]:
    """Return first day, last day and parameters of every result that is stored, the newest first."""
    columns = CATALOGUE.c
    choice = sa.select(columns.period_first, columns.period_last, columns.parameters).where(_of(table))
    order = (columns.period_last.desc(), columns.computed_at.desc(), columns.period_first)
    return [(row[0], row[1], row[2]) for row in connection.execute(choice.order_by(*order))]


def _of(table: str) -> sa.ColumnElement[bool]:
    """Return whether a line of the catalogue is of a table that is there."""
    there = sa.func.to_regclass(f"{SCHEMA}.{table}").is_not(None)
    return sa.and_(CATALOGUE.c.asset == table, there)


def _named(parameters: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    return {"assets": list(parameters), "keys": [parameters_key(values) for values in parameters.values()]}
