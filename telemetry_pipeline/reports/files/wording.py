"""Names and values of a table as people read them in a file, in place of those that programs join by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from telemetry_pipeline.words.shown import word, word_of

_CODED = frozenset({"metric", "risk", "scope", "section"})
"""Columns whose values are words of ours, and not names that somebody gave."""


def heads(columns: Sequence[str], analysis: str = "") -> dict[str, str]:
    """Return what columns are called, by their names; of several that are called the same each says its name, too.

    :param analysis: that they are of, where it is known.
    """
    called = {name: word_of(analysis, name) for name in columns}
    return {name: text if list(called.values()).count(text) == 1 else f"{text} ({name})" for name, text in called.items()}


def in_words(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return rows under what their columns are called, with values that are words of ours as people read them."""
    called = heads(columns)
    return [{called[name]: said(name, row[name]) for name in columns} for row in rows]


def said(column: str, value: Any) -> Any:
    """Return a value as people read it."""
    return word(value) if column in _CODED and isinstance(value, str) else value
