"""*Periodos*: any days against those before, or any others: how much was watched, when, and which channels changed."""

from __future__ import annotations

from collections.abc import Awaitable

import pandas as pd
from starlette.responses import Response

from telemetry_pipeline.days import Period
from telemetry_pipeline.reports.content.tables import Notation, Shown, Table, table
from telemetry_pipeline.reports.content.tiles import change_pct, value_of
from telemetry_pipeline.web.pages.headline import headline
from telemetry_pipeline.web.pages.opened import Opened
from telemetry_pipeline.web.pages.shown.pictures import picture

PATH = "/periodos"
_PICTURES = ("period_breakdown", "period_events", "period_trend", "period_channels", "time_slots", "concurrency")
_MEASURES: dict[str, tuple[Notation, str]] = {
    "views": ("number", "view"),
    "watch_hours": ("number", "watch_hours"),
    "unique_subscribers": ("number", "subscriber"),
    "unique_devices": ("number", "device"),
    "unique_channels": ("number", ""),
    "average_seconds": ("seconds", "duration"),
    "views_per_day": ("number", ""),
}
_MOST_CHANNELS, _SHOWN_CHANNELS = 10_000, 10


async def show(page: Opened) -> Response:
    """Return the page."""
    changed = page.compares and page.asked.against is not None
    return page.reply(
        "periods.html",
        headline=headline(page),
        summary=page.answers.make(lambda: _summary(page)),
        compares=changed,
        rises=page.answers.make(lambda: _changed(page, rises=True)) if changed else None,
        falls=page.answers.make(lambda: _changed(page, rises=False)) if changed else None,
        pictures=[picture(name, page.asked, page.speech.language) for name in _PICTURES],
    )


async def _summary(page: Opened) -> Table:
    """Return each measure of the days, of the others, and the change."""
    asked, speech = page.asked, page.speech
    now = page.answers.ask("period_summary", asked.period)
    before: Awaitable[pd.DataFrame] | None = page.answers.ask("period_summary", asked.against) if asked.against else None
    frame, others = await now, await before if before is not None else None
    rows = []
    for name, (notation, _) in _MEASURES.items():
        current = value_of(frame, name)
        previous = None if others is None else value_of(others, name)
        rows.append(
            {
                "measure": page.named(name),
                "current": _write(page, current, notation),
                "previous": _write(page, previous, notation),
                "change_pct": change_pct(current, previous) if page.compares else None,
            }
        )
    columns = [
        Shown("measure", "text", head=speech.say.measure),
        Shown("current", "written", head=speech.days(asked.period)),
        *([Shown("previous", "written", head=speech.days(asked.against))] if asked.against else []),
        *([Shown("change_pct", "change", term="change")] if page.compares else []),
    ]
    return table(pd.DataFrame(rows), columns, speech)


def _write(page: Opened, value: float | None, notation: Notation) -> str:
    return page.speech.seconds(value) if notation == "seconds" else page.speech.number(value)


async def _hours(page: Opened, period: Period) -> pd.DataFrame:
    return (await page.answers.ask("period_channels", period, top_n=_MOST_CHANNELS))[["channel", "watch_hours", "small_base"]]


async def _changed(page: Opened, *, rises: bool) -> Table:
    """Return the channels whose hours grew, or fell, by most."""
    against = page.asked.against
    assert against is not None
    now, before = await _hours(page, page.asked.period), await _hours(page, against)
    both = now.merge(before, "outer", "channel", suffixes=("", "_before"))
    both = both.assign(small_base=both["small_base"].fillna(both["small_base_before"]))
    for column in ("watch_hours", "watch_hours_before"):
        both[column] = both[column].fillna(0.0)
    both["difference"] = both["watch_hours"] - both["watch_hours_before"]
    both["change_pct"] = 100 * both["difference"] / both["watch_hours_before"].where(both["watch_hours_before"] > 0)
    both = both[both["difference"] > 0] if rises else both[both["difference"] < 0]
    columns = [
        Shown("channel", "text", head=page.speech.say.channel, link=page.to_channel),
        Shown("watch_hours", term="watch_hours"),
        Shown("watch_hours_before", head=page.speech.say.previous),
        Shown("change_pct", "change", term="change"),
    ]
    ordered = both.sort_values(["difference", "channel"], ascending=[not rises, True], kind="stable")
    return table(ordered, columns, page.speech, most=_SHOWN_CHANNELS)
