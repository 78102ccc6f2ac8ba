"""What a person asks to be launched, with its days, parameters and priority, checked before anything starts.

What there is to launch is said in ``launches``; what speaks with the server is in ``client``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from telemetry_pipeline.days import AllowedDays, Period
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.launches import JOBS, Asset, Days, Job, all_assets, check_days, default_days
from telemetry_pipeline.settings.loading import expectation
from telemetry_pipeline.suggestions import meant
from telemetry_pipeline.tags import Priority


@dataclass(frozen=True)
class Launch:
    """One run to submit: *job* is a job or an asset, *period* its days, if it takes any."""

    job: str
    period: Period | None
    config: Mapping[str, Mapping[str, Any]]
    priority: Priority = Priority.NORMAL

    @property
    def title(self) -> str:
        """What runs, for people: ``telemetry_range 2026-10-01 to 2026-10-31``."""
        if self.period is None:
            return self.job
        return f"{self.job} {self.period.first if self.period.length == 1 else self.period}"


def plan(
    target: Job | Asset, period: Period | None, assignments: Iterable[str], allowed: AllowedDays, priority: Priority
) -> Launch:
    """Return what was asked for, checked; what takes days and is given none is for those of
    ``default_days``.

    :param assignments: as of :func:`parse_parameters`.
    :raises RequestRefused: it cannot be; says what is allowed.
    """
    check_days(target, period)
    if target.days is not Days.NONE:
        period = allowed.check(period or default_days(target, allowed.last))
    models = {name: asset.parameters for name, asset in all_assets().items()}
    return Launch(target.name, period, parse_parameters(target.name, assignments, models), priority)


def parse_parameters(job: str, assignments: Iterable[str], models: Mapping[str, type[BaseModel]]) -> dict[str, dict[str, Any]]:
    """Read ``["top_channels.limit=5"]`` as ``{"top_channels": {"limit": 5}}``, checked against the analyses' own models.

    A value is read as JSON where that is possible, else as text.

    :param job: what will run; an asset that runs alone takes its own parameters only.
    :param models: analysis name to the pydantic model of its parameters.
    :raises RequestRefused: an assignment cannot be read, or names no asset, no parameter or an impossible value; or a
        required one is missing.
    """
    if job in JOBS:
        return _parsed(assignments, models, lambda _: None, ())
    return _parsed(
        assignments, models, lambda asset: None if asset == job else f" for a run of {job} alone", {job} & models.keys()
    )


def parse_choice(
    chosen: Collection[str], assignments: Iterable[str], models: Mapping[str, type[BaseModel]]
) -> dict[str, dict[str, Any]]:
    """Read parameters as :func:`parse_parameters` does, of the *chosen* analyses alone.

    :raises RequestRefused: in the same cases.
    """
    others = f": only {', '.join(chosen)} {'is' if len(chosen) == 1 else 'are'} asked for"
    return _parsed(assignments, models, lambda asset: None if asset in chosen else others, chosen)


def _parsed(
    assignments: Iterable[str],
    models: Mapping[str, type[BaseModel]],
    objection: Callable[[str], str | None],
    complete: Iterable[str],
) -> dict[str, dict[str, Any]]:
    """Read assignments, and check the values of each asset against its own model.

    :param objection: why an asset's parameters cannot be set now. :param complete: the assets that need all of theirs.
    """
    texts: dict[str, dict[str, str]] = {}
    for assignment in assignments:
        target, equals, text = assignment.partition("=")
        asset, dot, parameter = target.partition(".")
        if not (equals and dot and asset and parameter):
            raise RequestRefused(f"{assignment!r} cannot be read", "write --set asset.parameter=value")
        if asset not in models:
            having = _with_parameters(models)
            advice = meant(asset, having) or f"{', '.join(having)} have"
            raise RequestRefused(f"{asset!r} has no parameters", advice)
        if (why := objection(asset)) is not None:
            raise RequestRefused(f"{asset}.{parameter} cannot be set{why}")
        model = models[asset]
        if parameter not in model.model_fields:
            close = meant(parameter, model.model_fields)
            it_has = f"{close} It has" if close else "it has"
            raise RequestRefused(f"{asset} has no parameter {parameter!r}", f"{it_has} {describe_parameters(model)}")
        texts.setdefault(asset, {})[parameter] = text
    config = {asset: _validated(asset, values, models[asset]) for asset, values in texts.items()}
    for asset in complete:
        if asset not in config:
            _validated(asset, {}, models[asset])
    return config


def describe_parameters(model: type[BaseModel]) -> str:
    """Return the parameters of a model with their defaults, such as ``limit=20, window_days=30``."""
    described = []
    for name, field in model.model_fields.items():
        described.append(f"{name} (required)" if field.is_required() else f"{name}={json.dumps(field.default)}")
    return ", ".join(described) or "none"


def _with_parameters(models: Mapping[str, type[BaseModel]]) -> list[str]:
    return [name for name, model in models.items() if model.model_fields]


def _validated(asset: str, texts: Mapping[str, str], model: type[BaseModel]) -> dict[str, Any]:
    values = {name: _read(text) for name, text in texts.items()}
    try:
        parameters = model.model_validate(values)
    except ValidationError as err:
        # A channel may be called "24": what is wrong as a number can be right as text.
        try:
            parameters = model.model_validate({**values, **_numbers_as_text(texts, err)})
        except ValidationError:
            raise RequestRefused(_refusal(asset, texts, err)) from None
    for name, value in parameters:
        # Python and pydantic read NaN, Infinity and 1e999 as numbers; JSON has no such numbers.
        if isinstance(value, float) and not math.isfinite(value):
            raise RequestRefused(f"{asset}.{name} cannot be {texts.get(name, '')!r}: it has to be a finite number")
    return parameters.model_dump(mode="json", include=set(texts))


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _numbers_as_text(texts: Mapping[str, str], err: ValidationError) -> dict[str, str]:
    wrong = {str(problem["loc"][0]) for problem in err.errors() if problem["type"] == "string_type"}
    return {name: text for name, text in texts.items() if name in wrong}


def _refusal(asset: str, texts: Mapping[str, str], err: ValidationError) -> str:
    problems = []
    for problem in err.errors(include_url=False):
        name = str(problem["loc"][0]) if problem["loc"] else asset
        expected = expectation(problem["msg"])
        if problem["type"] == "missing":
            problems.append(f"{asset}.{name} is required; give it with --set {asset}.{name}=value")
        else:
            problems.append(f"{asset}.{name} cannot be {texts.get(name, '')!r}: {expected[:1].lower()}{expected[1:]}")
    return "; ".join(problems)
