"""What the general analyses should give."""

from __future__ import annotations

from analyses.oracle import (
    Row,
    average_seconds,
    by,
    by_channel,
    channels_of,
    days_of,
    devices_of,
    hours,
    mean,
    percent,
    ratio,
    subscribers_of,
)
from analyses.seen import Seen


def general_summary(seen: Seen) -> list[Row]:
    return [
        {
            "views": len(seen.views),
            "active_subscribers": seen.subscribers,
            "unique_devices": devices_of(seen.views),
            "unique_channels": channels_of(seen.views),
            "watch_hours": hours(seen.views),
            "small_base": seen.small(seen.subscribers),
        }
    ]


def top_channels(seen: Seen, limit: int) -> list[Row]:
    channels = by_channel(seen.views)
    total = sum(len(views) for views in channels.values())
    ranking = sorted(channels, key=lambda name: (-len(channels[name]), name))
    return [
        {
            "channel": name,
            "rank": rank,
            "views": len(channels[name]),
            "share_pct": percent(len(channels[name]), total),
            "small_base": seen.small(subscribers_of(channels[name])),
        }
        for rank, name in enumerate(ranking, start=1)
    ][:limit]


def channel_audience(seen: Seen) -> list[Row]:
    return [
        {
            "channel": name,
            "unique_devices": devices_of(views),
            "unique_subscribers": subscribers_of(views),
            "views": len(views),
            "watch_hours": hours(views),
            "small_base": seen.small(subscribers_of(views)),
        }
        for name, views in by_channel(seen.views).items()
    ]


def peak_hours(seen: Seen, channel: str | None) -> list[Row]:
    rows = []
    for name, views in by_channel(seen.views).items():
        if channel in (None, name):
            of_hours = by(views, lambda v: v.local_hour)
            ranking = sorted(of_hours, key=lambda hour: (-len(of_hours[hour]), hour))
            rows += [
                {
                    "channel": name,
                    "hour": hour,
                    "views": len(of_hours[hour]),
                    "rank": rank,
                    "small_base": seen.small(subscribers_of(of_hours[hour])),
                }
                for rank, hour in enumerate(ranking, start=1)
            ]
    return rows


def average_duration(seen: Seen) -> list[Row]:
    rows = [
        {
            "channel": name,
            "average_seconds": average_seconds(views),
            "views": len(views),
            "watch_hours": hours(views),
            "small_base": seen.small(subscribers_of(views)),
        }
        for name, views in by_channel(seen.views).items()
    ]
    return sorted(rows, key=lambda row: (-row["average_seconds"], row["channel"]))


def geography(seen: Seen) -> list[Row]:
    return [
        {
            "country": country,
            "isp": isp,
            "views": len(views),
            "unique_devices": devices_of(views),
            "unique_subscribers": subscribers_of(views),
            "small_base": seen.small(subscribers_of(views)),
        }
        for (country, isp), views in by(seen.views, lambda v: (v.country, v.isp)).items()
    ]


def channel_performance(seen: Seen) -> list[Row]:
    rows: list[Row] = []
    for name, views in by_channel(seen.views).items():
        subscribers = subscribers_of(views)
        rows.append(
            {
                "channel": name,
                "unique_devices": devices_of(views),
                "unique_subscribers": subscribers,
                "views": len(views),
                "watch_hours": hours(views),
                "average_seconds": average_seconds(views),
                "active_days": days_of(views),
                "views_per_subscriber": ratio(len(views), subscribers),
                "watch_hours_per_subscriber": ratio(hours(views), subscribers),
            }
        )
    scores = {
        "views_score": "views",
        "subscribers_score": "unique_subscribers",
        "watch_time_score": "watch_hours",
        "average_duration_score": "average_seconds",
    }
    for row in rows:
        for score, column in scores.items():
            row[score] = percent(row[column], max(each[column] for each in rows)) or 0
        row["performance_score"] = mean(row[score] for score in scores)
    rows.sort(key=lambda row: (-row["performance_score"], row["channel"]))
    for rank, row in enumerate(rows, start=1):
        row |= {"rank": rank, "small_base": seen.small(row["unique_subscribers"])}
    return rows
