"""Tables as pages and reports show them: what stands in each cell, written for people, with its link and its state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

import pandas as pd

from telemetry_pipeline.analyses.framework.marks import PROVISIONAL, SMALL_BASE
from telemetry_pipeline.printable import NO_BREAK
from telemetry_pipeline.speech import NULL, Speech
from telemetry_pipeline.words import terms

Notation = Literal["text", "number", "percent", "change", "seconds", "day", "month", "moment", "clock", "written"]
"""How a value is written; ``written`` is a number that is a text already, ``clock`` a moment without its day."""

FIRST_ROWS = 20
"""Of a long table, before somebody asks for all."""


@dataclass(frozen=True)
class Shown:
    """A column to show.

    :ivar name: of the frame's column.
    :ivar term: where the glossary says what it is; empty: its head says it.
    :ivar head: over it; empty: the name of the term.
    :ivar link: the address that a value leads to.
    :ivar bar: whether a bar says how much it is of the most.
    """

    name: str
    notation: Notation = "number"
    term: str = ""
    head: str = ""
    link: Callable[[str], str] | None = None
    words: Callable[[str], str] | None = None
    bar: bool = False


@dataclass(frozen=True)
class Head:
    """Of a column. :ivar numeric: whether its values are numbers, which stand at the right."""

    text: str
    term: str
    numeric: bool


@dataclass(frozen=True)
class Cell:
    """One value.

    :ivar whole: what *text* is cut from; empty: it is not.

    :ivar tone: ``up`` and ``down`` of a change, else empty. :ivar part: of the largest value of its column, 0 to 100.
    """

    text: str
    href: str = ""
    numeric: bool = False
    whole: str = ""
    tone: str = ""
    part: float | None = None


@dataclass(frozen=True)
class Row:
    """Cells. :ivar small: whether it is a figure of few subscribers. :ivar provisional: whether it may still grow."""

    cells: list[Cell]
    small: bool = False
    provisional: bool = False


@dataclass(frozen=True)
class Table:
    """Rows under heads. :ivar count: how many rows there are, of which *rows* may be the first."""

    heads: list[Head] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    count: int = 0

    @property
    def has_small(self) -> bool:
        """Whether a row is of a small base."""
        return any(row.small for row in self.rows)

    @property
    def has_provisional(self) -> bool:
        """Whether a row may still grow."""
        return any(row.provisional for row in self.rows)


def table(frame: pd.DataFrame, columns: Sequence[Shown], speech: Speech, *, most: int | None = FIRST_ROWS) -> Table:
    """Return the rows of a frame under some of its columns.

    :param most: rows to show; None: all.
    """
    heads = [Head(head_of(each, speech), each.term, each.notation in _NUMERIC) for each in columns]
    largest = {each.name: _largest(frame[each.name]) for each in columns if each.bar}
    shown = frame if most is None else frame.head(most)
    rows = [
        Row(
            [_cell(record[each.name], each, speech, largest.get(each.name)) for each in columns],
            small=record.get(SMALL_BASE.name) is True,
            provisional=record.get(PROVISIONAL.name) is True,
        )
        for record in _records(shown)
    ]
    return Table(heads, rows, len(frame))


_NUMERIC = ("number", "percent", "change", "seconds", "written")


def head_of(column: Shown, speech: Speech) -> str:
    """Return what stands over a column."""
    if column.head or not column.term:
        return column.head
    return terms.TERMS[column.term].name(speech.language)


def _cell(value: Any, column: Shown, speech: Speech, largest: float | None) -> Cell:
    text = write(value, column.notation, speech)
    if column.words is not None and value is not None:
        text = column.words(str(value))
    href = column.link(str(value)) if column.link is not None and value is not None else ""
    tone = ("up" if value > 0 else "down") if column.notation == "change" and value else ""
    part = 100 * value / largest if largest and value is not None else None
    shown = speech.cut(text)
    return Cell(shown, href, column.notation in _NUMERIC, text if shown != text else "", tone, part)


def write(value: Any, notation: Notation, speech: Speech) -> str:
    """Return a value for people; a dash, where it cannot be known."""
    if value is None:
        return NULL
    writers: Mapping[Notation, Callable[[Any], str]] = {
        "text": str,
        "written": str,
        "number": speech.number,
        "percent": speech.percent,
        "change": speech.change,
        "seconds": speech.seconds,
        "day": lambda day: speech.day(_date(day)).replace(" ", NO_BREAK),
        "month": lambda day: speech.month(_date(day)).replace(" ", NO_BREAK),
        "moment": lambda moment: speech.moment(datetime.fromisoformat(moment)).replace(" ", NO_BREAK),
        "clock": lambda moment: f"{datetime.fromisoformat(moment):%H:%M}",
    }
    return writers[notation](value)


def _date(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as plain values, null as None."""
    columns = {str(name): [None if pd.isna(value) else value for value in frame[name].tolist()] for name in frame.columns}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _largest(values: pd.Series[Any]) -> float | None:
    most = values.max(skipna=True)
    return None if pd.isna(most) or most <= 0 else float(most)
