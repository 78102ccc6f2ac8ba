"""Figures in large type: what it is, how much, and what it was before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from telemetry_pipeline.analyses.framework.marks import SMALL_BASE
from telemetry_pipeline.reports.content.tables import Notation, write
from telemetry_pipeline.speech import Speech
from telemetry_pipeline.words import terms


@dataclass(frozen=True)
class Tile:
    """A figure.

    :ivar term: its place in the glossary. :ivar change: against the other days; empty: not compared. :ivar tone: of the change.
    :ivar small: whether it is of few subscribers. :ivar provisional: whether it may still grow.
    :ivar aside: what is said below it.
    """

    name: str
    value: str
    term: str = ""
    change: str = ""
    tone: str = ""
    previous: str = ""
    small: bool = False
    href: str = ""
    aside: str = ""
    provisional: bool = False


def value_of(frame: pd.DataFrame, column: str) -> float | None:
    """Return the value of the only row; None: there is none, or nothing is known."""
    if frame.empty or column not in frame or pd.isna(value := frame[column].iloc[0]):
        return None
    return float(value)


def is_small(frame: pd.DataFrame) -> bool:
    """Return whether the first row is of few subscribers."""
    if frame.empty or SMALL_BASE.name not in frame:
        return False
    mark: Any = frame[SMALL_BASE.name].iloc[0]
    return not pd.isna(mark) and bool(mark)


def change_pct(now: float | None, before: float | None) -> float | None:
    """Return a change in percent of what was before; None: that was nothing, or one is not known."""
    return None if now is None or not before else 100 * (now - before) / before


def tile(
    speech: Speech,
    term: str,
    value: float | None,
    before: float | None = None,
    *,
    notation: Notation = "number",
    name: str = "",
    small: bool = False,
) -> Tile:
    """Return a figure of a term, and how it changed if something is known of before."""
    change = change_pct(value, before)
    return Tile(
        name=name or terms.TERMS[term].name(speech.language),
        value=write(value, notation, speech),
        term=term,
        change="" if change is None else speech.change(change),
        tone="" if not change else "up" if change > 0 else "down",
        previous="" if before is None else write(before, notation, speech),
        small=small,
    )
