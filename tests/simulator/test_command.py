"""The command as a process: what it prints, what it serves, how it ends."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import urllib3

COMMAND = [sys.executable, "-c", "from telemetry_pipeline.cli.local.commands import simulator; simulator()"]


@pytest.fixture
def run() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    with ExitStack() as stack:

        def begin(*arguments: str) -> subprocess.Popen[str]:
            process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield begin


@pytest.mark.parametrize(
    ("ending", "status", "live"), [(signal.SIGINT, 0, "0.5"), (signal.SIGTERM, -signal.SIGTERM, "history")]
)
def test_it_says_where_it_listens_serves_and_ends_on_a_signal(
    run: Callable[..., subprocess.Popen[str]], ending: signal.Signals, status: int, live: str
) -> None:
    process = run("--records-count", "500", "--late-ids", "3", "--end", "2026-11-21", "--live", live)
    assert process.stdout is not None
    said = process.stdout.readline()
    assert said.startswith("simulator listening on http://127.0.0.1:")
    response = urllib3.request("GET", said.split()[-1] + "/health", headers={"Connection": "close"})
    assert json.loads(response.data)["records"] == 497
    process.send_signal(ending)
    out, err = process.communicate(timeout=60)
    assert (out, err, process.returncode) == ("", "", status)


def test_a_port_that_is_taken_is_one_line(run: Callable[..., subprocess.Popen[str]]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = run("--port", str(port), "--records-count", "0")
        out, err = process.communicate(timeout=60)
    assert (out, process.returncode) == ("", 1)
    assert err == f"Error: cannot listen on 127.0.0.1:{port}: Address already in use\n"


@pytest.mark.parametrize("rate", ["-1", "nan", "inf", "often"])
def test_a_rate_that_is_none_is_refused(run: Callable[..., subprocess.Popen[str]], rate: str) -> None:
    out, err = run("--live", rate).communicate(timeout=60)
    assert out == ""
    assert f"'{rate}' is neither a number of records a second nor 'history'." in err


def test_a_bad_export_is_one_line(run: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text("recordId;actionId\n1;seven\n")
    process = run("--records", str(path))
    out, err = process.communicate(timeout=60)
    assert (out, process.returncode) == ("", 1)
    assert err == f"Error: {path}: row 2, column actionId: 'seven' is not a whole number\n"
