"""The form in which a run is given parameters. Whatever else somebody writes is refused with the right form of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from telemetry_pipeline.analyses.registry import steps, themes
from telemetry_pipeline.client.launching.run_config import written
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.launches import all_assets

Models = Mapping[str, type[BaseModel]]
Parameter = tuple[str, str, Any]
"""An asset, the name of a parameter, and its value."""

_BELOW_AN_OP = frozenset({"config", "inputs", "outputs"})
_WRAPPERS = frozenset({"config", "parameters", "params"})
# Where a parameter may stand alone and is meant as one; elsewhere its name is anybody's word.
_IN_PLACE_OF_OPS = frozenset({"ops", "solids", "assets", "resources", *themes()}) | _WRAPPERS
_NAMES, _VALUES = ("name", "key", "asset"), ("value",)
_SOME_ANALYSIS, _SOME_REPORT = "ANALYSIS", "REPORT"
_STEPS = {**steps(), _SOME_ANALYSIS: "THEME"}
_THEMES = frozenset(_STEPS.values())


def check_form(run_config: Mapping[str, Any], tags: Mapping[str, str], assets: Sequence[str]) -> None:
    """Refuse parameters in a form that Dagster does not take, or takes and ignores. What is no parameter is left to Dagster.

    :param assets: what is to run, if it is no job.
    :raises RequestRefused: advises the right form, with the values that were given.
    """
    models: Models = {name: each.parameters for name, each in all_assets().items() if each.parameters.model_fields}
    right, rest = _parted(run_config, models)
    misplaced = list(_parameters(rest, models, assets))
    tagged = list(_in_tags(tags, models, assets))
    unread = [name for name in _without_parameters(run_config, models) if name not in {owner for owner, *_ in misplaced}]
    if not (misplaced or tagged or unread):
        return
    form = right
    for owner, parameter, value in (*misplaced, *tagged):
        form.setdefault(owner, {})[parameter] = value
    for name in unread:
        fields = models[name].model_fields.items()
        form[name] = {each: "..." if field.is_required() else field.default for each, field in fields}
    owners = [
        f"; {parameter} is of {', '.join(name for name, model in models.items() if parameter in model.model_fields)}"
        for parameter in {**form.get(_SOME_ANALYSIS, {}), **form.get(_SOME_REPORT, {})}
    ]
    given = json.dumps(run_config, default=str) if misplaced or unread else "tags"
    raise RequestRefused(
        f"parameters are not written as {given}", f"write {json.dumps(written(form, _STEPS), default=str)}{''.join(owners)}"
    )


def _parted(run_config: Mapping[str, Any], models: Models) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Return the parameters that are where Dagster looks for them, by asset; and what is left of the run's configuration."""
    right: dict[str, dict[str, Any]] = {}
    rest = {key: value for key, value in run_config.items() if key != "ops"}
    ops = run_config.get("ops")
    if not isinstance(ops, Mapping):
        return right, rest | {"ops": ops}
    left: dict[str, Any] = {}
    for step, given in ops.items():
        config = given.get("config") if isinstance(given, Mapping) else None
        if not isinstance(config, Mapping) or not (step in _THEMES or (step in models and step not in _STEPS)):
            left[step] = given
            continue
        of_assets = config if step in _THEMES else {step: config}
        unknown: dict[str, Any] = {}
        for name, values in of_assets.items():
            if name not in models or _STEPS.get(name, name) != step or not isinstance(values, Mapping):
                unknown[name] = values
                continue
            known = models[name].model_fields.keys()
            right[name] = {key: value for key, value in values.items() if key in known}
            unknown[name] = {key: value for key, value in values.items() if key not in known}
        beside = {key: value for key, value in given.items() if key not in _BELOW_AN_OP}
        left[step] = {**beside, "config": unknown if step in _THEMES else unknown[step]}
    return right, rest | {"ops": left}


def _parameters(
    given: Any, models: Models, assets: Sequence[str], owner: str | None = None, *, alone: bool = True
) -> Iterator[Parameter]:
    """Yield the parameters that can be recognised in whatever somebody wrote.

    :param owner: the asset that they are of, as far as that was said.
    :param alone: whether the name of a parameter is enough where no asset was said.
    """
    if isinstance(given, str) and given.lstrip()[:1] in ("{", "["):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            return
    if isinstance(given, list):
        for each in given:
            yield from _parameters(each, models, assets, owner, alone=alone)
    if not isinstance(given, Mapping):
        return
    named = next((given[key] for key in _NAMES if isinstance(given.get(key), str)), None)
    if named is not None and any(key in given for key in _VALUES):
        given = {named: next(given[key] for key in _VALUES if key in given)}
    elif named in models:
        owner = named
    for key, value in given.items():
        *before, last = re.split(r"[./:]", str(key))
        whose = next((part for part in reversed(before) if part in models), owner)
        if last in models:
            yield from _parameters(value, models, assets, last)
        elif whose is not None and last in models[whose].model_fields:
            yield whose, last, value
        elif whose is None and alone and not before and (found := _alone(last, value, models, assets)):
            yield found, last, value
        else:
            yield from _parameters(value, models, assets, whose, alone=alone and key in _IN_PLACE_OF_OPS)


def _in_tags(tags: Mapping[str, str], models: Models, assets: Sequence[str]) -> Iterator[Parameter]:
    for tag, text in tags.items():
        before: list[str]
        *before, parameter = re.split(r"[./:]", tag)
        only = assets[0] if len(assets) == 1 and not before else None
        whose = before[-1] if before else only
        if whose is not None and whose in models and parameter in models[whose].model_fields:
            try:
                yield whose, parameter, json.loads(text)
            except ValueError:
                yield whose, parameter, text


def _without_parameters(run_config: Mapping[str, Any], models: Models) -> Iterator[str]:
    """Yield the assets that are given something that is no parameter, or that as steps of their own, which they are not."""
    ops = run_config.get("ops")
    for step, given in ops.items() if isinstance(ops, Mapping) else ():
        config = given.get("config", {}) if isinstance(given, Mapping) else given
        of_assets = config if step in _THEMES else {step: config}
        for name, values in of_assets.items() if isinstance(of_assets, Mapping) else ():
            if name in models and (step == name in _STEPS or not (values is None or isinstance(values, Mapping))):
                yield name


def _alone(parameter: str, value: Any, models: Models, assets: Sequence[str]) -> str | None:
    """Return the asset that a parameter without one is of: the one that is to run, else any that has it; none where its value
    says of which one something is.
    """
    if any(_parameters(value, models, assets, alone=False)):
        return None
    owners = {name for name, model in models.items() if parameter in model.model_fields}
    if len(assets) == 1 and assets[0] in owners:
        return assets[0]
    if len(owners) <= 1:
        return next(iter(owners), None)
    return _SOME_REPORT if owners.isdisjoint(_STEPS) else _SOME_ANALYSIS
