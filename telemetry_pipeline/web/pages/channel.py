"""*Canal*: everything about one channel on some days."""

from __future__ import annotations

import pandas as pd
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from telemetry_pipeline.days import Period
from telemetry_pipeline.errors import AskedWrongly
from telemetry_pipeline.suggestions import meant
from telemetry_pipeline.web.pages.opened import CHANNEL_PATH, Opened
from telemetry_pipeline.web.pages.shown.knowledge import was_ever_seen
from telemetry_pipeline.web.pages.shown.pictures import picture
from telemetry_pipeline.web.pages.shown.tables import Shown, Table, table
from telemetry_pipeline.web.pages.shown.tiles import Tile, is_small, tile, value_of

PATH = CHANNEL_PATH
_PICTURES = ("average_audience", "peak_hours", "rating", "viewing_forecast")
_WITH_CHANNEL = ("peak_hours", "viewing_forecast")
_MOST_FLOWS, _SHOWN_FLOWS = 10_000, 12


async def show(page: Opened) -> Response:
    """The page.

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
    return page.reply(
        "channel.html",
        headline=page.answers.make(lambda: _headline(page)),
        comes_from=page.answers.make(lambda: _flow(page, "from_channel", "to_channel")),
        goes_to=page.answers.make(lambda: _flow(page, "to_channel", "from_channel")),
        compares=page.compares,
        pictures=[
            picture(name, page.asked, language, **({"channel": channel} if name in _WITH_CHANNEL else {})) for name in _PICTURES
        ],
    )


def _like(name: str, channels: tuple[str, ...]) -> list[str]:
    written = name.casefold()
    inside = [each for each in channels if written in each.casefold()]
    said = meant(name, channels)
    close = [each for each in channels if said and each in said]
    return list(dict.fromkeys([*close, *inside]))[:10] or list(channels[:10])


def _some(page: Opened, channels: tuple[str, ...] | list[str]) -> dict[str, str]:
    return {page.speech.cut(each): page.to_channel(each) for each in channels}


async def _headline(page: Opened) -> list[Tile]:
    """What the channel amounts to, and its place among all."""
    asked, speech = page.asked, page.speech
    now = _Figures(page, asked.period)
    before = _Figures(page, asked.against) if page.compares and asked.against else None
    row, share, reach, place, count = await now.rows()
    if row.empty:
        return []
    others = await before.rows() if before is not None else None
    small = is_small(row)

    def of(frame: pd.DataFrame, column: str, place: int) -> tuple[float | None, float | None]:
        return value_of(frame, column), None if others is None else value_of(others[place], column)

    made = [
        tile(speech, "watch_hours", *of(row, "watch_hours", 0), small=small),
        tile(speech, "share", *of(share, "share_pct", 1), kind="percent", small=small),
        tile(speech, "reach", *of(reach, "reached_subscribers", 2), small=small),
        tile(speech, "view", *of(row, "views", 0), small=small),
        tile(speech, "duration", *of(row, "average_seconds", 0), kind="seconds", small=small),
    ]
    where = speech.say.rank_of.format(rank=speech.number(place), count=speech.number(count))
    return [Tile(speech.say.place, where, href=asked.at("/canales", channel="", everything=True)), *made]


class _Figures:
    """What is known of the channel on some days."""

    def __init__(self, page: Opened, period: Period) -> None:
        self._channel = page.asked.channel
        self._frames = [page.answers.ask(name, period) for name in ("channel_performance", "share", "reach")]

    async def rows(self) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, int, int]:
        """Its row in each, its place by hours, and among how many."""
        performance, share, reach = [await each for each in self._frames]
        places = share["channel"].tolist()
        place = places.index(self._channel) + 1 if self._channel in places else 0
        row, part = [frame[frame["channel"] == self._channel] for frame in (performance, share)]
        reached = reach[(reach["scope"] == "channel") & (reach["channel"] == self._channel)]
        return row, part, reached, place, len(places)


async def _flow(page: Opened, other: str, own: str) -> Table:
    """Other channels by how many came from them, or went there."""
    frame = await page.answers.ask("channel_flow", page.asked.period, limit=_MOST_FLOWS)
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
