"""Which code a result is computed by: one changed line computes those analyses anew that it is a line of, and no others."""

from __future__ import annotations

import ast
import functools
import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

from telemetry_pipeline.analyses.framework.declaration import Analysis
from telemetry_pipeline.results.views import windows

_PACKAGE = Path(__file__).parents[2]
_COMPUTING = ("telemetry_pipeline.analyses.", "telemetry_pipeline.days", "telemetry_pipeline.words.stored")
"""What decides a figure. How rows are stored and read does not."""
# Python 3.11 fails when two threads parse at the same moment: "AST constructor recursion depth mismatch".
_one_parses = threading.Lock()


@functools.cache
def code_version(analysis: Analysis, package: Path = _PACKAGE) -> str:
    """Return twelve hexadecimal digits that change with the modules that compute an analysis: see :func:`modules_of`.

    :param package: the folder in which the files of ``telemetry_pipeline`` are.
    """
    files = [_file(name, package).read_bytes() for name in sorted(modules_of(analysis, package))]
    return hashlib.sha256(b"".join(files)).hexdigest()[:12]


def modules_of(analysis: Analysis, package: Path = _PACKAGE) -> set[str]:
    """Return the full names of the module of an analysis, of the one that says which views count, and of all modules that
    compute and that they import, directly or not.
    """
    found: set[str] = set()
    waiting = {analysis.compute.__module__, windows.__name__}
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= {each for each in _imported(name, package) if each.startswith(_COMPUTING)} - found
    return found


@functools.cache
def _imported(module: str, package: Path) -> frozenset[str]:
    """Return what a module imports anywhere, as full names of modules."""
    with _one_parses:
        tree = ast.parse(_file(module, package).read_bytes())
    return frozenset(_names(tree, package))


def _names(tree: ast.AST, package: Path) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            inner = [f"{node.module}.{each.name}" for each in node.names]
            yield from (name if _file(name, package).is_file() else f"{node.module}" for name in inner)


def _file(module: str, package: Path) -> Path:
    return package.joinpath(*module.split(".")[1:]).with_suffix(".py")
