"""What is asked of an analysis: of which days, with which parameters, in which form, and for whom."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from telemetry_pipeline.days import Period
from telemetry_pipeline.reports.charts.drawing import ThemeName

Form = Literal["json", "csv", "xlsx", "svg", "png"]
FORMS: tuple[Form, ...] = get_args(Form)
TYPES: Mapping[Form, str] = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "svg": "image/svg+xml",
    "png": "image/png",
}


@dataclass(frozen=True)
class Look:
    """How an answer looks, where its form leaves that open.

    :ivar excel: of CSV: as a Spanish Excel opens it.
    :ivar words: of CSV and workbooks: names of columns and values as people read them, in Spanish.
    :ivar theme: of a picture. :ivar width: in pixels; None: the usual one.
    :ivar channel: whose rows alone are drawn; empty: all.
    :ivar drawn: another picture of the analysis; empty: its own.
    """

    excel: bool = False
    words: bool = False
    theme: ThemeName = "light"
    width: int | None = None
    channel: str = ""
    drawn: str = ""


@dataclass(frozen=True)
class Question:
    """A question to one analysis; equal ones have the same answer as long as the views are the same.

    :ivar days: as of ``results.computing.answer``. :ivar given: the parameters that are not the defaults, as JSON.
    :ivar personal: whether columns that name subscribers are for whoever asks.
    """

    name: str
    days: Period
    given: str = "{}"
    form: Form = "json"
    look: Look = Look()
    personal: bool = False

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Those that were given."""
        values: Mapping[str, Any] = json.loads(self.given)
        return values
