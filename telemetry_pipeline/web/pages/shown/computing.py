"""Frames for pages, out of the answers that the whole door shares."""

from __future__ import annotations

import functools
import json
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any, Protocol

import orjson
import pandas as pd

from telemetry_pipeline.analyses.framework.columns import Column, conform
from telemetry_pipeline.analyses.framework.declaration import Analysis, GeneralParameters
from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.days import Period
from telemetry_pipeline.web.computing.answers import Answer
from telemetry_pipeline.web.computing.question import Form, Look, Question


class Answering(Protocol):
    """Who answers questions."""

    async def answer(self, question: Question, known: str = "") -> Answer:
        """Return the answer, as bytes."""


def has_own_window(analysis: Analysis) -> bool:
    """Return whether it looks back over days of its own, without which it says something else: two weeks in halves, all
    cohorts.
    """
    windows = (model.model_fields.get("window_days") for model in (analysis.parameters, GeneralParameters))
    own, usual = (None if field is None else field.default for field in windows)
    return not analysis.is_of_period and own != usual


def question(name: str, period: Period, parameters: dict[str, Any], form: Form = "json", look: Look | None = None) -> Question:
    """Put a question to one analysis about exactly some days; what looks back does so from the last of them, over as many days
    or its own window.

    Whoever asks has been asked whether he may see what it is about.
    """
    days = period
    analysis = find_analysis(name)
    if not analysis.is_of_period:
        days = Period(period.last, period.last)
        parameters = parameters if has_own_window(analysis) else {"window_days": period.length, **parameters}
    return Question(name, days, json.dumps(parameters, sort_keys=True), form, look or Look(), personal=True)


async def frame(
    answer: Callable[[Question], Awaitable[Answer]], name: str, period: Period, parameters: dict[str, Any]
) -> pd.DataFrame:
    """Return the rows of an analysis about exactly some days, with the types of its columns; what is known of them in
    ``attrs``.

    :param answer: gives the answer to a question.
    :raises TelemetryError: it cannot be had.
    """
    body = (await answer(question(name, period, parameters))).body
    if len(body) > _KEPT_BYTES:
        return _frame_of(name, body)
    return _kept_frame(name, body).copy()


_KEPT_BYTES = 250_000
"""Of an answer whose frame is kept; what lists every subscriber would take hundreds of megabytes."""


# An answer that is kept is the same bytes for all who look; what is made of a copy leaves the frame as it is.
@functools.lru_cache(maxsize=64)
def _kept_frame(name: str, text: bytes) -> pd.DataFrame:
    return _frame_of(name, text)


def _frame_of(name: str, text: bytes) -> pd.DataFrame:
    body = orjson.loads(text)
    columns = find_analysis(name).columns
    rows = {column.name: [_value(row[column.name], column) for row in body["rows"]] for column in columns}
    made = conform(pd.DataFrame(rows, columns=[column.name for column in columns], dtype=object), columns)
    made.attrs["facts"] = body["facts"]
    return made


def _value(value: Any, column: Column) -> Any:
    return date.fromisoformat(value) if column.type == "date" and value is not None else value
