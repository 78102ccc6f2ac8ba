"""Panels along an axis of days or hours: columns of one series, or lines of some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np

from telemetry_pipeline.amounts import short
from telemetry_pipeline.reports.figures.marks import Legend, Panel, chart_of, encodings, layered, row, ticks_on
from telemetry_pipeline.reports.figures.marks import colours as colours_of
from telemetry_pipeline.reports.figures.scales import Numbers, Scale
from telemetry_pipeline.reports.figures.themes import BLUE, INK, ORANGE, PALETTE, Theme

ROOM = 66.0
"""Pixels for the labels of the vertical axis."""
_THICKEST = 56.0
_MILLIONS = "abs(datum.value) >= 1e7 ? format(datum.value / 1e6, ',.1f') + ' M' : datum.label"

Band = tuple[Numbers, Numbers]


def series(
    theme: Theme,
    width: float,
    scale: Scale,
    series: Mapping[str, Numbers],
    *,
    lines: bool,
    colours: Sequence[str],
    band: Band | None,
    legend: Mapping[str, str] | None,
    height: float,
) -> Panel | None:
    """See :meth:`Sheet.series`; None: there is nothing to see."""
    values = np.array(list(series.values()))
    if not len(scale.positions) or np.isnan(values).all():
        return None
    half = scale.step * 0.4
    low_x, high_x = float(scale.positions.min() - half * 1.5), float(scale.positions.max() + half * 1.5)
    axes = _axes(scale, (low_x, high_x), width, np.vstack([values, *(band or ())]))
    if lines:
        names = dict(zip(series, colours or PALETTE, strict=False))
        shown = Legend({colour: name for name, colour in names.items()}, width, is_of_lines=True) if len(series) > 1 else None
        layers = _lines(theme, scale, series, names, axes, half, height, shown)
        if band is not None:
            layers.insert(0, _band(theme, scale, band, axes))
    else:
        thick = min(_THICKEST, max(1.0, (width - ROOM) * 2 * half / (high_x - low_x)))
        shown = Legend(legend, width) if legend else None
        layers = [_columns(theme, scale, series, colours, axes, shown, thick)]
    return layered(*layers, width=width, height=height)


def _axes(scale: Scale, ends: tuple[float, float], width: float, values: Numbers) -> dict[str, Any]:
    low, high = min(0.0, float(np.nanmin(values))), max(0.0, float(np.nanmax(values)))
    known = values[~np.isnan(values)]
    whole: dict[str, Any] = {"tickMinStep": 1} if (known == known.round()).all() else {}
    x = ticks_on(scale.ticks, scale.title, *ends)
    y = alt.Axis(tickCount=4, **whole, labelExpr=_MILLIONS, offset=-ROOM, title=None, domain=False, ticks=False)
    return {
        "x": alt.X("x:Q", scale=alt.Scale(domain=list(ends), nice=False, zero=False, range=[ROOM, width]), axis=x),
        "y": alt.Y("value:Q", scale=alt.Scale(domain=[low * 1.08, high * 1.08 if high > low else 1], nice=False), axis=y),
    }


def _columns(
    theme: Theme,
    scale: Scale,
    series: Mapping[str, Numbers],
    colours: Sequence[str],
    axes: Mapping[str, Any],
    legend: Legend | None,
    thick: float,
) -> alt.Chart:
    [(name, values)] = series.items()
    rows = [
        row(colour, f"{day} · {name}: {short(value)}", x=x, value=value)
        for x, day, value, colour in zip(scale.positions, scale.names, values, colours or [BLUE] * len(values), strict=True)
        if not np.isnan(value)
    ]
    bars = chart_of(rows).mark_bar(orient="vertical", size=thick)
    chart: alt.Chart = bars.encode(**axes, y2=alt.Y2Datum(0), **encodings(theme, rows, legend))
    return chart


def _lines(
    theme: Theme,
    scale: Scale,
    series: Mapping[str, Numbers],
    names: Mapping[str, str],
    axes: Mapping[str, Any],
    half: float,
    height: float,
    legend: Legend | None,
) -> list[alt.Chart]:
    """Return the lines, a dot where one has a value between two that are not known, and what each day says."""
    rows, dots = [], []
    for name, colour in names.items():
        known = ~np.isnan(np.concatenate([[np.nan], series[name], [np.nan]]))
        alone = known[1:-1] & ~known[:-2] & ~known[2:]
        for x, value, is_alone in zip(scale.positions, series[name], alone, strict=True):
            place = {"x": x, "value": None if np.isnan(value) else value, "colour": colour}
            rows.append(place)
            dots += [place] if is_alone else []
    paint = colours_of(theme, names.values(), legend)
    days = []
    for index, (x, day) in enumerate(zip(scale.positions, scale.names, strict=True)):
        said = [f"{name}: {short(series[name][index])}" for name in names if not np.isnan(series[name][index])]
        if said:
            days.append({"x": x - half, "x2": x + half, "said": " · ".join([day, *said])})
    drawn = chart_of(rows).mark_line(strokeWidth=2, aria=False).encode(**axes, color=paint, detail=alt.Detail("colour:N"))
    dotted = chart_of(dots).mark_circle(size=28, opacity=1, aria=False).encode(**axes, color=paint)
    said_by = chart_of(days).mark_rect(fill=theme[INK], fillOpacity=0)
    whole = {"y": alt.YValue(0), "y2": alt.Y2Value(height)}
    said_by = said_by.encode(x=axes["x"], x2=alt.X2("x2:Q"), description=alt.Description("said:N"), **whole)
    return [drawn, *([dotted] if dots else []), said_by]


def _band(theme: Theme, scale: Scale, band: Band, axes: Mapping[str, Any]) -> alt.Chart:
    rows = [
        {"x": x, "value": low, "high": high}
        for x, low, high in zip(scale.positions, *band, strict=True)
        if not (np.isnan(low) or np.isnan(high))
    ]
    area = chart_of(rows).mark_area(fill=theme[ORANGE], opacity=1, fillOpacity=0.25, aria=False)
    chart: alt.Chart = area.encode(**axes, y2=alt.Y2("high:Q"))
    return chart
