"""What all kinds of panel are made of: rows of data, colours by name with their legend, axes whose labels are ours."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
from altair.utils import schemapi

from telemetry_pipeline.reports.figures.svg import DOOR
from telemetry_pipeline.reports.figures.texts import letters, shorten
from telemetry_pipeline.reports.figures.themes import PALE_INK, Theme, opacity

Panel = dict[str, Any]
"""A part of a picture, as Vega-Lite."""

LETTER = 6.9
"""Mean width of a letter of 12 pixels, with some room."""
_SAID = 160
"""Letters of what a mark says."""
_LEGEND_LETTERS = 24
_LEGEND_LINE = 20.0
# A third of what a declaration takes goes into holding each part of it against Vega-Lite's schema; the tests do that.
schemapi.disable_debug_mode()


@dataclass(frozen=True)
class Legend:
    """What colours mean, in lines above a panel.

    :ivar is_of_lines: or of areas.
    """

    names: Mapping[str, str]
    width: float
    is_of_lines: bool = False

    @property
    def written(self) -> dict[str, str]:
        """Names of a bearable length by colour."""
        return {colour: shorten(name, _LEGEND_LETTERS) for colour, name in self.names.items()}

    @property
    def columns(self) -> int:
        """How many names stand in a line."""
        longest = max(map(letters, self.written.values()))
        return max(1, min(len(self.names), int(self.width / (longest * LETTER + 36))))

    @property
    def height(self) -> float:
        """Of all lines, in pixels."""
        return _LEGEND_LINE * -(-len(self.names) // self.columns)

    def drawn(self) -> alt.Legend:
        """Return the legend for an encoding of colours."""
        symbol: dict[str, Any] = {"symbolType": "square", "symbolStrokeWidth": 0}
        if self.is_of_lines:
            symbol = {"symbolType": "stroke", "symbolStrokeWidth": 3}
        return alt.Legend(
            values=list(self.written),
            labelExpr=f"{json.dumps(self.written)}[datum.value]",
            labelLimit=0,
            title=None,
            orient="none",
            direction="horizontal",
            legendX=0,
            legendY=-self.height - 4,
            columns=self.columns,
            symbolOpacity=1,
            **symbol,
        )


def row(colour: str, said: str, link: str | None = None, **values: Any) -> dict[str, Any]:
    """Return the data of one mark: its colour, what it says, and where it leads."""
    leads = {"link": DOOR + link} if link else {}
    return {**values, "colour": colour, "opacity": opacity(colour), "said": shorten(said, _SAID), **leads}


def chart_of(rows: Sequence[Mapping[str, Any]]) -> alt.Chart:
    """Return a chart of what :func:`row` gives, or of other rows."""
    return alt.Chart({"values": tuple(rows)})  # Altair copies lists with all that is in them, over and over


def layered(*charts: alt.Chart, width: float, height: float) -> Panel:
    """Return a panel: charts one above the other, as Vega-Lite; Altair's own layers copy all that is in them several times."""
    return {"layer": [_declared(each) for each in charts], "width": width, "height": height}


def _declared(chart: alt.Chart) -> Panel:
    context: dict[str, Any] = {"top_level": False, "datasets": {}}
    declared: Panel = chart.to_dict(validate=False, context=context)
    if "name" in declared["data"]:
        declared["data"] = {"values": context["datasets"][declared["data"]["name"]]}
    return declared


def encodings(theme: Theme, rows: Sequence[Mapping[str, Any]], legend: Legend | None) -> dict[str, Any]:
    """Return the channels of what :func:`row` gives."""
    channels: dict[str, Any] = {
        "color": colours(theme, (each["colour"] for each in rows), legend),
        "description": alt.Description("said:N"),
    }
    if any(each["opacity"] != 1 for each in rows):
        channels["fillOpacity"] = alt.FillOpacity("opacity:Q", scale=None, legend=None)
    if any("link" in each for each in rows):
        channels["href"] = alt.Href("link:N")
    return channels


def colours(theme: Theme, used: Iterable[str], legend: Legend | None) -> alt.Color:
    """Return colours by their names, and a legend of some of them."""
    names = list(dict.fromkeys([*(legend.names if legend else ()), *used]))
    scale = alt.Scale(domain=names, range=[theme[name] for name in names])
    return alt.Color("colour:N", scale=scale, legend=legend.drawn() if legend else None)


def names_on(labels: Sequence[str], **look: Any) -> alt.Axis:
    """Return an axis with a label for each of the positions 0, 1, 2, ..., whatever it holds, and as often as it occurs."""
    return alt.Axis(
        labelExpr=f"{json.dumps(list(labels))}[datum.value]", labelLimit=0, labelOverlap=False, title=None, ticks=False, **look
    )


def ticks_on(ticks: Mapping[int, Sequence[str]], title: str, low: float, high: float) -> alt.Axis:
    """Return an axis with labels of some lines at some positions."""
    return alt.Axis(
        values=[each for each in ticks if low <= each <= high],
        labelExpr=f"{json.dumps({str(at): list(lines) for at, lines in ticks.items()})}[datum.value]",
        labelOverlap="greedy",
        title=title,
        grid=False,
        ticks=False,
        labelPadding=7,
    )


def written(rows: Sequence[Mapping[str, Any]], theme: Theme, *, size: float, **look: Any) -> alt.Chart:
    """Return texts at places in pixels: rows of ``x``, ``y`` and ``text``."""
    chart: alt.Chart = (
        chart_of(rows)
        .mark_text(align="left", baseline="alphabetic", fontSize=size, aria=False, **{"color": theme[PALE_INK], **look})
        .encode(x=alt.X("x:Q", scale=None, axis=None), y=alt.Y("y:Q", scale=None, axis=None), text=alt.Text("text:N"))
    )
    return chart
