"""Views by column: a compressed Arrow file for each local date, kept in PostgreSQL beside the rows that it copies.

A merge raises the version of every day that it changes, in its own transaction. A segment carries the version that it was
made from and is good only as long as that is the day's, so that what is read here is exactly what is committed, whenever
and on whichever machine it is read. What analyses make of the columns is said in ``analyses.framework.views``.
"""

from __future__ import annotations

import functools
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import pyarrow as pa
import sqlalchemy as sa

from telemetry_pipeline.days import EVERYTHING, Completeness
from telemetry_pipeline.warehouse.db.connections import driver, lock, snapshot
from telemetry_pipeline.warehouse.db.copying import copy_out
from telemetry_pipeline.warehouse.raw import completeness

LOCK = "telemetry.view_segments"
"""Those who make segments take turns under it."""

# A day is too little to share.
_ONE_THREAD = pa.ipc.IpcReadOptions(use_threads=False)
_NAMES = pa.dictionary(pa.int32(), pa.string())

SCHEMA = pa.schema(
    [
        pa.field("local_date", pa.date32()),
        pa.field("local_hour", pa.int8()),
        pa.field("ended_at", pa.timestamp("us")),
        pa.field("duration_seconds", pa.int32()),
        pa.field("channel_name", _NAMES),
        pa.field("subscriber_code", _NAMES),
        pa.field("device_id", pa.int64()),
        pa.field("country", _NAMES),
        pa.field("isp", _NAMES),
    ]
)
"""The columns that are copied; ``ended_at`` in UTC."""


@dataclass(frozen=True)
class State:
    """What is committed of some days at one moment.

    :ivar versions: of every day of them that has ever had views.
    :ivar spills: by day, the version with which views changed last that had begun before the day did.
    :ivar newest: the version of the last change of any day.
    :ivar known: which of the days are complete.
    """

    versions: Mapping[date, int] = field(default_factory=dict)
    spills: Mapping[date, int] = field(default_factory=dict)
    newest: int = 0
    known: Completeness = EVERYTHING

    def changed(self, first: date, last: date) -> int:
        """Return the version of the last change of any of some days; 0 of none."""
        return self._highest_version.between(first, last)

    def spilled(self, first: date, last: date) -> int:
        """Return the version of the last change of views that began before any of some days on which they are; 0 of none."""
        return self._highest_spill.between(first, last)

    @functools.cached_property
    def _highest_version(self) -> _Highest:
        return _Highest(self.versions)

    @functools.cached_property
    def _highest_spill(self) -> _Highest:
        return _Highest(self.spills)


