"""What may be repeated of an answer: without secrets, printable, and not at any length. No other module decides that."""

from __future__ import annotations

import base64
import html
import re
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache

from telemetry_pipeline.errors import MalformedAnswer, PanAccessError
from telemetry_pipeline.printable import printable
from telemetry_pipeline.sources.panaccess.calls.session import Credentials

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
_CUT_SHORT = 8  # of half a secret at least so many characters, whatever follows
_CUT = re.compile(r"\.\.\.|…|\Z")
_HALF_AN_ESCAPE = re.compile(r"(?:%\w?|&\#?\w{0,31})\Z")

_BYTE, _NEXT, _UNIT = r"(?:%|\\+x)", r"(?:%|\\+x)[89ab][0-9a-f]", r"(?:%|\\+)u"
# A character as it is written for a URL, JSON, HTML or by Python; and what is put between characters: blanks, the + for one,
# backslashes.
_WRITTEN = re.compile(
    r"(?=[%\\&\s+])(?:"
    rf"{_BYTE}(?:[cd][0-9a-f]{_NEXT}|e[0-9a-f]{_NEXT}{_NEXT}|f[0-9a-f]{_NEXT}{_NEXT}{_NEXT}|[0-9a-f]{{2}})"
    rf"|{_UNIT}d[89ab][0-9a-f]{{2}}{_UNIT}d[c-f][0-9a-f]{{2}}|{_UNIT}[0-9a-f]{{4}}|{_UNIT}\{{[0-9a-f]{{1,6}}\}}"
    r"|&\#(?:\d{1,7}|x[0-9a-f]{1,6});?|&\w{1,31};"
    r"|(?:[\s+]|\\(?!\\*(?:u[0-9a-f]{4}|u\{[0-9a-f]{1,6}\}|x[0-9a-f]{2})))+)",
    re.IGNORECASE,
)
_ESCAPES = re.compile(r"[%&\\]")
_DIGEST = re.compile(r"[0-9a-f]{32}", re.IGNORECASE)
_ROUNDS = 4
# In mail; and by PostgreSQL and PHP. What looks so may also be an = or a backslash in front of a secret.
_IN_MAIL = re.compile(r"=(?P<hex>[0-9a-f]{2})|=\r?\n", re.IGNORECASE)
_OCTAL = re.compile(r"\\([0-3][0-7]{2})")
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
            self._forms[secret] = [meant for form in _forms(secret) if (meant := _meant(form))]

    def quote(self, text: str, most: int = RAW_CHARACTERS) -> str:
        """Return the text without secrets, in whatever form they are, and of a long one the beginning."""
        if len(text) <= most + _CUT_LENGTH:
            return self._masked(text, len(text))
        longest = _LONGEST_FORM * max((len(secret.encode("utf-8", "surrogatepass")) for secret in list(self._forms)), default=0)
        # What begins where the quotation ends has to be seen whole to be recognised.
        return f"{self._masked(text[: most + longest], most)}... (cut: {len(text):,} characters)"

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Take from an error of the upstream in here its secrets, its causes (which quote it, too), and its length."""
        try:
            yield
        except PanAccessError as err:
            err.args = (printable(self.quote(err.problem, MESSAGE_CHARACTERS)), err.advice)
            if isinstance(err, MalformedAnswer):
                err.raw = self.quote(err.raw)
            err.__context__ = None
            raise err from None

    def _masked(self, text: str, most: int) -> str:
        """Return so many characters of a text, and stars for what secrets there are in them."""
        told: list[str] = []
        end = 0
        for first, behind in sorted(self._found(text)):
            if end <= first < most:
                told += text[end:first], _MASK
            end = max(end, behind)
        return "".join([*told, text[end:most]])

    def _found(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield from where to where in a text there are secrets."""
        known = [form for forms in list(self._forms.values()) for form in forms]
        for written in _readings(text):
            meant = _meant(written)
            if forms := [form for form in known if form[:_TELLING_LENGTH] in meant]:
                place = _places(written)
                for form in forms:
                    for at, length in _occurrences(form, meant):
                        first, behind = place(at), place(at + length)
                        behind = first + len(text[first:behind].rstrip())
                        if len(form) >= _TELLING_LENGTH or _stands_alone(text, first, behind):
                            yield first, behind


def _occurrences(form: str, meant: str) -> Iterator[tuple[int, int]]:
    """Yield where a form is, and how much of it: half or more, or where the text was cut so much that it tells."""
    half = form[: max(_CUT_SHORT, (len(form) + 1) // 2)]
    at = meant.find(half)
    while at >= 0:
        length = len(form)
        if not meant.startswith(form, at):
            longer = range(len(half) + 1, length)
            length = len(half) + bisect_left(longer, True, key=lambda n: not meant.startswith(form[:n], at))
        yield at, length
        at = meant.find(half, at + length)
    beginning, end = form[:_TELLING_LENGTH], 0
    for cut in _CUT.finditer(meant) if len(form) > _TELLING_LENGTH else ():
        begin, behinds = max(end, cut.start() - len(form)), [cut.start()]
        if escape := _HALF_AN_ESCAPE.search(meant, max(begin, cut.start() - 33), cut.start()):
            behinds.append(escape.start())
        for behind in behinds:
            at = meant.find(beginning, begin, behind)
            while at >= 0:
                if form.startswith(meant[at:behind]):
                    yield at, behind - at
                    break
                at = meant.find(beginning, at + 1, behind)
        end = cut.end()


def _forms(secret: str) -> Iterator[str]:
    """Yield a secret as it is, in hex, inside what was written in base64, and as UTF-8 that was read as Latin-1."""
    yield secret
    if len(secret) >= _TELLING_LENGTH:
        data = secret.encode("utf-8", "surrogatepass")
        yield data.decode("latin-1")
        yield data.hex()
        yield from _inside_base64(data)
    if _DIGEST.fullmatch(secret):
        yield from _inside_base64(bytes.fromhex(secret))


def _inside_base64(data: bytes) -> Iterator[str]:
    """Yield what does not change whatever stands before and behind the data: it may begin at each of three places."""
    for offset in range(3):
        encoded = base64.b64encode(bytes(offset) + data).decode().rstrip("=")
        whole = encoded[-(-offset * 8 // 6) : (offset + len(data)) * 8 // 6]
        yield whole
        yield whole.translate(str.maketrans("+/", "-_"))


def _readings(text: str) -> dict[str, None]:
    """Return the text, and as long, with what ``_WRITTEN`` knows instead of what is seldom written."""
    mail = _IN_MAIL.sub(lambda found: f"%{found['hex']}" if found["hex"] else " " * len(found[0]), text)
    octal = _OCTAL.sub(lambda found: f"\\x{int(found[1], 8):02x}", text)
    return dict.fromkeys((text, mail, octal))


def _meant(text: str) -> str:
    """Return a text without the ways of writing it, in small letters."""
    for _ in range(_ROUNDS):
        if not _ESCAPES.search(text):
            text = "".join(text.split()).replace("+", "")
            break
        text, count = _WRITTEN.subn(lambda found: _character(found[0]), text)
        if not count:
            break
    # The one letter of which the small one is longer.
    return text.translate(_STRAY_BYTES).replace("İ", "i").lower()


def _places(text: str) -> Callable[[int], int]:
    """Return where in a text that stands which is somewhere in what is meant."""
    rounds: list[tuple[list[int], list[int], list[bool]]] = []
    for _ in range(_ROUNDS):
        parts: list[str] = []
        # From where in the new text on it is which part of the old one: as it was, or one character for several.
        new, old, same, end, length = [0], [0], [True], 0, 0
        for found in _WRITTEN.finditer(text):
            character = _character(found[0])
            length += found.start() - end
            new += length, length + len(character)
            old += found.span()
            same += False, True
            parts += text[end : found.start()], character
            end = found.end()
            length += len(character)
        if not parts:
            break
        rounds.append((new, old, same))
        text = "".join([*parts, text[end:]])

    def place(at: int) -> int:
        for new, old, same in reversed(rounds):
            part = bisect_right(new, at) - 1
            at = old[part] + (at - new[part]) * same[part]
        return at

    return place


def _character(written: str) -> str:
    """Return what is meant by one match of ``_WRITTEN``."""
    is_escape = written[-1] not in "\\+" and not written[-1].isspace()
    return _escaped(written) if is_escape else ""


@lru_cache(4_096)
def _escaped(written: str) -> str:
    if written[0] == "&":
        return html.unescape(written)
    if written[-1] == "}":
        number = int(written.partition("{")[2][:-1], 16)
        return chr(number) if number <= sys.maxunicode else ""
    data = bytes.fromhex(re.sub(r"%u?|\\+[xu]", "", written, flags=re.IGNORECASE))
    if "u" in written.lower():
        return data.decode("utf-16-be", "surrogatepass")
    return data.decode("utf-8", "replace") if len(data) > 1 else data.decode("latin-1")


def _stands_alone(text: str, first: int, behind: int) -> bool:
    return not re.search(r"\w", text[max(0, first - 1) : first] + text[behind : behind + 1])
