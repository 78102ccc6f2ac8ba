"""Panels of figures in large type."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt

from telemetry_pipeline.amounts import NULL
from telemetry_pipeline.reports.figures.marks import LETTER, Panel, chart_of, layered, row, written
from telemetry_pipeline.reports.figures.texts import shorten
from telemetry_pipeline.reports.figures.themes import INK, TILE, Theme

_HEIGHT, _GAP = 66.0, 10.0


def tiles(theme: Theme, width: float, figures: Mapping[str, str], columns: int) -> Panel | None:
    """See :meth:`Sheet.tiles`; None: there is nothing to see."""
    if all(value == NULL for value in figures.values()):
        return None
    wide = (width - _GAP * (columns - 1)) / columns
    room = int(wide / LETTER) - 1
    boxes, values, names = [], [], []
    for index, (name, value) in enumerate(figures.items()):
        x, y = index % columns * (wide + _GAP), index // columns * (_HEIGHT + _GAP)
        boxes.append(row(TILE, f"{name}: {value}", x=x, y=y, x2=x + wide, y2=y + _HEIGHT))
        values.append({"x": x + 10, "y": y + 32, "text": shorten(value, room // 2)})
        names.append({"x": x + 10, "y": y + 54, "text": shorten(name, room)})
    lines = -(-len(figures) // columns)
    grounds = (
        chart_of(boxes)
        .mark_rect(color=theme[TILE], cornerRadius=4)
        .encode(
            x=alt.X("x:Q", scale=None, axis=None),
            y=alt.Y("y:Q", scale=None, axis=None),
            x2=alt.X2("x2:Q"),
            y2=alt.Y2("y2:Q"),
            description=alt.Description("said:N"),
        )
    )
    large = written(values, theme, size=20, color=theme[INK], fontWeight="bold")
    height = lines * (_HEIGHT + _GAP) - _GAP
    return layered(grounds, large, written(names, theme, size=12), width=width, height=height)
