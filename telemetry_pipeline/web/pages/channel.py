"""*Canal*: everything about one channel on some days."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from difflib import get_close_matches

import pandas as pd
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from telemetry_pipeline.days import Period
from telemetry_pipeline.errors import AskedWrongly
from telemetry_pipeline.reports.content.tables import Shown, Table, table
from telemetry_pipeline.reports.content.tiles import Tile, is_small, tile, value_of
from telemetry_pipeline.web.pages.opened import CHANNEL_PATH, Opened
from telemetry_pipeline.web.pages.shown.knowledge import was_ever_seen
from telemetry_pipeline.web.pages.shown.pictures import picture

PATH = CHANNEL_PATH
_PICTURES = ("average_audience", "peak_hours", "rating", "viewing_forecast")
_WITH_CHANNEL = ("peak_hours", "viewing_forecast")
_MOST_MEANT, _LIKE = 10, 0.6
_MOST_FLOWS, _SHOWN_FLOWS = 10_000, 12


async def show(page: Opened) -> Response:
    """Return the page.

    :raises AskedWrongly: there is no such channel; has those that may have been meant.
    """
    channel = page.asked.channel
    if not channel:
        raise AskedWrongly(page.speech.say.choose_channel, 400, _some(page, page.known.channels[:30]))
    if channel not in page.known.channels and not await run_in_threadpool(was_ever_seen, page.pages.engine, channel):
        text = page.speech.cut(channel)
        raise AskedWrongly(
            page.speech.say.no_such_channel.format(text=text), 404, _some(page, _like(channel, page.known.channels))
        )
    language = page.speech.language
    flow = page.answers.ask("channel_flow", page.asked.period, limit=_MOST_FLOWS)
    return page.reply(
        "channel.html",
        headline=page.answers.make(lambda: _headline(page)),
        comes_from=page.answers.make(lambda: _flow(page, flow, "from_channel", "to_channel")),
        goes_to=page.answers.make(lambda: _flow(page, flow, "to_channel", "from_channel")),
        compares=page.compares,
        curve=replace(
            picture("channel_curve", page.asked, language, channel=channel),
            title=page.speech.say.curve.format(day=page.speech.day(page.asked.period.last, weekday=True)),
        ),
        pictures=[
            picture(name, page.asked, language, **({"channel": channel} if name in _WITH_CHANNEL else {})) for name in _PICTURES
        ],
    )


def _like(name: str, channels: tuple[str, ...]) -> list[str]:
    """Return channels of nearly that name, with or without its accents, or with it as a part."""
    plain = {_plain(each): each for each in channels}
    written = _plain(name)
    close = [plain[each] for each in get_close_matches(written, list(plain), _MOST_MEANT, _LIKE)]
    inside = [each for text, each in plain.items() if written in text]
    return list(dict.fromkeys([*close, *inside]))[:_MOST_MEANT] or list(channels[:_MOST_MEANT])


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in letters if not unicodedata.combining(each))


def _some(page: Opened, channels: tuple[str, ...] | list[str]) -> dict[str, str]:
    return {page.speech.cut(each): page.to_channel(each) for each in channels}


@dataclass(frozen=True)
class _Figures:
    """The rows of the channel on some days. :ivar place: its place by hours. :ivar count: among how many."""

    performance: pd.DataFrame
    share: pd.DataFrame
    reach: pd.DataFrame
    place: int
    count: int


async def _figures(page: Opened, period: Period) -> _Figures:
    asked = [page.answers.ask(name, period) for name in ("channel_performance", "share", "reach")]
    performance, share, reach = [await each for each in asked]
    channel, places = page.asked.channel, share["channel"].tolist()
    return _Figures(
        performance[performance["channel"] == channel],
        share[share["channel"] == channel],
        reach[(reach["scope"] == "channel") & (reach["channel"] == channel)],
        places.index(channel) + 1 if channel in places else 0,
        len(places),
    )


async def _headline(page: Opened) -> list[Tile]:
    """Return what the channel amounts to, and its place among all; nothing, if nobody watched it."""
    asked, speech = page.asked, page.speech
    periods = [asked.period, *([asked.against] if page.compares and asked.against else [])]
    now, *before = await asyncio.gather(*(_figures(page, period) for period in periods))
    if now.performance.empty:
        return []
    small = is_small(now.performance)

    def of(name: str, column: str) -> tuple[float | None, float | None]:
        current, *others = (value_of(getattr(figures, name), column) for figures in (now, *before))
        return current, others[0] if others else None

    made = [
        tile(speech, "watch_hours", *of("performance", "watch_hours"), small=small),
        tile(speech, "share", *of("share", "share_pct"), notation="percent", small=small),
        tile(speech, "reach", *of("reach", "reached_subscribers"), small=small),
        tile(speech, "view", *of("performance", "views"), small=small),
        tile(speech, "duration", *of("performance", "average_seconds"), notation="seconds", small=small),
    ]
    where = speech.say.rank_of.format(rank=speech.number(now.place), count=speech.number(now.count))
    return [Tile(speech.say.place, where, href=asked.at("/canales", channel="", everything=True)), *made]


async def _flow(page: Opened, flow: Awaitable[pd.DataFrame], other: str, own: str) -> Table:
    """Show other channels by how many came from them, or went there."""
    frame = await flow
    frame = frame[frame[own] == page.asked.channel]
    total = frame["transitions"].sum()
    frame = frame.assign(part=100 * frame["transitions"] / total if total else None)
    head = getattr(page.speech.say, other)
    columns = [
        Shown(other, "text", head=head, link=page.to_channel),
        Shown("transitions", term="flow", bar=True),
        Shown("part", "percent", head="%"),
    ]
    return table(frame.sort_values("transitions", ascending=False, kind="stable"), columns, page.speech, most=_SHOWN_FLOWS)
