"""The page that panels stand on: where they are, their headings, labels and legends, and the SVG in the end.

Sizes are in points: a page is 540 wide, 720 pixels of a browser, on white, with no text below 9. Matplotlib takes a second to
import, so functions import it.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from telemetry_pipeline.reports.figures.svg import compact
from telemetry_pipeline.reports.figures.texts import UNWRITABLE, letters, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes


WIDTH, MARGIN, GAP = 540.0, 12.0, 22.0
INK, PALE_INK, GRID, TILE = "#1f2933", "#5c6773", "#e1e6eb", "#f1f4f8"
LETTER = 5.6
"""Mean width of a letter of 9 points, with some room."""
STYLE: Any = {
    "font.size": 9,
    "svg.fonttype": "none",
    "svg.hashsalt": "telemetry",
    "text.color": INK,
    "text.parse_math": False,
}


@contextmanager
def styled() -> Iterator[None]:
    """While a sheet is made: our style, texts taken as they are, and no warnings of letters that only browsers have."""
    import matplotlib as mpl

    with warnings.catch_warnings(), mpl.rc_context(STYLE):
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        yield


@dataclass(frozen=True)
class Panel:
    """Axes that draw no labels themselves, for ticks of Matplotlib take longer than all the rest; and their place."""

    axes: Axes
    left: float
    top: float
    width: float
    height: float


class Page:
    """One picture: a title, panels below one another or side by side, and notes."""

    def __init__(self, title: str) -> None:
        from matplotlib.figure import Figure
        from matplotlib.transforms import Affine2D, ScaledTranslation

        self.figure = Figure(figsize=(WIDTH / 72, 1), dpi=72, facecolor="white")
        # Points from the upper left corner, whatever height the sheet comes to have.
        self.points = Affine2D().scale(1, -1) + ScaledTranslation(0, 1, self.figure.transFigure)  # type: ignore[arg-type]
        self._panels: list[Panel] = []
        self._notes: list[str] = []
        self.row = self.bottom = 34.0
        self.empty = True
        self.write(MARGIN, 20, title, size=12, weight="bold")

    def write(self, x: float, y: float, text: str, *, size: float = 9, colour: str = INK, **more: Any) -> None:
        """A text whose base line begins at a point of the sheet."""
        self.figure.text(x, y, UNWRITABLE.sub(" ", text), transform=self.points, fontsize=size, color=colour, **more)

    def note(self, text: str) -> None:
        """A remark below everything."""
        self._notes.append(text)

    def below(self, height: float, column: int) -> float:
        """The upper edge of a panel: below all others, or beside the last."""
        if column == 0:
            self.row = self.bottom
        self.bottom = max(self.bottom, self.row + height)
        return self.row

    def panel(
        self,
        height: float,
        heading: str,
        legend: Mapping[str, str] | None = None,
        *,
        room: float = 0,
        below: float = 6,
        column: int = 0,
        of: int = 1,
    ) -> Panel:
        """A new panel whose axes are of *height*, with *room* for labels on their left and *below* them."""
        whole = (WIDTH - 2 * MARGIN - GAP * (of - 1)) / of
        left = MARGIN + column * (whole + GAP)
        top = self.below(height + below + 24, column)
        self.heading(left, top, heading)
        right = left + whole
        for name, colour in reversed([(shorten(name, 20), colour) for name, colour in (legend or {}).items()]):
            right -= letters(name) * LETTER + 18
            self.write(right, top + 9, f"■ {name}", colour=colour)
        axes = self.figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        self._panels.append(Panel(axes, left + room, top + 16, whole - room, height))
        return self._panels[-1]

    def heading(self, left: float, top: float, text: str) -> None:
        """Write the heading of a panel, with which the page is no longer empty."""
        self.empty = False
        self.write(left, top + 9, text, colour=PALE_INK, weight="bold")

    def label_rows(self, panel: Panel, ticks: Mapping[float, str], colour: str = PALE_INK) -> None:
        """Write *ticks* on the left of the axes."""
        low, high = panel.axes.get_ylim()
        for value, text in ticks.items():
            y = panel.top + panel.height * (high - value) / (high - low)
            self.write(panel.left - 5, y + 3.3, text, colour=colour, ha="right")

    def label_columns(self, panel: Panel, ticks: Mapping[float, str], title: str, upright: float = 0) -> None:
        """Write *ticks* below the axes, and the title of the axis below them; *upright* is the room that upright ones need."""
        low, high = panel.axes.get_xlim()
        below = panel.top + panel.height
        for value, text in ticks.items():
            x = panel.left + panel.width * (value - low) / (high - low)
            if upright:
                self.write(x, below + 5, text, colour=PALE_INK, rotation=90, ha="center", va="top")
            for line, part in enumerate([] if upright else text.split("\n")):
                self.write(x, below + 12 + 11 * line, part, colour=PALE_INK, ha="center")
        lines = max((text.count("\n") for text in ticks.values()), default=0)
        y = below + (upright or 12 + 11 * lines) + 12
        self.write(panel.left + panel.width / 2, y, title, colour=PALE_INK, ha="center")

    def svg(self) -> str | None:
        """The sheet as SVG; None if nothing was drawn on it."""
        if self.empty:
            return None
        for index, text in enumerate(self._notes):
            self.write(MARGIN, self.bottom + 8 + 12 * index, text, colour=PALE_INK, style="italic")
        height = self.bottom + 12 * len(self._notes) + 6
        self.figure.set_size_inches(WIDTH / 72, height / 72)
        for panel in self._panels:
            bottom = height - panel.top - panel.height
            panel.axes.set_position((panel.left / WIDTH, bottom / height, panel.width / WIDTH, panel.height / height))
        file = io.BytesIO()
        self.figure.savefig(file, format="svg", dpi=72, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
        return compact(file.getvalue())
