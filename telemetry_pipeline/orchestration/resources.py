"""What assets are given: the warehouse and the upstream. Plain objects, so that no setting of theirs shows in the web UI."""

from __future__ import annotations

import functools
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from telemetry_pipeline.results.windows import Store, rules_of
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.sources.panaccess.feed import Feed
from telemetry_pipeline.sources.panaccess.opening import open_feed
from telemetry_pipeline.warehouse.db.connections import shared
from telemetry_pipeline.warehouse.raw import claims


class Warehouse:
    """The operator's data in PostgreSQL; no connection is made before it is used."""

    def __init__(self, settings: StackSettings) -> None:
        self._settings = settings

    @property
    def engine(self) -> sa.Engine:
        """An engine of this process's own."""
        return shared(self._settings.complete().database_url)

    @functools.cached_property
    def views(self) -> Store:
        """The views that the analyses of this process had last."""
        return Store(rules_of(self._settings))

    @property
    def operator_zone(self) -> ZoneInfo:
        """The time zone of the local dates and hours."""
        return self._settings.operator_zone

    @property
    def made_with(self) -> dict[str, str]:
        """The settings that stored rows are made with."""
        return claims.of_settings(self._settings)


class PanAccess:
    """The upstream; no connection is made before it is used."""

    def __init__(self, settings: StackSettings) -> None:
        self._settings = settings

    def feed(self) -> Feed:
        """A feed in the session that all workers share.

        :raises SettingsError: this process was not given what logs in to PanAccess.
        """
        return open_feed(self._settings)
