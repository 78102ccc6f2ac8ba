"""What functions do is said with a verb first; what a property is, is said as a noun."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import telemetry_pipeline

pytestmark = pytest.mark.slow  # the whole product is read
PRODUCT = Path(telemetry_pipeline.__path__[0])
NO_VERBS = {
    "a",
    "an",
    "the",
    "all",
    "each",
    "every",
    "how",
    "its",
    "those",
    "what",
    "when",
    "where",
    "whether",
    "which",
    "who",
    "whose",
    "why",
}
NOUNS = {"property", "cached_property", "analysis"}
"""Decorators of what is no action: an analysis begins with the question that it answers."""


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for file in PRODUCT.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield str(file.relative_to(PRODUCT)), node


def decorators(node: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    called = (each.func if isinstance(each, ast.Call) else each for each in node.decorator_list)
    return {ast.unparse(each).rpartition(".")[2] for each in called}


def test_a_function_says_what_it_does_with_a_verb_first() -> None:
    nouns = [
        f"{file}:{node.lineno} {node.name}"
        for file, node in functions()
        if (said := ast.get_docstring(node)) and not decorators(node) & NOUNS and said.split()[0].lower() in NO_VERBS
    ]
    assert nouns == []
