"""A warehouse with a little in it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from warehouse_events import ZONE, complete, start, stop, store

from telemetry_pipeline.warehouse.core.views import merge


@pytest.fixture
def two_days(engine: sa.Engine) -> sa.Engine:
    """Two complete days, behind the first one of data."""
    store(engine, start(1, "A"), stop(2, duration=3600), stop(3, duration=7200, hours=24), stop(4, hours=-24))
    merge(engine, ZONE)
    complete(engine)
    return engine
