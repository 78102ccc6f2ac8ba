"""How far PanAccess is: the newest record id there, and the newest before a jump."""

from __future__ import annotations

from dataclasses import dataclass

import redis

from telemetry_pipeline.errors import TelemetryError
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.sources.panaccess.opening import open_feed

_ANSWER_SECONDS = 5.0


@dataclass(frozen=True)
class Upstream:
    """How far PanAccess is.

    :ivar newest_before: of the ids before the jump, where there is one.
    """

    newest_id: int
    newest_before: int | None = None


def look_upstream(settings: StackSettings, jump_id: int | None) -> Upstream | TelemetryError:
    """Return how far PanAccess is, or why it does not say so: that is not for us to mend, and no failure of ours.

    :param jump_id: the id behind a hole in its ids, if there is one.
    """
    try:
        feed = open_feed(settings, at_most_seconds=_ANSWER_SECONDS)
        newest = feed.newest_id(tries=1)
        before = feed.newest_id(up_to=jump_id - 1, tries=1) if jump_id is not None and newest >= jump_id else None
        return Upstream(newest, before)
    except redis.RedisError:
        return TelemetryError("not asked: its session is kept by the broker, which does not answer")
    except TelemetryError as err:
        return err
