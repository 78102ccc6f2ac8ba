"""The running webserver's GraphQL: the few questions and requests that the command line has, as functions.

What is worth launching, and how progress looks, is decided elsewhere.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from telemetry_pipeline.errors import RequestRefused, StackError, TelemetryError

LOCATION = "telemetry_pipeline"
REPOSITORY = "__repository__"
ENDED = frozenset({"SUCCESS", "FAILURE", "CANCELED"})

_TIMEOUT_SECONDS = 60
_EVENTS_PER_PAGE = 500

_ERROR = "message className causes { message className }"

_LAUNCH = f"""
mutation Launch($params: ExecutionParams!) {{
  launchRun(executionParams: $params) {{
    __typename
    ... on LaunchRunSuccess {{ run {{ runId }} }}
    ... on RunConfigValidationInvalid {{ errors {{ message }} }}
    ... on PipelineNotFoundError {{ message }}
    ... on InvalidSubsetError {{ message }}
    ... on RunConflict {{ message }}
    ... on UnauthorizedError {{ message }}
    ... on PythonError {{ {_ERROR} }}
  }}
}}"""

_TERMINATE = """
mutation Terminate($id: String!) {
  terminateRun(runId: $id, terminatePolicy: SAFE_TERMINATE) {
    __typename
    ... on TerminateRunFailure { message }
    ... on RunNotFoundError { message }
    ... on UnauthorizedError { message }
    ... on PythonError { message }
  }
}"""

_RUN_FIELDS = "runId jobName status creationTime startTime endTime tags { key value } assetSelection(limit: 3) { path }"

_RUN = f"""
query Run($id: ID!) {{
  runOrError(runId: $id) {{
    __typename
    ... on Run {{
      {_RUN_FIELDS}
      executionPlan {{ steps {{ key }} }}
      stepStats {{ stepKey status startTime endTime attempts {{ startTime endTime }} }}
    }}
    ... on RunNotFoundError {{ message }}
    ... on PythonError {{ {_ERROR} }}
  }}
}}"""

_RUNS = f"""
query Runs($limit: Int!) {{
  runsOrError(limit: $limit) {{
    __typename
    ... on Runs {{ results {{ {_RUN_FIELDS} }} }}
    ... on PythonError {{ {_ERROR} }}
  }}
}}"""

# intRepr, because intValue is null beyond 32 bits.
_METADATA = """metadataEntries {
  label
  ... on IntMetadataEntry { intRepr }
  ... on FloatMetadataEntry { floatValue }
  ... on TextMetadataEntry { text }
  ... on BoolMetadataEntry { boolValue }
}"""

_EVENTS = f"""
query Events($id: ID!, $after: String, $limit: Int!) {{
  runOrError(runId: $id) {{
    __typename
    ... on Run {{ status }}
    ... on RunNotFoundError {{ message }}
    ... on PythonError {{ {_ERROR} }}
  }}
  logsForRun(runId: $id, afterCursor: $after, limit: $limit) {{
    __typename
    ... on EventConnection {{
      cursor
      hasMore
      events {{
        __typename
        ... on MessageEvent {{ stepKey message timestamp }}
        ... on ExecutionStepFailureEvent {{ error {{ {_ERROR} }} failureMetadata {{ description }} }}
        ... on ExecutionStepUpForRetryEvent {{ error {{ {_ERROR} }} secondsToWait }}
        ... on RunFailureEvent {{ error {{ {_ERROR} }} }}
        ... on ObservationEvent {{ assetKey {{ path }} partition {_METADATA} }}
        ... on MaterializationEvent {{ assetKey {{ path }} partition {_METADATA} }}
      }}
    }}
    ... on RunNotFoundError {{ message }}
    ... on PythonError {{ {_ERROR} }}
  }}
}}"""

_WORKSPACE = """
workspaceOrError {
  __typename
  ... on Workspace {
    locationEntries {
      name
      loadStatus
      locationOrLoadError { __typename ... on PythonError { message } }
    }
  }
  ... on PythonError { message }
}"""

_CODE = f"query Code {{ {_WORKSPACE} }}"

_HEALTH = f"""
query Health {{
  version
  instance {{ daemonHealth {{ allDaemonStatuses {{ daemonType required healthy }} }} }}
  {_WORKSPACE}
}}"""

Json = dict[str, Any]


@dataclass(frozen=True)
class EventPage:
    """Some events of a run, oldest first, and the run's status as it was just before they were read."""

    status: str
    events: list[Json]
    cursor: str | None
    has_more: bool


