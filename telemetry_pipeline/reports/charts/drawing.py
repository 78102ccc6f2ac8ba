"""The picture of a result: as SVG for pages, reports and mail, as PNG on request.

What draws takes half a second and 150 MB to load, so functions load it: whoever draws nothing imports this and pays nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pandas as pd

from telemetry_pipeline.words import pictures as say
from telemetry_pipeline.words.analyses import title

ThemeName = Literal["light", "dark", "page", "paper"]

OTHERS: Mapping[str, str] = {"three_days": "concurrency"}
"""Other pictures than an analysis has by itself, by their names, and the analysis that each is of."""


def svg(
    name: str,
    frame: pd.DataFrame,
    *,
    theme: ThemeName = "light",
    width: float | None = None,
    links: Mapping[str, str] | None = None,
) -> str | None:
    """Return the picture *name* of a result, which is its analysis or one of ``OTHERS``.

    None, if there is nothing to draw, or no such analysis.

    Each mark says in ``aria-label`` what it is of and how much. The same result always gives the same text.

    :param theme: ``page`` has no ground and no title, which the page has, and takes its colours from the variables of
        its style sheet, ``figures.themes.VARIABLE`` and the names of colours.
    :param width: in pixels, where it is not the usual one.
    :param links: by the name of a column, what stands before its values in the addresses that marks lead to, such as
        ``{"channel": "/canal?canal="}``.
    """
    from telemetry_pipeline.reports.figures import rendering  # noqa: PLC0415 - who draws nothing does not pay for it

    declaration = _declaration(name, frame, theme, width, links)
    return None if declaration is None else rendering.svg(declaration, say.TITLES.get(name) or title(name))


def png(
    name: str,
    frame: pd.DataFrame,
    *,
    theme: Literal["light", "dark"] = "light",
    width: float | None = None,
    scale: float = 2.0,
) -> bytes | None:
    """Return the same as PNG, *scale* pixels for each of the SVG's."""
    from telemetry_pipeline.reports.figures import rendering  # noqa: PLC0415 - who draws nothing does not pay for it

    declaration = _declaration(name, frame, theme, width, None)
    return None if declaration is None else rendering.png(declaration, scale)


def _declaration(
    name: str, frame: pd.DataFrame, theme: ThemeName, width: float | None, links: Mapping[str, str] | None
) -> dict[str, Any] | None:
    from telemetry_pipeline.reports.charts.declaring import declare  # noqa: PLC0415 - who draws nothing does not pay for it

    return declare(name, frame, theme, width, links)
