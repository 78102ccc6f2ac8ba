"""Maps of cells: the stronger the colour, the more."""

from __future__ import annotations

import math
from collections.abc import Sequence

import altair as alt
import numpy as np
import numpy.typing as npt

from telemetry_pipeline.amounts import short
from telemetry_pipeline.reports.figures.marks import LETTER, Panel, chart_of, encodings, layered, names_on, row
from telemetry_pipeline.reports.figures.scales import Numbers
from telemetry_pipeline.reports.figures.texts import letters, shorten
from telemetry_pipeline.reports.figures.themes import BLUE, GREY, GROUND, INK, RED, Theme

_WEAKEST = 0.06


def heat(
    theme: Theme,
    width: float,
    cells: Numbers,
    rows: Sequence[str],
    columns: Sequence[str],
    title: str,
    *,
    written: bool,
    diverging: bool,
    grey: npt.NDArray[np.bool_] | None,
    links: Sequence[str | None],
) -> Panel | None:
    """See :meth:`Sheet.heat`; None: there is nothing to see."""
    if not cells.size or np.isnan(cells).all():
        return None
    names, heads = [shorten(each, 24) for each in rows], [shorten(each, 16) for each in columns]
    top = max(float(np.nanmax(cells)), 0.0) or 1.0
    # By the square root, so that one strong cell does not make all others alike.
    shares = np.abs(cells) if diverging else np.maximum(cells, 0) / top if written else np.sqrt(np.maximum(cells, 0) / top)
    marks, texts = [], []
    for at, to in np.argwhere(~np.isnan(cells)):
        value, share = float(cells[at, to]), min(1.0, float(shares[at, to]))
        colour = GREY if grey is not None and grey[at, to] else RED if diverging and value < 0 else BLUE
        said = f"{value:+.2f}" if diverging else short(value)
        strength = _WEAKEST + (1 - _WEAKEST) * share
        mark = row(colour, f"{rows[at]} · {columns[to]}: {said}", links[at] if links else None, row=int(at), column=int(to))
        marks.append({**mark, "opacity": round(strength, 3)})
        text = f"{value:.2f}" if diverging else f"{value:.0f}"
        texts.append({"row": int(at), "column": int(to), "text": text, "colour": GROUND if strength > 0.6 else INK})
    room = max(map(letters, names)) * LETTER + 10
    inner = width - room
    longest, cell = max(map(letters, heads)) * LETTER, inner / len(heads)
    if all(each.isdecimal() for each in heads):
        # Of hours in a row every second or third says which the others are.
        step = math.ceil((longest + LETTER) / cell)
        heads, longest = [each if at % step == 0 else "" for at, each in enumerate(heads)], 0
    is_upright = longest > cell
    look = {"labelAngle": -90 if is_upright else 0, "domain": False, "grid": False}
    across = names_on(heads, **look)
    across.title = title
    down = names_on(names, grid=False, domain=False, offset=-room, labelColor=theme[INK], labelPadding=6)
    places = {
        "x": alt.X("column:O", axis=across, scale=alt.Scale(domain=list(range(len(heads))), padding=0.05, range=[room, width])),
        "y": alt.Y("row:O", axis=down, scale=alt.Scale(domain=list(range(len(names))), padding=0.08)),
    }
    boxes = chart_of(marks).mark_rect(strokeWidth=0).encode(**places, **encodings(theme, marks, None))
    layers = [boxes]
    if written:
        shade = alt.Color("colour:N", scale=alt.Scale(domain=[INK, GROUND], range=[theme[INK], theme[GROUND]]), legend=None)
        layers.append(chart_of(texts).mark_text(aria=False).encode(**places, text=alt.Text("text:N"), color=shade))
    height = len(names) * (26 if written else 20)
    return {**layered(*layers, width=width, height=height), "resolve": {"scale": {"color": "independent"}}}
