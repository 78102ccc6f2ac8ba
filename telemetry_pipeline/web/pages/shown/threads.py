"""Computing in a thread of the door, one answer at a time: the columns of views stay for the next."""

from __future__ import annotations

import threading
from typing import Any

import pandas as pd
import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool

from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.days import Period
from telemetry_pipeline.results.computing import compute
from telemetry_pipeline.results.windows import Store


class Threads:
    """Asks ``results.computing``."""

    def __init__(self, engine: sa.Engine, rules: Rules) -> None:
        self._engine = engine
        self._rules = rules
        self._store: Store | None = None
        self._one_at_a_time = threading.Lock()

    async def frame(self, name: str, days: Period, parameters: dict[str, Any]) -> pd.DataFrame:
        """The rows of an analysis."""
        return await run_in_threadpool(self._compute, name, days, parameters)

    def _compute(self, name: str, days: Period, parameters: dict[str, Any]) -> pd.DataFrame:
        with self._one_at_a_time:
            self._store = self._store or Store(self._rules)
            return compute(self._engine, self._store, name, days, parameters)
