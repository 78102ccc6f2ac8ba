"""Reports: the daily one over 2,000,000 views as PDF, workbook and HTML, from results that are stored.

It is made in a process that was forked, as a worker's children are, from one that has loaded what a worker loads. All seconds
are of the processor, of all threads, from the first result read to the last byte: ``processor_seconds`` of a child that has
drawn a picture before, as the report before has it do, ``cold_seconds`` of one that has drawn none
yet, ``again_seconds`` of one that has made the report before. ``peak_mb`` is what that process holds for itself at most, the
pictures' engine included; ``resident_mb`` is with what it shares, such as files of libraries and what its parent loaded.
``ratio_to_results`` is the time of the second report over the time of reading its results.
"""

from __future__ import annotations

import argparse
import gc
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import import_module
from multiprocessing import get_context
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import psutil

from bench.analyses import LAST, fill
from bench.harness import OPERATOR_TIMEZONE, database, peak_memory_mb, result
from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.analyses.registry import all_analyses, find_analysis
from telemetry_pipeline.analyses.reports import Wanted, find
from telemetry_pipeline.days import Period
from telemetry_pipeline.orchestration.runtime.cluster.executor import LOADED
from telemetry_pipeline.reports.charts import drawing
from telemetry_pipeline.reports.content.building import build, window_of
from telemetry_pipeline.reports.forms.html import to_html
from telemetry_pipeline.reports.forms.pdf import to_pdf
from telemetry_pipeline.reports.forms.workbook import to_workbook
from telemetry_pipeline.results import computing
from telemetry_pipeline.results.tables import StoredResult
from telemetry_pipeline.results.views.windows import Store
from telemetry_pipeline.speech import Speech
from telemetry_pipeline.warehouse.db.connections import shared
from telemetry_pipeline.warehouse.raw import completeness
from telemetry_pipeline.words.language import Language
from telemetry_pipeline.words.reporting.reports import REPORTS

T = TypeVar("T")

_ZONE = ZoneInfo(OPERATOR_TIMEZONE)
_WANTED = Wanted(find("daily_report"), Period(LAST, LAST))


class _Answers:
    """Answers of a database; those that were given are stored there, when it is asked to.

    :ivar asked: every question.
    """

    def __init__(self, url: str, *, keeps: bool = False) -> None:
        self._engine, self._rules = shared(url), Rules(_ZONE)
        self._store = Store(self._rules) if keeps else None
        self.asked: list[tuple[str, Period, Mapping[str, Any]]] = []

    def __call__(self, name: str, period: Period, parameters: Mapping[str, Any]) -> StoredResult:
        self.asked.append((name, period, parameters))
        analysis = find_analysis(name)
        days, window = window_of(analysis, period)
        values = {**window, **parameters}
        if self._store is not None:
            parsed = analysis.parse(values)
            computing.update(self._engine, self._store, analysis, [analysis.asked(days.first, days.last, parsed)], parsed)
        stored = computing.look(self._engine, self._rules, name, days, values).stored
        if stored is None:
            raise SystemExit(f"{name} was not stored")
        return stored


@dataclass(frozen=True)
class Made:
    """What making a report took. :ivar bytes: of PDF, workbook and HTML."""

    processor_seconds: float
    again_seconds: float
    seconds: float
    read_seconds: float
    resident_mb: float
    bytes: tuple[int, int, int]
    cold_seconds: float = 0
    peak_mb: float = 0


def make_as_a_worker_does(url: str) -> Made:
    """Load what a worker loads, and have children of this process make the report."""
    for each in LOADED:
        import_module(each)
    all_analyses()
    gc.collect()
    gc.freeze()
    cold, _ = _in_a_child(_cold, url)
    made, peak = _in_a_child(_make, url)
    return replace(made, cold_seconds=cold, peak_mb=peak)


def _in_a_child(function: Callable[[str], T], url: str) -> tuple[T, float]:
    """Return what it returns there, and how many MB that child held for itself at most."""
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        process = psutil.Process(pool.submit(os.getpid).result())
        running, peak = pool.submit(function, url), 0.0
        while not running.done():
            peak = max(peak, process.memory_full_info().uss / 1e6)
            wait([running], timeout=0.02)
        return running.result(), peak


def _cold(url: str) -> float:
    begin = time.process_time()
    _forms(url, _Answers(url))
    return time.process_time() - begin


def _make(url: str) -> Made:
    """Make the report in this process, in all formats, twice, and read its results once more."""
    _draw(url)
    answers = _Answers(url)
    begin = time.process_time()
    found = _forms(url, answers)
    first = time.process_time() - begin
    questions = list(answers.asked)
    begin, processor = time.perf_counter(), time.process_time()
    _forms(url, answers)
    seconds, again = time.perf_counter() - begin, time.process_time() - processor
    begin = time.perf_counter()
    for question in questions:
        answers(*question)
    return Made(first, again, seconds, time.perf_counter() - begin, peak_memory_mb(), found)


def _draw(url: str) -> None:
    """Draw what an analysis draws when it has computed: a picture of its result."""
    name = _WANTED.kind.analyses[0]
    stored = _Answers(url)(name, _WANTED.period, {})
    drawing.svg(name, stored.frame)


def _forms(url: str, answers: _Answers) -> tuple[int, int, int]:
    with shared(url).connect() as connection:
        known = completeness.read(connection)
    content = build(_WANTED, answers, known, Speech(REPORTS, Language.ES, _ZONE), datetime(2026, 3, 16, 14, tzinfo=UTC))
    return len(to_pdf(content)), len(to_workbook(content, _ZONE)), len(to_html(content))


def main(views: int = 2_000_000) -> None:
    """Measure and print."""
    with database() as url:
        fill(url, views)
        _forms(url, _Answers(url, keeps=True))
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            made = pool.submit(make_as_a_worker_does, url).result()
    print("bytes of PDF, workbook and HTML:", *made.bytes)
    result(
        bench="reports",
        views=views,
        processor_seconds=round(made.processor_seconds, 2),
        cold_seconds=round(made.cold_seconds, 2),
        again_seconds=round(made.again_seconds, 2),
        peak_mb=round(made.peak_mb),
        resident_mb=round(made.resident_mb),
        ratio_to_results=round(made.seconds / made.read_seconds, 1),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--views", type=int, default=2_000_000)
    main(parser.parse_args().views)
