"""What the analyses beyond the table should give: audience as broadcasters measure it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from analyses.oracle import (
    Row,
    Seen,
    View,
    by,
    by_channel,
    by_subscriber,
    devices_of,
    distinct,
    hours,
    percent,
    subscribers_of,
)

# Every zone's clock changes by, and differs from UTC by, whole quarters of an hour.
QUARTER = timedelta(minutes=15)


@lru_cache(maxsize=64)
def quarters(first: date, last: date, zone: ZoneInfo) -> list[tuple[datetime, date, int]]:
    """The quarters of an hour of some local days: when each begins in UTC, and its local date and hour."""
    moment = datetime.combine(first - timedelta(days=2), time.min, UTC)
    found = []
    while moment.date() <= last + timedelta(days=2):
        local = moment.astimezone(zone)
        if first <= local.date() <= last:
            found.append((moment.replace(tzinfo=None), local.date(), local.hour))
        moment += QUARTER
    return found


def quarters_of(seen: Seen) -> list[tuple[datetime, date, int]]:
    return quarters(seen.days[0], seen.days[-1], seen.zone) if seen.days else []


def playing(seen: Seen) -> Iterator[tuple[date, int, Fraction, list[View]]]:
    """The period in pieces during which the same views are playing, none longer than a quarter of an hour.

    Of each in which there are any: local date and hour, minutes, views.
    """
    for begin, day, hour in quarters_of(seen):
        end = begin + QUARTER
        near = [v for v in seen.views if v.started_at < end and v.watched_until > begin]
        cuts = {begin, end}
        for view in near:
            cuts |= {moment for moment in (view.started_at, view.watched_until) if begin < moment < end}
        times = sorted(cuts)
        for a, b in pairwise(times):
            views = [v for v in near if v.started_at <= a and b <= v.watched_until]
            if views:
                yield day, hour, Fraction((b - a) // timedelta(seconds=1), 60), views


def reach(seen: Seen, min_minutes: float) -> list[Row]:
    def row(scope: str, channel: str | None, views: list[View]) -> Row:
        watched = [hours(of_one) * 60 for of_one in by_subscriber(views).values()]
        reached = sum(minutes >= min_minutes for minutes in watched)
        return {
            "scope": scope,
            "channel": channel,
            "reached_subscribers": reached,
            "active_subscribers": seen.subscribers,
            "reach_pct": percent(reached, seen.subscribers),
        }

    channels = by_channel(seen.views)
    return [row("total", None, seen.views), *(row("channel", name, views) for name, views in channels.items())]


def average_audience(seen: Seen) -> list[Row]:
    minutes_of_hour: Counter[int] = Counter()
    for _begin, _day, hour in quarters_of(seen):
        minutes_of_hour[hour] += 15
    watched: dict[tuple[str, int], Fraction] = {}
    for _day, hour, minutes, views in playing(seen):
        for channel, of_channel in by_channel(views).items():
            if subscribers_of(of_channel):
                key = (channel, hour)
                watched[key] = watched.get(key, Fraction(0)) + minutes * subscribers_of(of_channel)
    return [
        {
            "channel": channel,
            "hour": hour,
            "subscriber_minutes": minutes,
            "minutes": minutes_of_hour[hour],
            "average_audience": minutes / minutes_of_hour[hour],
        }
        for (channel, hour), minutes in sorted(watched.items())
    ]


def rating(seen: Seen) -> list[Row]:
    return [
        {
            "channel": row["channel"],
            "hour": row["hour"],
            "average_audience": row["average_audience"],
            "universe": seen.subscribers,
            "rating_pct": percent(row["average_audience"], seen.subscribers),
        }
        for row in average_audience(seen)
    ]


def share(seen: Seen) -> list[Row]:
    channels = by_channel(seen.views)
    total = sum((hours(views) for views in channels.values()), Fraction(0))
    return [
        {"channel": name, "watch_hours": hours(channels[name]), "share_pct": percent(hours(channels[name]), total)}
        for name in sorted(channels, key=lambda name: (-hours(channels[name]), name))
    ]


def concurrency(seen: Seen) -> list[Row]:
    length: Counter[tuple[date, int | None]] = Counter()
    for _begin, day, hour in quarters_of(seen):
        length[day, None] += 15
        length[day, hour] += 15
    pieces: dict[tuple[date, int | None], list[tuple[Fraction, int, int]]] = {}
    for day, hour, minutes, views in playing(seen):
        piece = (minutes, len(views), subscribers_of(views))
        pieces.setdefault((day, None), []).append(piece)
        pieces.setdefault((day, hour), []).append(piece)
    return [
        {
            "date": day,
            "hour": hour,
            "peak_streams": max(streams for _minutes, streams, _subscribers in pieces[day, hour]),
            "mean_streams": sum(minutes * streams for minutes, streams, _subscribers in pieces[day, hour]) / length[day, hour],
            "peak_subscribers": max(subscribers for _minutes, _streams, subscribers in pieces[day, hour]),
            "mean_subscribers": sum(minutes * subscribers for minutes, _streams, subscribers in pieces[day, hour])
            / length[day, hour],
        }
        for day, hour in sorted(pieces, key=lambda key: (key[0], -1 if key[1] is None else key[1]))
    ]


def channel_flow(seen: Seen, gap_minutes: int, limit: int) -> list[Row]:
    known = [v for v in seen.views if v.channel_name is not None]
    flows: dict[tuple[str, str], list[View]] = {}
    for views in by(known, lambda v: v.device_id).values():
        views.sort(key=lambda v: (v.started_at, v.ended_at, v.channel_name))
        for one, following in pairwise(views):
            soon = following.started_at <= one.watched_until + timedelta(minutes=gap_minutes)
            if soon and one.channel_name != following.channel_name:
                flows.setdefault((one.channel_name or "", following.channel_name or ""), []).append(one)
    leaving: Counter[str] = Counter()
    for (origin, _channel), views in flows.items():
        leaving[origin] += len(views)
    return [
        {
            "from_channel": origin,
            "to_channel": channel,
            "transitions": len(flows[origin, channel]),
            "unique_devices": devices_of(flows[origin, channel]),
            "share_pct": percent(len(flows[origin, channel]), leaving[origin]),
        }
        for origin, channel in sorted(flows, key=lambda pair: (-len(flows[pair]), pair))
    ][:limit]


def stickiness(seen: Seen, days: int) -> list[Row]:
    if not seen.views:
        return []

    def active(first: date, last: date) -> set[str]:
        return {v.subscriber_code for v in seen.by_subscribers if v.subscriber_code and first <= v.local_date <= last}

    rows = []
    for day in seen.days[-days:]:
        daily = active(day, day)
        monthly = active(day - timedelta(days=29), day)
        earlier = active(date.min, day - timedelta(days=1))
        rows.append(
            {
                "date": day,
                "daily_active": len(daily),
                "weekly_active": distinct(active(day - timedelta(days=6), day)),
                "monthly_active": len(monthly),
                "stickiness_pct": percent(len(daily), len(monthly)),
                "new_subscribers": len(daily - earlier),
                "returning_subscribers": len(daily & earlier),
                "dormant_subscribers": len(earlier - monthly),
            }
        )
    return rows
