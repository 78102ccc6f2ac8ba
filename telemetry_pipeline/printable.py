"""Text from elsewhere made fit to be seen: on a terminal, in a log line, in a message, in a file for people."""

from __future__ import annotations

import json
import unicodedata

# Controls, marks that nobody sees (of the direction of writing above all), half surrogate pairs, ends of lines.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# These join letters, as in Persian names and in emoji; they move nothing.
_JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"


def printable(text: str, also: str = "") -> str:
    r"""The text with an escape for whatever could do something to a terminal instead of being seen on it, or make two lines of
    one. The escapes are those of JSON, so that JSON stays what it is: ``\u001b``, ``\n``, ``\u202e``.

    :param also: characters that may stay, such as line ends.
    """
    if text.isprintable():
        return text
    kept = _JOINERS + also
    return "".join(
        json.dumps(each)[1:-1] if unicodedata.category(each) in _UNSEEN and each not in kept else each for each in text
    )
