"""Days, weeks and months as rows: what analyses that can be of each take and ask."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

Granularity = Literal["daily", "weekly", "monthly"]
GRANULARITY: Any = Field(default="daily", description="one row per day, per week (from Monday) or per calendar month")
UNITS: dict[Granularity, str] = {"daily": "day", "weekly": "week", "monthly": "month"}
"""As ``date_trunc`` calls them; its weeks begin on Monday."""
