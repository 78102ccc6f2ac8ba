"""What the front door costs on a page of Dagster's: the same requests straight to its socket and through the door, in turns.

    python -m bench.door [--pages 20]

A page is its HTML, and what GraphQL is asked for by the lists of assets and of runs; for who has not seen it yet, every
script and style that it names, too. Who opens it is logged in as in a browser, so that each request is looked up. A stack of
its own runs meanwhile, without ticks.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections.abc import Callable, Mapping

import psutil
import requests

from bench.harness import median, result, stack_settings
from telemetry_pipeline.client.graphql import open_session
from telemetry_pipeline.sockets import divided
from telemetry_pipeline.stack.services.simulator import SimulatorOptions
from telemetry_pipeline.stack.stack import Stack
from telemetry_pipeline.stack.state import read_state

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
                before.headers["Origin"] = stack.state.web_url
                before.get(stack.state.owner_link, timeout=60).raise_for_status()
                ways = {"socket": opener(behind, straight), "door": opener(before, stack.state.webserver_url)}
                seconds = measure(ways, pages)
            told = read_state(stack.home)
            assert told is not None
            door_mb = psutil.Process(told.processes["web"]).memory_full_info().uss / 1e6
    first, again = ({way: 1_000 * median(seconds[way, new]) for way in ways} for new in (True, False))
    result(
        bench="door",
        ratio_to_socket=round(again["door"] / again["socket"], 3),
        ratio_when_new=round(first["door"] / first["socket"], 3),
        socket_ms=round(again["socket"], 1),
        door_ms=round(again["door"], 1),
        door_mb=round(door_mb, 1),
    )


def measure(ways: Mapping[str, Callable[[bool], float]], pages: int) -> dict[tuple[str, bool], list[float]]:
    """Seconds of so many pages by each way, new ones and ones that were seen, in turns."""
    seconds: dict[tuple[str, bool], list[float]] = {(way, new): [] for way in ways for new in (True, False)}
    for number in range(pages + 1):
        for (way, new), taken in seconds.items():
            took = ways[way](new)
            if number:  # the first one warms
                taken.append(took)
    return seconds


def opener(session: requests.Session, url: str) -> Callable[[bool], float]:
    """Opens a page, new or seen before, as a browser does that keeps what it has seen; returns the seconds that it took."""

    def get(path: str) -> str:
        answer = session.get(f"{url}{path}", timeout=60)
        answer.raise_for_status()
        return answer.text

    def open_page(new: bool) -> float:
        began = time.perf_counter()
        named = dict.fromkeys(re.findall(r'(?:src|href)="/dagster(/_next/static/[^"]+)"', get("/assets")))
        for path in named if new else ():
            get(path)
        for query in (_ASSETS, _RUNS):
            answer = session.post(f"{url}/graphql", json={"query": query}, timeout=60)
            answer.raise_for_status()
        return time.perf_counter() - began

    return open_page


if __name__ == "__main__":
    main()
