"""One picture: a title, panels below one another or side by side, and notes; and the Vega-Lite that declares it.

The kinds of panel that there are: tiles, bars, series along an axis, and maps of cells. Nulls are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import altair as alt
import numpy as np
import numpy.typing as npt

from telemetry_pipeline.amounts import NULL, short
from telemetry_pipeline.reports.figures import bars, heat, series, tiles
from telemetry_pipeline.reports.figures.marks import LETTER, Panel, layered, written
from telemetry_pipeline.reports.figures.scales import Numbers, Scale
from telemetry_pipeline.reports.figures.svg import LETTERS, MEASURED_FONT
from telemetry_pipeline.reports.figures.texts import shorten
from telemetry_pipeline.reports.figures.themes import GRID, GROUND, INK, LIGHT, PALE_INK, Theme
from telemetry_pipeline.words import pictures as say

MOST = 20
"""Rows of a ranking; what is beyond them is counted in a note."""
WIDTH = 720
"""Pixels, with the margin; nothing is written smaller than 12 of them."""

_MARGIN, _GAP, _LINE = 14.0, 26.0, 18.0
_NARROW = 520
_OWN_COLOURS = {"resolve": {"scale": {"color": "independent"}}}
"""Of panels: colours mean something else in each."""


class Sheet:
    """A page on which results are drawn.

    :ivar width: in pixels; panels that stand side by side on a wide page stand below one another on a narrow one.
    :ivar links: by the name of a column, what stands before its values in the addresses that its marks lead to.
    """

    def __init__(self, title: str, theme: Theme = LIGHT, width: float = WIDTH, links: Mapping[str, str] | None = None) -> None:
        self.theme = theme
        self._title = title
        self._width = width - 2 * _MARGIN
        self._links = links or {}
        self._rows: list[list[Panel]] = []
        self._notes: list[str] = []

    def note(self, text: str) -> None:
        """Put a remark below everything."""
        self._notes.append(text)

    def links(self, column: str, values: Sequence[str]) -> list[str | None]:
        """Return where the marks of the values of a column lead."""
        before = self._links.get(column)
        if before is None:
            return [None for _ in values]
        return [None if value == NULL else before + quote(value, safe="", errors="replace") for value in values]

    def tiles(self, figures: Mapping[str, str], columns: int = 5, heading: str = "") -> None:
        """Put figures in large type, each above its name."""
        if self._width < _NARROW:
            columns = 2
        self._add(tiles.tiles(self.theme, self._width, figures, columns), heading, 0)

    def bars(
        self,
        labels: Sequence[str],
        series: Mapping[str, Numbers],
        heading: str,
        texts: Sequence[str] | None = None,
        *,
        stacked: bool = False,
        colours: Sequence[str] = (),
        links: Sequence[str | None] = (),
        most: int = MOST,
        column: int = 0,
        of: int = 1,
    ) -> None:
        """Put horizontal bars, the first row on top; *texts* stand behind them, or the values.

        :param series: the bars of each row, below one another or one behind the other; all bars of one have its colour.
        :param colours: of each row instead, where there is one series.
        :param links: where the bars of each row lead.
        """
        panel = bars.bars(
            self.theme,
            self._room(of),
            labels[:most],
            {name: values[:most] for name, values in series.items()},
            texts=texts,
            stacked=stacked,
            colours=colours,
            links=links,
            narrow=14 if self._room(of) < 300 else 20 if self._room(of) < _NARROW else 30,
        )
        if panel is not None and len(labels) > most:
            self.note(say.more(len(labels) - most) + (f" ({heading})" if of > 1 else ""))
        self._add(panel, heading, column)

    def series(
        self,
        scale: Scale,
        values: Mapping[str, Numbers],
        heading: str,
        *,
        lines: bool = False,
        colours: Sequence[str] = (),
        band: series.Band | None = None,
        legend: Mapping[str, str] | None = None,
        height: float = 128,
        column: int = 0,
        of: int = 1,
    ) -> None:
        """Put columns of one series, or lines of some, along *scale*.

        :param colours: of each column, or of each line.
        :param band: the lower and upper edges of an area behind the lines.
        :param legend: colours and what they mean, where they are not those of several series.
        """
        panel = series.series(
            self.theme,
            self._room(of),
            scale,
            values,
            lines=lines,
            colours=colours,
            band=band,
            legend=legend,
            height=height,
        )
        self._add(panel, heading, column)

    def heat(
        self,
        cells: Numbers,
        rows: Sequence[str],
        columns: Sequence[str],
        heading: str,
        title: str,
        *,
        written: bool = False,
        diverging: bool = False,
        grey: npt.NDArray[np.bool_] | None = None,
        links: Sequence[str | None] = (),
    ) -> None:
        """Put a map of cells: the stronger the colour, the more; red is below zero.

        :param title: of the columns.
        :param grey: cells that have no colour, but a shade of grey.
        :param written: are the values written into the cells?
        :param links: where the cells of each row lead.
        """
        panel = heat.heat(
            self.theme,
            self._width,
            cells,
            rows,
            columns,
            title,
            written=written,
            diverging=diverging,
            grey=grey,
            links=links,
        )
        if panel is not None and not written:
            heading = f"{heading} ({say.stronger_is_more(short(max(float(np.nanmax(cells)), 0.0)))})"
        self._add(panel, heading, 0)

    def declaration(self) -> dict[str, Any] | None:
        """Return the picture as Vega-Lite; None if nothing was drawn on it."""
        if not self._rows:
            return None
        rows = [row[0] if len(row) == 1 else {"hconcat": row, "spacing": _GAP, **_OWN_COLOURS} for row in self._rows]
        if self._notes:
            rows.append(self._noted())
        declared = {
            "$schema": alt.SCHEMA_URL,
            "concat": rows,
            "columns": 1,
            "spacing": 18,
            "align": "none",
            **_OWN_COLOURS,
            "padding": _MARGIN,
            "background": self.theme[GROUND] if self.theme.is_filled else "transparent",
            "config": _config(self.theme),
        }
        if self.theme.is_filled:  # else it lies on a page that has a title of its own
            text = shorten(self._title, int(self._width / LETTER / 1.2))
            declared["title"] = {"text": text, "fontSize": 16, "anchor": "start", "offset": 12, "color": self.theme[INK]}
        return declared

    def _noted(self) -> Panel:
        lines = [shorten(note, int(self._width / LETTER * 1.1)) for note in self._notes]
        rows = [{"x": 0, "y": 12 + _LINE * index, "text": line} for index, line in enumerate(lines)]
        texts = written(rows, self.theme, size=12, fontStyle="italic")
        return layered(texts, width=self._width, height=_LINE * len(lines))

    def _room(self, of: int) -> float:
        """Return the width of one of so many panels side by side."""
        return self._width if self._width < _NARROW else (self._width - _GAP * (of - 1)) / of

    def _add(self, panel: Panel | None, heading: str, column: int) -> None:
        """Put a panel below the others, or beside the last."""
        if panel is None:
            return
        if heading:
            panel["title"] = shorten(heading, int(self._width / LETTER))
        if column == 0 or not self._rows or self._width < _NARROW:
            self._rows.append([])
        self._rows[-1].append(panel)


def _config(theme: Theme) -> dict[str, Any]:
    quiet = {"aria": False, "labelColor": theme[PALE_INK], "labelFontSize": LETTERS}
    title = {"titleColor": theme[PALE_INK], "titleFontSize": LETTERS, "titleFontWeight": "normal"}
    return {
        "font": MEASURED_FONT,
        "view": {"stroke": None},
        "axis": {**quiet, **title, "gridColor": theme[GRID], "domainColor": theme[GRID], "tickColor": theme[GRID]},
        "legend": {**quiet, "offset": 6, "symbolSize": 110},
        "title": {"aria": False, "color": theme[PALE_INK], "fontSize": 13, "anchor": "start", "offset": 8},
        "text": {"fontSize": LETTERS},
    }
