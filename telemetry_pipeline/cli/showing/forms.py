"""The forms in which results are handed over."""

from __future__ import annotations

from typing import Literal, get_args

Form = Literal["table", "json", "csv", "xlsx"]
FORMS: tuple[Form, ...] = get_args(Form)
