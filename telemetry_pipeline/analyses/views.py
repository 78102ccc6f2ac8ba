"""The views that count, for every analysis alike; no analysis reads views in another way.

Views are held by column in DuckDB, inside this process: questions are asked in SQL, an order of magnitude faster than of rows
in PostgreSQL. Where the columns come from, and why they are exactly what is committed, is said in ``warehouse.segments``.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa

from telemetry_pipeline.analyses.periods import Period
from telemetry_pipeline.warehouse import segments
from telemetry_pipeline.warehouse.segments import Segments

_MEMORY_LIMIT = "192MB"
_NAMES = [field.name for field in segments.SCHEMA if pa.types.is_dictionary(field.type)]
_HOUR = timedelta(hours=1)

# Enumerations are compared and grouped as numbers. Their order is that of the names by code point, and so is ``order by``.
_LOAD = f"""
create or replace table views as
select local_date, local_hour, ended_at, duration_seconds, device_id,
       {", ".join(f"{name}::{name}_names as {name}" for name in _NAMES)}
from arrow_views
"""

_COUNTED = """
create or replace temporary view counted as
select * replace (least(duration_seconds, {cap}) as duration_seconds),
       ended_at - to_seconds(duration_seconds) as started_at,
       ended_at - to_seconds(greatest(duration_seconds - {cap}, 0)) as watched_until
from views
where local_date between date '{first}' and date '{last}' and duration_seconds is not null
"""
_FIRST_DAY = """
select coalesce(min(local_date), $last) from views where local_date <= $last and duration_seconds is not null
"""
_NO_CAP = 2**31 - 1


@dataclass(frozen=True)
class Capped:
    """What a cap takes off.

    :ivar views: how many are longer than the cap. :ivar hours: their time beyond it.
    """

    views: int
    hours: float


def cap_seconds(cap_hours: float | None) -> int:
    """What of a view counts, from VIEW_CAP_HOURS."""
    return _NO_CAP if cap_hours is None else round(cap_hours * 3600)


class Store:
    """The views of some days in DuckDB, kept for the next analysis of this process.

    :param zone: of the local dates and hours.
    :param cap_hours: what of a longer view counts, from its start; None: all of it.
    :ivar versions: of the days that are here.
    """

    def __init__(self, zone: ZoneInfo, cap_hours: float | None = None) -> None:
        self._zone = zone
        self.cap_seconds = cap_seconds(cap_hours)
        # Of its own: what processes spill into the same directory has the same names.
        spilled = tempfile.mkdtemp(prefix="telemetry-duckdb-")
        weakref.finalize(self, shutil.rmtree, spilled, ignore_errors=True)
        self._duckdb = duckdb.connect(config={"memory_limit": _MEMORY_LIMIT, "temp_directory": spilled})
        self._loaded: Period | None = None
        self._counted: Period | None = None
        self.versions: dict[date, int] = {}

    def load(self, engine: sa.Engine, period: Period, days: Mapping[date, int]) -> None:
        """Have the views of *period* as they are committed now.

        :param days: versions of days, from which the store knows whether it has them already.
        """
        if self._loaded and period in self._loaded and _within(period, days) == _within(period, self.versions):
            return
        self.put(segments.read(engine, period.first, period.last), period)
        # Arrow would keep what it no longer needs, which is as much as the views in DuckDB.
        pa.default_memory_pool().release_unused()

    def put(self, found: Segments, period: Period) -> None:
        """Have exactly these views."""
        self._loaded = self._counted = None
        self._duckdb.execute("drop view if exists counted; drop table if exists views")
        for name in _NAMES:
            names = {entry for chunk in found.table.column(name).chunks for entry in chunk.dictionary.to_pylist()}
            self._duckdb.register("arrow_names", pa.table({"name": sorted(names)}, pa.schema([("name", pa.string())])))
            self._duckdb.execute(f"create or replace type {name}_names as enum (select name from arrow_names)")
        self._duckdb.register("arrow_views", found.table)
        self._duckdb.execute(_LOAD)
        self._duckdb.unregister("arrow_views")
        self._loaded = period
        self.versions = found.versions

    def views(self, period: Period) -> Views:
        """Those of some of the days that are here."""
        if self._loaded is None or period not in self._loaded:
            raise LookupError(f"the views of {period} are not loaded; here are those of {self._loaded}")
        return Views(self, period)

    def query(
        self, period: Period, select: str, frames: Mapping[str, pd.DataFrame], parameters: Mapping[str, Any]
    ) -> pd.DataFrame:
        """See :meth:`Views.query`."""
        if period != self._counted:
            self._duckdb.execute(_COUNTED.format(cap=self.cap_seconds, first=period.first, last=period.last))
            self._counted = period
        for name, frame in frames.items():
            self._duckdb.register(name, frame)
        used = {name: value for name, value in parameters.items() if f"${name}" in select}
        return self._duckdb.execute(select, used or None).df()

    def capped(self, period: Period) -> Capped | None:
        """What the cap took off the views of *period*; None: there is no cap."""
        if self.cap_seconds == _NO_CAP:
            return None
        select = """
            select count(*), coalesce(sum(duration_seconds - $cap), 0) / 3600.0::double from views
            where local_date between $first and $last and duration_seconds > $cap
        """
        bounds = {"cap": self.cap_seconds, "first": period.first, "last": period.last}
        return Capped(*self._duckdb.execute(select, bounds).fetchall()[0])

    def hours(self, period: Period) -> pd.DataFrame:
        """See :meth:`Views.hours`."""
        first = period.first
        if first == date.min:
            [[first]] = self._duckdb.execute(_FIRST_DAY, {"last": period.last}).fetchall()
        start = datetime.combine(first, time.min, self._zone).astimezone(UTC)
        end = datetime.combine(period.last + timedelta(days=1), time.min, self._zone).astimezone(UTC)
        starts = [start + n * _HOUR for n in range(-((start - end) // _HOUR))]
        local = [moment.astimezone(self._zone) for moment in starts]
        return pd.DataFrame(
            {
                "hour_start": [moment.replace(tzinfo=None) for moment in starts],
                "hour_end": [min(moment + _HOUR, end).replace(tzinfo=None) for moment in starts],
                "local_date": [moment.date() for moment in local],
                "local_hour": [moment.hour for moment in local],
            }
        )


def _within(period: Period, days: Mapping[date, int]) -> dict[date, int]:
    return {day: version for day, version in days.items() if period.first <= day <= period.last}


@dataclass(frozen=True)
class Views:
    """The views of a period."""

    _store: Store
    period: Period

    def query(self, select: str, frames: Mapping[str, pd.DataFrame] | None = None, **parameters: Any) -> pd.DataFrame:
        """The answer of a select over ``counted``: the views of the period that have a duration.

        ``counted`` has the columns local_date, local_hour (both of the view's end), duration_seconds, channel_name,
        subscriber_code, device_id, country, isp (any of these five may be null), and in UTC started_at, watched_until and
        ended_at. Text orders by code point.

        :param select: DuckDB's SQL; *parameters* are bound to its ``$names``.
        :param frames: more tables, by name.
        """
        return self._store.query(self.period, select, frames or {}, parameters)

    def of(self, period: Period) -> Views:
        """The views of another period, which must be within what the analysis declared that it reads."""
        return self._store.views(period)

    def hours(self) -> pd.DataFrame:
        """The hours of the period's local days in order: hour_start and hour_end (UTC), local_date and local_hour.

        They are counted from the first local midnight, so a day on which the clock changes has 23 or 25 of them.
        """
        return self._store.hours(self.period)
