"""Panels of horizontal bars, for rankings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt
import numpy as np

from telemetry_pipeline.amounts import short
from telemetry_pipeline.reports.figures.marks import LETTER, Legend, Panel, chart_of, encodings, layered, names_on, row
from telemetry_pipeline.reports.figures.scales import Numbers
from telemetry_pipeline.reports.figures.texts import letters, shorten_marked
from telemetry_pipeline.reports.figures.themes import INK, PALE_INK, PALETTE, Theme

_GAP = 4
"""Pixels from a bar to the text behind it."""


def bars(
    theme: Theme,
    width: float,
    labels: Sequence[str],
    series: Mapping[str, Numbers],
    *,
    texts: Sequence[str] | None,
    stacked: bool,
    colours: Sequence[str],
    links: Sequence[str | None],
    narrow: int,
) -> Panel | None:
    """See :meth:`Sheet.bars`; None: there is nothing to see."""
    values = np.array(list(series.values()))
    if not len(labels) or np.isnan(values).all():
        return None
    known = ~np.isnan(values)
    values = np.nan_to_num(values)
    ends = values.cumsum(axis=0) if stacked else values
    begins = ends - values if stacked else np.zeros_like(values)
    palette = [PALETTE[index % len(PALETTE)] for index in range(len(series))]
    rows, behind = [], []
    for lane, name in enumerate(series):
        for at, label in enumerate(labels):
            text = (
                texts[at] if texts is not None and len(series) == 1 else short(values[lane, at] if known[lane, at] else np.nan)
            )
            said = f"{label} · {name}: {text}" if name else f"{label}: {text}"
            colour = colours[at] if colours else palette[lane]
            place = {"row": at, "lane": lane, "begin": begins[lane, at], "end": ends[lane, at]}
            rows.append(row(colour, said, links[at] if links else None, **place))
            if not stacked:
                behind.append({"row": at, "lane": lane, "at": max(0.0, ends[lane, at]), "text": text})
    if stacked:
        sums = [texts[at] if texts is not None else short(ends[-1, at]) for at in range(len(labels))]
        behind = [{"row": at, "lane": 0, "at": max(0.0, ends[-1, at]), "text": text} for at, text in enumerate(sums)]
    names = [shorten_marked(label, narrow) for label in labels]
    room = max(map(letters, names)) * LETTER + 10
    inner = width - room
    low, high = min(0.0, ends.min()), max(0.0, ends.max())
    share = min(0.6, (max(letters(each["text"]) for each in behind) * LETTER + 2 * _GAP) / inner)
    lanes = 1 if stacked else len(series)
    axis = names_on(names, grid=False, domain=False, offset=-room, labelColor=theme[INK], labelPadding=6)
    y = alt.Y("row:O", axis=axis, scale=alt.Scale(paddingInner=0.22, paddingOuter=0.1))
    # A span of zero would have Vega put everything into the middle.
    scale = alt.Scale(domain=[low, low + ((high - low) or 1.0) / (1 - share)], nice=False, zero=False, range=[room, width])
    offset = {"yOffset": alt.YOffset("lane:O")} if lanes > 1 else {}
    legend = Legend(dict(zip(palette, series, strict=False)), width) if len(series) > 1 else None
    boxes = (
        chart_of(rows)
        .mark_bar(orient="horizontal")
        .encode(x=alt.X("begin:Q", scale=scale, axis=None), x2=alt.X2("end:Q"), y=y, **offset, **encodings(theme, rows, legend))
    )
    ends_of_bars = (
        chart_of(behind)
        .mark_text(align="left", dx=_GAP, color=theme[PALE_INK], aria=False)
        .encode(x=alt.X("at:Q", scale=scale, axis=None), y=y, text=alt.Text("text:N"), **offset)
    )
    height = len(labels) * (21 if lanes == 1 else 15 * lanes + 6)
    return layered(boxes, ends_of_bars, width=width, height=height)
