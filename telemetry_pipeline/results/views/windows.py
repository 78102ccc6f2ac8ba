"""The views that count, for every analysis alike; no analysis reads views in another way.

Views are held by column in DuckDB, inside this process: questions are asked in SQL, an order of magnitude faster than of rows
in PostgreSQL. Where the columns come from, and why they are exactly what is committed, is said in ``warehouse.core.segments``.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa

from telemetry_pipeline.analyses.framework import clock
from telemetry_pipeline.analyses.framework.caps import CAPPED_VIEWS, CAPS, LOOK_AHEAD, NO_CAP, Cap, last_complete_days
from telemetry_pipeline.analyses.framework.clock import Day
from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.analyses.framework.views import Views
from telemetry_pipeline.days import Period
from telemetry_pipeline.errors import ViewsDoNotFit
from telemetry_pipeline.results.views import spill
from telemetry_pipeline.results.views.held import Held
from telemetry_pipeline.settings.computing import Limits
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.warehouse.core import segments
from telemetry_pipeline.warehouse.core.segments import Segments, State

_COUNTED = """
create or replace temporary view {name} as
select * exclude (cap_seconds) replace (least(duration_seconds, cap_seconds) as duration_seconds),
       ended_at - to_seconds(duration_seconds) as started_at,
       ended_at - to_seconds(greatest(duration_seconds - cap_seconds, 0)) as watched_until,
       duration_seconds as uncapped_seconds
