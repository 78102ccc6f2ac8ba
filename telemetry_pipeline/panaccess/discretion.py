"""What may be repeated of an answer: without secrets, printable, and not at any length. No other module decides that."""

from __future__ import annotations

import base64
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from html.entities import html5

from telemetry_pipeline.errors import MalformedAnswer, PanAccessError
from telemetry_pipeline.panaccess.session import Credentials
from telemetry_pipeline.printable import printable

MESSAGE_CHARACTERS = 2_000
"""Of what is said of a failure, in an exception and wherever that goes."""

RAW_CHARACTERS = 20_000
"""Of an answer that is kept because it could not be understood."""

RECORD_CHARACTERS = 1_000_000
"""Of a record that is kept because it could not be stored."""

_MASK = "***"
_CUT_LENGTH = 50
_LONGEST_FORM = 12  # characters that a byte of a secret is written in
# A shorter secret is blotted out only where it stands alone: without each "a" of a text anybody could tell that it is "a".
_TELLING_LENGTH = 6

_ENTITIES = defaultdict[str, list[str]](list)
for _name, _character in html5.items():
    _ENTITIES[_character].append(f"&{_name}")


class Discretion:
    """Repeats what an upstream says without the secrets that it was told, or that it gave."""

    def __init__(self, credentials: Credentials) -> None:
        self._username = credentials.username
        self._patterns: dict[str, str] = {}
        self._secrets = re.compile("(?!)")
        self._longest = 0
        for secret in (credentials.password, credentials.password_digest, credentials.api_token, credentials.salt):
            self.learn(secret)

    def learn(self, secret: str) -> None:
        """Keep another secret, such as a session. The user's name is none."""
        if not secret or secret == self._username or secret in self._patterns:
            return
        self._patterns[secret] = _pattern(secret)
        by_length = sorted(self._patterns, key=len, reverse=True)
        self._secrets = re.compile("|".join(self._patterns[each] for each in by_length), re.IGNORECASE)
        self._longest = _LONGEST_FORM * len(by_length[0].encode())

    def quote(self, text: str, most: int = RAW_CHARACTERS) -> str:
        """The text without secrets, in whatever form they are, and of a long one the beginning."""
        if len(text) <= most + _CUT_LENGTH:
            return self._secrets.sub(_MASK, text)
        window = most + self._longest
        told = self._secrets.sub(_MASK, text[:window])
        if len(text) > window:
            # Where the window ends it may have cut a secret in two, which is not recognised then.
            told = told[: max(0, len(told) - self._longest)]
        return f"{told[:most]}... (cut: {len(text):,} characters)"

    @contextmanager
    def kept(self) -> Iterator[None]:
        """In here an error of the upstream loses its secrets, its causes (which quote it, too), and its length."""
        try:
            yield
        except PanAccessError as err:
            err.args = (printable(self.quote(str(err), MESSAGE_CHARACTERS)),)
            if isinstance(err, MalformedAnswer):
                err.raw = self.quote(err.raw)
            err.__context__ = None
            raise err from None


def _pattern(secret: str) -> str:
    """Matches the secret as it is, and where each of its characters may be written for a URL, JSON, or HTML; in hex, and inside
    what was written in base64.
    """
    spelled = "".join(_spelled(character) for character in secret)
    if len(secret) < _TELLING_LENGTH:
        return rf"(?<!\w){spelled}(?!\w)"
    data = secret.encode("utf-8", "surrogatepass")
    return "|".join([spelled, data.hex(), *(re.escape(form) for form in sorted(_in_base64(data)))])


def _spelled(character: str) -> str:
    code = ord(character)
    forms = {
        character,
        "".join(f"%(?:25)?{byte:02x}" for byte in character.encode("utf-8", "surrogatepass")),
        "".join(rf"\\{{1,4}}u{unit:04x}" for unit in _utf16(character)),
        rf"\\{{1,4}}x{code:02x}",
        rf"&\#0{{0,4}}{code};",
        rf"&\#x0{{0,4}}{code:x};",
        *_ENTITIES[character],
    }
    if not character.isalnum():
        forms = (forms - {character}) | {re.escape(character), rf"\\{{1,4}}{re.escape(character)}"}
    if character.isspace():
        forms |= {r"\s{1,9}", r"\+"}
    return f"(?:{'|'.join(sorted(forms))})"


def _utf16(character: str) -> list[int]:
    units = character.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(units[at : at + 2]) for at in range(0, len(units), 2)]


def _in_base64(data: bytes) -> Iterator[str]:
    """What does not change whatever stands before and behind the data: it may begin at each of three places."""
    for offset in range(3):
        encoded = base64.b64encode(bytes(offset) + data).decode().rstrip("=")
        whole = encoded[-(-offset * 8 // 6) : (offset + len(data)) * 8 // 6]
        yield whole
        yield whole.translate(str.maketrans("+/", "-_"))
