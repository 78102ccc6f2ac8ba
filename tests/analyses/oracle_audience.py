"""What the analyses beyond the table should give: audience as broadcasters measure it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise

from analyses.oracle import (
    MICROSECOND,
    Row,
    View,
    bounds,
    by,
    by_channel,
    by_subscriber,
    clock,
    devices_of,
    distinct,
    hours,
    percent,
    subscribers_of,
)
from analyses.seen import Seen

Piece = tuple[datetime, datetime, date, int]
"""A stretch of time within a clock hour: its begin and end, the local date, the hour."""


def on_air(seen: Seen) -> list[Piece]:
    """The hours of the period as far as they have passed."""
    pieces = []
    for day in seen.days:
        if not seen.to_come(day):
            for begin, end, hour in clock(day, seen.zone):
                end = min(end, seen.moment) if seen.under_way(day) and seen.moment else end
                if begin < end:
                    pieces.append((begin, end, day, hour))
    return pieces


def minutes_of(begin: datetime, end: datetime) -> Fraction:
    return Fraction((end - begin) // MICROSECOND, 60_000_000)


def running(seen: Seen) -> list[View]:
    """The views that may be on in the period: they ended in it, or not long after it."""
    if not seen.days:
        return []
    begin, end = bounds(seen.days[0], seen.zone)[0], bounds(seen.days[-1], seen.zone)[1]
    return [v for v in seen.watched if begin < v.ended_at < end + timedelta(hours=24)]


def playing(seen: Seen) -> Iterator[tuple[date, int, Fraction, list[View]]]:
    """The time that has passed in pieces during which the same views are playing, none longer than an hour of the clock.

    Of each in which there are any: local date and hour, minutes, views.
    """
    views = running(seen)
    for begin, end, day, hour in on_air(seen):
        near = [v for v in views if v.started_at < end and v.watched_until > begin]
        cuts = {begin, end}
        for view in near:
            cuts |= {moment for moment in (view.started_at, view.watched_until) if begin < moment < end}
        for a, b in pairwise(sorted(cuts)):
            together = [v for v in near if v.started_at <= a and b <= v.watched_until]
            if together:
                yield day, hour, minutes_of(a, b), together


def whole(minutes: Fraction) -> Fraction | int:
    """As a whole number if it is one."""
    return int(minutes) if minutes.denominator == 1 else minutes


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
            "small_base": seen.small(subscribers_of(views)),
        }

    channels = by_channel(seen.views)
    return [row("total", None, seen.views), *(row("channel", name, views) for name, views in channels.items())]


def channel_curve(seen: Seen, channel: str) -> list[Row]:
    passed: dict[tuple[int, int], Fraction] = {}
    watched: dict[tuple[int, int], Fraction] = {}
    watchers: dict[tuple[int, int], set[str]] = {}
    own = by_subscriber([v for v in running(seen) if v.channel_name == channel])
    for begin, end, _day, hour in on_air(seen):
        # Where the clock is set back, an hour is on it twice.
        for minute in range(0, 180, 15):
            a, b = begin + timedelta(minutes=minute), min(end, begin + timedelta(minutes=minute + 15))
            if a >= b:
                break
            key = (hour, minute % 60)
            passed[key] = passed.get(key, Fraction(0)) + minutes_of(a, b)
            for code, views in own.items():
                reached = a
                for view in sorted(views, key=lambda v: v.started_at):
                    begins, ends = max(reached, view.started_at), min(b, view.watched_until)
                    if begins < ends:
                        watched[key] = watched.get(key, Fraction(0)) + minutes_of(begins, ends)
                        watchers.setdefault(key, set()).add(code)
                        reached = ends
    return [
        {
            "hour": key[0],
            "minute": key[1],
            "average_audience": minutes / passed[key],
            "small_base": seen.small(len(watchers[key])),
        }
        for key, minutes in sorted(watched.items())
    ]


def average_audience(seen: Seen) -> list[Row]:
    passed: dict[int, Fraction] = {}
    for begin, end, _day, hour in on_air(seen):
        passed[hour] = passed.get(hour, Fraction(0)) + minutes_of(begin, end)
    watched: dict[tuple[str, int], Fraction] = {}
    watchers: dict[tuple[str, int], set[str]] = {}
    for _day, hour, minutes, views in playing(seen):
        for channel, of_channel in by_channel(views).items():
            watching = set(by_subscriber(of_channel))
            if watching:
                key = (channel, hour)
                watched[key] = watched.get(key, Fraction(0)) + minutes * len(watching)
                watchers.setdefault(key, set()).update(watching)
    return [
        {
            "channel": channel,
            "hour": hour,
            "subscriber_minutes": minutes,
            "minutes": whole(passed[hour]),
            "average_audience": minutes / passed[hour],
            "small_base": seen.small(len(watchers[channel, hour])),
        }
        for (channel, hour), minutes in sorted(watched.items())
    ]


def rating(seen: Seen) -> list[Row]:
    """Of all who had a view that ended in the period or was running in it."""
    on = []
    if seen.days:
        begin, end = bounds(seen.days[0], seen.zone)[0], bounds(seen.days[-1], seen.zone)[1]
        on = [v for v in running(seen) if v.started_at < end and v.watched_until > begin]
    universe = subscribers_of([*seen.views, *on])
    return [
        {
            "channel": row["channel"],
            "hour": row["hour"],
            "average_audience": row["average_audience"],
            "universe": universe,
            "rating_pct": percent(row["average_audience"], universe),
            "small_base": row["small_base"],
        }
        for row in average_audience(seen)
    ]


def share(seen: Seen) -> list[Row]:
    channels = by_channel(seen.views)
    total = sum((hours(views) for views in channels.values()), Fraction(0))
    return [
        {
            "channel": name,
            "watch_hours": hours(channels[name]),
            "share_pct": percent(hours(channels[name]), total),
            "small_base": seen.small(subscribers_of(channels[name])),
        }
        for name in sorted(channels, key=lambda name: (-hours(channels[name]), name))
    ]


def concurrency(seen: Seen) -> list[Row]:
    length: dict[tuple[date, int | None], Fraction] = {}
    for begin, end, day, hour in on_air(seen):
        for key in ((day, None), (day, hour)):
            length[key] = length.get(key, Fraction(0)) + minutes_of(begin, end)
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
            "provisional": seen.unfinished([day]),
            "small_base": seen.small(seen.subscribers),
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
            "small_base": seen.small(subscribers_of(flows[origin, channel])),
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
                "provisional": seen.unfinished([day]),
                "small_base": seen.small(len(monthly)),
            }
        )
    return rows
