"""The drawing of the errors is what there is, and an error carries its advice wherever it goes."""

from __future__ import annotations

import ast
import pickle
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from telemetry_pipeline import errors
from telemetry_pipeline.errors import MalformedAnswer, TelemetryError, WarehouseUnavailable


def drawn() -> dict[str, set[str]]:
    """Each error of the drawing and what it is drawn under."""
    parents: dict[str, set[str]] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"((?:[│ ] {3})*(?:[├└]── )?)([A-Z]\w+)(?: {2,}|$)", line):
            depth = len(found[1]) // 4
            above[depth:] = [found[2]]
            parents.setdefault(found[2], set()).update(above[depth - 1 : depth] if depth else ["Exception"])
    return parents


def declared(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for each in kind.__subclasses__():
        yield from declared(each)


def test_the_drawing_is_the_tree() -> None:
    there = {kind.__name__: {base.__name__ for base in kind.__bases__} for kind in set(declared(TelemetryError))}
    assert drawn() == there


def test_no_error_is_declared_elsewhere() -> None:
    ours, here = drawn().keys(), Path(errors.__file__)
    texts = [path.read_text() for path in here.parent.rglob("*.py") if path != here]
    trees = [ast.parse(text) for text in texts if re.search(r"^\s*class \w+\(", text, re.MULTILINE)]
    classes = [each for tree in trees for each in ast.walk(tree) if isinstance(each, ast.ClassDef)]
    assert classes
    assert not [each.name for each in classes if ours & {ast.unparse(base) for base in each.bases}]


def test_as_a_text_an_error_is_problem_and_advice() -> None:
    assert str(TelemetryError("it is broken")) == "it is broken"
    assert str(TelemetryError("it is broken", "mend it")) == "it is broken; mend it"
    assert str(TelemetryError("It is broken. It was old.", "mend it")) == "It is broken. It was old; mend it"


@pytest.mark.parametrize("err", [WarehouseUnavailable("away", "wait"), MalformedAnswer("no JSON", "<html>")])
def test_an_error_goes_from_process_to_process_whole(err: TelemetryError) -> None:
    again = pickle.loads(pickle.dumps(err))
    assert (type(again), again.problem, again.advice, vars(again)) == (type(err), err.problem, err.advice, vars(err))
