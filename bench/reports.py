"""Reports: the daily one over 2,000,000 views as PDF, workbook and HTML, from results that are stored.

``processor_seconds`` are those of a process of its own, of all its threads, from the first result read to the last byte; what
draws pictures is loaded meanwhile, the rest before. ``again_seconds`` are those of the same once more, as of a worker that has
made a report before. ``peak_mb`` is the peak of all its memory; ``libraries_mb`` is what of it is files of libraries, which
processes share. ``ratio_to_results`` is the time of the second report over the time of reading its results.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bench.analyses import LAST, fill
from bench.harness import OPERATOR_TIMEZONE, database, peak_memory_mb, result
from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.analyses.registry import all_analyses, find_analysis
from telemetry_pipeline.analyses.reports import Wanted, find
from telemetry_pipeline.days import Period
from telemetry_pipeline.reports.content.building import build, window_of
from telemetry_pipeline.reports.forms.html import to_html
from telemetry_pipeline.reports.forms.pdf import to_pdf
from telemetry_pipeline.reports.forms.workbook import to_workbook
from telemetry_pipeline.results import computing
from telemetry_pipeline.results.tables import StoredResult
from telemetry_pipeline.results.windows import Store
from telemetry_pipeline.speech import Speech
from telemetry_pipeline.warehouse.db.connections import shared
from telemetry_pipeline.warehouse.raw import completeness
from telemetry_pipeline.words.language import Language
from telemetry_pipeline.words.reporting.reports import REPORTS

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
    peak_mb: float
    libraries_mb: float
    bytes: tuple[int, int, int]


def make(url: str) -> Made:
    """Make the report in this process, in all formats, twice, and read its results once more."""
    all_analyses()
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
    return Made(first, again, seconds, time.perf_counter() - begin, peak_memory_mb(), _libraries_mb(), found)


def _forms(url: str, answers: _Answers) -> tuple[int, int, int]:
    with shared(url).connect() as connection:
        known = completeness.read(connection)
    content = build(_WANTED, answers, known, Speech(REPORTS, Language.ES, _ZONE), datetime(2026, 3, 16, 14, tzinfo=UTC))
    return len(to_pdf(content)), len(to_workbook(content, _ZONE)), len(to_html(content))


def _libraries_mb() -> float:
    """Return how much of the memory of this process is files that are mapped into it, in MB."""
    found = re.search(r"RssFile:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def main(views: int = 2_000_000) -> None:
    """Measure and print."""
    with database() as url:
        fill(url, views)
        _forms(url, _Answers(url, keeps=True))
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            made = pool.submit(make, url).result()
    print("bytes of PDF, workbook and HTML:", *made.bytes)
    result(
        bench="reports",
        views=views,
        processor_seconds=round(made.processor_seconds, 2),
        again_seconds=round(made.again_seconds, 2),
        peak_mb=round(made.peak_mb),
        libraries_mb=round(made.libraries_mb),
        ratio_to_results=round(made.seconds / made.read_seconds, 1),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--views", type=int, default=2_000_000)
    main(parser.parse_args().views)