from {views}
where local_date between date '{first}' and date '{last}' and duration_seconds is not null {condition}
"""
_REMEMBERED = 32
"""Questions about different days. Those of a tick are about twenty: each analysis asks for its own."""

_FIRST_DAY = "select min(local_date) from views where local_date <= $last and duration_seconds is not null"


@dataclass(frozen=True)
class Capped:
    """What a cap takes off.

    :ivar views: how many are longer than the cap. :ivar hours: their time beyond it.
    """

    views: int
    hours: float


def rules_of(settings: StackSettings) -> Rules:
    """Return the rules that the settings have."""
    return Rules(settings.operator_zone, Cap(settings.view_cap_hours), settings.small_base_subscribers)


class Store:
    """The views of some days in DuckDB, kept for the next analyses of this process.

    Days are here as they were committed when somebody last asked for them, until none of the last ``_REMEMBERED`` questions is
    about them.

    :ivar state: what is committed of the days that were asked for last.
    :param limits: what it may take of the machine.
    """

    def __init__(self, rules: Rules, limits: Limits | None = None) -> None:
        self.rules = rules
        self._limits = limits = limits or Limits()
        spilled = spill.claim(limits.spill_directory)
        weakref.finalize(self, spill.release, spilled)
        self._duckdb = duckdb.connect(
            config={
                "memory_limit": f"{limits.duckdb_memory_mb}MB",
                "threads": limits.duckdb_threads,
                "temp_directory": str(spilled),
            }
        )
        # Where it is set when DuckDB is opened, it is shown, and not kept to.
        self._duckdb.execute(f"set max_temp_directory_size = '{limits.spill_mb}MB'")
        self._duckdb.execute("set enable_progress_bar = false")  # it would write into whatever stdout is
        self._held = Held(self._duckdb)
        self._here: dict[date, int] = {}
        self._asked: list[Period] = []
        self._counted: tuple[Period, date] | None = None
        self._days: dict[Period, list[Day]] = {}
        self._bases: dict[tuple[str, ...], dict[tuple[Any, ...], int]] = {}
        self.state = State()

    def load(self, engine: sa.Engine, period: Period, state: State) -> None:
        """Load the views of *period* as they are committed now: those of the days that are not here as they are.

        :param state: of the days, from which the store knows whether it has them already.
        """
        if not self._asked or _of(period, self._here) != _of(period, state.versions):
            kept = {} if self._held.is_worn(len(self._wanted(period))) else self._here
            found = segments.read(engine, period.first, period.last, kept)
            try:
                self._take(found, period) if kept else self.put(found, period)
            except ViewsDoNotFit:
                if not kept:
                    raise
                # They may without those of other days.
                found = segments.read(engine, period.first, period.last)
                self.put(found, period)
            state = found.state
            # Arrow would keep what it no longer needs, which is as much as the views in DuckDB.
            pa.default_memory_pool().release_unused()
        self._remember(period)
        self._see(state)

    def _take(self, found: Segments, period: Period) -> None:
        """Load the views of the days of *period* that are not here as they are, and drop those of days that are not wanted."""
        here, asked, now = self._here, self._asked, _of(period, found.state.versions)
        wanted = {day: version for day, version in self._wanted(period).items() if not _has(period, day)} | now
        self._forget()
        with self._within_limits():
            self._held.replace([day for day in {**here, **now} if here.get(day) != wanted.get(day)], found)
        self._here, self._asked = wanted, asked

    def _wanted(self, period: Period) -> dict[date, int]:
        """Return the days that are here and stay when *period* is asked for, and their versions."""
        asked = [period, *self._asked][:_REMEMBERED]
        return {day: version for day, version in self._here.items() if any(_has(each, day) for each in asked)}

    def put(self, found: Segments, period: Period) -> None:
        """Load exactly these views."""
        self._forget()
        with self._within_limits():
            self._held.fill(found)
        self._here = _of(period, found.state.versions)
        self._remember(period)
        self._see(found.state)

    def keep_only_what_is_asked(self) -> bool:
        """Have the next :meth:`load` load its days alone; return whether there are others now."""
        others = len(self._asked) > 1
        self._forget()
        return others

    def _remember(self, period: Period) -> None:
        self._asked = [period, *(each for each in self._asked if each != period)][:_REMEMBERED]

    def _forget(self) -> None:
        """Go by nothing that is here, until it is whole again."""
        self._here, self._asked, self._counted = {}, [], None
        self._days.clear()
        self._duckdb.execute("drop view if exists counted; drop view if exists playing")

    def views(self, period: Period) -> StoredViews:
        """Return those of some of the days that were asked for last."""
        if not self._asked or period not in self._asked[0]:
            raise LookupError(f"the views of {period} were not asked for; those of {self._asked[:1]} were")
        return StoredViews(self, period, period.last)

    def query(
        self, views: StoredViews, select: str, frames: Mapping[str, pd.DataFrame], parameters: Mapping[str, Any]
    ) -> pd.DataFrame:
        """See :meth:`Views.query`."""
        self._count(views.period, views.last)
        for name, frame in frames.items():
            self._duckdb.register(name, frame)
        used = {name: value for name, value in parameters.items() if f"${name}" in select}
        with self._within_limits():
            return self._duckdb.execute(select, used or None).df()

    def capped(self, period: Period) -> Capped | None:
        """Return what the cap took off the views of *period*; None: there is no cap."""
        if self.rules.cap == NO_CAP:
            return None
        select = """
            select count(*) as views, coalesce(sum(uncapped_seconds - duration_seconds), 0) / 3600.0::double as hours
            from counted where uncapped_seconds > duration_seconds
        """
        [[views, hours]] = self.query(self.views(period), select, {}, {}).itertuples(index=False)
        return Capped(int(views), float(hours))

    def days(self, period: Period) -> list[Day]:
        """See :meth:`Views.days`."""
        if period not in self._days:
            first: date | None = period.first
            if first == date.min:
                [[first]] = self._duckdb.execute(_FIRST_DAY, {"last": period.last}).fetchall()
            dates = clock.dates_between(first, period.last) if first else []
            self._days[period] = clock.days_of(self.rules.zone, self.state.known, dates)
        return self._days[period]

    def subscribers_by(self, views: StoredViews, keys: Sequence[str]) -> dict[tuple[Any, ...], int]:
        """See :meth:`Views.subscribers_by`."""
        self._count(views.period, views.last)
        group = tuple(keys)
        if group not in self._bases:
            columns = "".join(f"{key}, " for key in group)
            by = f"group by {', '.join(group)}" if group else ""
            with self._within_limits():
                rows = self._duckdb.execute(f"select {columns}count(distinct subscriber_code) from counted {by}").fetchall()
            self._bases[group] = {tuple(row[:-1]): row[-1] for row in rows}
        return self._bases[group]

    def _see(self, state: State) -> None:
        """Go by what is known now."""
        if state.known != self.state.known:
            self._counted = None
            self._days.clear()
        self.state = state

    def _count(self, period: Period, last: date) -> None:
        """Put up ``counted`` and ``playing`` of a period, with the caps, where they are automatic, that hold up to a day."""
        if self._counted == (period, last):
            return
        cap = self.rules.cap
        views = self._with_caps(last) if cap.is_automatic else f"(select *, {cap.seconds} as cap_seconds from views)"
        end = clock.midnight(self.rules.zone, period.last + timedelta(days=1))
        running = f"""
            and ended_at < timestamp '{end + LOOK_AHEAD}' and ended_at - to_seconds(duration_seconds) < timestamp '{end}'
        """
        for name, end_day, condition in (("counted", period.last, ""), ("playing", self.rules.ahead(period).last, running)):
            self._duckdb.execute(_COUNTED.format(name=name, views=views, first=period.first, last=end_day, condition=condition))
        self._counted = (period, last)
        self._bases.clear()
        self._days.clear()

    def _with_caps(self, last: date) -> str:
        """Return a select of the views with the cap of each, once the caps are there."""
        days = last_complete_days(self.state.known, last)
        with self._within_limits():
            self._duckdb.execute(CAPS, {"days": [day.isoformat() for day in days]})
        return CAPPED_VIEWS

    @contextmanager
    def _within_limits(self) -> Iterator[None]:
        """Say which settings to change, where DuckDB has too little room."""
        try:
            yield
        except (duckdb.OutOfMemoryException, duckdb.IOException, duckdb.TransactionException) as err:
            limits = self._limits
            raise ViewsDoNotFit(
                f"the views that are asked for do not fit into {limits.duckdb_memory_mb:,} MB of memory and "
                f"{limits.spill_mb:,} MB in {limits.spill_directory}: {str(err).splitlines()[0]}",
                "make room there, raise DUCKDB_MEMORY_MB or DUCKDB_SPILL_MB, or ask for fewer days",
            ) from err


def _of(period: Period, versions: Mapping[date, int]) -> dict[date, int]:
    return {day: version for day, version in versions.items() if _has(period, day)}


def _has(period: Period, day: date) -> bool:
    return period.first <= day <= period.last


@dataclass(frozen=True)
class StoredViews(Views):
    """Those of a period that are in a store."""

    _store: Store
    period: Period
    last: date

    @property
    def rules(self) -> Rules:
        """What counts and what is marked."""
        return self._store.rules

    def query(self, select: str, frames: Mapping[str, pd.DataFrame] | None = None, **parameters: Any) -> pd.DataFrame:
        """See :class:`Views`."""
        return self._store.query(self, select, frames or {}, parameters)

    def of(self, period: Period) -> Views:
        """See :class:`Views`."""
        return replace(self._store.views(period), last=self.last)

    def days(self) -> list[Day]:
        """See :class:`Views`."""
        return self._store.days(self.period)

    @property
    def first_day(self) -> date | None:
        """See :class:`Views`."""
        return self._store.state.known.first_day

    def subscribers_by(self, *keys: str) -> dict[tuple[Any, ...], int]:
        """See :class:`Views`."""
        return self._store.subscribers_by(self, keys)
