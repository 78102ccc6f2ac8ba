"""Analyses: every general analysis of 200,000 and of 2,000,000 views of 30 days, from committed views to stored results.

Ours is what a tick costs: the last day's views have changed, its segment is made anew, the views are read once, and every
result is computed and stored. In turn with it answer two peers, whose results are
fetched and not stored: ``ratio_to_rows`` is the time of the same questions in SQL on the table of views over ours, and
``ratio_to_memory`` ours over the same queries in DuckDB on an Arrow table that is in memory already. Before that, all three
must give the same answers. ``growth`` is how much longer ours takes with ten times the views.
"""

from __future__ import annotations

import argparse
import functools
import re
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from datetime import date, timedelta
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

import pandas as pd
import sqlalchemy as sa

from bench.harness import OPERATOR_TIMEZONE, database, median, peak_memory_mb, result
from telemetry_pipeline.analyses.framework.columns import conform
from telemetry_pipeline.analyses.framework.declaration import Analysis, Parameters
from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.analyses.framework.views import Views
from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.days import Period
from telemetry_pipeline.results import computing
from telemetry_pipeline.results.views.windows import Store
from telemetry_pipeline.warehouse.core import segments
from telemetry_pipeline.warehouse.core.segments import Segments, State
from telemetry_pipeline.warehouse.db.connections import connect, shared
from telemetry_pipeline.warehouse.db.partitions import keep_months

LAST = date(2026, 3, 15)
_PERIOD = Period(LAST - timedelta(days=29), LAST)
_MARKS = ("provisional", "small_base")
_BOUND = {"first": _PERIOD.first, "last": _PERIOD.last, "timezone": OPERATOR_TIMEZONE}
_RULES = Rules(ZoneInfo(OPERATOR_TIMEZONE))
_STATEMENTS = dict(
    re.findall(r"^-- (\w+)\n(.*?)(?=^-- \w+\n|\Z)", Path(__file__).with_suffix(".sql").read_text("utf-8"), re.S | re.M)
)

Seconds = dict[str, float]
"""By analysis, and of what comes before them."""


class Bed:
    """A database of so many views, and those who answer questions about them."""

    def __init__(self, url: str, views: int) -> None:
        self.url = url
        self.views = views
        self.refresh_seconds = fill(url, views)
        self.store = Store(_RULES)
        self._memory = _InMemory(_RULES)
        self._memory.load(connect(url), Period(date.min, LAST), State())

    def change(self) -> None:
        """Make the last day's segment out of date, as a merge does."""
        with connect(self.url).begin() as connection:
            segments.mark_changed(connection, [LAST])

    def rows(self) -> tuple[Seconds, dict[str, pd.DataFrame]]:
        """In SQL on the table of views."""
        seconds = _Stopwatch()
        answers = {}
        with connect(self.url).connect() as connection:
            connection.execute(sa.text(_STATEMENTS["counted"].format(first=_PERIOD.first, last=_PERIOD.last)))
            for analysis, _, parameters in _asked():
                bound = {**parameters.model_dump(), **_BOUND}
                select = sa.text(_STATEMENTS[analysis.name])
                found = connection.execute(select, {name: bound[name] for name in select.compile().params})
                answers[analysis.name] = pd.DataFrame(found.all(), columns=list(found.keys()))
                if analysis.name == "subscriber_segments":
                    answers[analysis.name] = analysis.compute(cast(Views, _Features(answers[analysis.name])), parameters)
                seconds.lap(analysis.name)
        return seconds.laps, answers

    def memory(self) -> tuple[Seconds, dict[str, pd.DataFrame]]:
        """In DuckDB on an Arrow table that is in memory."""
        seconds = _Stopwatch()
        answers = {}
        for analysis, period, parameters in _asked():
            answers[analysis.name] = analysis.compute(self._memory.views(period), parameters)
            seconds.lap(analysis.name)
        return seconds.laps, answers

    def reused(self) -> Seconds:
        """Again, when nothing has changed."""
        store = Store(_RULES)
        seconds = _Stopwatch()
        for analysis, period, parameters in _asked():
            updated = computing.update(shared(self.url), store, analysis, [period], parameters)
            seconds.lap(analysis.name)
            if updated.reasons != [None]:
                raise SystemExit(f"{analysis.name} was computed again: {updated.reasons[0]}")
        return seconds.laps

    def check(self) -> None:
        """Refuse answers that differ."""
        _, rows = self.rows()
        _, memory = self.memory()
        store = Store(_RULES)
        for analysis, period, parameters in _asked():
            updated = computing.update(shared(self.url), store, analysis, [period], parameters)
            for answers in (rows, memory):
                answer = _plain(answers[analysis.name], analysis)
                found = _plain(updated.last[answer.columns], analysis)
                pd.testing.assert_frame_equal(answer, found, obj=analysis.name, rtol=1e-9)


def fill(url: str, views: int) -> float:
    """So many views of 30 complete days in an empty database; gives how many seconds their segments took."""
    keep_months(connect(url), _PERIOD.first)
    with connect(url).begin() as connection:
        connection.execute(sa.text("select setseed(0.5)"))
        values = {"views": views, "first": _PERIOD.first, "timezone": OPERATOR_TIMEZONE}
        connection.execute(sa.text(_STATEMENTS["fill"]), values)
        connection.execute(sa.text(_STATEMENTS["names"]))
        # All of it is complete, for data begin the day before.
        segments.mark_changed(connection, [_PERIOD.first - timedelta(days=1), *_PERIOD.days()])
        connection.execute(sa.text("update telemetry.sync_state set complete_before = :day"), {"day": LAST + timedelta(days=1)})
    with connect(url).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("vacuum analyze telemetry.views"))
    begin = time.perf_counter()
    segments.refresh(connect(url))
    return time.perf_counter() - begin


