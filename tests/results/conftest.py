"""A warehouse with a little in it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from warehouse_events import with_two_days


@pytest.fixture
def two_days(engine: sa.Engine) -> sa.Engine:
    """Two complete days, behind the first one of data."""
    return with_two_days(engine)
