"""What two analyses both count, they count alike."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from analyses.conftest import History
from analyses.histories import CODES, Made, histories
from analyses.oracle import Row
from hypothesis import given, settings

from telemetry_pipeline.analyses.periods import Period

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
        self.history = History(made.views, made.zone, made.rng.choice([None, 0.5]))
        self.period = Period(made.day - timedelta(days=made.rng.choice([0, 6, 29])), made.day)

    def rows(self, name: str, **parameters: Any) -> list[Row]:
        return self.history.ask(name, self.period, **LIMITS.get(name, {}), **parameters)

    def total(self, name: str, column: str, **where: Any) -> Any:
        """The sum of a column, of the rows that have some values."""
        rows = [row for row in self.rows(name) if where.items() <= row.items()]
        return sum(row[column] for row in rows)

    def columns(self, name: str, key: str, *columns: str) -> dict[Any, tuple[Any, ...]]:
        """Some columns by another."""
        return {row[key]: tuple(row[column] for column in columns) for row in self.rows(name)}


made_and_asked = histories.map(Asked)


@settings(max_examples=20, deadline=None)
@given(asked=made_and_asked)
def test_all_views_and_hours(asked: Asked) -> None:
    [summary] = asked.rows("general_summary")
    [period] = asked.rows("period_summary")
    comparison = asked.columns("period_comparison", "metric", "current")
    for name in ("time_slots", "viewing_by_period", "day_over_day", "period_breakdown", "period_events"):
        assert asked.total(name, "views") == summary["views"], name
    for name in ("time_slots", "viewing_by_period", "period_breakdown"):
        assert asked.total(name, "watch_hours") == pytest.approx(summary["watch_hours"]), name
    same = ("views", "unique_devices", "unique_channels")
    assert [period[column] for column in same] == [summary[column] for column in same]
    assert period["watch_hours"] == pytest.approx(summary["watch_hours"])
    assert comparison["views"] == (summary["views"],)
    assert comparison["watch_hours"] == (pytest.approx(summary["watch_hours"]),)
    assert comparison["subscribers"] == (period["unique_subscribers"],) == (summary["active_subscribers"],)
    assert asked.total("time_slots", "share_pct") == pytest.approx(100) if summary["views"] else period["views"] == 0
    assert asked.total("geography", "views") <= summary["views"]


@settings(max_examples=20, deadline=None)
@given(asked=made_and_asked)
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
    forecast = [row["views"] for row in asked.rows("viewing_forecast") if row["kind"] == "history"]
    assert forecast == [views for day, (views, _active) in calendar.items() if day >= min(daily)]
    [trend] = asked.rows("period_trend")
    first, last = asked.period.first.isoformat(), asked.period.last.isoformat()
    assert (trend["first_day_views"], trend["last_day_views"]) == (daily.get(first, (0, 0))[0], daily.get(last, (0, 0))[0])
    assert set(asked.columns("anomalies", "date", "views").items()) <= {(day, (views,)) for day, (views, _) in daily.items()}


@settings(max_examples=20, deadline=None)
@given(asked=made_and_asked)
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


@settings(max_examples=20, deadline=None)
@given(asked=made_and_asked)
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
    assert {row["universe"] for row in asked.rows("rating")} <= {subscribers}
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


@settings(max_examples=20, deadline=None)
@given(asked=made_and_asked)
def test_time_on_air(asked: Asked) -> None:
    """Streams at a time, over time, are the hours watched within the window; of one channel, subscribers are at most that."""
    clock = asked.history.store.views(asked.period).hours()
    begin = clock["hour_start"].min().to_pydatetime()
    length = ((clock["hour_end"] - clock["hour_start"]).dt.total_seconds() / 3600).groupby(
        [clock["local_date"].astype(str), clock["local_hour"]]
    )
    by_hour = length.sum().to_dict()
    query = "select sum(epoch(watched_until - greatest(started_at, $begin))) / 3600 from counted where watched_until > $begin"
    [[inside]] = asked.history.store.views(asked.period).query(query, begin=begin).to_numpy()
    rows = asked.rows("concurrency")
    of_days = [row for row in rows if row["hour"] is None]
    of_hours = [row for row in rows if row["hour"] is not None]
    for column in ("mean_streams", "mean_subscribers"):
        daily = sum(
            row[column] * sum(hours for (day, _hour), hours in by_hour.items() if day == row["date"]) for row in of_days
        )
        assert sum(row[column] * by_hour[row["date"], row["hour"]] for row in of_hours) == pytest.approx(daily)
        if column == "mean_streams":
            assert daily == pytest.approx(inside if rows else 0)
    for row in of_days:
        for column in ("peak_streams", "peak_subscribers"):
            assert row[column] == max(each[column] for each in of_hours if each["date"] == row["date"])
    audience = asked.rows("average_audience")
    watched = asked.columns("share", "channel", "watch_hours")
    for channel in {row["channel"] for row in audience}:
        minutes = sum(row["subscriber_minutes"] for row in audience if row["channel"] == channel)
        assert minutes <= watched[channel][0] * 60 * (1 + 1e-9)
    assert [(row["channel"], row["hour"], row["average_audience"]) for row in asked.rows("rating")] == [
        (row["channel"], row["hour"], pytest.approx(row["average_audience"])) for row in audience
    ]
