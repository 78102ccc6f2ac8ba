"""Where the pages about audiences are."""

from __future__ import annotations

import sqlalchemy as sa
from starlette.routing import BaseRoute, Route

from telemetry_pipeline.results.windows import rules_of
from telemetry_pipeline.settings.loading import DoorSettings
from telemetry_pipeline.web.pages import channel, channels, drawing, periods
from telemetry_pipeline.web.pages.opened import Pages
from telemetry_pipeline.web.pages.shown import pictures
from telemetry_pipeline.web.pages.shown.speech import Speech
from telemetry_pipeline.web.pages.shown.threads import Threads


def routes(settings: DoorSettings, engine: sa.Engine) -> list[BaseRoute]:
    """All of them, over a warehouse."""
    pages = Pages(
        engine,
        Threads(engine, rules_of(settings)),
        Speech(settings.language, settings.operator_zone),
        settings.first_partition,
        settings.small_base_subscribers,
    )
    return [
        Route(channels.PATH, pages.endpoint(channels.show, "channels")),
        Route(channel.PATH, pages.endpoint(channel.show, "channel")),
        Route(periods.PATH, pages.endpoint(periods.show, "periods")),
        Route(f"{pictures.PATH}/{{name}}", drawing.endpoint(pages)),
    ]
