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
    ends = list(itertools.accumulate(map(letters, text[: width + 1])))
    if not ends or ends[-1] <= width:
        return text
    return f"{text[: bisect_left(ends, width)].rstrip()}…"


def shorten_marked(text: str, width: int) -> str:
    """Return it shortened, with the mark of few subscribers still at its end."""
    if not text.endswith(FEW):
        return shorten(text, width)
    return f"{shorten(text.removesuffix(FEW), width - len(FEW))}{FEW}"


def letters(text: str) -> int:
    """Return how wide a text is, wide letters counted twice."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)
