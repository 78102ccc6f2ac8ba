"""One picture sets a day against the one before and the same weekday a week ago, as far as each is known."""

from __future__ import annotations

import re
from datetime import date

import pandas as pd

from telemetry_pipeline.reports.charts.drawing import svg

TODAY, YESTERDAY, OTHER, WEEK_AGO = (date(2026, 11, day) for day in (28, 27, 25, 21))


def frame(*rows: tuple[date, int, float]) -> pd.DataFrame:
    return pd.DataFrame(
        [(day, hour, mean, mean, mean, mean) for day, hour, mean in rows],
        columns=["date", "hour", "peak_streams", "mean_streams", "peak_subscribers", "mean_subscribers"],
    )


def said(picture: str | None) -> dict[int, str]:
    assert picture is not None
    return {int(hour): text for hour, text in re.findall(r'aria-label="(\d+) h · ([^"]*)"', picture)}


def test_each_hour_says_what_it_was_on_the_three_days() -> None:
    found = said(svg("three_days", frame((TODAY, 2, 5), (YESTERDAY, 2, 4), (WEEK_AGO, 2, 3), (OTHER, 2, 99))))
    assert found[2] == "28 nov 2026: 5 · 27 nov 2026: 4 · 21 nov 2026: 3"
    assert "99" not in " ".join(found.values())


def test_nobody_watched_in_an_hour_that_has_no_row_and_what_is_to_come_is_not_known() -> None:
    found = said(svg("three_days", frame((TODAY, 2, 5), (YESTERDAY, 20, 4))))
    assert found[1] == "28 nov 2026: 0 · 27 nov 2026: 0"
    assert found[3] == "27 nov 2026: 0"


def test_without_hours_there_is_nothing_to_draw() -> None:
    assert svg("three_days", frame()) is None
