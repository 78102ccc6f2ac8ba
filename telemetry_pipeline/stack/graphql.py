"""What the stack asks of its own web UI: whether all is ready, and to cancel what nobody will finish.

Commands that a person types have their own client.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from datetime import datetime
from typing import Any

from telemetry_pipeline.errors import StackError

# A proxy of the environment has no business between processes of one machine.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_ANSWER_TIMEOUT_SECONDS = 10.0

_LOCATIONS = """
{
  workspaceOrError {
    ... on PythonError { message }
    ... on Workspace {
      locationEntries { loadStatus locationOrLoadError { ... on PythonError { message } } }
    }
  }
}
"""
_DAEMONS = "{ instance { daemonHealth { allDaemonStatuses { required healthy } } } }"
_UNFINISHED_RUNS = """
query Unfinished($before: Float) {
  runsOrError(filter: {
    createdBefore: $before,
    statuses: [QUEUED, NOT_STARTED, MANAGED, STARTING, STARTED, CANCELING]
  }) {
    ... on Runs { results { runId } }
  }
}
"""
_CANCEL = """
mutation Cancel($runs: [String!]!) {
  terminateRuns(runIds: $runs, terminatePolicy: MARK_AS_CANCELED_IMMEDIATELY) { __typename }
}
"""


def code_is_loaded(webserver_url: str) -> bool:
    """Does the web UI answer, with the code loaded?

    :raises StackError: the code cannot be loaded; says why.
    """
    data = _ask(webserver_url, _LOCATIONS)
    if data is None:
        return False
    workspace = data["workspaceOrError"]
    entries = workspace.get("locationEntries", [])
    for problem in (workspace, *(entry["locationOrLoadError"] or {} for entry in entries)):
        if "message" in problem:
            raise StackError(f"the pipeline's code cannot be loaded: {problem['message'].strip()}")
    return bool(entries) and all(entry["loadStatus"] == "LOADED" for entry in entries)


def daemons_are_healthy(webserver_url: str) -> bool:
    """Does the web UI see the heartbeats of all parts of the daemon?"""
    data = _ask(webserver_url, _DAEMONS)
    if data is None:
        return False
    statuses = data["instance"]["daemonHealth"]["allDaemonStatuses"]
    return all(status["healthy"] for status in statuses if status["required"])


def cancel_runs(webserver_url: str, created_before: datetime) -> int:
    """Mark runs that have not ended as cancelled, without waiting for their processes.

    :return: how many there were; 0 if the web UI does not answer.
    """
    found = _ask(webserver_url, _UNFINISHED_RUNS, {"before": created_before.timestamp()})
    if found is None:
        return 0
    runs = [run["runId"] for run in found["runsOrError"]["results"]]
    if runs:
        _ask(webserver_url, _CANCEL, {"runs": runs})
    return len(runs)


def _ask(webserver_url: str, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any] | None:
    """The data that answers; None while nobody does.

    :raises StackError: the query is refused.
    """
    request = urllib.request.Request(
        f"{webserver_url}/graphql",
        data=json.dumps({"query": query, "variables": variables or {}}).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with DIRECT.open(request, timeout=_ANSWER_TIMEOUT_SECONDS) as answer:
            data: dict[str, Any] = json.load(answer)["data"]
            return data
    except urllib.error.HTTPError as err:
        raise StackError(f"the web UI refuses {query!r}: {err.read().decode(errors='replace')}") from err
    except OSError:
        return None
