"""Pictures of analyses of subscribers that their columns alone do not give."""

from __future__ import annotations

import numpy as np
import pandas as pd

from telemetry_pipeline.reports.charts.frames import matches, numbers_of, sections, texts_of
from telemetry_pipeline.reports.charts.panels import bars_of, section_bars, tiles
from telemetry_pipeline.reports.figures.scales import hours
from telemetry_pipeline.reports.figures.sheet import Sheet
from telemetry_pipeline.reports.figures.texts import shorten
from telemetry_pipeline.reports.figures.themes import BLUE, GREEN, ORANGE, PURPLE
from telemetry_pipeline.words import pictures as say
from telemetry_pipeline.words import stored
from telemetry_pipeline.words.shown import word


def subscriber_overview(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Draw totals, means per subscriber, and the hours of each fifth."""
    totals = sections(frame, "total", "metric", "value") | sections(frame, "retention", "metric", "value")
    wanted = ("subscribers", "views", "watch_hours", "retention_pct")
    tiles(sheet, {name: totals.get(name, np.nan) for name in wanted}, columns=4)
    tiles(sheet, sections(frame, "mean", "metric", "value"), heading=say.MEAN_PER_SUBSCRIBER)
    spent = {word(each): sections(frame, each, "metric", "value").get("watch_hours", np.nan) for each in stored.QUINTILES}
    section_bars(sheet, spent, say.HOURS_PER_QUINTILE, colour=PURPLE)


def top_subscribers(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Draw the three rankings side by side."""
    rankings = {
        "by_hours": (word("watch_hours"), BLUE),
        "by_views": (word("views"), ORANGE),
        "by_channels": (word("unique_channels"), GREEN),
    }
    for column, (ranking, (heading, colour)) in enumerate(rankings.items()):
        part = frame[matches(frame, "ranking", ranking)]
        colours = [colour] * len(part)
        codes, values = texts_of(part, "subscriber_code"), numbers_of(part, "value")
        links = sheet.links("subscriber_code", codes)
        sheet.bars(codes, {"": values}, heading, colours=colours, links=links, column=column, of=3)


def churn_risk(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Draw the views in both halves of the window of those at risk."""
    pairs = zip(texts_of(frame, "subscriber_code"), texts_of(frame, "risk"), strict=True)
    labels = [f"{shorten(code, 20)} · {word(risk)}" for code, risk in pairs]
    measures = {"views_previous": say.BEFORE, "views_last": say.AFTER}
    bars_of(sheet, frame.assign(label=labels), "label", measures, say.VIEWS_PER_SUBSCRIBER_AND_RISK, of="subscriber_code")


def subscriber_profile(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Draw totals, channels, slots, devices and hours of one subscriber."""
    tiles(sheet, sections(frame, "total", "item", "value"), columns=3)
    for column, (section, colour) in enumerate((("channel", BLUE), ("device", PURPLE), ("slot", ORANGE))):
        values = sections(frame, section, "item", "views")
        heading = say.by(word("views"), word(section))
        section_bars(sheet, values, heading, what=section, colour=colour, column=column % 2, of=2)
    by_hour = {int(hour): value for hour, value in sections(frame, "hour", "item", "views").items() if hour.isdecimal()}
    scale = hours(list(by_hour))
    sheet.series(scale, {word("views"): np.array(list(by_hour.values()))}, say.VIEWS_PER_HOUR, height=84, column=1, of=2)


CHARTS = {chart.__name__: chart for chart in (subscriber_overview, top_subscribers, churn_risk, subscriber_profile)}
