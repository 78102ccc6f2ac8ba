"""The views that count, as every analysis asks for them; no analysis reads views in another way.

Who holds them implements :class:`Views`: ``results.views.windows`` for what is stored.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import pandas as pd

from telemetry_pipeline.analyses.framework import clock
from telemetry_pipeline.analyses.framework.clock import Day
from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.days import Period


class Views(ABC):
    """The views of a period.

    :ivar period: whose views they are.
    :ivar last: the last day of the result that they are for, whose caps they have.
    """

    period: Period
    last: date

    @property
    @abstractmethod
    def rules(self) -> Rules:
        """What counts and what is marked."""

    @abstractmethod
    def query(self, select: str, frames: Mapping[str, pd.DataFrame] | None = None, **parameters: Any) -> pd.DataFrame:
        """Return the answer of a select over ``counted``: the views of the period that have a duration.

        ``counted`` has these columns: local_date (date) and local_hour (tinyint, 0 to 23), both of the view's end;
        duration_seconds (integer, within the cap); channel_name, subscriber_code, country and isp (texts, held as
        enumerations) and device_id (bigint), any of which may be null; and started_at, watched_until and ended_at (timestamps
        without a zone, in UTC). ``playing`` are the views, in the same columns, that may have been running in the period,
        which those are too that ended after it. Text orders by code point.

        :param select: DuckDB's SQL; *parameters* are bound to its ``$names``.
        :param frames: more tables, by name.
        """

    @abstractmethod
    def of(self, period: Period) -> Views:
        """Return the views of another period, which must be within what the analysis declared that it reads."""

    @abstractmethod
    def days(self) -> list[Day]:
        """Return the period's local days in order; all history begins with the first day that has views, and without any has
        none.
        """

    @property
    @abstractmethod
    def first_day(self) -> date | None:
        """The day with which data begin, whether or not a view of it counts; None: there are none."""

    def complete_days(self) -> list[str]:
        """Return the dates of those that are complete, as ISO 8601 text: a parameter that ``$name::date[]`` reads."""
        return [day.date.isoformat() for day in self.days() if day.complete]

    def hours(self) -> pd.DataFrame:
        """Return the hours of the period's days, as far as they are known; see ``clock.hours_of``."""
        return clock.hours_of(self.rules.zone, self.days())

    def offsets(self) -> pd.DataFrame:
        """Return how far the operator's clock is ahead of UTC while views of the period were watched; see ``clock.offsets``."""
        [[begin, end]] = self.query("select min(started_at), max(watched_until) from counted").itertuples(index=False)
        if pd.isna(begin):
            begin = end = datetime(2000, 1, 1)
        return clock.offsets(self.rules.zone, pd.Timestamp(begin).to_pydatetime(), pd.Timestamp(end).to_pydatetime())

    @abstractmethod
    def subscribers_by(self, *keys: str) -> dict[tuple[Any, ...], int]:
        """Return how many different subscribers there are in ``counted``, by some expressions over it."""
