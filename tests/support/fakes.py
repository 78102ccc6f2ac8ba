"""Fakes of the resources: with them an asset is a unit test, without any server. CONTRIBUTING.md shows how."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg
from analyses.conftest import History
from analyses.oracle import View

from telemetry_pipeline.analyses.documents import gathered
from telemetry_pipeline.analyses.framework.declaration import Analysis, Parameters
from telemetry_pipeline.analyses.reports import Wanted
from telemetry_pipeline.days import Period
from telemetry_pipeline.definitions import defs
from telemetry_pipeline.ingestion.step import Synced
from telemetry_pipeline.orchestration.resources import MergeStep
from telemetry_pipeline.reports.publishing.published import Addressees, Published
from telemetry_pipeline.results.catalogue import ResultInfo, parameters_key
from telemetry_pipeline.results.computing import Updated
from telemetry_pipeline.warehouse.outgoing.made_reports import File, MadeReport

_NOW = datetime(2026, 1, 4, tzinfo=UTC)


def asset(name: str) -> dg.AssetsDefinition:
    """An asset as Dagster loads it, with those that are made in the same step."""
    key = dg.AssetKey(name)
    [found] = [each for each in defs.assets or [] if isinstance(each, dg.AssetsDefinition) and key in each.keys]
    return found


def materializations_of(done: dg.ExecuteInProcessResult, name: str) -> list[dg.AssetMaterialization]:
    """What a run says that it made of an asset, in order."""
    every = [event.materialization for event in done.get_asset_materialization_events()]
    return [each for each in every if each.asset_key == dg.AssetKey(name)]


def metadata_of(done: dg.ExecuteInProcessResult, name: str) -> dict[str, Any]:
    """What the newest materialization says, by label."""
    return {label: entry.value for label, entry in materializations_of(done, name)[-1].metadata.items()}


def materialize(name: str, warehouse: FakeWarehouse, **options: Any) -> dg.ExecuteInProcessResult:
    """Make an asset alone."""
    resources = {"warehouse": warehouse, "panaccess": FakePanAccess()}
    return dg.materialize([asset(name)], selection=[name], resources=resources, **options)


class FakeWarehouse:
    """In place of the resource ``warehouse``: it has exactly some views, in memory; analyses compute with them, and nothing is
    stored. To have it answer something else, derive from it: its verbs are those of ``orchestration.resources.Warehouse``.
    """

    def __init__(self, *views: View) -> None:
        self._history = History(views)

    def sync(self, feed: Any, run: str, period: Period, **_: Any) -> Synced:
        """Nothing new."""
        return Synced()

    def is_due(self, day: date, chosen: Mapping[str, Parameters], names: Set[str]) -> bool:
        """Always."""
        return True

    def merge(self, run: str, period: Period, *, anew: bool, checkpoint: Callable[[], None]) -> MergeStep:
        """Nothing to merge."""
        return MergeStep()

    def update(self, analysis: Analysis, period: Period, parameters: Parameters, *, checkpoint: Callable[[], None]) -> Updated:
        """What the analysis gives of the views."""
        windows = analysis.windows(period, parameters)
        frames = [analysis.compute(self._history.store.views(window), parameters) for window in windows]
        values = parameters.model_dump(mode="json")
        infos = [
            ResultInfo(
                asset=analysis.name,
                partition_date=window.last,
                period_first=window.first,
                period_last=window.last,
                parameters=values,
                parameters_key=parameters_key(values),
                row_count=len(frame),
                computed_at=_NOW,
                input_version="",
                code_version="",
                compute_seconds=0.0,
                facts=frame.attrs.get("facts", {}),
                views_version=1,
                changed_version=1,
                rules="",
            )
            for window, frame in zip(windows, frames, strict=True)
        ]
        return Updated(infos, ["a test asks"] * len(infos), frames[-1], [{} for _ in infos])

    def gather(
        self,
        document: str,
        period: Period,
        *,
        keep_if: Callable[[Mapping[str, Any]], bool],
        checkpoint: Callable[[], None],
    ) -> dict[str, Any]:
        """A document that lacks every analysis."""
        days = {"first": period.first.isoformat(), "last": period.last.isoformat()}
        body = {
            "generated_at": _NOW.isoformat(),
            "views_version": 1,
            "filters": {**days, "analyses": {}},
            "analyses": {},
            "missing": [each.name for each in gathered(document)],
        }
        keep_if(body)
        return body

    def publish(self, wanted: Wanted, addressees: Addressees, run: str, *, checkpoint: Callable[[], None]) -> Published:
        """A report that is nowhere."""
        period, files = (
            wanted.period,
            tuple(File(form, f"{wanted.kind.name}.{form}", 1_000) for form in ("pdf", "xlsx", "html")),
        )
        made = MadeReport(
            1,
            wanted.kind.name,
            wanted.channel,
            period.first,
            period.last,
            _NOW,
            addressees.subscribers,
            is_complete=True,
            files=files,
            run_id=run,
        )
        return Published(made)


class FakePanAccess:
    """In place of the resource ``panaccess``."""

    def feed(self) -> None:
        """Nothing that a fake warehouse would read."""
