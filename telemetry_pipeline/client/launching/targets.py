"""What can be launched, and how a launch says its days and parameters. What only the server knows, it checks itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from telemetry_pipeline.client.documents import LOCATION, REPOSITORY
from telemetry_pipeline.client.graphql import Json, unwrap
from telemetry_pipeline.client.launching.run_config import Steps, read, written
from telemetry_pipeline.days import Day, asked_period
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.job_names import ANY_ASSETS_JOB
from telemetry_pipeline.tags import PARTITION, RANGE_END, RANGE_START


@dataclass(frozen=True)
class Targets:
    """What can be launched, by name with its newest partition; None: it has no partitions.

    :ivar steps: in which step an asset is made, where that is not one of its own.
    """

    jobs: Mapping[str, str | None]
    assets: Mapping[str, str | None]
    analyses: tuple[str, ...]
    steps: Steps

    def select(self, target: str | Sequence[str]) -> tuple[Json, str | None]:
        """Return what of a run's selector says to run *target*, and its newest partition.

        :raises RequestRefused: it is no job and no asset; says what there is.
        """
        if isinstance(target, str) and target in self.jobs:
            return {"jobName": target}, self.jobs[target]
        names = [target] if isinstance(target, str) else list(target)
        for name in names:
            if name not in self.assets:
                raise RequestRefused(
                    f"there is no {'job or ' if isinstance(target, str) else ''}asset {name!r}",
                    f"jobs: {', '.join(self.jobs)}; assets: {', '.join(self.assets)}",
                )
        if not names:
            raise RequestRefused("nothing is to be launched", f"assets: {', '.join(self.assets)}")
        return {"jobName": ANY_ASSETS_JOB, "assetSelection": [{"path": [name]} for name in names]}, self.assets[names[0]]


def read_targets(answer: Json) -> Targets:
    """Return the answer to the document ``Targets``.

    :raises TelemetryError: the server failed.
    """
    answer = unwrap(answer)
    assets = {"/".join(node["assetKey"]["path"]): node for node in answer["assetNodes"]}
    partitions = {name: (node["partitionKeyConnection"] or {"results": []})["results"] for name, node in assets.items()}
    newest = {name: next(iter(keys), None) for name, keys in partitions.items()}
    of_jobs = {job: newest[name] for name, node in assets.items() for job in node["jobNames"]}
    return Targets(
        jobs={job["name"]: of_jobs.get(job["name"]) for job in answer["jobs"] if job["name"] != ANY_ASSETS_JOB},
        assets=newest,
        analyses=tuple(name for name, node in assets.items() if "duckdb" in node["kinds"]),
        steps={name: node["opName"] for name, node in assets.items() if node["opName"] not in (name, None)},
    )


def partition_tags(newest: str | None, partition: Day | None, first: Day | None, last: Day | None) -> dict[str, str]:
    """Return the tags that tell a run its partitions; that they exist, the server checks.

    :param newest: the partition that is meant when none is given; None: what runs has no partitions.
    :raises RequestRefused: they contradict each other.
    """
    period = asked_period(partition, first, last)
    if newest is None:
        if period is not None:
            raise RequestRefused("what is to be launched has no partitions", "give none")
        return {}
    if period is None:
        return {PARTITION: newest}
    if period.length == 1:
        return {PARTITION: period.first.isoformat()}
    return {RANGE_START: period.first.isoformat(), RANGE_END: period.last.isoformat()}


def launch_params(
    selector: Json,
    days: Mapping[str, str],
    parameters: Mapping[str, Mapping[str, Any]],
    tags: Mapping[str, str],
    steps: Steps,
) -> Json:
    """Return what the document ``Launch`` is given.

    :param selector: as of :meth:`Targets.select`. :param days: as of :func:`partition_tags`.
    :param parameters: by asset. :param steps: as of :class:`Targets`.
    :raises RequestRefused: the parameters or the tags cannot be; says why.
    """
    if taken := days.keys() & tags.keys():
        raise RequestRefused(f"the tag {min(taken)} is given by the partition or the range, not by tags")
    _check_parameters(parameters, selector, steps)
    return {
        "selector": {"repositoryLocationName": LOCATION, "repositoryName": REPOSITORY, **selector},
        "mode": "default",
        "runConfigData": written(parameters, steps),
        "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in {**tags, **days}.items()]},
    }


def _check_parameters(parameters: Mapping[str, Any], selector: Json, steps: Steps) -> None:
    """Refuse what the server would take without a word: parameters in another form, or of what is not launched."""
    selected = [key["path"][0] for key in selector.get("assetSelection", [])]
    if isinstance(ops := parameters.get("ops"), Mapping):
        configured = {step: each for step, each in ops.items() if isinstance(each, Mapping) and "config" in each}
        of_assets = read({"ops": configured}, steps)
        raise RequestRefused(f"parameters are given as {of_assets}, without what GraphQL has around them")
    if loose := {name: value for name, value in parameters.items() if not isinstance(value, Mapping)}:
        raise RequestRefused(f"parameters are given as { ({selected[0] if len(selected) == 1 else 'ASSET': loose}) }")
    for asset, values in parameters.items():
        if selected and asset not in selected:
            raise RequestRefused(f"{asset!r} is given parameters and is not launched", f"launched: {', '.join(selected)}")
        try:
            json.dumps(dict(values), allow_nan=False)
        except (TypeError, ValueError) as err:
            raise RequestRefused(f"the parameters of {asset!r} cannot be written as JSON: {err}") from err
