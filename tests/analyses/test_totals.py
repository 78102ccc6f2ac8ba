"""What two analyses both count, they count alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from analyses.conftest import History
from analyses.histories import CODES, Made, histories
from analyses.oracle import SLOTS, Row
from analyses.oracle_audience import on_air, running
from analyses.seen import Cap, Seen
from hypothesis import given, settings

from telemetry_pipeline.days import EVERYTHING, Period

LIMITS = {
    "channel_flow": {"limit": 10_000},
    "period_channels": {"top_n": 10_000},
    "period_subscribers": {"top_n": 10_000},
    "top_channels": {"limit": 10_000},
    "top_subscribers": {"limit": 10_000},
}


class Asked:
    """The analyses of one history and period, each with limits that cut nothing off."""

    def __init__(self, made: Made) -> None:
        self.made = made
        self.cap: Cap = made.rng.choice([None, 0.5, "auto"])
        self.history = History(made.views, made.zone, self.cap, made.known)
        self.period = Period(made.day - timedelta(days=made.rng.choice([0, 6, 29])), made.day)

    def rows(self, name: str, **parameters: Any) -> list[Row]:
        return self.history.ask(name, self.period, **LIMITS.get(name, {}), **parameters)

    def total(self, name: str, column: str, **where: Any) -> Any:
        """The sum of a column, of the rows that have some values."""
        rows = [row for row in self.rows(name) if where.items() <= row.items()]
        return sum(row[column] for row in rows)

    @staticmethod
    def sections(rows: list[Row], section: str) -> dict[str, Any]:
        """Views and hours of a section by item."""
        return {row["item"]: (row["views"], row["watch_hours"]) for row in rows if row["section"] == section}

    def columns(self, name: str, key: str, *columns: str) -> dict[Any, tuple[Any, ...]]:
        """Some columns by another."""
        return {row[key]: tuple(row[column] for column in columns) for row in self.rows(name)}


made_and_asked = histories.map(Asked)
all_complete = histories.map(lambda made: Asked(replace(made, known=EVERYTHING)))


@settings(max_examples=12, deadline=None)
@given(asked=made_and_asked)
def test_all_views_and_hours(asked: Asked) -> None:
    [summary] = asked.rows("general_summary")
    [period] = asked.rows("period_summary")
    for name in ("time_slots", "viewing_by_period", "day_over_day", "period_breakdown", "period_events"):
        assert asked.total(name, "views") == summary["views"], name
    for name in ("time_slots", "viewing_by_period", "period_breakdown"):
        assert asked.total(name, "watch_hours") == pytest.approx(summary["watch_hours"]), name
    same = ("views", "unique_devices", "unique_channels")
    assert [period[column] for column in same] == [summary[column] for column in same]
    assert period["watch_hours"] == pytest.approx(summary["watch_hours"])
    assert asked.total("time_slots", "share_pct") == pytest.approx(100) if summary["views"] else period["views"] == 0
    assert asked.total("geography", "views") <= summary["views"]


@settings(max_examples=12, deadline=None)
@given(asked=all_complete)
def test_of_complete_days_a_comparison_is_of_all(asked: Asked) -> None:
    [summary] = asked.rows("general_summary")
    comparison = asked.columns("period_comparison", "metric", "current")
    assert comparison["views"] == (summary["views"],)
    assert comparison["watch_hours"] == (pytest.approx(summary["watch_hours"]),)
    assert comparison["subscribers"] == (summary["active_subscribers"],)
    [period] = asked.rows("period_summary")
    assert period["views_per_day"] * period["days"] == pytest.approx(period["views"])


@settings(max_examples=12, deadline=None)
@given(asked=made_and_asked)
@pytest.mark.slow
def test_days(asked: Asked) -> None:
    daily = asked.columns("viewing_by_period", "period_start", "views", "unique_subscribers")
    assert asked.columns("period_breakdown", "period_start", "views", "unique_subscribers") == daily
    assert asked.columns("period_events", "date", "views", "unique_subscribers") == daily
    assert asked.columns("active_subscribers", "date", "active_subscribers") == {
        day: (subscribers,) for day, (_views, subscribers) in daily.items()
    }
    calendar = {day.isoformat(): daily.get(day.isoformat(), (0, 0)) for day in asked.period.days()} if daily else {}
    assert asked.columns("day_over_day", "date", "views") == {day: (views,) for day, (views, _active) in calendar.items()}
    sticky = {row["date"]: (row["daily_active"],) for row in asked.rows("stickiness", days=366)}
    assert sticky == {day: (subscribers,) for day, (_views, subscribers) in calendar.items()}
    assert set(asked.columns("anomalies", "date", "views").items()) <= {(day, (views,)) for day, (views, _) in daily.items()}
    provisional = asked.columns("day_over_day", "date", "provisional")
    for name, key in (("viewing_by_period", "period_start"), ("period_breakdown", "period_start"), ("period_events", "date")):
        assert asked.columns(name, key, "provisional").items() <= provisional.items(), name
    for name in ("active_subscribers", "concurrency"):
        marks = asked.columns(name, "date", "provisional")
        assert {day: mark for day, mark in marks.items() if day in provisional}.items() <= provisional.items(), name


@settings(max_examples=12, deadline=None)
@given(asked=all_complete)
def test_of_complete_days_a_line_is_through_all(asked: Asked) -> None:
    daily = asked.columns("viewing_by_period", "period_start", "views")
    calendar = {day.isoformat(): daily.get(day.isoformat(), (0,))[0] for day in asked.period.days()}
    forecast = [row["views"] for row in asked.rows("viewing_forecast") if row["kind"] == "history"]
    assert forecast == [views for day, views in calendar.items() if daily and day >= min(daily)]
    [trend] = asked.rows("period_trend")
    first, last = asked.period.first.isoformat(), asked.period.last.isoformat()
    assert (trend["first_day_views"], trend["last_day_views"]) == (calendar[first], calendar[last])


@settings(max_examples=12, deadline=None)
@given(asked=made_and_asked)
@pytest.mark.slow
def test_channels(asked: Asked) -> None:
    [summary] = asked.rows("general_summary")
    audience = asked.columns("channel_audience", "channel", "unique_devices", "unique_subscribers", "views")
    watched = asked.columns("channel_audience", "channel", "watch_hours")
    assert len(audience) == summary["unique_channels"]
    for name in ("channel_performance", "period_channels"):
        assert asked.columns(name, "channel", "unique_devices", "unique_subscribers", "views") == audience
    views = {channel: (views,) for channel, (*_unique, views) in audience.items()}
    assert asked.columns("average_duration", "channel", "views") == asked.columns("top_channels", "channel", "views") == views
    for name in ("average_duration", "share", "channel_performance", "period_channels"):
        assert asked.columns(name, "channel", "watch_hours") == {
            channel: (pytest.approx(hours),) for channel, (hours,) in watched.items()
        }
    assert {channel: (asked.total("peak_hours", "views", channel=channel),) for channel in audience} == views
    for name in ("top_channels", "period_channels"):
        assert asked.total(name, "share_pct") == pytest.approx(100 if views else 0)
    if any(hours for (hours,) in watched.values()):
        assert asked.total("share", "share_pct") == pytest.approx(100)
    reached = {row["channel"] for row in asked.rows("reach") if row["scope"] == "channel"}
    assert reached == set(audience)


@settings(max_examples=12, deadline=None)
@given(asked=made_and_asked)
@pytest.mark.slow
def test_subscribers(asked: Asked) -> None:
    [summary] = asked.rows("general_summary")
    subscribers = summary["active_subscribers"]
    overview = {(row["section"], row["metric"]): row["value"] for row in asked.rows("subscriber_overview")}
    quintiles = ("inactivo", "ocasional", "regular", "activo", "super_activo")
    top = asked.rows("top_subscribers")
    rankings = {
        ranking: {row["subscriber_code"]: row["value"] for row in top if row["ranking"] == ranking}
        for ranking in ("by_hours", "by_views", "by_channels")
    }
    period = asked.columns("period_subscribers", "subscriber_code", "views", "watch_hours", "unique_channels")
    assert {len(period), *map(len, rankings.values())} == {subscribers}
    assert overview["total", "subscribers"] == sum(overview[each, "subscribers"] for each in quintiles) == subscribers
    assert sum(size for (size,) in asked.columns("cohorts", "cohort_month", "cohort_size").values()) == subscribers
    assert asked.total("subscriber_segments", "subscribers") == subscribers
    assert asked.total("reach", "active_subscribers", scope="total") == subscribers
    assert all(row["universe"] >= subscribers and row["rating_pct"] <= 100 for row in asked.rows("rating"))
    sticky = asked.rows("stickiness", days=366)
    assert sum(row["new_subscribers"] for row in sticky) == subscribers
    assert (sticky[-1]["monthly_active"] if sticky else 0) == subscribers
    low_risk = asked.history.facts("churn_risk", asked.period)["low_risk_subscribers"]
    assert len(asked.rows("churn_risk")) + low_risk == subscribers
    assert rankings["by_views"] == {code: views for code, (views, *_rest) in period.items()}
    assert rankings["by_channels"] == {code: channels for code, (*_rest, channels) in period.items()}
    assert overview["total", "views"] == sum(rankings["by_views"].values())
    watched = pytest.approx(overview["total", "watch_hours"])
    assert sum(overview[each, "watch_hours"] for each in quintiles) == watched
    assert sum(rankings["by_hours"].values()) == watched
    assert sum(hours for _views, hours, _channels in period.values()) == watched
    assert asked.total("cohorts", "watch_hours") == watched
    assert sum(row["subscribers"] * row["mean_watch_hours"] for row in asked.rows("subscriber_segments")) == watched


@settings(max_examples=15, deadline=None)
@given(asked=made_and_asked)
@pytest.mark.slow
def test_one_subscriber(asked: Asked) -> None:
    code = asked.made.rng.choice(CODES)
    listed = asked.columns("period_subscribers", "subscriber_code", "views", "unique_channels", "active_days", "watch_hours")
    *counts, watched = listed.get(code, (0, 0, 0, 0.0))
    profile = asked.rows("subscriber_profile", subscriber_code=code)
    period = asked.rows("subscriber_period", subscriber_code=code)
    for rows, section in ((profile, "total"), (period, "comparison")):
        values = {row["item"]: row["value"] for row in rows if row["section"] == section}
        assert [values[item] for item in ("views", "unique_channels", "active_days")] == counts
        assert values["watch_hours"] == pytest.approx(watched)
    for rows, section in ((profile, "slot"), (profile, "hour"), (period, "day"), (period, "slot")):
        parts = [row for row in rows if row["section"] == section]
        assert sum(row["views"] for row in parts) == counts[0]
        assert sum(row["watch_hours"] for row in parts) == pytest.approx(watched)


@settings(max_examples=12, deadline=None)
@given(asked=made_and_asked)
@pytest.mark.slow
def test_hours_and_slots(asked: Asked) -> None:
    """Of a subscriber, the hours of a slot sum to it; of all, subscribers and those without a name."""
    slots = {slot: [0, 0.0] for slot in SLOTS}
    for code in CODES:
        rows = asked.rows("subscriber_profile", subscriber_code=code)
        by_hour = {int(row["item"]): (row["views"], row["watch_hours"]) for row in rows if row["section"] == "hour"}
        for slot, (views, watched) in asked.sections(rows, "slot").items():
            inside = [by_hour[hour] for hour in SLOTS[slot] if hour in by_hour]
            assert sum(views for views, _watched in inside) == views
            assert sum(watched for _views, watched in inside) == pytest.approx(watched, abs=1e-9)
            slots[slot][0] += views
            slots[slot][1] += watched
        same = asked.rows("subscriber_period", subscriber_code=code)
        for slot, figures in asked.sections(same, "slot").items():
            assert figures == pytest.approx(asked.sections(rows, "slot")[slot])
    for slot, (views, watched) in asked.columns("time_slots", "slot", "views", "watch_hours").items():
        assert views >= slots[slot][0]
        assert watched >= slots[slot][1] - 1e-9


@settings(max_examples=12, deadline=None)
@given(asked=made_and_asked)
def test_time_on_air(asked: Asked) -> None:
    """Streams at a time, over time, are the hours watched in the time that passed."""
    seen = Seen(tuple(asked.made.views), asked.period, asked.made.zone, asked.made.known, asked.cap)
    length: dict[tuple[str, int], float] = {}
    inside = 0.0
    for begin, end, day, hour in on_air(seen):
        length[day.isoformat(), hour] = (end - begin) / timedelta(hours=1)
        for view in running(seen):
            watched = min(end, view.watched_until) - max(begin, view.started_at)
            inside += max(0.0, watched / timedelta(hours=1))
    rows = asked.rows("concurrency")
    of_days = [row for row in rows if row["hour"] is None]
    of_hours = [row for row in rows if row["hour"] is not None]
    assert sum(row["mean_streams"] * length[row["date"], row["hour"]] for row in of_hours) == pytest.approx(inside)
    for row in of_days:
        own = [each for each in of_hours if each["date"] == row["date"]]
        passed = sum(hours for (day, _hour), hours in length.items() if day == row["date"])
        for column in ("mean_streams", "mean_subscribers"):
            parts = sum(each[column] * length[each["date"], each["hour"]] for each in own)
            assert row[column] * passed == pytest.approx(parts)
        for column in ("peak_streams", "peak_subscribers"):
            assert row[column] == max(each[column] for each in own)
    audience = asked.rows("average_audience")
    for hour in range(24):
        minutes = sum(row["subscriber_minutes"] for row in audience if row["hour"] == hour)
        streams = sum(row["mean_streams"] * length[row["date"], hour] for row in of_hours if row["hour"] == hour)
        assert minutes <= streams * 60 * (1 + 1e-9)
    assert [(row["channel"], row["hour"], row["average_audience"]) for row in asked.rows("rating")] == [
        (row["channel"], row["hour"], pytest.approx(row["average_audience"])) for row in audience
    ]
