"""One field of many records as an array: which rows a rule matches, and in which order they sort.

The rules are SQL's: null matches nothing, not even ``ne``, ``nc``, ``bn`` or ``en``, and sorts first. Text compares
exactly, letter case included; numbers and times compare by value, and as text for ``bw bn ew en cn nc``. Flags are the
numbers 0 and 1. Reading columns out of records and combining rules is done elsewhere.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from telemetry_pipeline.simulator.records.fields import FLAGS, LARGEST_ID, NUMBERS, TIMES, format_time, parse_time

Mask = NDArray[np.bool_]
Integers = NDArray[np.int64]

COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}
TEXT_TESTS: dict[str, Callable[[str, str], bool]] = {
    "bw": lambda text, data: text.startswith(data),
    "bn": lambda text, data: not text.startswith(data),
    "ew": lambda text, data: text.endswith(data),
    "en": lambda text, data: not text.endswith(data),
    "cn": lambda text, data: data in text,
    "nc": lambda text, data: data not in text,
}
OPERATORS = (*COMPARISONS, *TEXT_TESTS)


class Column(Protocol):
    """A field of all records of a segment."""

    def matching(self, op: str, data: str) -> Mask:
        """Return rows for which ``field op data`` holds; ``ValueError`` if the field cannot be compared with ``data``."""

    def sort_keys(self, positions: Integers) -> NDArray[Any]:
        """Return values at ``positions`` that sort like the field, as integers or as text; nulls first."""


class NumberColumn:
    """Integers, or times as seconds since 1970; ``known`` is false where the value is null."""

    def __init__(self, values: Integers, known: Mask, *, times: bool = False) -> None:
        self._values = values
        self._known = known
        self._parse: Callable[[str], float] = parse_time if times else _number
        self._format: Callable[[int], str] = format_time if times else str

    def matching(self, op: str, data: str) -> Mask:
        """See :class:`Column`."""
        if op in COMPARISONS:
            return np.asarray(COMPARISONS[op](self._values, self._parse(data)) & self._known)
        distinct, codes = np.unique(self._values, return_inverse=True)
        return _tested(map(self._format, distinct.tolist()), op, data)[codes] & self._known

    def sort_keys(self, positions: Integers) -> NDArray[Any]:
        """See :class:`Column`."""
        return np.where(self._known[positions], self._values[positions], np.iinfo(np.int64).min)


class TextColumn:
    """Texts as codes into the distinct ones; -1 is null."""

    def __init__(self, distinct: Sequence[str], codes: Integers) -> None:
        self._distinct = distinct
        self._codes = codes

    def matching(self, op: str, data: str) -> Mask:
        """See :class:`Column`."""
        # The last place answers for code -1.
        return np.append(_tested(self._distinct, op, data), False)[self._codes]

    def sort_keys(self, positions: Integers) -> NDArray[Any]:
        """See :class:`Column`."""
        # A text with something before it never equals a null, which comes before all of them.
        return np.array([*(f"={text}" for text in self._distinct), ""], dtype=object)[self._codes[positions]]


def column_of(field: str, values: Sequence[Any]) -> Column:
    """Return the column of ``field``; a value that its type cannot hold counts as null."""
    if field in NUMBERS or field in FLAGS:
        return _numbers([_whole(value) for value in values], times=False)
    if field in TIMES:
        return _numbers([_seconds(value) for value in values], times=True)
    places: dict[str, int] = {}
    codes = [-1 if value is None else places.setdefault(str(value), len(places)) for value in values]
    return TextColumn(list(places), np.array(codes, dtype=np.int64))


def _numbers(values: list[int | None], *, times: bool) -> NumberColumn:
    known = np.array([value is not None for value in values], dtype=np.bool_)
    return NumberColumn(np.array([value or 0 for value in values], dtype=np.int64), known, times=times)


def _whole(value: Any) -> int | None:
    return int(value) if isinstance(value, int) and abs(value) <= LARGEST_ID else None


def _seconds(value: Any) -> int | None:
    try:
        return parse_time(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _number(data: str) -> float:
    if data.lower() in ("true", "false"):
        return int(data.lower() == "true")
    try:
        return int(data)
    except ValueError:
        return float(data)


def _tested(texts: Iterable[str], op: str, data: str) -> Mask:
    test: Callable[[str, str], Any] = COMPARISONS[op] if op in COMPARISONS else TEXT_TESTS[op]
    return np.fromiter((test(text, data) for text in texts), dtype=np.bool_)
