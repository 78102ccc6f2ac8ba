"""What the front door costs on a page of Dagster's: the same requests straight to its socket and through the door, in turns.

    python -m bench.door [--pages 20]

A page is its HTML, every script and style that it names, and what GraphQL is asked for by the lists of assets and of runs.
A stack of its own runs meanwhile, without ticks.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections.abc import Callable

import psutil
import requests

from bench.harness import median, result, stack_settings
from telemetry_pipeline.client.graphql import open_session
from telemetry_pipeline.sockets import divided
from telemetry_pipeline.stack.services.simulator import SimulatorOptions
from telemetry_pipeline.stack.stack import Stack

_NEVER = "0 0 29 2 *"
_ASSETS = """
{ assetNodes { id groupName isPartitioned kinds description assetKey { path } dependencyKeys { path }
    owners { __typename } jobNames opNames computeKind hasMaterializePermission
    assetMaterializations(limit: 1) { timestamp runId }
    partitionDefinition { description } } }
"""
_RUNS = """
{ runsOrError(limit: 25) { ... on Runs { results { runId status pipelineName startTime endTime tags { key value } } } }
  instance { daemonHealth { allDaemonStatuses { daemonType healthy } } }
  workspaceOrError { ... on Workspace { locationEntries { name loadStatus } } } }
"""


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=20)
    pages = parser.parse_args().pages
    with tempfile.TemporaryDirectory(prefix="bench-") as home:
        settings = stack_settings(home, tick_cron=_NEVER, repair_cron=_NEVER, merge_cron=_NEVER, cleanup_cron=_NEVER)
        with Stack(settings, simulator=SimulatorOptions(records_count=1_000, days=1, live=0)) as stack:
            socket, straight = divided(stack.state.socket_url)
            with open_session(socket) as behind, open_session(None) as before:
                before.headers["Authorization"] = f"Bearer {stack.state.web_token}"
                ways = {"socket": opener(behind, straight), "door": opener(before, stack.state.webserver_url)}
                seconds: dict[str, list[float]] = {name: [] for name in ways}
                for number in range(pages + 1):
                    for name, open_page in ways.items():
                        took = open_page()
                        if number:  # the first one warms
                            seconds[name].append(took)
            door_mb = psutil.Process(stack.state.processes["web"]).memory_full_info().uss / 1e6
    socket_ms, through_ms = (1_000 * median(seconds[name]) for name in ("socket", "door"))
    result(
        bench="door",
        ratio_to_socket=round(through_ms / socket_ms, 3),
        socket_ms=round(socket_ms, 1),
        door_ms=round(through_ms, 1),
        door_mb=round(door_mb, 1),
    )


def opener(session: requests.Session, url: str) -> Callable[[], float]:
    """Opens a page as a browser does that has seen none; returns the seconds that it took."""

    def get(path: str) -> str:
        answer = session.get(f"{url}{path}", timeout=60)
        answer.raise_for_status()
        return answer.text

    def open_page() -> float:
        began = time.perf_counter()
        for path in dict.fromkeys(re.findall(r'(?:src|href)="/dagster(/_next/static/[^"]+)"', get("/assets"))):
            get(path)
        for query in (_ASSETS, _RUNS):
            answer = session.post(f"{url}/graphql", json={"query": query}, timeout=60)
            answer.raise_for_status()
        return time.perf_counter() - began

    return open_page


if __name__ == "__main__":
    main()
