"""Every oracle by the name of its analysis; ``subscriber_segments`` has none, for k-means has no obvious answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from analyses.oracle import Row, View
from analyses.seen import Cap, Seen

from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.days import EVERYTHING, Completeness, Period


def _oracles() -> Iterator[tuple[str, Callable[..., list[Row]]]]:
    for path in sorted(Path(__file__).parent.glob("oracle*.py")):
        module = import_module(f"{__package__}.{path.stem}")
        for name in all_analyses():
            if getattr(getattr(module, name, None), "__module__", None) == module.__name__:
                yield name, getattr(module, name)


ORACLES = dict(_oracles())
"""By the name of its analysis each function of that name in a module ``oracle*``."""


def expected(
    name: str,
    views: Iterable[View],
    period: Period,
    zone: ZoneInfo,
    known: Completeness = EVERYTHING,
    cap: Cap = None,
    small_base: int = 30,
    **parameters: Any,
) -> list[Row]:
    """The rows that the analysis *name* should give, as JSON would hold them; *parameters* are those besides the window."""
    rows = ORACLES[name](Seen(tuple(views), period, zone, known, cap, small_base), **parameters)
    return [{column: _plain(value) for column, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    if isinstance(value, Fraction):
        return float(value)
    return value.isoformat() if isinstance(value, date) else value
