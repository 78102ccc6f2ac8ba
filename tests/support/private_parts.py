"""What is used of Dagster's private parts, and what can be asked of one that is relied on."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

import telemetry_pipeline
from telemetry_pipeline.orchestration import runtime
from telemetry_pipeline.stack.environment import FILES
from telemetry_pipeline.stack.services import dagster as dagster_services

PRIVATE = ("dagster._", "dagster_celery", "dagster_graphql", "dagster_postgres", "dagster_shared", "dagster_webserver")
Check = Callable[[Any], str | None]
"""What is missing of a symbol, or None."""


def there(_: Any) -> str | None:
    return None


def having(*names: str) -> Check:
    def check(symbol: Any) -> str | None:
        fields = {*getattr(symbol, "__annotations__", {}), *_parameters_of(symbol)}
        lacking = [name for name in names if name not in fields and not hasattr(symbol, name)]
        return f"it has no {', '.join(lacking)}" if lacking else None

    return check


def _parameters_of(symbol: Any) -> set[str]:
    return set(inspect.signature(symbol).parameters) if isinstance(symbol, type) else set()


def setting(name: str) -> Check:
    return lambda symbol: None if f"self.{name} =" in inspect.getsource(symbol) else f"it sets no {name}"


def made_of(*values: Any) -> Check:
    def check(symbol: Any) -> str | None:
        symbol(*values)
        return None

    return check


def taking(*names: str) -> Check:
    def check(symbol: Any) -> str | None:
        parameters = inspect.signature(symbol).parameters
        lacking = [name for name in names if name not in parameters]
        return f"it takes {', '.join(parameters)}, and no {', '.join(lacking)}" if lacking else None

    return check


def being(value: Any) -> Check:
    return lambda symbol: None if symbol == value else f"it is {symbol!r}, not {value!r}"


def an_error(symbol: Any) -> str | None:
    return None if issubclass(symbol, dg.DagsterError) else "it is no DagsterError"


def all_of(*checks: Check) -> Check:
    return lambda symbol: next((problem for check in checks if (problem := check(symbol))), None)


def method(name: str, *parameters: str) -> Check:
    def check(symbol: Any) -> str | None:
        if not hasattr(symbol, name):
            return f"it has no {name}"
        problem = taking(*parameters)(inspect.unwrap(getattr(symbol, name)))
        return problem and f"{name}: {problem}"

    return check


def imported_by_the_runtime() -> set[str]:
    return _imported(Path(runtime.__path__[0]).rglob("*.py"))


def imported_elsewhere() -> set[str]:
    """In the rest of the product and in the benchmarks."""
    folder, product = Path(runtime.__path__[0]), Path(telemetry_pipeline.__path__[0])
    files = [*product.rglob("*.py"), *(product.parent / "bench").rglob("*.py")]
    return _imported(file for file in files if folder not in file.parents)


def _imported(files: Iterable[Path]) -> set[str]:
    found = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PRIVATE):
                found |= {f"{node.module}:{each.name}" for each in node.names}
            elif isinstance(node, ast.Import):
                found |= {f"{each.name}:" for each in node.names if each.name.startswith(PRIVATE)}
    return found


def named_in_files() -> set[str]:
    """The modules of Dagster's own that ``dagster.yaml`` names, and those that processes are started with."""
    instance = yaml.safe_load((FILES / "dagster.yaml").read_text())
    named = {f"{each['module']}:{each['class']}" for each in instance.values() if isinstance(each, dict) and "module" in each}
    started = {f"{module}:" for module in re.findall(r'"-m", "(dagster\._\w+)"', Path(dagster_services.__file__).read_text())}
    return {each for each in named | started if each.startswith(PRIVATE)}