def ours(url: str, store: Store) -> tuple[Seconds, Seconds]:
    """As the steps of one tick do it in one process; also what of that is computing, without reading and storing."""
    seconds = _Stopwatch()
    segments.refresh(shared(url))
    seconds.lap("segment")
    computed = {}
    for analysis, period, parameters in _asked():
        updated = computing.update(shared(url), store, analysis, [period], parameters)
        seconds.lap(analysis.name)
        computed[analysis.name] = updated.infos[0].compute_seconds
    return seconds.laps, computed


class _Stopwatch:
    def __init__(self) -> None:
        self.laps: Seconds = {}
        self._begin = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name], self._begin = now - self._begin, now


class _InMemory(Store):
    """Views that stay the Arrow table that they were read as."""

    def put(self, found: Segments, period: Period) -> None:
        self._duckdb.register("views", found.table)
        self._remember(period)
        self.state = found.state


class _Features:
    """Stands for the views of an analysis that goes on from one answer to its question."""

    rules = _RULES

    def __init__(self, answer: pd.DataFrame) -> None:
        self._answer = answer

    def query(self, _select: str) -> pd.DataFrame:
        return self._answer


def main(views: Sequence[int] = (200_000, 2_000_000), rounds: int = 5) -> None:
    """Measure and print."""
    with ExitStack() as stack:
        beds = [Bed(stack.enter_context(database()), count) for count in views]
        for bed in beds:
            bed.check()
            print(f"{bed.views:,} views: the answers agree", flush=True)
        measured: list[dict[str, list[Seconds]]] = [{} for _ in beds]
        for number in range(rounds + 1):
            for bed, found in zip(beds, measured, strict=True):
                for name, seconds in _round(bed).items():
                    found.setdefault(name, []).append(seconds)
                totals = ", ".join(f"{name} {sum(laps[-1].values()):.3f} s" for name, laps in found.items())
                print(f"round {number}, {bed.views:,} views: {totals}", flush=True)
        for bed, found in zip(beds, measured, strict=True):
            _report(bed, {name: laps[1:] for name, laps in found.items()})
    if len(beds) > 1:
        small, large = (_totals(found["ours"][1:]) for found in (measured[0], measured[-1]))
        result(bench="analyses", growth=median(_ratios(large, small)))


def _round(bed: Bed) -> dict[str, Seconds]:
    bed.change()
    whole, computed = ours(bed.url, bed.store)
    rows, _ = bed.rows()
    memory, _ = bed.memory()
    reused = bed.reused()
    return {"ours": whole, "computing": computed, "rows": rows, "memory": memory, "reused": reused}


def _report(bed: Bed, found: Mapping[str, list[Seconds]]) -> None:
    print(f"{bed.views:,} views, medians in ms\n{'':20}" + "".join(f"{name:>12}" for name in found))
    for step in found["ours"][0]:
        values = [1000 * median([laps.get(step, 0.0) for laps in rounds]) for rounds in found.values()]
        print(f"{step:20}" + "".join(f"{value:12.1f}" for value in values))
    whole, rows, memory = (_totals(found[name]) for name in ("ours", "rows", "memory"))
    result(
        bench="analyses",
        views=bed.views,
        seconds=median(whole),
        rows_seconds=median(rows),
        memory_seconds=median(memory),
        ratio_to_rows=median(_ratios(rows, whole)),
        ratio_to_memory=median(_ratios(whole, memory)),
        reused_ms=max(median([1000 * laps[analysis.name] for laps in found["reused"]]) for analysis, _, _ in _asked()),
        refresh_seconds=median([bed.refresh_seconds]),
        memory_mb=_memory_mb(bed),
    )


def _memory_mb(bed: Bed) -> float:
    bed.change()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return median([pool.submit(_peak_of_a_round, bed.url).result()])


def _peak_of_a_round(url: str) -> float:
    import_module("telemetry_pipeline.orchestration.build")  # a worker holds all of Dagster, too
    ours(url, Store(_RULES))
    return peak_memory_mb()


@functools.cache
def _asked() -> list[tuple[Analysis, Period, Parameters]]:
    """Every general analysis of the last day; the widest window first, so that the views are read only once."""
    asked = []
    for analysis in all_analyses().values():
        if analysis.theme == "general":
            parameters = analysis.parse({})
            asked.append((analysis, analysis.window(LAST, parameters), parameters))
    return sorted(asked, key=lambda each: each[1].first)


def _plain(frame: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """In the types of the analysis, without the marks where there are none: rows in SQL do not have them."""
    columns = [column for column in analysis.columns if column.name in frame or column.name not in _MARKS]
    return conform(frame[[column.name for column in columns]], columns)


def _totals(rounds: Sequence[Seconds]) -> list[float]:
    return [sum(laps.values()) for laps in rounds]


def _ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    return [each / other for each, other in zip(above, below, strict=True)]


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--views", type=int, nargs="+", default=[200_000, 2_000_000])
    arguments.add_argument("--rounds", type=int, default=5)
    main(**vars(arguments.parse_args()))
