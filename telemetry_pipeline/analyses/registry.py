"""Which analyses there are: whatever ``@analysis`` stands over in any room of this package; nothing has to be listed.

What an analysis is, is said in ``framework.declaration``.
"""

from __future__ import annotations

import functools
import pkgutil
from importlib import import_module
from typing import Any

from telemetry_pipeline import analyses
from telemetry_pipeline.analyses.framework import declaration
from telemetry_pipeline.analyses.framework.declaration import Analysis
from telemetry_pipeline.errors import RequestRefused


def all_analyses() -> dict[str, Analysis]:
    """Return every analysis of this package by its name, in alphabetical order."""
    _import_modules()
    return dict(sorted(declaration.declared.items()))


def themes() -> dict[str, dict[str, Analysis]]:
    """Return the analyses by their names, by theme."""
    by_theme: dict[str, dict[str, Analysis]] = {}
    for name, analysis in all_analyses().items():
        by_theme.setdefault(analysis.theme, {})[name] = analysis
    return by_theme


def steps() -> dict[str, str]:
    """Return in which step of a run each analysis is made: those of a theme in one, which is named by it."""
    return {name: analysis.theme for name, analysis in all_analyses().items()}


def defaults() -> dict[str, dict[str, Any]]:
    """Return the parameters, as JSON can hold them, of who names none: by analysis, of those that can do without."""
    return {name: each.parse({}).model_dump(mode="json") for name, each in all_analyses().items() if each.runs_unattended}


def is_of_period(name: str) -> bool:
    """Return whether the analysis of that name is of exactly the days of a run."""
    return find_analysis(name).is_of_period


def find_analysis(name: str) -> Analysis:
    """Return the analysis of that name.

    :raises RequestRefused: there is none; lists what there is.
    """
    _import_modules()
    if name not in declaration.declared:
        raise RequestRefused(f"there is no analysis {name!r}", f"there are {', '.join(all_analyses())}")
    return declaration.declared[name]


@functools.cache
def _import_modules() -> None:
    for module in pkgutil.walk_packages(analyses.__path__, f"{analyses.__name__}."):
        import_module(module.name)
