"""What assets are given: the warehouse and the upstream, as the verbs that they need.

Plain objects, so that no setting of theirs shows in the web UI. What has the same verbs stands in for them in a test.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sa

from telemetry_pipeline.analyses.framework.declaration import Analysis, Parameters
from telemetry_pipeline.analyses.reports import Wanted
from telemetry_pipeline.days import Period
from telemetry_pipeline.ingestion.step import Days, Synced, sync_step
from telemetry_pipeline.ingestion.sync import Progress, Sync
from telemetry_pipeline.orchestration.checks import limits_hours
from telemetry_pipeline.reports.archive.keeping import open_archive
from telemetry_pipeline.reports.publishing.published import Addressees, Published
from telemetry_pipeline.results import computing, documents
from telemetry_pipeline.results.computing import Updated
from telemetry_pipeline.results.freshness.staleness import Chosen, stale_of
from telemetry_pipeline.results.views.windows import Store, rules_of
from telemetry_pipeline.settings.loading import PipelineSettings, StackSettings
from telemetry_pipeline.sources.panaccess.feed import Feed
from telemetry_pipeline.sources.panaccess.opening import open_feed
from telemetry_pipeline.warehouse.core import rebuilding, segments, views
from telemetry_pipeline.warehouse.core.views import DayTotals, Merged
from telemetry_pipeline.warehouse.db.connections import shared
from telemetry_pipeline.warehouse.operations import checks
from telemetry_pipeline.warehouse.operations.checks import ViewsSeen
from telemetry_pipeline.warehouse.raw import claims, records

_LARGE_MERGE_VIEWS = 10_000


@dataclass(frozen=True)
class MergeStep:
    """What a step of a merge did, and what is stored then.

    :ivar rest: the day with which another step is to go on; None: all is done.
    :ivar days: what each day has, of the run's and those that were merged.
    :ivar seen: what there is to judge the views by.
    """

    merged: Merged = field(default_factory=Merged)
    rest: date | None = None
    days: Mapping[date, DayTotals] = field(default_factory=dict)
    seen: ViewsSeen = field(default_factory=ViewsSeen)


class Warehouse:
    """The operator's data in PostgreSQL; no connection is made before it is used.

    A *checkpoint* is called before commits; it raises to leave everything as it was.
    """

    def __init__(self, settings: StackSettings) -> None:
        self._settings = settings

    @property
    def engine(self) -> sa.Engine:
        """An engine of this process's own."""
        return shared(self._complete.database_url)

    @functools.cached_property
    def _complete(self) -> PipelineSettings:
        return self._settings.complete()

    @functools.cached_property
    def views(self) -> Store:
        """The views that the analyses of this process had last."""
        return Store(rules_of(self._settings), limits=self._settings.limits)

    def sync(
        self,
        feed: Feed,
        run: str,
        period: Period,
        *,
        includes_today: bool,
        seconds: float,
        checkpoint: Callable[[], None],
        report: Callable[[Progress], None],
        stored: Callable[[Days, Days], None],
    ) -> Synced:
        """Store what the upstream has that is new, or of the days of *period* missing, for so many seconds.

        :param run: names the run, whose later steps go on where this one stops.
        :param report: told how far it has come. :param stored: as of ``sync_step``.
        """
        sync = Sync(
            engine=self.engine,
            feed=feed,
            operator_zone=self._settings.operator_zone,
            made_with=claims.of_settings(self._settings),
            max_id_jump=self._settings.max_id_jump,
            deadline=time.monotonic() + seconds,
            checkpoint=checkpoint,
            report=report,
        )
        return sync_step(sync, run, period, includes_today=includes_today, stored=stored)

    def is_due(self, day: date, chosen: Chosen, names: Set[str]) -> bool:
        """Return whether something of a day is not of what is stored: records wait for their merge, analyses with the
        parameters *chosen*, or documents among *names* are stale. Runs may end anywhere.
        """
        return (
            records.merge_is_pending(self.engine)
            or bool(stale_of(self.engine, day, chosen, rules_of(self._settings)))
            or not names.isdisjoint(documents.stale_documents(self.engine, day, day).get(day, {}))
        )

    def merge(self, run: str, period: Period, *, anew: bool, checkpoint: Callable[[], None]) -> MergeStep:
        """Merge what is pending, and, where *anew*, the days of *period*, some at a time; *run* as of :meth:`sync`."""
        engine, zone = self.engine, self._settings.operator_zone.key
        if anew:
            merged, rest = rebuilding.rebuild(engine, zone, run, period, checkpoint)
        else:
            merged, rest = views.merge(engine, zone, checkpoint=checkpoint), None
        if merged.inserted >= _LARGE_MERGE_VIEWS:
            views.analyze(engine)
        segments.refresh(engine)
        days = views.totals_by_day(engine, {*period.days(), *merged.days})
        if rest:
            return MergeStep(merged, rest, days)
        return MergeStep(merged, None, days, checks.look_at_views(engine, period, merged.days, limits_hours(self._settings)))

    def update(self, analysis: Analysis, period: Period, parameters: Parameters, *, checkpoint: Callable[[], None]) -> Updated:
        """Have the results of an analysis for the days of *period* stored as if computed now."""
        windows = analysis.windows(period, parameters)
        return computing.update(self.engine, self.views, analysis, windows, parameters, checkpoint=checkpoint)

    def gather(
        self,
        document: str,
        period: Period,
        *,
        keep_if: Callable[[Mapping[str, Any]], bool],
        checkpoint: Callable[[], None],
    ) -> dict[str, Any]:
        """Make a document of exactly *period*; it is stored if *keep_if* says so of what it holds."""
        return documents.make(self.engine, document, period, rules_of(self._settings), keep_if=keep_if, checkpoint=checkpoint)

    def publish(self, wanted: Wanted, addressees: Addressees, run: str, *, checkpoint: Callable[[], None]) -> Published:
        """Make a report in every format, keep it, and queue what goes to those who get it."""
        # What makes reports takes 0.1 s to load, for which no other run pays.
        from telemetry_pipeline.reports.publishing.publishing import publish  # noqa: PLC0415

        archive = open_archive(self._settings)
        return publish(self.engine, self.views, archive, self._settings, wanted, addressees, run_id=run, checkpoint=checkpoint)


class PanAccess:
    """The upstream; no connection is made before it is used."""

    def __init__(self, settings: StackSettings) -> None:
        self._settings = settings

    def feed(self) -> Feed:
        """Return a feed in the session that all workers share.

        :raises SettingsError: this process was not given what logs in to PanAccess.
        """
        return open_feed(self._settings)