class _Highest:
    """The highest number of the days between any two, looked up without going through them.

    For each power of two it has the highest number of so many days from each day on; two of these cover any days.
    """

    def __init__(self, numbers: Mapping[date, int]) -> None:
        self._days = sorted(numbers)
        self._powers = [[numbers[day] for day in self._days]]
        while (width := 1 << len(self._powers)) <= len(self._days):
            half = self._powers[-1]
            self._powers.append([max(pair) for pair in zip(half, half[width // 2 :], strict=False)])

    def between(self, first: date, last: date) -> int:
        low, high = bisect_left(self._days, first), bisect_right(self._days, last)
        if low >= high:
            return 0
        power = (high - low).bit_length() - 1
        return max(self._powers[power][low], self._powers[power][high - (1 << power)])


@dataclass(frozen=True)
class Segments:
    """The views of some days at one moment, in the columns of ``SCHEMA``.

    :ivar files: compressed, one of each day that has views.
    """

    state: State
    files: Sequence[bytes]

    def days(self) -> Iterator[pa.Table]:
        """Yield the views of one day after the other; names have a dictionary for each."""
        for file in self.files:
            yield pa.ipc.open_file(file, options=_ONE_THREAD).read_all()

    @property
    def table(self) -> pa.Table:
        """All of them."""
        return pa.concat_tables([SCHEMA.empty_table(), *self.days()])


def mark_changed(connection: sa.Connection, days: Collection[date], spilled: Collection[date] = ()) -> None:
    """Give some days the next version, in the transaction that changes their views.

    :param spilled: those of them on which views changed that had begun before the day did.
    """
    if days:
        connection.execute(_MARK_CHANGED, {"days": sorted(days), "spilled": sorted(spilled)})


def forget_others(connection: sa.Connection, days: Collection[date]) -> None:
    """Forget every day but these: no other has views any more."""
    for table in ("view_days", "view_segments"):
        connection.execute(
            sa.text(f"delete from telemetry.{table} where not local_date = any(cast(:days as date[]))"), {"days": list(days)}
        )


def state(connection: sa.Connection, first: date, last: date) -> State:
    """Return what is committed of the days from *first* to *last*, seen through a connection that holds one moment."""
    days = connection.execute(_VERSIONS, {"first": first, "last": last}).all()
    newest = connection.scalar(_NEWEST) or 0
    return State(
        versions={day: version for day, version, _ in days},
        spills={day: spill for day, _, spill in days},
        newest=newest,
        known=completeness.read(connection),
    )


def count(connection: sa.Connection, days: Collection[date]) -> int:
    """Return how many views some days had when their segments were made."""
    return connection.scalar(_COUNT, {"days": list(days)}) or 0


def refresh(engine: sa.Engine, first: date = date.min, last: date = date.max) -> int:
    """Make anew what is out of date among the segments of *first* to *last*, and return how many days that were."""
    made = 0
    with engine.connect() as connection:
        days = connection.execute(_STALE, {"first": first, "last": last}).scalars().all()
    with engine.connect() as turn:
        for day in days:
            # A day a turn: who needs one day does not wait for another one's hundreds.
            with turn.begin():
                lock(turn, LOCK)
                with snapshot(engine) as connection:
                    for local_date, version in connection.execute(_STALE, {"first": day, "last": day}).all():
                        table = _day(connection, local_date)
                        connection.execute(
                            _KEEP,
                            {"local_date": local_date, "version": version, "views": len(table), "arrow": _encoded(table)},
                        )
                        made += 1
    return made


def read(engine: sa.Engine, first: date, last: date, held: Mapping[date, int] | None = None) -> Segments:
    """Return the views of *first* to *last*; segments that are out of date are made anew on the way.

    :param held: days that the caller has, and their versions: of one that is of this version still, there are no views in what
        is returned.
    """
    bounds = {"first": first, "last": last}
    while True:
        with snapshot(engine) as connection:
            now = state(connection, first, last)
            if connection.execute(_STALE, bounds).first() is None:
                # As bytes: in PostgreSQL's text form they are twice as long.
                days = [day for day, version in now.versions.items() if version != (held or {}).get(day)]
                with driver(connection) as session, session.cursor(binary=True) as cursor:
                    return Segments(now, [file for (file,) in cursor.execute(_READ, {"days": days})])
        refresh(engine, first, last)


def from_rows(table: pa.Table, known: Completeness = EVERYTHING) -> Segments:
    """Return segments that are in no database, of a table in the columns of ``SCHEMA``."""
    return Segments(State(known=known), [_encoded(table.cast(SCHEMA))])


def _day(connection: sa.Connection, local_date: date) -> pa.Table:
    return copy_out(connection, _COPY_DAY, (local_date,), SCHEMA)


def _encoded(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, SCHEMA, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table.unify_dictionaries().combine_chunks())
    return bytes(sink.getvalue())


_MARK_CHANGED = sa.text("""
    with next as materialized (select nextval('telemetry.views_version') as version)
    insert into telemetry.view_days (local_date, version, spill_version)
    select day, version, case when day = any(cast(:spilled as date[])) then version else 0 end
    from next, unnest(cast(:days as date[])) as days (day)
    on conflict (local_date) do update
        set version = excluded.version, spill_version = greatest(view_days.spill_version, excluded.spill_version)
""")

_VERSIONS = sa.text(
    "select local_date, version, spill_version from telemetry.view_days "
    "where local_date between :first and :last order by local_date"
)
_NEWEST = sa.text("select max(version) from telemetry.view_days")

_STALE = sa.text("""
    select local_date, view_days.version from telemetry.view_days left join telemetry.view_segments using (local_date)
    where local_date between :first and :last and view_segments.version is distinct from view_days.version
    order by local_date
""")

_COUNT = sa.text("select sum(views)::bigint from telemetry.view_segments where local_date = any(:days)")

_KEEP = sa.text("""
    insert into telemetry.view_segments (local_date, version, views, arrow) values (:local_date, :version, :views, :arrow)
    on conflict (local_date) do update set version = excluded.version, views = excluded.views, arrow = excluded.arrow
""")

_READ = """
    select arrow from telemetry.view_segments where local_date = any(%(days)s) and views > 0
    order by local_date
"""

_COPY_DAY = """
    copy (
        select local_date, local_hour, ended_at at time zone 'UTC', duration_seconds, channel_name, subscriber_code,
               device_id, country, isp
        from telemetry.views where local_date = %s and excluded is null order by record_id
    ) to stdout (format csv)
"""
