"""Text from elsewhere made fit to be seen: on a terminal, in a log line, in a message."""

from __future__ import annotations

import unicodedata

# Marks that join letters, as in Persian names and in emoji; they move nothing.
_JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"


def printable(text: str, also: str = "") -> str:
    """The text with a replacement character for whatever could do something to a terminal instead of being seen on it: escape
    sequences, line ends and other controls, changes of the direction of writing, half surrogate pairs.

    :param also: characters that may stay, such as line ends.
    """
    if text.isprintable():
        return text
    return "".join(each if _is_seen(each) or each in also else "\N{REPLACEMENT CHARACTER}" for each in text)


def _is_seen(character: str) -> bool:
    return character.isprintable() or character in _JOINERS or unicodedata.category(character) == "Zs"
