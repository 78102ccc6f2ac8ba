"""The body of a call: form fields, whose nested values come as PHP brackets or as JSON. No meaning."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qsl

_BRACKETS = re.compile(r"\[([^\[\]]*)\]")


class BadForm(ValueError):
    """The body cannot be read; the message says why."""


def parameters(body: bytes) -> dict[str, Any]:
    """Return form fields by name. ``a[b][0]=x`` becomes ``{"a": {"b": ["x"]}}``: an array whose keys are numbers is a list."""
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError as error:
        raise BadForm("the body is not a form in UTF-8") from error
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if "[" not in name:
            fields[name] = value
            continue
        top, _, _ = name.partition("[")
        path = [top, *_BRACKETS.findall(name)]
        place = fields
        for key in path[:-1]:
            place = place.setdefault(key or str(len(place)), {})
            if not isinstance(place, dict):
                raise BadForm(f"parameter {name} is both a value and an array")
        place[path[-1] or str(len(place))] = value
    return {name: _lists(value) for name, value in fields.items()}


def nested(value: Any, name: str) -> Any:
    """Return a nested parameter: as it is if it came in brackets, decoded if it came as JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise BadForm(f"parameter {name} is neither an array nor JSON") from error


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {key: _lists(item) for key, item in value.items()}
    if all(key.isdecimal() for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner
