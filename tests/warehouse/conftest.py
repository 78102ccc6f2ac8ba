"""What the tests of the warehouse share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa


@pytest.fixture
def pooled(engine: sa.Engine) -> Iterator[sa.Engine]:
    """The same database over connections that stay open and wait for no disk, for many examples."""
    kept = sa.create_engine(engine.url, connect_args={"options": "-c synchronous_commit=off"})
    yield kept
    kept.dispose()
