"""One whole stack for the tests of this folder, started as a person would: ``telemetry-pipeline up``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from terminal import Operator, days_ago, log_in, wait_until

from telemetry_pipeline.settings import StackSettings

DAYS = 15
NEVER = "0 0 29 2 *"


@pytest.fixture(scope="session")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    folder = tmp_path_factory.mktemp("whole")
    home = folder / "home"
    unset = {name.upper() for name in StackSettings.model_fields}
    environment = {name: value for name, value in os.environ.items() if name not in unset} | {
        "TELEMETRY_HOME": str(home),
        "TICK_CRON": NEVER,
        "FIRST_PARTITION": f"{days_ago(DAYS)}",
    }
    with (folder / "up.log").open("w+") as log:
        up = subprocess.Popen(
            [sys.executable, "-m", "telemetry_pipeline", "up", *f"--records-count 20000 --days {DAYS} --live 0".split()],
            env=environment,
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            wait_until(lambda: (home / "stack.json").exists() or up.poll() is not None, seconds=180)
            assert up.poll() is None, (folder / "up.log").read_text()
            yield Operator(home, environment, up)
        finally:
            up.send_signal(signal.SIGINT)
            up.wait(60)


@pytest.fixture(scope="session")
def upstream(operator: Any) -> list[dict[str, Any]]:
    """Every record that the upstream shows, read in another way than the pipeline's: by offset, with filters off."""
    url = operator.state["panaccess_url"]
    requests.post(f"{url}reveal", timeout=30)
    session = log_in(operator)
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
    return done.stdout
