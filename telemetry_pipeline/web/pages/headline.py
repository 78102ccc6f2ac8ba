"""The figures that stand first on pages about days: what was watched on them, and how much more or less than on others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pandas as pd

from telemetry_pipeline.reports.content.tiles import Tile, is_small, tile, value_of
from telemetry_pipeline.web.pages.asked.query import BEFORE
from telemetry_pipeline.web.pages.opened import Opened
from telemetry_pipeline.web.pages.shown.answers import Failed

_MEASURES = {
    "views": ("view", "views"),
    "watch_hours": ("watch_hours", "watch_hours"),
    "subscribers": ("subscriber", "active_subscribers"),
}
"""By their names in ``period_comparison``, their terms and their columns in ``general_summary``."""

Pair = tuple[float | None, float | None]
"""A figure now, and before."""


def headline(page: Opened, *, of_channels: bool = False) -> Callable[[], Awaitable[list[Tile] | Failed]]:
    """Ask for views, hours and active subscribers of the days; for pages that are of channels for their reach instead, which is
    nearly the same. What is returned waits for them and makes the tiles.

    Days just before are compared as ``period_comparison`` does, which takes the same part of a day that is not complete.
    """
    asked, answers = page.asked, page.answers
    summary = answers.ask("general_summary", asked.period)
    reached = answers.ask("reach", asked.period) if of_channels else None
    pairs = (
        answers.ask("period_comparison", asked.period)
        if asked.comparison == BEFORE and page.known.has_all_of(asked.against)
        else None
    )
    compared = asked.against is not None and asked.comparison != BEFORE and page.compares
    other = answers.ask("general_summary", asked.against) if compared and asked.against else None
    other_reached = answers.ask("reach", asked.against) if of_channels and page.compares and asked.against else None

    async def tiles() -> list[Tile]:
        frame = await summary
        pair = _of_pairs(await pairs) if pairs is not None else {}
        if other is not None:
            others = await other
            pair = {name: (value_of(frame, column), value_of(others, column)) for name, (_, column) in _MEASURES.items()}
        small = is_small(frame)
        made = [
            _tile(page, term, value_of(frame, column), pair.get(name, (None, None)), small=small)
            for name, (term, column) in _MEASURES.items()
            if reached is None or term != "subscriber"
        ]
        if reached is not None:
            total = _total(await reached)
            earlier = _total(await other_reached) if other_reached is not None else None
            made.append(_tile(page, "reach", total, (total, earlier), small=small))
        return made

    return answers.make(tiles)


def _tile(page: Opened, term: str, value: float | None, pair: Pair, *, small: bool) -> Tile:
    """Return a figure of the days, with the change of the part of them that can be compared."""
    current, previous = pair
    return replace(tile(page.speech, term, current, previous, small=small), value=page.speech.number(value))


def _of_pairs(frame: pd.DataFrame) -> dict[str, Pair]:
    found = {}
    for metric in frame["metric"].tolist():
        row = frame[frame["metric"] == metric]
        found[str(metric)] = (value_of(row, "current"), value_of(row, "previous"))
    return found


def _total(frame: pd.DataFrame) -> float | None:
    return value_of(frame[frame["scope"] == "total"], "reached_subscribers")
