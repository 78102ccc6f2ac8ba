"""How a call looks on the wire: parameters as a form, answers in an envelope. No network, no sessions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal
from urllib.parse import urlencode

import msgspec

from telemetry_pipeline.errors import MalformedAnswer

Encoding = Literal["json", "brackets"]

TRANSIENT_CODES = frozenset({"unknown_error_serverside"})
PERMISSION_CODES = frozenset({"access_denied", "no_access_to_function"})


class Envelope(msgspec.Struct):
    """What every answer comes in; ``answer`` means something only when ``success`` is true."""

    success: bool
    answer: Any = None
    errorCode: str | None = None  # noqa: N815
    errorMessage: str | None = None  # noqa: N815

    @property
    def problem(self) -> str:
        """The error as one line that can be stored and printed."""
        text = ": ".join(part for part in (self.errorCode, self.errorMessage) if part)
        return " ".join(text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00").split()) or (
            "an error without a name"
        )

    @property
    def looks_like_permission(self) -> bool:
        """Whether the error is about permissions, which an expired session looks like as well."""
        return self.errorCode in PERMISSION_CODES or "permission" in (self.errorMessage or "").lower()


def decode_envelope(body: bytes) -> Envelope:
    """Read an answer.

    :raises MalformedAnswer: it is not JSON, or no envelope.
    """
    try:
        # The standard library reads what stricter parsers refuse whole: a lone surrogate, a number beyond 64 bits. Bytes
        # that are no UTF-8 become lone surrogates, which reject the one record that they are in.
        return msgspec.convert(json.loads(body.decode("utf-8", "surrogateescape"), parse_int=_whole), Envelope)
    except (ValueError, msgspec.ValidationError, RecursionError) as err:
        # Without the place: answers of one kind have one reason.
        problem = err.msg if isinstance(err, json.JSONDecodeError) else str(err)
        raise MalformedAnswer(f"PanAccess answered something that is not its JSON envelope: {problem}", raw_text(body)) from err


def _whole(digits: str) -> int | str:
    # Python makes no number of more than 4,300 digits, unless it is told to; as text they are bad where a number belongs.
    return int(digits) if len(digits) <= 4_300 else digits


def raw_text(body: bytes) -> str:
    """Return a body as text that PostgreSQL can store: what is not UTF-8, and NUL, are written as escapes."""
    return body.decode("utf-8", "backslashreplace").replace("\0", "\\x00")


def encode_form(parameters: Mapping[str, Any], encoding: Encoding) -> str:
    """Return a form body; nested parameters as one JSON string each, or as PHP brackets."""
    pairs: list[tuple[str, str]] = []
    for name, value in parameters.items():
        if isinstance(value, dict | list) and encoding == "brackets":
            pairs.extend(_brackets(name, value))
        elif isinstance(value, dict | list):
            pairs.append((name, json.dumps(value)))
        else:
            pairs.append((name, str(value)))
    return urlencode(pairs)


def _brackets(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _brackets(f"{name}[{key}]", inner)
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from _brackets(f"{name}[{position}]", inner)
    else:
        yield name, str(value)
