"""*Hoy*: how today goes, hour by hour, against yesterday and the same weekday a week ago; and whether the data keep coming.

A view is known when it has ended, so that hours are compared by the views that ended in them; how many were watching grows
until the longest of their views has ended, and is marked as provisional.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from datetime import date, timedelta

import pandas as pd
from starlette.responses import Response

from telemetry_pipeline.days import Period
from telemetry_pipeline.reports.content.tables import Shown, Table, table
from telemetry_pipeline.reports.content.tiles import Tile, change_pct, tile
from telemetry_pipeline.web.pages.opened import Opened
from telemetry_pipeline.web.pages.shown.pictures import other_picture, picture
from telemetry_pipeline.web.pages.upkeep import upkeep

PATH = "/hoy"
_PICTURES = ("concurrency", "share")
_CHANNELS = 10

Frames = Mapping[str, Awaitable[pd.DataFrame]]


async def show(page: Opened) -> Response:
    """Return the page."""
    days = _days(page.allowed.last)
    hour = _complete_hours(page)
    ended = {name: page.answers.ask("peak_hours", Period(day, day)) for name, day in days.items()}
    watching = {name: page.answers.ask("concurrency", Period(day, day)) for name, day in days.items()}
    last = None if hour is None else page.speech.hours(hour - 1)
    return page.reply(
        "today.html",
        day=page.speech.day(page.allowed.last, weekday=True),
        last_hour=last,
        headline=page.answers.make(lambda: _headline(page, hour, ended, watching)),
        upkeep=await upkeep(page),
        by_hour=page.answers.make(lambda: _by_hour(page, hour, ended, watching)),
        channels=page.answers.make(lambda: _channels(page, hour, ended)),
        three_days=other_picture("three_days", page.speech.say.three_days, page.asked, page.speech.language),
        pictures=[picture(name, page.asked, page.speech.language) for name in _PICTURES],
    )


def _days(today: date) -> Mapping[str, date]:
    return {"today": today, "yesterday": today - timedelta(days=1), "week_ago": today - timedelta(days=7)}


def _complete_hours(page: Opened) -> int | None:
    """Return how many hours of today are over, as far as data say; None: not one."""
    until = page.known.days.known_until
    if until is None:
        return None
    local = until.astimezone(page.pages.zone)
    return local.hour if local.date() == page.allowed.last and local.hour else None


async def _headline(page: Opened, hours: int | None, ended: Frames, watching: Frames) -> list[Tile]:
    if hours is None:
        return []
    say, today = page.speech.say, page.allowed.last
    sums = {name: _sum(await frame, hours) for name, frame in ended.items()}
    weekday = page.speech.weekday(today)
    made = [
        tile(page.speech, "view", sums["today"], sums["yesterday"] or None, name=say.ended_until.format(hour=hours)),
        tile(page.speech, "view", sums["today"], sums["week_ago"] or None, name=say.against_weekday.format(weekday=weekday)),
    ]
    means = {name: _mean(await frame, hours - 1) for name, frame in watching.items()}
    before = (
        f"{say.yesterday}: {page.speech.number(means['yesterday'])} · {say.week_ago}: {page.speech.number(means['week_ago'])}"
    )
    now = say.watching_now.format(hour=page.speech.hours(hours - 1))
    return [*made, Tile(now, page.speech.number(means["today"]), "concurrency", aside=before, provisional=True)]


def _sum(frame: pd.DataFrame, hours: int) -> float:
    """Return views of the first hours of a day."""
    return float(frame["views"][frame["hour"] < hours].sum())


def _mean(frame: pd.DataFrame, hour: int) -> float | None:
    row = frame[frame["hour"] == hour]
    return None if row.empty else float(row["mean_subscribers"].iloc[0])


async def _by_hour(page: Opened, hours: int | None, ended: Frames, watching: Frames) -> Table:
    say = page.speech.say
    views = {name: (await frame).groupby("hour")["views"].sum() for name, frame in ended.items()}
    means = (await watching["today"]).dropna(subset=["hour"]).set_index("hour")["mean_subscribers"]
    rows = []
    for hour in range(24):
        over = hours is not None and hour < hours
        now = float(views["today"].get(hour, 0)) if over else None
        yesterday, week_ago = (float(views[name].get(hour, 0)) for name in ("yesterday", "week_ago"))
        rows.append(
            {
                "hour": page.speech.hour(hour),
                "today": now,
                "yesterday": yesterday,
                "yesterday_pct": _change(page, now, yesterday),
                "week_ago": week_ago,
                "week_ago_pct": _change(page, now, week_ago),
                "watching": float(means.get(hour, 0)) if over else None,
            }
        )
    if not any(row["yesterday"] or row["week_ago"] or row["today"] for row in rows):
        return Table()
    columns = [
        Shown("hour", "text", head=say.hour),
        Shown("today", head=say.today, bar=True),
        Shown("yesterday", head=say.yesterday),
        Shown("yesterday_pct", "change", term="change"),
        Shown("week_ago", head=say.week_ago),
        Shown("week_ago_pct", "change", term="change"),
        Shown("watching", term="concurrency"),
    ]
    return table(pd.DataFrame(rows), columns, page.speech, most=None)


def _change(page: Opened, now: float | None, before: float) -> float | None:
    """Return a change in percent; None of so few views that a home or two would change it."""
    return change_pct(now, before) if before >= page.pages.small_base else None


async def _channels(page: Opened, hours: int | None, ended: Frames) -> Table:
    """Return the channels of the last hour that is over."""
    if hours is None:
        return Table()
    found = None
    for name, frame in ended.items():
        part = await frame
        part = part[part["hour"] == hours - 1][["channel", "views"]].rename(columns={"views": name})
        found = part if found is None else found.merge(part, "outer", "channel")
    assert found is not None
    found = found.fillna(dict.fromkeys(ended, 0)).sort_values(["today", "channel"], ascending=[False, True], kind="stable")
    columns = [
        Shown("channel", "text", head=page.speech.say.channel, link=page.to_channel),
        Shown("today", head=page.speech.say.today, bar=True),
        Shown("yesterday", head=page.speech.say.yesterday),
        Shown("week_ago", head=page.speech.say.week_ago),
    ]
    return table(found, columns, page.speech, most=_CHANNELS)
