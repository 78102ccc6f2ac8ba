"""*Suscriptores*: who watches, how much, in which groups, how often; and, for who may see it, whom to call, who came back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pandas as pd
from starlette.responses import Response

from telemetry_pipeline.analyses.subscribers.churn import ChurnRisk
from telemetry_pipeline.days import Period
from telemetry_pipeline.reports.content.tables import FIRST_ROWS, Shown, Table, table
from telemetry_pipeline.web.pages.headline import headline
from telemetry_pipeline.web.pages.opened import PERSONAL, Opened
from telemetry_pipeline.web.pages.shown.pictures import files_of, picture
from telemetry_pipeline.words.language import Language
from telemetry_pipeline.words.shown import word

PATH = "/suscriptores"
_PICTURES = ("subscriber_segments", "active_subscribers", "stickiness", "cohorts", "subscriber_overview", "correlation")
_RISKS = {"high": 0, "medium": 1}
_MOST = 10


@dataclass(frozen=True)
class CameBack:
    """Those who came back. :ivar unclear: how many more may have, of whose absence not every day is known whole."""

    listed: Table
    unclear: int


async def show(page: Opened) -> Response:
    """Return the page."""
    personal = page.may(PERSONAL)
    return page.reply(
        "subscribers.html",
        headline=headline(page),
        segments=page.answers.make(lambda: _segments(page)),
        personal=personal,
        to_call=page.answers.make(lambda: _to_call(page)) if personal else None,
        halves=_halves(page),
        to_call_files=files_of("churn_risk", page.asked, page.speech.language),
        came_back=page.answers.make(lambda: _came_back(page)) if personal else None,
        came_back_files=files_of("win_back", page.asked, page.speech.language),
        most_active=page.answers.make(lambda: _most_active(page)) if personal else None,
        pictures=[picture(name, page.asked, page.speech.language) for name in _PICTURES],
    )


async def _segments(page: Opened) -> Table:
    frame = await page.answers.ask("subscriber_segments", page.asked.period)
    columns = [
        Shown("segment", "text", term="segment"),
        Shown("subscribers", term="subscriber", bar=True),
        Shown("share_pct", "percent", head="%"),
        Shown("mean_watch_hours", head=page.speech.say.mean_hours),
        Shown("mean_views", head=page.speech.say.mean_views),
        Shown("mean_average_seconds", "seconds", term="duration"),
        Shown("mean_unique_channels", head=page.speech.say.mean_channels),
    ]
    return table(frame, columns, page.speech)


async def _to_call(page: Opened) -> Table:
    """Return those at high risk first, and of them those who watched most."""
    frame = await page.answers.ask("churn_risk", page.asked.period)
    order = frame.assign(order=frame["risk"].map(_RISKS).astype("Int64"))
    order = order.sort_values(["order", "views_previous", "subscriber_code"], ascending=[True, False, True], kind="stable")
    say = page.speech.say
    columns = [
        Shown("subscriber_code", "text", head=say.subscriber, link=page.to_subscriber),
        Shown("risk", "text", term="churn", words=lambda risk: _word(page, risk)),
        Shown("views_previous", head=say.views_previous),
        Shown("views_last", head=say.views_last),
        Shown("last_seen", "day", head=say.last_seen),
    ]
    return table(order, columns, page.speech, most=None if page.asked.everything else FIRST_ROWS)


def _halves(page: Opened) -> list[str]:
    """Return the days that the risk compares, the earlier ones first, whatever days the page is of."""
    days = ChurnRisk().window_days or page.asked.period.length
    last = Period(page.asked.period.last - timedelta(days=days // 2 - 1), page.asked.period.last)
    return [page.speech.days(each) for each in (last.before(), last)]


async def _came_back(page: Opened) -> CameBack:
    """Return those who watched most since first, as the analysis has them."""
    frame = await page.answers.ask("win_back", page.asked.period)
    say = page.speech.say
    columns = [
        Shown("subscriber_code", "text", head=say.subscriber, link=page.to_subscriber),
        Shown("returned_on", "day", head=say.returned_on),
        Shown("absent_days", head=say.absent_days),
        Shown("watch_hours", head=say.hours_since, bar=True),
        Shown("views", head=say.views_since),
        Shown("views_before", head=say.views_before),
    ]
    found = table(frame, columns, page.speech, most=None if page.asked.everything else FIRST_ROWS)
    return CameBack(found, frame.attrs["facts"]["unclear_subscribers"])


async def _most_active(page: Opened) -> Table:
    frame: pd.DataFrame = await page.answers.ask("top_subscribers", page.asked.period, limit=_MOST)
    columns = [
        Shown("rank", head=page.speech.say.rank),
        Shown("subscriber_code", "text", head=page.speech.say.subscriber, link=page.to_subscriber),
        Shown("watch_hours", term="watch_hours", bar=True),
    ]
    return table(frame[frame["ranking"] == "by_hours"], columns, page.speech)


def _word(page: Opened, value: str) -> str:
    return word(value) if page.speech.language is Language.ES else value