class DagsterApi:
    """The webserver at one GraphQL address.

    Every method raises :class:`StackError` when the webserver does not answer, and :class:`TelemetryError` when it
    answers that it cannot.
    """

    def __init__(self, url: str, timeout_seconds: float = _TIMEOUT_SECONDS) -> None:
        self.url = url
        self._timeout = timeout_seconds
        self._session = requests.Session()
        # The stack listens on loopback: a proxy of the environment has no business in between.
        self._session.trust_env = False

    def launch(self, execution_params: Mapping[str, Any]) -> str:
        """Submit a run; its id.

        :raises RequestRefused: the server does not accept the job, the partitions or the parameters; says why.
        """
        answer = self._execute(_LAUNCH, params=execution_params)["launchRun"]
        kind = answer["__typename"]
        if kind == "LaunchRunSuccess":
            return str(answer["run"]["runId"])
        if kind == "RunConfigValidationInvalid":
            raise RequestRefused("; ".join(one_line(error["message"]) for error in answer["errors"]))
        if kind == "PythonError":
            raise RequestRefused(error_message(answer))
        raise RequestRefused(one_line(answer.get("message", f"the server answered {kind}")))

    def terminate(self, run_id: str) -> None:
        """Ask a run to stop; it ends some time later.

        :raises TelemetryError: it cannot be stopped (now); says why.
        """
        answer = self._execute(_TERMINATE, id=run_id)["terminateRun"]
        if answer["__typename"] != "TerminateRunSuccess":
            raise TelemetryError(one_line(answer.get("message", answer["__typename"])))

    def run(self, run_id: str) -> Json | None:
        """``runId jobName status startTime endTime tags assetSelection executionPlan stepStats``; None: no such run."""
        answer = self._execute(_RUN, id=run_id)["runOrError"]
        return None if answer["__typename"] == "RunNotFoundError" else _unwrap(answer)

    def runs(self, limit: int) -> list[Json]:
        """The newest runs first; fields as of :meth:`run` without plan and steps."""
        return list(_unwrap(self._execute(_RUNS, limit=limit)["runsOrError"])["results"])

    def events(self, run_id: str, after: str | None) -> EventPage:
        """The events of a run after a cursor (None: from its beginning)."""
        answer = self._execute(_EVENTS, id=run_id, after=after, limit=_EVENTS_PER_PAGE)
        status = _unwrap(answer["runOrError"])["status"]
        page = _unwrap(answer["logsForRun"])
        return EventPage(status, page["events"], page["cursor"], page["hasMore"])

    def health(self) -> Json:
        """``version``, ``instance.daemonHealth.allDaemonStatuses`` and ``workspaceOrError`` (code locations)."""
        return self._execute(_HEALTH)

    def wait_for_code(self, seconds: float) -> None:
        """Wait until the pipeline's code location is loaded.

        :raises StackError: it is not after *seconds*, or it cannot be loaded; says why.
        """
        deadline = time.monotonic() + seconds
        while (problem := code_location_problem(self._execute(_CODE))) is not None:
            if time.monotonic() > deadline:
                raise StackError(f"the stack is running, but its code is not loaded: {problem}")
            time.sleep(0.5)

    def _execute(self, document: str, **variables: Any) -> Json:
        try:
            response = self._session.post(self.url, json={"query": document, "variables": variables}, timeout=self._timeout)
        except requests.RequestException as err:
            raise StackError(f"the webserver at {self.url} does not answer ({_reason(err)})") from err
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise StackError(f"the webserver at {self.url} answered HTTP {response.status_code} without GraphQL")
        if answer.get("errors") or not isinstance(answer.get("data"), dict):
            errors = answer.get("errors")
            message = one_line(errors[0].get("message", "")) if errors else f"HTTP {response.status_code}"
            # 500: something behind it is down or wrong, perhaps for a moment; 400: the question itself is wrong.
            kind = StackError if response.status_code >= 500 else TelemetryError
            raise kind(f"the webserver at {self.url} could not answer: {message}")
        data: Json = answer["data"]
        return data


def code_location_problem(health: Json) -> str | None:
    """Why runs cannot be launched yet, of an answer such as :meth:`DagsterApi.health`; None when they can."""
    workspace = health["workspaceOrError"]
    if workspace["__typename"] != "Workspace":
        return one_line(workspace["message"])
    for entry in workspace["locationEntries"]:
        if entry["name"] == LOCATION:
            loaded = entry["locationOrLoadError"]
            if loaded is None or entry["loadStatus"] != "LOADED":
                return f"{LOCATION} is still loading"
            return one_line(loaded["message"]) if loaded["__typename"] == "PythonError" else None
    return f"there is no code location {LOCATION}"


def error_message(error: Json) -> str:
    """The message worth reading of a ``PythonError`` and its causes, in one line.

    Dagster wraps what a step raises, and our own errors wrap what a library raised: ours says best what happened;
    without one of ours, the deepest cause does.
    """
    chain = [error, *error.get("causes", [])]
    own = [link for link in chain if link["message"].startswith("telemetry_pipeline.")]
    failures = [link for link in chain if link.get("className") == "Failure"]
    return one_line((own or failures or chain)[-1]["message"])


def one_line(message: str) -> str:
    """A message without its exception class's dotted name, on one line, of a bearable length."""
    text = " ".join(message.split())
    text = re.sub(r"^(?:[A-Za-z_]\w*\.)+[A-Za-z_]\w*: ", "", text)
    return text if len(text) <= 600 else text[:599] + "…"


def metadata(event: Json) -> Json:
    """The metadata of an event as ``{label: int | float | str | bool}``; other kinds are left out."""
    values: Json = {}
    for entry in event["metadataEntries"]:
        if "intRepr" in entry:
            values[entry["label"]] = int(entry["intRepr"])
        else:
            for kind in ("floatValue", "text", "boolValue"):
                if entry.get(kind) is not None:
                    values[entry["label"]] = entry[kind]
    return values


def _unwrap(answer: Json) -> Json:
    if answer["__typename"] == "PythonError":
        raise TelemetryError(f"the webserver could not answer: {error_message(answer)}")
    if answer["__typename"].endswith("Error"):
        raise TelemetryError(one_line(answer["message"]))
    return answer


def _reason(err: requests.RequestException) -> str:
    if isinstance(err, requests.Timeout):
        return "time-out"
    return "connection refused" if "refused" in str(err) else "connection lost"
