"""Panels of results that several pictures have: rankings, days one below the other, maps by hour, figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from telemetry_pipeline.amounts import percent, short
from telemetry_pipeline.reports.charts.frames import is_small, known, numbers_of, shades, texts_of
from telemetry_pipeline.reports.figures.scales import days, hours
from telemetry_pipeline.reports.figures.sheet import MOST, Sheet
from telemetry_pipeline.reports.figures.texts import FEW
from telemetry_pipeline.reports.figures.themes import BLUE, GREEN, GREY, PALETTE, RED
from telemetry_pipeline.words import pictures as say
from telemetry_pipeline.words import stored
from telemetry_pipeline.words.shown import word

_LONGEST = 180
"""Dates of a series; there are not many more pixels."""


def bars_of(
    sheet: Sheet,
    frame: pd.DataFrame,
    names: str,
    measures: Mapping[str, str],
    heading: str,
    *,
    of: str | None = None,
    texts: Sequence[str] | None = None,
    stacked: bool = False,
) -> None:
    """Draw bars of some columns, by their words, in the frame's order; *texts* stand behind them, or the values.

    :param of: the column that says what a row is of, to which its bars lead, where it is not *names*.
    """
    series = {name: numbers_of(frame, column) for column, name in measures.items()}
    labels, colours = texts_of(frame, names), shades(frame)
    links = sheet.links(of or names, texts_of(frame, of or names))
    if len(series) > 1:
        labels = [f"{label}{FEW}" if small else label for label, small in zip(labels, is_small(frame), strict=True)]
        colours = []
    sheet.bars(labels, series, heading, texts, stacked=stacked, colours=colours, links=links)


def largest_first(frame: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Return the rows by a measure; equal ones stay as they are."""
    return frame.iloc[np.argsort(-numbers_of(frame, measure), kind="stable")]


def with_share(frame: pd.DataFrame, column: str, share: str) -> list[str]:
    """Return texts such as ``1,234 (5.6 %)``."""
    pairs = zip(numbers_of(frame, column), numbers_of(frame, share), strict=True)
    return [f"{short(value)} ({percent(part)})" for value, part in pairs]


def recent(sheet: Sheet, frame: pd.DataFrame, column: str = "date") -> pd.DataFrame:
    """Return the last rows of a series, in order."""
    frame = known(frame, column).sort_values(column, kind="stable")
    if len(frame) > _LONGEST:
        sheet.note(f"{say.more(len(frame) - _LONGEST)}, {say.EARLIER}")
    return frame.tail(_LONGEST)


def columns_of_days(sheet: Sheet, frame: pd.DataFrame, measures: Sequence[str], column: str = "date") -> None:
    """Draw a panel of columns for each measure, one below the other."""
    frame = recent(sheet, frame, column)
    for measure, colour in zip(measures, PALETTE, strict=False):
        scale = days(list(frame[column]), word(column))
        values = {word(measure): numbers_of(frame, measure)}
        sheet.series(scale, values, word(measure), colours=shades(frame, colour))


def marked_days(sheet: Sheet, frame: pd.DataFrame, colours: Sequence[str]) -> None:
    """Draw views by day, each in the colour of a peak, a valley or neither."""
    legend = {GREEN: stored.PEAK, RED: stored.VALLEY}
    scale = days(list(frame["date"]))
    sheet.series(
        scale, {word("views"): numbers_of(frame, "views")}, say.VIEWS_PER_DAY, colours=colours, legend=legend, height=160
    )


def hours_of(sheet: Sheet, frame: pd.DataFrame, names: str, hour: str, measure: str) -> None:
    """Draw channels, or what *names* are, by hours; those with most of the measure on top."""
    frame = known(frame, names, hour)
    cells = pd.Series(numbers_of(frame, measure), [texts_of(frame, names), numbers_of(frame, hour)])
    grid = cells.groupby(level=[0, 1]).sum(min_count=1).unstack()
    grid = grid.loc[grid.sum(axis=1).sort_values(ascending=False, kind="stable").index].reindex(columns=range(24))
    if len(grid) > MOST:
        sheet.note(say.more(len(grid) - MOST))
    grid = grid.head(MOST)
    small = pd.Series(is_small(frame), cells.index).groupby(level=[0, 1]).any().unstack()
    grey = small.reindex(index=grid.index, columns=range(24)).eq(True).to_numpy()
    heading = say.by(word(measure), word(names))
    if len(grid) == 1:
        values = {word(measure): grid.to_numpy(dtype=float)[0]}
        colours = [GREY if each else BLUE for each in grey[0]]
        sheet.series(hours(list(range(24))), values, word(measure), colours=colours)
        return
    names_of_hours = [str(each) for each in range(24)]
    links = sheet.links(names, list(grid.index))
    sheet.heat(grid.to_numpy(dtype=float), list(grid.index), names_of_hours, heading, word(hour), grey=grey, links=links)


def section_bars(
    sheet: Sheet,
    values: Mapping[str, float],
    heading: str,
    *,
    what: str = "",
    colour: str = BLUE,
    column: int = 0,
    of: int = 1,
) -> None:
    """Draw bars of the items of one section, which are *what* the column of that name has elsewhere."""
    numbers, labels = {"": np.array(list(values.values()), dtype=float)}, list(values)
    links = sheet.links(what, labels)
    sheet.bars(labels, numbers, heading, colours=[colour] * len(labels), links=links, most=10, column=column, of=of)


def tiles(sheet: Sheet, values: Mapping[str, float], columns: int = 5, heading: str = "") -> None:
    """Draw figures of metrics, by their words."""

    def write(name: str, value: float) -> str:
        return percent(value) if name.endswith("_pct") else short(value)

    sheet.tiles({word(name): write(name, value) for name, value in values.items()}, columns, heading)
