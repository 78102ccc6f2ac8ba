"""How charts are drawn: a sheet of panels, the few kinds of panel there are, and a compact SVG of it all.

Which analysis is shown by which panels is in ``charts``. Sizes are in points: a sheet is 540 wide, 720 pixels of a
browser, on white, with no text below 9. Nulls are left out. Matplotlib takes a second to import, so functions import it.
"""

from __future__ import annotations

import io
import itertools
import re
import unicodedata
import warnings
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Numbers = npt.NDArray[np.float64]

BLUE, ORANGE, GREEN, PURPLE, RED, GREY = "#2f6db5", "#e08a3c", "#3b9c75", "#8b66b5", "#c9453f", "#9aa5b1"
PALETTE = (BLUE, ORANGE, GREEN, PURPLE, RED, GREY, "#5bb0c9", "#b8a13a", "#c77fa7", "#6b7280")
NULL = "—"
MOST = 20
"""Rows of a ranking; what is beyond them is counted in a note."""

_WIDTH, _MARGIN, _GAP = 540.0, 12.0, 22.0
_INK, _PALE_INK, _GRID, _TILE = "#1f2933", "#5c6773", "#e1e6eb", "#f1f4f8"
_LETTER = 5.6
"""Mean width of a letter of 9 points, with some room."""
_UNWRITABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""What XML cannot hold, and other control characters."""
_MONTHS = ("ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic")
_STYLE: Any = {
    "font.size": 9,
    "svg.fonttype": "none",
    "svg.hashsalt": "telemetry",
    "text.color": _INK,
    "text.parse_math": False,
}


@contextmanager
def styled() -> Iterator[None]:
    """While a sheet is made: our style, texts taken as they are, and no warnings of letters that only browsers have."""
    import matplotlib as mpl

    with warnings.catch_warnings(), mpl.rc_context(_STYLE):
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        yield


def number(value: float) -> str:
    """A number for people: three or more digits, thousands apart, millions as M; a dash for null."""
    if np.isnan(value):
        return NULL
    if abs(value) >= 10_000_000:
        return f"{value / 1_000_000:,.1f} M"
    decimals = 0 if value == round(value) or abs(value) >= 1000 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{decimals}f}"


def percent(value: float) -> str:
    """A part of a hundred for people; a dash for null."""
    return number(value) if np.isnan(value) else f"{value:.1f} %"


def change(value: float) -> str:
    """A change in percent, always with its sign; a dash for null."""
    return number(value) if np.isnan(value) else f"{value:+.1f} %"


def shorten(text: str, width: int) -> str:
    """*text* in one line of at most *width* letters, wide ones counted twice, with an ellipsis where it was cut."""
    text = " ".join(_UNWRITABLE.sub(" ", text).split())
    ends = list(itertools.accumulate(map(_letters, text[: width + 1])))
    if not ends or ends[-1] <= width:
        return text
    return f"{text[: bisect_left(ends, width)].rstrip()}…"


def pale(colour: str) -> str:
    """A colour half way to white."""
    return "#" + "".join(f"{(int(colour[at : at + 2], 16) + 255) // 2:02x}" for at in (1, 3, 5))


def day(value: date) -> str:
    """A date for people: ``26 nov 2026``."""
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def _letters(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)


@dataclass(frozen=True)
class Scale:
    """A horizontal axis: where values stand, and what is written below them."""

    positions: Numbers
    ticks: dict[float, str]
    title: str

    @property
    def step(self) -> float:
        """The shortest distance of two values."""
        return float(np.diff(np.unique(self.positions)).min(initial=np.inf)) if len(set(self.positions)) > 1 else 1.0


def days(dates: Sequence[date], title: str = "fecha") -> Scale:
    """The calendar from the first of some dates to the last; about seven of them are written."""
    positions = np.array([each.toordinal() for each in dates], dtype=float)
    ticks: dict[float, str] = {}
    year = None
    for day in sorted(set(dates))[:: max(1, -(-len(set(dates)) // 7))]:
        ticks[day.toordinal()] = f"{day.day} {_MONTHS[day.month - 1]}" + (f"\n{day.year}" if day.year != year else "")
        year = day.year
    return Scale(positions, ticks, title)


def hours(values: Sequence[float]) -> Scale:
    """The hours of a day."""
    return Scale(np.asarray(values, dtype=float), {hour: str(hour) for hour in range(0, 24, 2)}, "hora del día")


@dataclass(frozen=True)
class _Panel:
    """Axes that draw no labels themselves, for ticks of Matplotlib take longer than all the rest; and their place."""

    axes: Axes
    left: float
    top: float
    width: float
    height: float


class Sheet:
    """One chart: a title, panels below one another or side by side, and notes."""

    def __init__(self, title: str) -> None:
        from matplotlib.figure import Figure
        from matplotlib.transforms import Affine2D, ScaledTranslation

        self._figure = Figure(figsize=(_WIDTH / 72, 1), dpi=72, facecolor="white")
        # Points from the upper left corner, whatever height the sheet comes to have.
        self._points = Affine2D().scale(1, -1) + ScaledTranslation(0, 1, self._figure.transFigure)  # type: ignore[arg-type]
        self._panels: list[_Panel] = []
        self._notes: list[str] = []
        self._row = self._bottom = 34.0
        self._empty = True
        self.write(_MARGIN, 20, title, size=12, weight="bold")

    def write(self, x: float, y: float, text: str, *, size: float = 9, colour: str = _INK, **more: Any) -> None:
        """A text whose base line begins at a point of the sheet."""
        self._figure.text(x, y, _UNWRITABLE.sub(" ", text), transform=self._points, fontsize=size, color=colour, **more)

    def note(self, text: str) -> None:
        """A remark below everything."""
        self._notes.append(text)

    def _below(self, height: float, column: int) -> float:
        """The upper edge of a panel: below all others, or beside the last."""
        if column == 0:
            self._row = self._bottom
        self._bottom = max(self._bottom, self._row + height)
        return self._row

    def _panel(
        self,
        height: float,
        heading: str,
        legend: Mapping[str, str] | None = None,
        *,
        room: float = 0,
        below: float = 6,
        column: int = 0,
        of: int = 1,
    ) -> _Panel:
        """A new panel whose axes are of *height*, with *room* for labels on their left and *below* them."""
        whole = (_WIDTH - 2 * _MARGIN - _GAP * (of - 1)) / of
        left = _MARGIN + column * (whole + _GAP)
        top = self._below(height + below + 24, column)
        self._heading(left, top, heading)
        right = left + whole
        for name, colour in reversed([(shorten(name, 20), colour) for name, colour in (legend or {}).items()]):
            right -= _letters(name) * _LETTER + 18
            self.write(right, top + 9, f"■ {name}", colour=colour)
        axes = self._figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        self._panels.append(_Panel(axes, left + room, top + 16, whole - room, height))
        return self._panels[-1]

    def _heading(self, left: float, top: float, text: str) -> None:
        self._empty = False
        self.write(left, top + 9, text, colour=_PALE_INK, weight="bold")

    def _label_rows(self, panel: _Panel, ticks: Mapping[float, str], colour: str = _PALE_INK) -> None:
        low, high = panel.axes.get_ylim()
        for value, text in ticks.items():
            y = panel.top + panel.height * (high - value) / (high - low)
            self.write(panel.left - 5, y + 3.3, text, colour=colour, ha="right")

    def _label_columns(self, panel: _Panel, ticks: Mapping[float, str], title: str, upright: float = 0) -> None:
        """Write *ticks* below the axes, and the title of the axis below them; *upright* is the room that upright ones need."""
        low, high = panel.axes.get_xlim()
        below = panel.top + panel.height
        for value, text in ticks.items():
            x = panel.left + panel.width * (value - low) / (high - low)
            if upright:
                self.write(x, below + 5, text, colour=_PALE_INK, rotation=90, ha="center", va="top")
            for line, part in enumerate([] if upright else text.split("\n")):
                self.write(x, below + 12 + 11 * line, part, colour=_PALE_INK, ha="center")
        lines = max((text.count("\n") for text in ticks.values()), default=0)
        y = below + (upright or 12 + 11 * lines) + 12
        self.write(panel.left + panel.width / 2, y, title, colour=_PALE_INK, ha="center")

    def tiles(self, figures: Mapping[str, str], columns: int = 5, heading: str = "") -> None:
        """Figures in large type, each above its name."""
        if all(value == NULL for value in figures.values()):
            return
        from matplotlib.patches import Rectangle

        top = self._below(16 if heading else 0, 0)
        self._heading(_MARGIN, top, heading)
        width = (_WIDTH - 2 * _MARGIN - 8 * (columns - 1)) / columns
        for index, (name, value) in enumerate(figures.items()):
            column = index % columns
            if column == 0:
                top = self._below(58, 0)
            left = _MARGIN + column * (width + 8)
            self._figure.add_artist(Rectangle((left, top), width, 50, color=_TILE, linewidth=0, transform=self._points))
            self.write(left + 8, top + 24, shorten(value, 14), size=15 if len(value) < 11 else 12, weight="bold")
            self.write(left + 8, top + 41, name, colour=_PALE_INK)
        self._bottom += 4

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
            self.note(f"y {len(labels) - most:,} más" + (f" ({heading})" if of > 1 else ""))
        narrow = 30 if of == 1 else 14
        names = [shorten(label, narrow) for label in labels[:most]]
        values = np.nan_to_num(values)
        lanes = 1 if stacked else len(values)
        ends = values.sum(axis=0, keepdims=True) if stacked else values
        written = [[number(end) for end in lane] for lane in ends] if texts is None else [list(texts[:most])]
        legend = dict(zip(series, PALETTE, strict=False)) if len(series) > 1 else None
        room = max(map(_letters, names)) * _LETTER + 6
        pitch = 16.0 if lanes == 1 else 11.0 * lanes + 5
        panel = self._panel(len(names) * pitch, heading, legend, room=room, column=column, of=of)
        axes, width = panel.axes, panel.width
        low, high = min(0.0, ends.min()), max(0.0, ends.max())
        span = (high - low) or 1.0
        behind = min(0.6, (max(len(text) for lane in written for text in lane) * _LETTER + 8) / width)
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
                axes.text(end, tops[index] + (row + 0.5) * thick, text, va="center_baseline", color=_PALE_INK)
        axes.set_xlim(low, low + span / (1 - behind))
        axes.set_ylim(len(names) - 0.5, -0.5)
        self._label_rows(panel, dict(enumerate(names)), _INK)

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
        panel = self._panel(height, heading, legend, room=46, below=42, column=column, of=of)
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
            axes.axhline(mark, color=_PALE_INK if mark == 0 else _GRID, linewidth=0.7, zorder=0)
        self._label_rows(panel, {mark: number(mark) for mark in marks})
        self._label_columns(panel, scale.ticks, scale.title)

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
        room = max(map(_letters, names)) * _LETTER + 6
        top = max(float(np.nanmax(cells)), 0.0) or 1.0
        # By the square root, so that one strong cell does not make all others alike.
        shares = (cells + 1) / 2 if diverging else cells / top if written else np.sqrt(np.maximum(cells, 0) / top)
        colours = colormaps["RdBu" if diverging else "YlGnBu"](shares if diverging else 0.06 + 0.92 * shares)
        if grey is not None:
            colours[grey] = colormaps["Greys"](0.06 + 0.4 * shares)[grey]
        longest = max(map(_letters, columns)) * _LETTER
        upright = longest > (_WIDTH - 2 * _MARGIN - room) / len(columns) + _LETTER
        height = len(names) * (20 if written else 15)
        panel = self._panel(height, heading, room=room, below=(longest if upright else 12) + 16)
        panel.axes.imshow(colours, interpolation="none", aspect="auto")
        self._label_rows(panel, dict(enumerate(names)), _INK)
        self._label_columns(panel, dict(enumerate(columns)), title, longest if upright else 0)
        if not written:
            self.write(
                _WIDTH - _MARGIN, self._row + 9, f"más oscuro es más; máximo {number(top)}", colour=_PALE_INK, ha="right"
            )
            return
        dark = (np.abs(shares - 0.5) > 0.3) if diverging else shares > 0.55
        for row, column in np.argwhere(~np.isnan(cells)):
            text = f"{cells[row, column]:.{2 if diverging else 0}f}"
            panel.axes.text(column, row, text, ha="center", va="center_baseline", color="white" if dark[row, column] else _INK)

    def svg(self) -> str | None:
        """The sheet as SVG; None if nothing was drawn on it."""
        if self._empty:
            return None
        for index, text in enumerate(self._notes):
            self.write(_MARGIN, self._bottom + 8 + 12 * index, text, colour=_PALE_INK, style="italic")
        height = self._bottom + 12 * len(self._notes) + 6
        self._figure.set_size_inches(_WIDTH / 72, height / 72)
        for panel in self._panels:
            bottom = height - panel.top - panel.height
            panel.axes.set_position((panel.left / _WIDTH, bottom / height, panel.width / _WIDTH, panel.height / height))
        file = io.BytesIO()
        self._figure.savefig(file, format="svg", dpi=72, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
        return _compact(file.getvalue())


def _boxes(axes: Axes, edges: Numbers, colours: Sequence[str]) -> None:
    """Boxes from (left, bottom) to (right, top), as one path for each colour."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    for colour in dict.fromkeys(colours):
        chosen = edges[[each == colour for each in colours]]
        corners = chosen[:, [0, 1, 2, 1, 2, 3, 0, 3, 0, 1]].reshape(-1, 2)
        codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY] * len(chosen)
        axes.add_artist(PathPatch(Path(corners, codes), facecolor=colour, linewidth=0))


