"""What a report of one channel says: its rows of answers that are of all channels, its figures, and its days one by one."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pandas as pd

from telemetry_pipeline.analyses.framework import clock
from telemetry_pipeline.analyses.framework.columns import conform
from telemetry_pipeline.analyses.framework.marks import PROVISIONAL, SMALL_BASE
from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.days import Completeness, Period
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.printable import cut
from telemetry_pipeline.reports.content.tables import Notation
from telemetry_pipeline.reports.content.tiles import Tile, is_small, tile, value_of
from telemetry_pipeline.results.tables import StoredResult
from telemetry_pipeline.speech import Speech
from telemetry_pipeline.suggestions import meant

if TYPE_CHECKING:
    from telemetry_pipeline.reports.content.building import Ask

_DAILY, _DAY = "viewing_by_period", "period_start"
_LOOK_BACK = timedelta(days=89)
_MOST_DAYS = 62
_LISTED, _CUT = 10, 60
_NOTATIONS: Mapping[str, Notation] = {"share": "percent"}
_MINUTE = timedelta(minutes=1)
_NARROWED: Mapping[str, Mapping[str, Any]] = {"channel_flow": {"limit": 10_000}}
"""What is asked, so that rows of every channel are among the answers."""
_NOTHING: Mapping[str, Any] = {"views": 0, "unique_subscribers": 0, "watch_hours": 0.0, SMALL_BASE.name: None}


@dataclass(frozen=True)
class Channel:
    """A channel on some days.

    :ivar known: of these days and those before.
    """

    name: str
    period: Period
    ask: Ask
    known: Completeness

    def was_watched(self) -> bool:
        """Return whether somebody watched it on these days.

        :raises RequestRefused: nobody did in three months; says which channel may have been meant.
        """
        if len(self._rows(self._frame("channel_performance", self.period))):
            return True
        last = self.period.last
        since = max(self.known.first_day or last, last - _LOOK_BACK)
        seen = self._frame("channel_performance", Period(min(since, self.period.first), last))["channel"].tolist()
        if self.name in seen:
            return False
        some = ", ".join(cut(each, _CUT) for each in sorted(seen)[:_LISTED])
        raise RequestRefused(
            f"no channel {cut(self.name, _CUT)!r} was watched in the three months to {last}",
            meant(self.name, seen) or f"channels: {some}",
        )

    def figures(self, speech: Speech) -> list[Tile]:
        """Return what it amounts to, against as many days before where all of them are complete."""
        days = [*self.period.before().days(), *self.period.days()]
        now = self._figures(self.period, speech.zone)
        before = self._figures(self.period.before(), speech.zone) if all(map(self.known.is_complete, days)) else {}
        small = is_small(self._rows(self._frame("channel_performance", self.period)))
        made = {
            term: tile(speech, term, now[term], before.get(term), notation=_NOTATIONS.get(term, "number"), small=small)
            for term in ("reach", "average_audience", "watch_hours", "share", "view")
        }
        # A change of a part in percent of that part is read as points.
        made["share"] = replace(made["share"], change="", tone="")
        return list(made.values())

    def result(self, name: str) -> StoredResult:
        """Return an answer about this channel alone."""
        if name == _DAILY:
            return self._daily
        takes = find_analysis(name).parameters.model_fields
        parameters = {"channel": self.name} if "channel" in takes else _NARROWED.get(name, {})
        found = self.ask(name, self.period, parameters)
        rows = self._rows(found.frame)
        return replace(found, frame=rows, info=replace(found.info, row_count=len(rows)))

    def unwatched_days(self) -> list[date]:
        """Return the complete days on which nobody watched it; of very many days none is named."""
        if self.period.length > _MOST_DAYS:
            return []
        daily = self._daily.frame
        unwatched = [day for day, views in zip(daily[_DAY], daily["views"], strict=True) if views == 0]
        return [day for day in unwatched if self.known.is_complete(day)]

    def _figures(self, period: Period, zone: ZoneInfo) -> dict[str, float]:
        """Return its figures by their terms; what it has no row of is 0."""
        performance, share, reach, audience = (
            self._rows(self._frame(name, period)) for name in ("channel_performance", "share", "reach", "average_audience")
        )
        elapsed = sum((day.elapsed for day in clock.days_of(zone, self.known, period.days())), timedelta())
        minutes = float(audience["subscriber_minutes"].sum())
        return {
            "reach": value_of(reach, "reached_subscribers") or 0,
            "average_audience": minutes * _MINUTE / elapsed if elapsed else 0,
            "watch_hours": value_of(performance, "watch_hours") or 0,
            "share": value_of(share, "share_pct") or 0,
            "view": value_of(performance, "views") or 0,
        }

    @functools.cached_property
    def _daily(self) -> StoredResult:
        """Its days one by one, or its months where there are very many, those on which nobody watched it, too."""
        of_all = self.ask(_DAILY, self.period, {})
        rows = []
        for span in self._spans():
            found = self._rows(self._frame("channel_audience", span))
            figures = _NOTHING if found.empty else found.iloc[0]
            provisional = not all(map(self.known.is_complete, span.days()))
            rows.append({**{name: figures[name] for name in _NOTHING}, _DAY: span.first, PROVISIONAL.name: provisional})
        columns = find_analysis(_DAILY).columns
        frame = conform(pd.DataFrame(rows, columns=[each.name for each in columns], dtype=object), columns)
        frame.attrs.update(of_all.frame.attrs)
        return replace(of_all, frame=frame, info=replace(of_all.info, row_count=len(frame)))

    def _spans(self) -> list[Period]:
        days = self.period.days()
        if len(days) <= _MOST_DAYS:
            return [Period(day, day) for day in days]
        months = itertools.groupby(days, key=lambda day: (day.year, day.month))
        return [Period(of_month[0], of_month[-1]) for of_month in (list(each) for _, each in months)]

    def _frame(self, name: str, period: Period) -> pd.DataFrame:
        return self.ask(name, period, {}).frame

    def _rows(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the rows that are about it."""
        of = [each for each in ("channel", "from_channel", "to_channel") if each in frame]
        return frame[functools.reduce(operator.or_, (frame[each].eq(self.name).fillna(False) for each in of))]
