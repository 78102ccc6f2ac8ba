"""Text from elsewhere made fit to be seen: on a terminal, in a log line, in a message, in a file for people."""

from __future__ import annotations

import json
import re

NO_BREAK = "\N{NO-BREAK SPACE}"

# Controls, half surrogate pairs, ends of lines, and marks that nobody sees, those of the direction of writing above all. Not
# those that join letters, as in Persian names and in emoji, or choose a form of one: they move nothing.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f]"
)

# Whatever an address is within, such as the answer of a server.
_LOCAL_PART = re.compile(r"([^\s<>@:;,\"'/])[^\s<>@:;,\"'/]*@")


def printable(text: str, also: str = "") -> str:
    r"""Return the text with an escape for whatever could do something to a terminal instead of being seen on it, or make two
    lines of one. The escapes are those of JSON, so that JSON stays what it is: ``\u001b``, ``\n``, ``\u202e``.

    :param also: characters that may stay, such as line ends.
    """
    return _UNSEEN.sub(lambda found: found[0] if found[0] in also else json.dumps(found[0])[1:-1], text)


def cut(text: str, length: int) -> str:
    """Return a text of somebody else where there is little room, without what a page would obey; all of it is elsewhere."""
    shown = "".join(each if each.isprintable() or each == NO_BREAK else "\N{REPLACEMENT CHARACTER}" for each in text)
    return shown if len(shown) <= length else f"{shown[: length - 1]}…"


def mask(text: str) -> str:
    """Return a text whose mail addresses begin with their first letter alone: ``a…@example.com``."""
    return _LOCAL_PART.sub("\\1\N{HORIZONTAL ELLIPSIS}@", text)
