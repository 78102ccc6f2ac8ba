"""The watch's own log on a full disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from terminal import wait_until


@pytest.mark.slow
def test_a_watch_whose_log_takes_no_line_goes_on(
    engine: sa.Engine, database_url: str, redis_url: str, closed_port: int, tmp_path: Path
) -> None:
    """It ended with its first line, and nobody was told of the full disk."""
    settings = {
        "DATABASE_URL": database_url,
        "DAGSTER_DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "WEBSERVER_URL": f"http://127.0.0.1:{closed_port}",
        "TELEMETRY_HOME": str(tmp_path),
        "PYTHONUNBUFFERED": "1",
    }
    with Path("/dev/full").open("wb") as full:
        watch = subprocess.Popen(
            [sys.executable, "-m", "telemetry_pipeline", "watch"],
            env=os.environ | settings,
            cwd=tmp_path,
            stdout=full,
            stderr=full,
        )
        try:
            wait_until(lambda: (tmp_path / "watch.alive").exists() or watch.poll() is not None, seconds=60)
            assert watch.poll() is None
        finally:
            watch.send_signal(signal.SIGTERM)
            watch.wait(30)
