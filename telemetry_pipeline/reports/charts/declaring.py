"""The declaration of a result's picture, whatever it is of, and what is to be known before it is believed."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

import pandas as pd

from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.reports.charts import audience, default, general, period, subscribers
from telemetry_pipeline.reports.charts.drawing import OTHERS
from telemetry_pipeline.reports.charts.frames import is_small
from telemetry_pipeline.reports.figures.sheet import WIDTH, Sheet
from telemetry_pipeline.reports.figures.themes import LIGHT, THEMES
from telemetry_pipeline.words import pictures as say
from telemetry_pipeline.words.analyses import title

_LISTED = 4
"""Days that lack some."""

CHARTS: dict[str, Callable[[Sheet, pd.DataFrame], None]] = {
    **general.CHARTS,
    **audience.CHARTS,
    **subscribers.CHARTS,
    **period.CHARTS,
}
"""What is not drawn as its columns suggest."""
_OTHERS = {"three_days": audience.three_days}


def declare(
    name: str,
    frame: pd.DataFrame,
    theme: str = LIGHT.name,
    width: float | None = None,
    links: Mapping[str, str] | None = None,
) -> dict[str, Any] | None:
    """Return the picture *name* of a result, which is its analysis or one of ``OTHERS``, as Vega-Lite.

    None, if there is nothing to draw, or no such analysis.

    The same result always gives the same declaration. The other arguments are those of ``drawing.svg``.
    """
    analysis = all_analyses().get(OTHERS.get(name, name))
    if frame.empty or analysis is None:
        return None
    new_sheet = functools.partial(
        Sheet, say.TITLES.get(name) or title(name), THEMES[theme], WIDTH if width is None else width, links
    )
    sheet = new_sheet()
    try:
        (_OTHERS.get(name) or CHARTS[name])(sheet, frame)
    except KeyError:  # no picture of its own, or a column that it shows is not there
        sheet = new_sheet()
        default.draw(sheet, frame, analysis.columns, default.MEASURES.get(name, ()))
    for remark in _remarks(frame):
        sheet.note(remark)
    return sheet.declaration()


def _remarks(frame: pd.DataFrame) -> list[str]:
    """Return what to know of a result before it is believed: up to when it is known, which days lack some, small bases."""
    facts = frame.attrs.get("facts", {})
    days = [date.fromisoformat(each) for each in facts.get("provisional_days", ())]
    remarks = []
    if until := facts.get("known_until"):
        moment = datetime.fromisoformat(until)
        remarks.append(say.provisional(say.day(moment.date()), f"{moment:%H:%M}"))
        days = [each for each in days if each != moment.date()]
    if days:
        remarks.append(say.incomplete([say.day(each) for each in days[:_LISTED]], len(days[_LISTED:])))
    if facts.get("settled") is False and not until:
        remarks.append(say.NOT_SETTLED)
    if is_small(frame).any():
        remarks.append(say.FEW_SUBSCRIBERS)
    return remarks
