"""Numbers, dates and names as people read them in pictures."""

from __future__ import annotations

import itertools
import re
import unicodedata
from bisect import bisect_left

import numpy as np

NULL = "—"
UNWRITABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""What XML cannot hold, and other control characters."""


def number(value: float) -> str:
    """A number for people: three or more digits, thousands apart, millions as M; a dash for null."""
    if np.isnan(value):
        return NULL
    if abs(value) >= 10_000_000:
        return f"{value / 1_000_000:,.1f} M"
    decimals = 0 if value == round(value) or abs(value) >= 1000 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{decimals}f}"


def percent(value: float) -> str:
    """A part of a hundred for people; a dash for null."""
    return number(value) if np.isnan(value) else f"{value:.1f} %"


def change(value: float) -> str:
    """A change in percent, always with its sign; a dash for null."""
    return number(value) if np.isnan(value) else f"{value:+.1f} %"


def shorten(text: str, width: int) -> str:
    """*text* in one line of at most *width* letters, wide ones counted twice, with an ellipsis where it was cut."""
    text = " ".join(UNWRITABLE.sub(" ", text).split())
    ends = list(itertools.accumulate(map(letters, text[: width + 1])))
    if not ends or ends[-1] <= width:
        return text
    return f"{text[: bisect_left(ends, width)].rstrip()}…"


def letters(text: str) -> int:
    """How wide a text is, wide letters counted twice."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)
