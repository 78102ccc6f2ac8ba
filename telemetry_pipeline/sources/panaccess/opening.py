"""Opens the feed that the settings describe: the one place where client, decoder and feed are put together."""

from __future__ import annotations

import math

from telemetry_pipeline.settings.loading import StackSettings, UpstreamSettings
from telemetry_pipeline.sources.panaccess.calls.client import PanAccessClient
from telemetry_pipeline.sources.panaccess.feed import Feed
from telemetry_pipeline.sources.panaccess.records import PageDecoder


def open_feed(settings: StackSettings, *, at_most_seconds: float = math.inf) -> Feed:
    """Return a feed in the session that all processes share; no connection is made before it is used.

    :param at_most_seconds: for one try of a call, where somebody waits who will not wait for long.
    :raises SettingsError: naming every setting that is missing to log in.
    """
    upstream = UpstreamSettings.with_values_of(settings)
    return Feed(
        PanAccessClient.from_settings(upstream, shared=True, at_most_seconds=at_most_seconds),
        PageDecoder(upstream.panaccess_zone, upstream.operator_zone, upstream.max_text_characters),
        upstream.panaccess_zone,
    )
