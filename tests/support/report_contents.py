"""Reports over a generated history: what they say, for tests of how they look."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from analyses.conftest import ZONE, History
from analyses.oracle import View

from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.analyses.reports import KINDS, Wanted, find
from telemetry_pipeline.days import EVERYTHING, Completeness, Period
from telemetry_pipeline.reports.content.building import build, window_of
from telemetry_pipeline.reports.content.content import Content
from telemetry_pipeline.results.catalogue import ResultInfo
from telemetry_pipeline.results.tables import StoredResult
from telemetry_pipeline.speech import Speech
from telemetry_pipeline.words.language import Language
from telemetry_pipeline.words.reporting.reports import REPORTS

LAST = date(2026, 1, 14)
WEEK = Period(LAST - timedelta(days=6), LAST)
MADE = datetime(2026, 1, 15, 14, tzinfo=UTC)
HOSTILE = (
    '#panic("x") $x$ *b* _i_ @ref <lab> \\ `r` {} [] // /* \x1b[31m\x07\r\nBcc: a@b.example\r\n\u202egnp.exe '
    "</script><script>document.title='owned'</script><img src=x onerror=alert(1)> & 'a' \"b\" {{ 7*7 }} 漢字 👩‍👩‍👧 مرحبا "
    + "x"
    * 500
)


def views(*others: str) -> list[View]:
    """Two weeks of three channels, and of *others*; each day has more than the one before."""
    made = []
    for number, name in enumerate(["Uno", "Dos", "Tres", *others]):
        for day in range(14):
            made += [
                View(
                    LAST - timedelta(days=13 - day),
                    local_hour=(viewer + number) % 24,
                    channel_name=name,
                    subscriber_code=f"S{viewer}",
                    device_id=viewer,
                    duration_seconds=1200 + 60 * viewer,
                )
                for viewer in range(30 + day - 5 * min(number, 4))
            ]
    return made


@dataclass
class Asked:
    """Answers of a history as they are stored, and the questions."""

    of: Iterable[View]
    known: Completeness = EVERYTHING
    questions: list[tuple[str, Period, Mapping[str, Any]]] = field(default_factory=list)

    @functools.cached_property
    def history(self) -> History:
        """The views, held by column."""
        return History(self.of, known=self.known)

    def __call__(self, name: str, period: Period, parameters: Mapping[str, Any]) -> StoredResult:
        self.questions.append((name, period, parameters))
        analysis = find_analysis(name)
        days, window = window_of(analysis, period)
        values = analysis.parse({**window, **parameters})
        exactly = analysis.asked(days.first, days.last, values)
        frame = analysis.compute(self.history.store.views(exactly), values)
        info = ResultInfo(
            asset=name,
            partition_date=None,
            period_first=exactly.first,
            period_last=exactly.last,
            parameters=values.model_dump(mode="json"),
            parameters_key="",
            row_count=len(frame),
            computed_at=MADE,
            input_version="",
            code_version="",
            compute_seconds=0.0,
            facts=frame.attrs.get("facts", {}),
            changed_version=0,
            rules="",
            views_version=0,
        )
        return StoredResult(info, frame)


def content_of(
    name: str,
    ask: Asked,
    *,
    period: Period = WEEK,
    channel: str = "",
    language: Language = Language.ES,
) -> Content:
    """What a report says."""
    return build(Wanted(find(name), period, channel), ask, ask.known, Speech(REPORTS, language, ZONE), MADE)


@functools.cache
def content(name: str, language: Language = Language.ES, *, hostile: bool = False) -> Content:
    """What a report of the last week says; of a channel, that of Uno, or of one with a hostile name."""
    of_channel = KINDS[name].of_channel
    channel = (HOSTILE if hostile else "Uno") if of_channel else ""
    return content_of(name, Asked(views(*[HOSTILE] * hostile)), channel=channel, language=language)
