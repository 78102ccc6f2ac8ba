"""Whether data keep coming, and what is wrong: for whoever wonders whether a figure, or what is missing, is our fault."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from telemetry_pipeline.reports.content.tiles import Tile
from telemetry_pipeline.warehouse.operations import problems
from telemetry_pipeline.warehouse.operations.problems import Incident
from telemetry_pipeline.web.access.public import STATE_PATH
from telemetry_pipeline.web.pages.opened import Opened

_MOST = 5


@dataclass(frozen=True)
class Upkeep:
    """For a page. :ivar tiles: the last sync, and how many problems there are. :ivar incidents: the first of those."""

    tiles: list[Tile]
    incidents: list[Incident]


async def upkeep(page: Opened) -> Upkeep:
    """Return how the pipeline does, as of now.

    :raises WarehouseError: PostgreSQL cannot be asked.
    """
    incidents = await run_in_threadpool(problems.open_problems, page.pages.engine)
    say, sync = page.speech.say, page.known.sync
    ago = (
        say.never
        if sync.synced_at is None
        else say.ago.format(age=page.speech.age((sync.now - sync.synced_at).total_seconds()))
    )
    count = page.speech.number(len(incidents)) if incidents else say.no_problems
    tiles = [
        Tile(say.last_tick, ago, href=STATE_PATH),
        Tile(say.problems, count, href=STATE_PATH, tone="down" if incidents else ""),
    ]
    return Upkeep(tiles, incidents[:_MOST])
