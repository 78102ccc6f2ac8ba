"""Names as people read them in pictures: in one line, of a bearable length, in letters that can be written."""

from __future__ import annotations

import itertools
import re
import unicodedata
from bisect import bisect_left

UNWRITABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""What XML cannot hold, and other control characters."""


FEW = " °"
"""At the end of a name whose figure is of few subscribers."""


def shorten(text: str, width: int) -> str:
    """Return *text* in one line of at most *width* letters, wide ones counted twice, with an ellipsis where it was cut."""
    text = " ".join(UNWRITABLE.sub(" ", text).split())
    if letters(text[: width + 1]) <= width:
        return text
    ends = list(itertools.accumulate(map(_width, text[: width + 1])))
    return f"{text[: bisect_left(ends, width)].rstrip()}…"


def shorten_marked(text: str, width: int) -> str:
    """Return it shortened, with the mark of few subscribers still at its end."""
    if not text.endswith(FEW):
        return shorten(text, width)
    return f"{shorten(text.removesuffix(FEW), width - len(FEW))}{FEW}"


def letters(text: str) -> int:
    """Return how wide a text is, wide letters counted twice."""
    return len(text) if text.isascii() else sum(map(_width, text))


def _width(letter: str) -> int:
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
