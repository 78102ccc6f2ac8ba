"""One whole stack for the tests of this folder, started as a person would: ``telemetry-pipeline up``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from terminal import Operator, days_ago, stack

from bench.upstream import log_in

DAYS = 15
NEVER = "0 0 29 2 *"


@pytest.fixture(scope="session")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    options = ["--records-count", "20000", "--days", str(DAYS), "--live", "0"]
    settings = {
        "TICK_CRON": NEVER,
        "FIRST_PARTITION": days_ago(DAYS),
        # Shortly after midnight a single box that was left on for days is a large part of so few views.
        "MAX_LONG_VIEW_PCT": "100",
    }
    with stack(tmp_path_factory.mktemp("whole"), *options, **settings) as operator:
        yield operator


@pytest.fixture(scope="session")
def upstream(operator: Any) -> list[dict[str, Any]]:
    """Every record that the upstream shows, read in another way than the pipeline's: by offset, with filters off."""
    url = operator.state["panaccess_url"]
    requests.post(f"{url}reveal", timeout=30)
    session = log_in(url)
    records: list[dict[str, Any]] = []
    while True:
        page = requests.post(
            f"{url}?f=getListOfTelemetryRecords&requestMode=function",
            data={
                "sessionId": session,
                "offset": len(records),
                "limit": 1000,
                "orderBy": "recordId",
                "orderDir": "ASC",
            },
            timeout=60,
        ).json()["answer"]["telemetryRecordEntries"]
        if not page:
            return records
        records += page


@pytest.fixture(scope="session")
def ranged(operator: Any, upstream: list[dict[str, Any]]) -> str:
    """The main job over everything; what it printed."""
    done = operator.types("run", "telemetry_range", "--from", days_ago(DAYS), "--to", days_ago(0))
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)
