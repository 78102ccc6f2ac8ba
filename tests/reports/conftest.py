"""A warehouse with a little in it, and settings that keep reports in a directory of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from warehouse_events import ZONE, with_two_days

from telemetry_pipeline.settings.loading import StackSettings


@pytest.fixture
def two_days(engine: sa.Engine) -> sa.Engine:
    """Two complete days, behind the first one of data."""
    return with_two_days(engine)


@pytest.fixture
def settings_with(tmp_path: Path) -> Callable[..., StackSettings]:
    """Makes settings."""

    def make(**given: Any) -> StackSettings:
        return StackSettings.load(telemetry_home=tmp_path, operator_timezone=ZONE, **given)

    return make
