"""Where the pages about audiences are."""

from __future__ import annotations

from functools import partial

import sqlalchemy as sa
from starlette.routing import BaseRoute, Route

from telemetry_pipeline.settings.loading import DoorSettings
from telemetry_pipeline.speech import Speech
from telemetry_pipeline.web.computing.looks import SharedLook
from telemetry_pipeline.web.pages import channel, channels, drawing, glossary, periods, subscriber, subscribers, today
from telemetry_pipeline.web.pages.opened import Pages
from telemetry_pipeline.web.pages.shown import knowledge, pictures
from telemetry_pipeline.web.pages.shown.computing import Answering
from telemetry_pipeline.words.pages import PAGES


def routes(settings: DoorSettings, engine: sa.Engine, answering: Answering) -> list[BaseRoute]:
    """Return all of them, over a warehouse."""
    pages = Pages(
        engine,
        SharedLook(partial(knowledge.look, engine)),
        answering,
        Speech(PAGES, settings.language, settings.operator_zone),
        settings.first_partition,
        settings.small_base_subscribers,
    )
    return [
        Route(today.PATH, pages.endpoint(today.show, "today", "today", always=True)),
        Route(channels.PATH, pages.endpoint(channels.show, "channels")),
        Route(channels.FILE_PATH, pages.endpoint(channels.file, "channels")),
        Route(channel.PATH, pages.endpoint(channel.show, "channel")),
        Route(periods.PATH, pages.endpoint(periods.show, "periods")),
        Route(subscribers.PATH, pages.endpoint(subscribers.show, "subscribers", "28")),
        Route(subscriber.PATH, pages.endpoint(subscriber.show, "subscriber", "28")),
        Route(glossary.PATH, pages.endpoint(glossary.show, "glossary")),
        Route(f"{pictures.PATH}/{{name}}", drawing.endpoint(pages)),
    ]
