"""Which code a result is computed by: one changed line computes those analyses anew that it is a line of, and no others."""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
from pathlib import Path

from telemetry_pipeline.analyses.framework.declaration import Analysis
from telemetry_pipeline.results import windows

_PACKAGE = Path(__file__).parents[1]
_COMPUTING = ("telemetry_pipeline.analyses.", "telemetry_pipeline.days", "telemetry_pipeline.words.stored")
"""What decides a figure. How rows are stored and read does not."""


@functools.cache
def code_version(analysis: Analysis) -> str:
    """Twelve hexadecimal digits that change with the modules that compute an analysis: see :func:`modules_of`."""
    files = [_file(name).read_bytes() for name in sorted(modules_of(analysis))]
    return hashlib.sha256(b"".join(files)).hexdigest()[:12]


def modules_of(analysis: Analysis) -> set[str]:
    """The full names of the module of an analysis, of the one that says which views count, and of all modules that compute and
    that they import, directly or not.
    """
    found: set[str] = set()
    waiting = {inspect.unwrap(analysis.compute).__module__, windows.__name__}
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= {each for each in _imported(name) if each.startswith(_COMPUTING)} - found
    return found


@functools.cache
def _imported(module: str) -> frozenset[str]:
    """What a module imports, as full names of modules."""
    statements = [node for node in ast.walk(ast.parse(_file(module).read_bytes())) if isinstance(node, ast.ImportFrom)]
    named = {(f"{node.module}", f"{node.module}.{each.name}") for node in statements for each in node.names}
    return frozenset(name if _file(name).is_file() else module for module, name in named)


def _file(module: str) -> Path:
    return _PACKAGE.joinpath(*module.split(".")[1:]).with_suffix(".py")
