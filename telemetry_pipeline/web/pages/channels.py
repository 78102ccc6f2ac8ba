"""*Canales*: which channels were watched most, how much, at which hours, and how that compares with other days."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import datetime, time
from urllib.parse import quote

import pandas as pd
from starlette.responses import Response

from telemetry_pipeline.analyses.framework import clock
from telemetry_pipeline.analyses.framework.marks import SMALL_BASE
from telemetry_pipeline.days import Period
from telemetry_pipeline.reports.content.tables import FIRST_ROWS, Shown, Table, head_of, table
from telemetry_pipeline.reports.content.tiles import Tile, is_small, tile
from telemetry_pipeline.reports.files.csv_text import to_excel_csv
from telemetry_pipeline.results.rows import to_rows
from telemetry_pipeline.web.frame.page import NOT_KEPT
from telemetry_pipeline.web.frame.waiting import GONE, while_asked
from telemetry_pipeline.web.pages.asked.hours import name_of
from telemetry_pipeline.web.pages.headline import headline
from telemetry_pipeline.web.pages.opened import Opened
from telemetry_pipeline.web.pages.shown.pictures import picture

PATH = "/canales"
FILE_PATH = f"{PATH}.csv"
Ranked = tuple[pd.DataFrame, pd.DataFrame | None, list[Shown]]

_PICTURES = ("share", "reach", "rating", "channel_flow", "channel_performance", "average_duration")


async def show(page: Opened) -> Response:
    """Return the page."""
    say, part = page.speech.say, page.asked.part
    title = say.ranking_part.format(part=name_of(part, page.speech)) if part else say.ranking
    ranked = page.answers.begin(_ranked(page))
    return page.reply(
        "channels.html",
        headline=headline(page, of_channels=True),
        of_hours=page.answers.make(lambda: _of_hours(page, ranked)) if part else None,
        ranking=page.answers.make(lambda: _ranking(page, ranked)),
        ranking_empty=_why_empty(page),
        ranking_title=title,
        ranking_file=page.asked.at(FILE_PATH),
        compares=page.compares,
        pictures=[picture(name, page.asked, page.speech.language) for name in _PICTURES],
    )


async def file(page: Opened) -> Response:
    """Return the ranking as a file that Excel opens, with as many channels as there are."""
    try:
        text = await while_asked(page.request, page.answers.begin(_ranking_text(page)))
    finally:
        page.answers.end()
    if text is None:
        return Response(status_code=GONE)
    asked = page.asked
    name = "_".join(["canales", str(asked.period.first), str(asked.period.last), *([asked.part] if asked.part else [])])
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}.csv", **NOT_KEPT}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


async def _ranking_text(page: Opened) -> str:
    frame, _, columns = await _ranked(page)
    heads = {each.name: head_of(each, page.speech) for each in columns}
    return to_excel_csv(list(heads.values()), to_rows(frame[list(heads)].rename(columns=heads)))


def _why_empty(page: Opened) -> str:
    """Return what is said in place of a ranking without rows; empty: nobody watched."""
    if not page.asked.part:
        return ""
    begin = datetime.combine(page.asked.period.first, time(page.asked.hours.start), page.pages.zone)
    reason = page.known.not_there_yet(begin)
    return page.speech.say[reason] if reason else ""


async def _of_hours(page: Opened, ranked: Awaitable[Ranked]) -> list[Tile]:
    """Return what all channels of the ranking had together in the hours of the part of the day; nothing, if it has none."""
    frame, before, _ = await ranked
    if frame.empty:
        return []
    small = len(frame) == 1 and is_small(frame)  # many channels of few subscribers each may have many together
    return [
        tile(page.speech, name, frame[name].sum(), None if before is None else before[name].sum(), small=small)
        for name in ("watch_hours", "average_audience")
    ]


async def _ranking(page: Opened, ranked: Awaitable[Ranked]) -> Table:
    frame, _, columns = await ranked
    return table(frame, columns, page.speech, most=None if page.asked.everything else FIRST_ROWS)


async def _ranked(page: Opened) -> Ranked:
    """Return the channels in order, those of the other days if they are compared, and the columns to show."""
    asked = page.asked
    of_days = _by_part if asked.part else _by_day
    periods = [asked.period, *([asked.against] if page.compares and asked.against else [])]
    frame, *before = await asyncio.gather(*(of_days(page, each) for each in periods))
    if before:
        frame = _with_change(frame, before[0])
    frame = frame.assign(rank=range(1, len(frame) + 1))
    columns = [
        Shown("rank", head=page.speech.say.rank),
        Shown("channel", "text", head=page.speech.say.channel, link=page.to_channel),
    ]
    changes = [Shown("before", head=page.speech.say.previous), Shown("change_pct", "change", term="change")]
    measure = "average_audience" if asked.part else "watch_hours"
    columns += [Shown(measure, term=measure, bar=True), *(changes if before else [])]
    if asked.part:
        columns.append(Shown("watch_hours", term="watch_hours"))
    else:
        columns += [
            Shown("share_pct", "percent", term="share"),
            Shown("reached_subscribers", term="reach"),
            Shown("reach_pct", "percent", head=f"{page.speech.say.of_active}"),
            Shown("views", term="view"),
            Shown("average_seconds", "seconds", term="duration"),
        ]
    return frame, before[0] if before else None, columns


async def _by_day(page: Opened, period: Period) -> pd.DataFrame:
    """Return channels by the hours that they were watched."""
    performance = page.answers.ask("channel_performance", period)
    shares, reaches = page.answers.ask("share", period), page.answers.ask("reach", period)
    frame = (await performance)[["channel", "views", "average_seconds", "watch_hours", SMALL_BASE.name]]
    reached = await reaches
    reached = reached[reached["scope"] == "channel"][["channel", "reached_subscribers", "reach_pct"]]
    frame = frame.merge((await shares)[["channel", "share_pct"]], "left", "channel").merge(reached, "left", "channel")
    return frame.sort_values("watch_hours", ascending=False, kind="stable").assign(measure=lambda all_: all_["watch_hours"])


async def _by_part(page: Opened, period: Period) -> pd.DataFrame:
    """Return channels by their average audience in the hours of the part of the day: subscriber minutes by minutes."""
    frame, hours = await page.answers.ask("average_audience", period), list(page.asked.hours)
    frame = frame[frame["hour"].isin(hours)]
    minutes = frame.groupby("hour")["minutes"].max()
    if len(minutes) < len(hours):
        # An hour in which nobody watched anything has no row, and minutes all the same, as far as it has passed.
        minutes = minutes.combine_first(_passed(page, period).loc[lambda all_: all_.index.isin(hours)])
    by_channel = frame.groupby("channel", as_index=False, sort=True)
    sums = by_channel.agg(subscriber_minutes=("subscriber_minutes", "sum"), **{SMALL_BASE.name: (SMALL_BASE.name, "all")})
    audience = sums["subscriber_minutes"] / minutes.sum()
    sums = sums.assign(average_audience=audience, watch_hours=sums["subscriber_minutes"] / 60, measure=audience)
    return sums.sort_values("average_audience", ascending=False, kind="stable")


def _passed(page: Opened, period: Period) -> pd.Series[float]:
    """Return how many minutes each hour of the day has had on some days, as far as they are known."""
    zone = page.pages.zone
    hours = clock.hours_of(zone, clock.days_of(zone, page.known.days, list(period.days())))
    return ((hours["hour_end"] - hours["hour_start"]).dt.total_seconds() / 60).groupby(hours["local_hour"]).sum()


def _with_change(frame: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """Add what each channel had on the other days, and how it changed since."""
    merged = frame.merge(others[["channel", "measure"]].rename(columns={"measure": "before"}), "left", "channel")
    before = merged["before"].where(merged["before"] > 0)
    return merged.assign(change_pct=100 * (merged["measure"] - before) / before)
