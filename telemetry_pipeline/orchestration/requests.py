"""Which runs may be launched. One that cannot be is refused, with what is allowed, wherever it comes from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from telemetry_pipeline.analyses.registry import all_analyses, find_analysis
from telemetry_pipeline.days import AllowedDays
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.launches import JOBS, Days, Job, all_assets, check_days
from telemetry_pipeline.tags import PARTITION, RANGE_END, RANGE_START

Models = Mapping[str, type[BaseModel]]

_BELOW_AN_OP = frozenset({"config", "inputs", "outputs"})
_WRAPPERS = frozenset({"config", "parameters", "params"})
_IN_PLACE_OF_OPS = frozenset({"solids", "assets", "resources"}) | _WRAPPERS
_SOME_ASSET = "ASSET"


def check_request(
    job_name: str, tags: Mapping[str, str], run_config: Mapping[str, Any], *, allowed: AllowedDays, assets: Sequence[str] = ()
) -> None:
    """Refuse a run whose days are not partitions or whose parameters are invalid.

    :param job_name: of :data:`launches.JOBS`, or of Dagster's own job for any *assets*.
    :raises RequestRefused: says what is allowed.
    """
    target = JOBS.get(job_name) or Job(job_name, "any assets", Days.RANGE, None)
    period = allowed.asked(tags.get(PARTITION), tags.get(RANGE_START), tags.get(RANGE_END))
    check_days(target, period)
    if period is None and target.days is not Days.NONE:
        raise RequestRefused("a run needs a partition, or the first and the last day of a range", str(allowed))
    check_form(run_config, tags, assets)
    for name, given in (run_config.get("ops") or {}).items():
        if name in all_analyses():
            find_analysis(name).parse(given.get("config", {}))


def check_form(run_config: Mapping[str, Any], tags: Mapping[str, str], assets: Sequence[str]) -> None:
    """Refuse parameters in a form that Dagster does not take, or takes and ignores. What is no parameter is left to Dagster.

    :param assets: what is to run, if it is no job.
    :raises RequestRefused: says the right form, with the values that were given.
    """
    models = {name: each.parameters for name, each in all_assets().items() if each.parameters.model_fields}
    in_config = list(_misplaced(run_config, models, assets))
    misplaced = in_config + list(_in_tags(tags, models))
    if not misplaced:
        return
    form: dict[str, dict[str, Any]] = {
        name: {"config": dict(given["config"])}
        for name, given in _mappings(run_config.get("ops"))
        if isinstance(given.get("config"), Mapping)
    }
    for name, values in misplaced:
        form.setdefault(name, {"config": {}})["config"].update(values)
    given = json.dumps(run_config, default=str) if in_config else "tags"
    owners = [
        f"; {parameter} is of {', '.join(name for name, model in models.items() if parameter in model.model_fields)}"
        for parameter in form.get(_SOME_ASSET, {}).get("config", ())
    ]
    raise RequestRefused(f"parameters are written as {json.dumps({'ops': form}, default=str)}, not as {given}{''.join(owners)}")


def _misplaced(run_config: Mapping[str, Any], models: Models, assets: Sequence[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Parameters of a run's configuration that are not where Dagster looks for them, with the asset that they are of."""
    for name, given in _mappings(run_config.get("ops")):
        beside = {key: value for key, value in given.items() if key not in _BELOW_AN_OP}
        if name in models and beside:
            yield name, _unwrapped(beside)
    for key, value in run_config.items():
        if key == "ops":
            continue
        within = value if key in _IN_PLACE_OF_OPS and isinstance(value, Mapping) else {key: value}
        for name, given in within.items():
            if name in models and isinstance(given, Mapping):
                yield name, _unwrapped(given)
            elif (name == key or key in _WRAPPERS) and (owner := _owner(name, models, assets)):
                yield owner, {name: given}


def _in_tags(tags: Mapping[str, str], models: Models) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for tag, text in tags.items():
        name, _, parameter = tag.replace("/", ".").partition(".")
        if name in models and parameter in models[name].model_fields:
            try:
                yield name, {parameter: json.loads(text)}
            except ValueError:
                yield name, {parameter: text}


def _owner(parameter: str, models: Models, assets: Sequence[str]) -> str | None:
    """The asset that a parameter without one is of: the one that is to run, else any that has it."""
    if len(assets) == 1 and assets[0] in models and parameter in models[assets[0]].model_fields:
        return assets[0]
    return _SOME_ASSET if any(parameter in model.model_fields for model in models.values()) else None


def _mappings(given: Any) -> list[tuple[str, Mapping[str, Any]]]:
    """What of a mapping is itself one."""
    return [(key, value) for key, value in given.items() if isinstance(value, Mapping)] if isinstance(given, Mapping) else []


def _unwrapped(values: Mapping[str, Any]) -> Mapping[str, Any]:
    [first, *others] = values.items() or [("", None)]
    return first[1] if not others and first[0] in _WRAPPERS and isinstance(first[1], Mapping) else values
