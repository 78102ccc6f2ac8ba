"""What may be repeated of an answer: without secrets, printable, and not at any length. No other module decides that."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator
from contextlib import contextmanager

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
# Of a longer one so much is blotted out, too, where a text ends or was cut, as PHP does in its traces.
_TELLING_LENGTH = 6
_WAS_CUT = re.compile(r"(?:%\w?|&\#?\w{0,31})?(?:\.\.\.|…|\Z)")

_BYTE, _NEXT, _UNIT = r"(?:%|\\+x)", r"(?:%|\\+x)[89ab][0-9a-f]", r"(?:%|\\+)u"
# A character as it is written for a URL, JSON, HTML or by Python; and what is put between characters: blanks, the + for one,
# backslashes.
_WRITTEN = re.compile(
    rf"{_BYTE}(?:[cd][0-9a-f]{_NEXT}|e[0-9a-f]{_NEXT}{_NEXT}|f[0-9a-f]{_NEXT}{_NEXT}{_NEXT}|[0-9a-f]{{2}})"
    rf"|{_UNIT}d[89ab][0-9a-f]{{2}}{_UNIT}d[c-f][0-9a-f]{{2}}|{_UNIT}[0-9a-f]{{4}}"
    r"|&\#?\w{1,31};|(?:[\s+]|\\(?!\\*(?:u[0-9a-f]{4}|x[0-9a-f]{2})))+",
    re.IGNORECASE,
)
_ROUNDS = 4
# What was no UTF-8 and was read all the same.
_STRAY_BYTES = {0xDC00 + byte: byte for byte in range(0x80, 0x100)}


class Discretion:
    """Repeats what an upstream says without the secrets that it was told, or that it gave. Threads may share it."""

    def __init__(self, credentials: Credentials) -> None:
        self._username = credentials.username
        self._forms: dict[str, list[str]] = {}
        for secret in (credentials.password, credentials.password_digest, credentials.api_token, credentials.salt):
            self.learn(secret)

    def learn(self, secret: str) -> None:
        """Keep another secret, such as a session. The user's name is none."""
        if secret and secret != self._username and secret not in self._forms:
            self._forms[secret] = [meant for form in _forms(secret) if (meant := _meant(form)[0])]

    def quote(self, text: str, most: int = RAW_CHARACTERS) -> str:
        """The text without secrets, in whatever form they are, and of a long one the beginning."""
        if len(text) <= most + _CUT_LENGTH:
            return self._masked(text)
        longest = _LONGEST_FORM * max((len(secret.encode("utf-8", "surrogatepass")) for secret in list(self._forms)), default=0)
        window = most + longest
        told = self._masked(text[:window])
        if len(text) > window:
            # Where the window ends it may have cut a secret in two, which is not recognised then.
            told = told[: max(0, len(told) - longest)]
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

    def _masked(self, text: str) -> str:
        told, end = "", 0
        for first, behind in sorted(self._found(text)):
            if first >= end:
                told += text[end:first] + _MASK
            end = max(end, behind)
        return told + text[end:]

    def _found(self, text: str) -> Iterator[tuple[int, int]]:
        """From where to where in a text there are secrets."""
        meant, places = _meant(text)
        for forms in list(self._forms.values()):
            for form in forms:
                beginning = form[:_TELLING_LENGTH]
                at = meant.find(beginning)
                while at >= 0:
                    length = next((n for n, each in enumerate(form) if not meant.startswith(each, at + n)), len(form))
                    first, behind = places[at], places[at + length]
                    behind = first + len(text[first:behind].rstrip())
                    if length < len(form):
                        gives_away = _WAS_CUT.match(meant, at + length) is not None
                    else:
                        gives_away = len(form) >= _TELLING_LENGTH or _stands_alone(text, first, behind)
                    if gives_away:
                        yield first, behind
                    at = meant.find(beginning, at + 1)


def _forms(secret: str) -> Iterator[str]:
    """A secret as it is, in hex, inside what was written in base64, and as UTF-8 that was read as Latin-1."""
    yield secret
    if len(secret) >= _TELLING_LENGTH:
        data = secret.encode("utf-8", "surrogatepass")
        yield data.decode("latin-1")
        yield data.hex()
        for offset in range(3):
            # What does not change whatever stands before and behind the data: it may begin at each of three places.
            encoded = base64.b64encode(bytes(offset) + data).decode().rstrip("=")
            whole = encoded[-(-offset * 8 // 6) : (offset + len(data)) * 8 // 6]
            yield whole
            yield whole.translate(str.maketrans("+/", "-_"))


def _meant(text: str) -> tuple[str, list[int]]:
    """A text without the ways of writing it, in small letters, and where in it each character stands, and its end."""
    meant, places = text, list(range(len(text) + 1))
    for _ in range(_ROUNDS):
        parts: list[str] = []
        there: list[int] = []
        end = 0
        for found in _WRITTEN.finditer(meant):
            character = _character(found[0])
            parts += meant[end : found.start()], character
            there += places[end : found.start()]
            there += [places[found.start()]] * len(character)
            end = found.end()
        if not parts:
            break
        meant, places = "".join([*parts, meant[end:]]), there + places[end:]
    # The one letter of which the small one is longer.
    return meant.translate(_STRAY_BYTES).replace("İ", "i").lower(), places


def _character(written: str) -> str:
    if written[0] == "&":
        return html.unescape(written)
    digits = re.sub(r"%u?|\\+[xu]", "", written, flags=re.IGNORECASE)
    if digits == written:
        return ""
    data = bytes.fromhex(digits)
    if "u" in written.lower():
        return data.decode("utf-16-be", "surrogatepass")
    return data.decode("utf-8", "replace") if len(data) > 1 else data.decode("latin-1")


def _stands_alone(text: str, first: int, behind: int) -> bool:
    return not re.search(r"\w", text[max(0, first - 1) : first] + text[behind : behind + 1])
