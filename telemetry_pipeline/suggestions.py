"""What somebody may have meant who wrote a name that is not there."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches

_MOST = 3
_LIKE = 0.7
# Next to a name that is nearly the same, those that are only a little like it are noise.
_LESS_LIKE = 0.1


def meant(name: str, known: Iterable[str]) -> str:
    """Return ``did you mean top_channels?``, or an empty text if no name is like it."""
    written, names = name.lower(), {each.lower(): each for each in known}
    likeness = {
        each: SequenceMatcher(None, each, written).ratio() for each in get_close_matches(written, list(names), _MOST, _LIKE)
    }
    close = [names[each] for each, ratio in likeness.items() if ratio >= max(likeness.values()) - _LESS_LIKE]
    return f"did you mean {' or '.join(close)}?" if close else ""


def instead(name: str, known: Iterable[str]) -> str:
    """Return what :func:`meant` does, or all names that there are if none is like it."""
    names = list(known)
    return meant(name, names) or f"there are {', '.join(names)}"
