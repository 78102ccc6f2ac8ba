"""The chart of a sheet, Excel's own, over the cells of its rows: what the columns of the table suggest, as in its picture."""

from __future__ import annotations

from typing import Any

import pandas as pd

from telemetry_pipeline.analyses.framework.columns import Column
from telemetry_pipeline.analyses.framework.declaration import Analysis
from telemetry_pipeline.reports.figures.themes import BLUE, LIGHT

_BARS = 20
_MOST_COLUMNS = 62
"""Of days; more are a line."""
_SIZE = {"width": 720, "height": 420}


def chart_of(workbook: Any, sheet: str, analysis: Analysis, frame: pd.DataFrame, title: str) -> Any | None:
    """Return a chart of the rows below the header of a sheet, which has the frame's columns in their order.

    By day or hour there are columns, or a line where there are very many; by name, bars of the first rows. None: a table of
    names by hours, or without measures, suggests none.
    """
    keys = [each for each in analysis.columns if each.key and frame[each.name].nunique(dropna=False) > 1]
    measure = _measure(analysis)
    if measure is None or not keys or len({each.role for each in keys}) > 1:
        return None
    is_of_times = keys[0].role == "time"
    if is_of_times and len(keys) > 1:
        return None
    begin = int(frame[keys[0].name].isna().sum()) if is_of_times else 0  # rows of whole days stand before their hours
    if begin and frame[keys[0].name].iloc[begin:].isna().any():
        return None
    rows = len(frame) if is_of_times else min(len(frame), _BARS)
    kind = "bar" if not is_of_times else "column" if rows <= _MOST_COLUMNS else "line"
    chart = workbook.add_chart({"type": kind})
    names = [str(name) for name in frame.columns]
    at, places = names.index(measure.name), [names.index(each.name) for each in keys]
    chart.add_series(
        {
            "name": [sheet, 0, at],
            "categories": [sheet, 1 + begin, min(places), rows, max(places)],
            "values": [sheet, 1 + begin, at, rows, at],
            ("line" if kind == "line" else "fill"): {"color": LIGHT[BLUE]},
        }
    )
    chart.set_title({"name": title, "overlay": False, "name_font": {"size": 12}})
    chart.set_legend({"position": "bottom"})
    chart.set_size(_SIZE)
    if kind == "bar":
        chart.set_y_axis({"reverse": True})  # the first row on top
    elif keys[0].type == "date":
        chart.set_x_axis({"date_axis": True, "num_format": "d mmm"})
    return chart


def _measure(analysis: Analysis) -> Column | None:
    from telemetry_pipeline.reports.charts.default import MEASURES  # noqa: PLC0415 - what draws is loaded by who draws

    measures = {each.name: each for each in analysis.columns if each.role == "measure" and not each.key}
    chosen = [measures[name] for name in MEASURES.get(analysis.name, ()) if name in measures]
    return next(iter([*chosen, *measures.values()]), None)
