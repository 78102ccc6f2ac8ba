"""*Suscriptor*: what one subscriber watches, when and on what, day by day, and against the mean of all."""

from __future__ import annotations

from collections.abc import Awaitable

import pandas as pd
from starlette.responses import Response

from telemetry_pipeline.days import contiguous
from telemetry_pipeline.errors import AskedWrongly
from telemetry_pipeline.reports.content.tables import FIRST_ROWS, Shown, Table, table
from telemetry_pipeline.reports.content.tiles import Tile, tile, value_of
from telemetry_pipeline.web.pages.opened import PERSONAL, SUBSCRIBER_PATH, Opened
from telemetry_pipeline.web.pages.shown.pictures import files_of, picture
from telemetry_pipeline.web.pages.upkeep import upkeep

PATH = SUBSCRIBER_PATH
_TOTALS = {"views": "view", "watch_hours": "watch_hours", "average_seconds": "duration"}
_OTHERS = ("unique_channels", "unique_devices", "active_days")


async def show(page: Opened) -> Response:
    """Return the page.

    :raises AskedWrongly: no code is given.
    """
    if not page.may(PERSONAL):
        return page.reply("personal.html", status=403)
    code = page.asked.code
    if not code:
        raise AskedWrongly(page.speech.say.choose_code)
    profile = page.answers.ask("subscriber_profile", page.asked.period, subscriber_code=code)
    of_days = page.answers.ask("subscriber_period", page.asked.period, subscriber_code=code)

    seen = page.answers.ask("subscriber_views", page.asked.period, subscriber_code=code)

    async def section(name: str, *columns: Shown) -> Table:
        frame = await profile
        return table(frame[frame["section"] == name], columns, page.speech)

    say, views = page.speech.say, Shown("views", term="view", bar=True)
    hours = Shown("watch_hours", term="watch_hours")
    return page.reply(
        "subscriber.html",
        headline=page.answers.make(lambda: _headline(page, profile)),
        channels=page.answers.make(
            lambda: section("channel", Shown("item", "text", head=say.channel, link=page.to_channel), views, hours)
        ),
        devices=page.answers.make(lambda: section("device", Shown("item", "text", head=say.device), views, hours)),
        slots=page.answers.make(lambda: section("slot", Shown("item", "text", term="slot"), views, hours)),
        viewings=page.answers.make(lambda: _viewings(page, seen)),
        viewings_files=files_of("subscriber_views", page.asked, page.speech.language, subscriber_code=code),
        days=page.answers.make(lambda: _days(page, of_days)),
        comparison=page.answers.make(lambda: _comparison(page, of_days)),
        upkeep=await upkeep(page),
        lacking=_lacking(page),
        pictures=[
            picture(name, page.asked, page.speech.language, subscriber_code=code)
            for name in ("subscriber_period", "subscriber_profile")
        ],
    )


def _lacking(page: Opened) -> list[str]:
    """Return the days that were asked for of which not everything was read, as periods."""
    known = page.known.days
    return [page.speech.days(each) for each in contiguous(filter(known.lacks_some, page.asked.period.days()))]


async def _headline(page: Opened, profile: Awaitable[pd.DataFrame]) -> list[Tile]:
    frame = await profile
    totals = frame[frame["section"] == "total"].set_index("item")[["value"]]
    if not value_of(totals.loc[["views"]], "value"):
        return []
    found = [
        tile(page.speech, term, value_of(totals.loc[[name]], "value"), notation="seconds" if term == "duration" else "number")
        for name, term in _TOTALS.items()
    ]
    others = [Tile(page.named(name), page.speech.number(value_of(totals.loc[[name]], "value"))) for name in _OTHERS]
    return [*found, *others]


async def _viewings(page: Opened, seen: Awaitable[pd.DataFrame]) -> Table:
    say = page.speech.say
    columns = [
        Shown("started_at", "moment", head=say.began),
        Shown("ended_at", "clock", head=say.ended),
        Shown("channel", "text", head=say.channel, link=page.to_channel),
        Shown("duration_seconds", "seconds", term="watch_hours", head=say.watched),
        Shown("device_id", "text", head=say.device),
    ]
    return table(await seen, columns, page.speech, most=None if page.asked.everything else FIRST_ROWS)


async def _days(page: Opened, of_days: Awaitable[pd.DataFrame]) -> Table:
    frame = await of_days
    columns = [
        Shown("item", "day", head=page.speech.say.date),
        Shown("watch_hours", term="watch_hours", bar=True),
        Shown("views", term="view"),
    ]
    return table(frame[frame["section"] == "day"].iloc[::-1], columns, page.speech, most=31)


async def _comparison(page: Opened, of_days: Awaitable[pd.DataFrame]) -> Table:
    frame = await of_days
    columns = [
        Shown("item", "text", head=page.speech.say.measure, words=page.named),
        Shown("value", head=page.speech.say.subscriber),
        Shown("reference", head=page.speech.say.mean_of_all),
    ]
    return table(frame[frame["section"] == "comparison"], columns, page.speech)
