"""Single claims about the analyses beyond the table, in examples to read."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from analyses.conftest import DAY, History, own
from analyses.oracle import Row, View


def watched(start: str, minutes: float, **others: Any) -> View:
    """A view that starts at a time of ``DAY`` and ends on it."""
    end = datetime.combine(DAY, datetime.strptime(start, "%H:%M").time()) + timedelta(minutes=minutes)
    return View(end.date(), end.hour, round(minutes * 60), minute=end.minute, second=end.second, **others)


def of_hours(rows: list[Row], *columns: str) -> dict[int | None, tuple[Any, ...]]:
    return {row["hour"]: tuple(row[column] for column in columns) for row in rows}


def test_reach_adds_up_what_a_subscriber_watched_and_counts_the_threshold_itself() -> None:
    views = [
        watched("10:00", 2, channel_name="A", subscriber_code="S1"),
        watched("12:00", 3, channel_name="B", subscriber_code="S1"),
        watched("12:00", 4.9, channel_name="B", subscriber_code="S2"),
        watched("12:00", 600, channel_name="B", subscriber_code=None),
    ]
    found = History(views).ask("reach", min_minutes=5)
    assert [tuple(own(row).values()) for row in found] == [
        ("total", None, 1, 2, 50.0),
        ("channel", "A", 0, 2, 0.0),
        ("channel", "B", 0, 2, 0.0),
    ]
    assert [row["reached_subscribers"] for row in History(views).ask("reach", min_minutes=3)] == [2, 0, 2]


def test_two_boxes_of_one_subscriber_are_one_viewer_of_a_channel() -> None:
    views = [
        watched("10:00", 60, device_id=1),
        watched("10:30", 60, device_id=2),
        watched("10:30", 15, subscriber_code="S2"),
        watched("10:00", 60, subscriber_code=None),
    ]
    history = History(views)
    found = of_hours(history.ask("average_audience", window_days=1), "subscriber_minutes", "minutes", "average_audience")
    assert found == {10: (75.0, 60, 1.25), 11: (30.0, 60, 0.5)}
    rating = of_hours(history.ask("rating", window_days=2), "average_audience", "universe", "rating_pct")
    assert rating == {10: (0.625, 2, 31.25), 11: (0.25, 2, 12.5)}


def test_a_view_that_began_before_the_window_counts_from_the_window_on() -> None:
    found = of_hours(History([View(DAY, 0, 7200, minute=30)]).ask("average_audience", window_days=1), "subscriber_minutes")
    assert found == {0: (30.0,)}
    found = of_hours(History([View(DAY, 0, 7200, minute=30)]).ask("concurrency", window_days=1), "peak_streams", "mean_streams")
    assert found == {None: (1, pytest.approx(0.5 / 24)), 0: (1, 0.5)}


def test_an_hour_that_the_clock_gives_twice_has_two_hours() -> None:
    """At 02:00 of that day clocks in New York went back to 01:00; the view lasts from the first 01:30 to the second."""
    zone = "America/New_York"
    views = [View(date(2025, 11, 2), 1, 3600, minute=30, fold=1, zone=zone)]
    history = History(views, ZoneInfo(zone))
    day = date(2025, 11, 2)
    found = of_hours(history.ask("concurrency", day, window_days=1), "peak_streams", "mean_streams")
    assert found == {None: (1, pytest.approx(1 / 25)), 1: (1, 0.5)}
    audience = of_hours(history.ask("average_audience", day, window_days=1), "minutes", "average_audience")
    assert audience == {1: (120, 0.5)}


def test_a_stream_that_starts_when_another_ends_is_not_at_the_same_time() -> None:
    views = [
        watched("10:00", 15, device_id=1),
        watched("10:15", 15, device_id=1),
        watched("10:20", 20, device_id=2),
        watched("10:25", 0, device_id=3),
        watched("11:00", 60, subscriber_code=None),
    ]
    columns = ("peak_streams", "mean_streams", "peak_subscribers", "mean_subscribers")
    found = of_hours(History(views).ask("concurrency"), *columns)
    assert found == {
        None: (2, pytest.approx(110 / 1440), 1, pytest.approx(40 / 1440)),
        10: (2, pytest.approx(50 / 60), 1, pytest.approx(40 / 60)),
        11: (1, 1.0, 0, 0.0),
    }


def test_a_share_is_of_the_time_of_all_views_with_a_channel() -> None:
    views = [watched("10:00", minutes, channel_name=name) for name, minutes in [("A", 15), ("B", 30), ("A", 15), (None, 60)]]
    assert [tuple(own(row).values()) for row in History(views).ask("share")] == [("A", 0.5, 50.0), ("B", 0.5, 50.0)]
    assert [tuple(own(row).values()) for row in History([watched("10:00", 0)]).ask("share")] == [("Uno", 0.0, None)]


def test_a_flow_is_to_another_channel_of_the_same_device_within_the_gap() -> None:
    views = [
        watched("10:00", 60, channel_name="A", device_id=1),
        watched("11:30", 10, channel_name="B", device_id=1),
        watched("11:35", 10, channel_name="A", device_id=1),
        watched("12:00", 10, channel_name="A", device_id=1),
        watched("12:10", 10, channel_name="C", device_id=1),
        watched("13:00", 10, channel_name="B", device_id=1),
        watched("10:00", 60, channel_name="A", device_id=2),
        watched("11:00", 60, channel_name=None, device_id=2),
        watched("11:01", 60, channel_name="B", device_id=2),
        watched("10:00", 60, channel_name="A", device_id=None),
        watched("11:00", 60, channel_name="C", device_id=None),
    ]
    history = History(views)
    assert [tuple(own(row).values()) for row in history.ask("channel_flow")] == [
        ("A", "B", 2, 2, pytest.approx(200 / 3)),
        ("A", "C", 1, 1, pytest.approx(100 / 3)),
        ("B", "A", 1, 1, 100.0),
    ]
    [first] = history.ask("channel_flow", limit=1, gap_minutes=29)
    assert tuple(own(first).values()) == ("A", "B", 1, 1, 50.0)


def test_who_is_new_returns_or_sleeps() -> None:
    days = {-89: "old", -30: "month", -29: "still", -6: "week", -1: "yesterday", 0: "new"}
    views = [View(DAY + timedelta(days=n), subscriber_code=code) for n, code in days.items()]
    views += [View(DAY, subscriber_code="yesterday"), View(DAY - timedelta(days=90), subscriber_code="before the window")]
    *_rest, row = History(views).ask("stickiness")
    assert own(row) == {
        "date": "2026-01-03",
        "daily_active": 2,
        "weekly_active": 3,
        "monthly_active": 4,
        "stickiness_pct": 50.0,
        "new_subscribers": 1,
        "returning_subscribers": 1,
        "dormant_subscribers": 2,
    }