_NAMESPACE = re.compile(r"\{.*?\}")
_FRACTION = re.compile(r"-?\d+\.\d+")
_BOX = re.compile(r"M(\S+) (\S+)L(\S+) \2L\3 (\S+)L\1 \4z")
_EVERYWHERE = {"font-size": "9px", "font-family": "DejaVu Sans,Verdana,Arial,sans-serif", "stroke-linejoin": "round"}
_DEFAULTS = {"text-anchor": "start", "stroke-linecap": "butt", "font-size": _EVERYWHERE["font-size"], "version": "1.1"}


def _compact(svg: bytes) -> str:
    """Matplotlib's SVG without what no browser needs: wrappers, ids, clipping, the same fonts on each text, long numbers."""
    root = ElementTree.fromstring(svg)
    root[:] = _tidy(root)
    root.attrib |= {"xmlns": "http://www.w3.org/2000/svg", **_EVERYWHERE}
    return ElementTree.tostring(root, encoding="unicode")


def _tidy(element: ElementTree.Element) -> list[ElementTree.Element]:
    """The children of *element*, which is made plain itself, tidied and without groups that say nothing."""
    element.tag = _NAMESPACE.sub("", element.tag)
    element.tail = None
    if element.tag != "text":
        element.text = None
    given = {_NAMESPACE.sub("", name): value for name, value in element.attrib.items()}
    given |= dict(re.findall(r"([\w-]+): ([^;]*)", given.pop("style", "")))
    left_out = {"clip-path", "font-family", *(["id"] if element.tag in ("g", "svg", "image") else [])}
    element.attrib.clear()
    for name, value in given.items():
        if name not in left_out and _DEFAULTS.get(name) != value and not value.startswith("rotate(-0 "):
            element.set(name, _short(name, value))
    if element.tag == "image":
        element.set("image-rendering", "pixelated")
    children: list[ElementTree.Element] = []
    for child in element:
        below = _tidy(child)
        if child.tag == "g" and not child.attrib:
            children += below
        elif child.tag not in ("style", "clipPath", "metadata") and (child.tag != "defs" or below):
            child[:] = below
            children.append(child)
    return children


def _short(name: str, value: str) -> str:
    """An attribute in few letters: tenths of a point are enough, hundredths in what is scaled."""
    if name == "href":
        return "".join(value.split())
    if name not in ("d", "x", "y", "width", "height", "transform"):
        return value
    digits = 2 if name == "transform" else 1
    value = _FRACTION.sub(lambda match: f"{float(match[0]):.{digits}f}".rstrip("0").rstrip("."), value)
    return value if name != "d" else _BOX.sub(r"M\1 \2H\3V\4H\1z", re.sub(r"\s*([MLQCz])\s*", r"\1", value))
