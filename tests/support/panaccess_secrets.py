"""Secrets of a client, with what has to be written otherwise in an address, in JSON, in a page."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote

from telemetry_pipeline.sources.panaccess.calls.session import Credentials

SECRETS = {"password": "señal/one@2:1&'\"<x> \\end", "api_token": "Token+of=test-2f9a", "salt": "sal de prueba"}
WHO = Credentials("operator", **SECRETS)
SESSION = "5e55-10n-0f-7e57"
KNOWN = {**SECRETS, "digest": WHO.password_digest, "session": SESSION}


def gives_away(text: str, secret: str) -> bool:
    """Whether seven characters in a row of a secret, or of one of its usual forms, are there; of its hex digits fourteen."""
    text = text.lower()
    pieces = [secret, quote(secret, safe=""), json.dumps(secret), html.escape(secret)]
    pieces.append(base64.b64encode(secret.encode()).decode())
    return any(_part_of(text, piece.lower(), 7) for piece in pieces) or _part_of(text, secret.encode().hex(), 14)


def _part_of(text: str, piece: str, length: int) -> bool:
    return any(piece[at : at + length] in text for at in range(max(1, len(piece) - length + 1)))
