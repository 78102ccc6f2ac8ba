"""The file ``.env.example``: every setting, what it is, and its default."""

from __future__ import annotations

import textwrap
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from telemetry_pipeline.settings.loading import ROOMS

_WIDTH = 120
_BEGINNING = """\
Install this file as .env, for yourself alone (install -m 600 .env.example .env), and change what differs; every setting can \
also be an environment variable of the same name.
An empty value means the default. The values below are the defaults."""


def example() -> str:
    """Return the file, by rooms."""
    blocks = [_comment(_BEGINNING)]
    for room in ROOMS:
        blocks.append(f"# {_title(room)}\n# {'-' * len(_title(room))}")
        blocks += [_setting(name, field) for name, field in room.model_fields.items()]
    return "\n\n".join(blocks) + "\n"


def _title(room: type[BaseModel]) -> str:
    return (room.__doc__ or "").splitlines()[0].rstrip(".")


def _setting(name: str, field: FieldInfo) -> str:
    return f"{_comment(field.description or '')}\n{name.upper()}={_value(field.get_default())}"


def _comment(text: str) -> str:
    lines = [line for each in text.splitlines() for line in textwrap.wrap(each, _WIDTH, break_long_words=False)]
    return "\n".join(f"# {line}" for line in lines)


def _value(default: Any) -> str:
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    text = "" if default is None else f"{default:g}" if isinstance(default, float) else str(default)
    return f'"{text}"' if " " in text else text
