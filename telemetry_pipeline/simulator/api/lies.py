"""Bodies of an upstream that means harm: packed, endless, dripping, and texts that give away what they were told."""

from __future__ import annotations

import base64
import html
import json
import zlib
from collections.abc import Iterable, Iterator
from urllib.parse import quote

_MEGABYTE = b" " * 1_000_000


def packed(body: bytes, megabytes: int, encodings: Iterable[str]) -> bytes:
    """Pack *megabytes* of blanks and *body* behind them, in each of the encodings in turn."""
    pieces: Iterable[bytes] = (*(_MEGABYTE for _ in range(megabytes)), body)
    for encoding in encodings:
        pieces = _packed(pieces, 31 if encoding == "gzip" else 15)
    return b"".join(pieces)


def _packed(pieces: Iterable[bytes], window: int) -> Iterator[bytes]:
    packer = zlib.compressobj(1, wbits=window)
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()


def every_form(text: str) -> str:
    """Return a text as servers write it: as it is, in capitals, for a URL, in JSON, in HTML, in base64, cut."""
    forms = (
        text,
        text.upper(),
        text.lower(),
        quote(text, safe=""),
        "".join(f"%{byte:02x}" for byte in text.encode()),
        json.dumps(text),
        json.dumps(text, ensure_ascii=False).replace("/", r"\/"),
        "".join(f"\\u{ord(each):04x}" for each in text),
        html.escape(text),
        "".join(f"&#{ord(each)};" for each in text),
        base64.b64encode(text.encode()).decode(),
        base64.urlsafe_b64encode(f"user:{text}".encode()).decode(),
        text.encode().hex(),
    )
    return " ".join(forms)
