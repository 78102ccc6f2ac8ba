from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest
from clocks import Clock
from postbox import Mailbox

from telemetry_pipeline.stack.processes.ports import free_port

with warnings.catch_warnings():
    # Apprise tries a module of Python's that is deprecated, for the sake of a library that needs it.
    warnings.simplefilter("ignore", DeprecationWarning)
    import apprise.utils.pgp  # noqa: F401


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as box:
        yield box


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def closed_port() -> int:
    """Nobody listens there."""
    return free_port()
