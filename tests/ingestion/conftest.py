"""What the tests of the ingestion share."""

from __future__ import annotations

from collections.abc import Iterator
from unittest import mock

import pytest

from telemetry_pipeline.ingestion import sync as sync_module
from telemetry_pipeline.sources.panaccess import feed as feed_module


@pytest.fixture
def small() -> Iterator[None]:
    """Small pages, batches and overlap, so that a few records make many of them."""
    with (
        mock.patch.object(feed_module, "PAGE_SIZE", 5),
        mock.patch.object(sync_module, "BATCH_RECORDS", 7),
        mock.patch.object(sync_module, "OVERLAP_IDS", 20),
    ):
        yield
