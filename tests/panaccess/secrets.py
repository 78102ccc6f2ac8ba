"""Secrets of a client, with what has to be written otherwise in an address, in JSON, in a page."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote

from telemetry_pipeline.panaccess.session import Credentials

SECRETS = {"password": "señal/one@2:1&'\"<x> \\end", "api_token": "Token+of=test-2f9a", "salt": "sal de prueba"}
WHO = Credentials("operator", **SECRETS)
SESSION = "5e55-10n-0f-7e57"
KNOWN = {**SECRETS, "digest": WHO.password_digest, "session": SESSION}


def gives_away(text: str, secret: str) -> bool:
    """Whether seven characters in a row of a secret, or of one of its usual forms, are there."""
    text = text.lower()
    pieces = {form(secret) for form in (str, lambda s: quote(s, safe=""), json.dumps, html.escape, lambda s: s.encode().hex())}
    pieces.add(base64.b64encode(secret.encode()).decode())
    return any(piece[at : at + 7].lower() in text for piece in pieces for at in range(max(1, len(piece) - 7)))
