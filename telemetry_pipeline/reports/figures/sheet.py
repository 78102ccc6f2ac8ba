"""The kinds of panel that there are: tiles, bars, series along an axis, and maps of cells. Nulls are left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from telemetry_pipeline.amounts import NULL, short
from telemetry_pipeline.reports.figures.colours import BLUE, ORANGE, PALETTE
from telemetry_pipeline.reports.figures.page import (
    GRID,
    INK,
    LETTER,
    MARGIN,
    PALE_INK,
    TILE,
    WIDTH,
    Page,
)
from telemetry_pipeline.reports.figures.scales import Numbers, Scale
from telemetry_pipeline.reports.figures.texts import letters, shorten
from telemetry_pipeline.words import pictures as say

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 20
"""Rows of a ranking; what is beyond them is counted in a note."""


class Sheet(Page):
    """A page on which results are drawn."""

    def tiles(self, figures: Mapping[str, str], columns: int = 5, heading: str = "") -> None:
        """Figures in large type, each above its name."""
        if all(value == NULL for value in figures.values()):
            return
        from matplotlib.patches import Rectangle

        top = self.below(16 if heading else 0, 0)
        self.heading(MARGIN, top, heading)
        width = (WIDTH - 2 * MARGIN - 8 * (columns - 1)) / columns
        for index, (name, value) in enumerate(figures.items()):
            column = index % columns
            if column == 0:
                top = self.below(58, 0)
            left = MARGIN + column * (width + 8)
            self.figure.add_artist(Rectangle((left, top), width, 50, color=TILE, linewidth=0, transform=self.points))
            self.write(left + 8, top + 24, shorten(value, 14), size=15 if len(value) < 11 else 12, weight="bold")
            self.write(left + 8, top + 41, name, colour=PALE_INK)
        self.bottom += 4

    def bars(
        self,
        labels: Sequence[str],
        series: Mapping[str, Numbers],
        heading: str,
        texts: Sequence[str] | None = None,
        *,
        stacked: bool = False,
        colours: Sequence[str] = (),
        most: int = MOST,
        column: int = 0,
        of: int = 1,
    ) -> None:
        """Horizontal bars, the first row on top; *texts* stand behind them, or the values.

        :param series: the bars of each row, below one another or one behind the other; all bars of one have its colour.
        :param colours: of each row instead, where there is one series.
        """
        values = np.array([each[:most] for each in series.values()])
        if not len(labels) or np.isnan(values).all():
            return
        if len(labels) > most:
            self.note(say.more(len(labels) - most) + (f" ({heading})" if of > 1 else ""))
        narrow = 30 if of == 1 else 14
        names = [shorten(label, narrow) for label in labels[:most]]
        values = np.nan_to_num(values)
        lanes = 1 if stacked else len(values)
        ends = values.sum(axis=0, keepdims=True) if stacked else values
        written = [[short(end) for end in lane] for lane in ends] if texts is None else [list(texts[:most])]
        legend = dict(zip(series, PALETTE, strict=False)) if len(series) > 1 else None
        room = max(map(letters, names)) * LETTER + 6
        pitch = 16.0 if lanes == 1 else 11.0 * lanes + 5
        panel = self.panel(len(names) * pitch, heading, legend, room=room, column=column, of=of)
        axes, width = panel.axes, panel.width
        low, high = min(0.0, ends.min()), max(0.0, ends.max())
        span = (high - low) or 1.0
        behind = min(0.6, (max(len(text) for lane in written for text in lane) * LETTER + 8) / width)
        thick = 0.78 / lanes
        tops = np.arange(len(names)) - 0.39
        lefts = np.zeros(len(names))
        for index, lane in enumerate(values):
            row = 0 if stacked else index
            boxes = np.column_stack([lefts, tops + row * thick, lefts + lane, tops + (row + 0.94) * thick])
            _boxes(axes, boxes, colours[: len(names)] or [PALETTE[index % len(PALETTE)]] * len(names))
            if stacked:
                lefts = lefts + lane
        for row, texts_of_lane in enumerate(written):
            for index, text in enumerate(texts_of_lane):
                end = max(0.0, ends[row, index]) + span * 4 / width
                axes.text(end, tops[index] + (row + 0.5) * thick, text, va="center_baseline", color=PALE_INK)
        axes.set_xlim(low, low + span / (1 - behind))
        axes.set_ylim(len(names) - 0.5, -0.5)
        self.label_rows(panel, dict(enumerate(names)), INK)

    def series(
        self,
        scale: Scale,
        series: Mapping[str, Numbers],
        heading: str,
        *,
        lines: bool = False,
        colours: Sequence[str] = (),
        band: tuple[Numbers, Numbers] | None = None,
        legend: Mapping[str, str] | None = None,
        height: float = 96,
        column: int = 0,
        of: int = 1,
    ) -> None:
        """Columns of one series, or lines of some, along *scale*.

        :param colours: of each column, or of each line.
        :param band: the lower and upper edges of an area behind the lines.
        :param legend: names and colours, where they are not those of several series.
        """
        values = np.array(list(series.values()))
        if not len(scale.positions) or np.isnan(values).all():
            return
        from matplotlib.ticker import MaxNLocator

        shades = list(colours) or list(PALETTE)
        if legend is None and len(series) > 1:
            legend = dict(zip(series, shades, strict=False))
        panel = self.panel(height, heading, legend, room=46, below=42, column=column, of=of)
        axes = panel.axes
        half = scale.step * 0.4
        x = scale.positions
        if lines:
            for shade, lane in zip(shades, values, strict=False):
                axes.plot(x, lane, color=shade, linewidth=1.6)
                alone = ~np.isnan(np.concatenate([[np.nan], lane, [np.nan]]))
                alone = alone[1:-1] & ~alone[:-2] & ~alone[2:]
                axes.plot(x[alone], lane[alone], "o", color=shade, markersize=3)
        else:
            lane = values[0]
            known = ~np.isnan(lane)
            edges = np.column_stack([x - half, np.zeros(len(x)), x + half, lane])[known]
            _boxes(axes, edges, [shade for shade, keep in zip(colours or [BLUE] * len(x), known, strict=True) if keep])
        if band is not None:
            axes.fill_between(x, *band, color=ORANGE, alpha=0.25, linewidth=0)
            values = np.vstack([values, *band])
        low, high = min(0.0, np.nanmin(values)), max(0.0, np.nanmax(values))
        axes.set_ylim(low * 1.08, high * 1.08 if high > low else 1)
        axes.set_xlim(x.min() - half * 1.5, x.max() + half * 1.5)
        known_values = values[~np.isnan(values)]
        locator = MaxNLocator(4, integer=bool((known_values == known_values.round()).all()))
        marks = [
            float(mark) for mark in locator.tick_values(*axes.get_ylim()) if low * 1.08 <= mark <= max(high * 1.08, 1 - high)
        ]
        for mark in marks:
            axes.axhline(mark, color=PALE_INK if mark == 0 else GRID, linewidth=0.7, zorder=0)
        self.label_rows(panel, {mark: short(mark) for mark in marks})
        self.label_columns(panel, scale.ticks, scale.title)

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
    ) -> None:
        """A map of cells, one colour for each value: darker is more; or red is below zero and blue above.

        :param title: of the columns.
        :param grey: cells that have no colour, but a shade of grey.
        :param written: are the values written into the cells?
        """
        if not cells.size or np.isnan(cells).all():
            return
        from matplotlib import colormaps

        names, columns = [shorten(row, 24) for row in rows], [shorten(column, 16) for column in columns]
        room = max(map(letters, names)) * LETTER + 6
        top = max(float(np.nanmax(cells)), 0.0) or 1.0
        # By the square root, so that one strong cell does not make all others alike.
        shares = (cells + 1) / 2 if diverging else cells / top if written else np.sqrt(np.maximum(cells, 0) / top)
        colours = colormaps["RdBu" if diverging else "YlGnBu"](shares if diverging else 0.06 + 0.92 * shares)
        if grey is not None:
            colours[grey] = colormaps["Greys"](0.06 + 0.4 * shares)[grey]
        longest = max(map(letters, columns)) * LETTER
        upright = longest > (WIDTH - 2 * MARGIN - room) / len(columns) + LETTER
        height = len(names) * (20 if written else 15)
        panel = self.panel(height, heading, room=room, below=(longest if upright else 12) + 16)
        panel.axes.imshow(colours, interpolation="none", aspect="auto")
        self.label_rows(panel, dict(enumerate(names)), INK)
        self.label_columns(panel, dict(enumerate(columns)), title, longest if upright else 0)
        if not written:
            self.write(WIDTH - MARGIN, self.row + 9, say.darker_is_more(short(top)), colour=PALE_INK, ha="right")
            return
        dark = (np.abs(shares - 0.5) > 0.3) if diverging else shares > 0.55
        for row, column in np.argwhere(~np.isnan(cells)):
            text = f"{cells[row, column]:.{2 if diverging else 0}f}"
            panel.axes.text(column, row, text, ha="center", va="center_baseline", color="white" if dark[row, column] else INK)


def _boxes(axes: Axes, edges: Numbers, colours: Sequence[str]) -> None:
    """Boxes from (left, bottom) to (right, top), as one path for each colour."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    for colour in dict.fromkeys(colours):
        chosen = edges[[each == colour for each in colours]]
        corners = chosen[:, [0, 1, 2, 1, 2, 3, 0, 3, 0, 1]].reshape(-1, 2)
        codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY] * len(chosen)
        axes.add_artist(PathPatch(Path(corners, codes), facecolor=colour, linewidth=0))
