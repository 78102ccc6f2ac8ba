"""How the servers behind one GraphQL address are: the web server, the pipeline's code, the daemon."""

from __future__ import annotations

from telemetry_pipeline.client import documents
from telemetry_pipeline.client.answers import Health, code_is_broken, code_problem, read_health
from telemetry_pipeline.client.checks import Check, executions, read_checks, with_executions
from telemetry_pipeline.client.graphql import Endpoint
from telemetry_pipeline.client.schedules import Schedule, read_schedule
from telemetry_pipeline.errors import WebserverError
from telemetry_pipeline.polling import polling

_POLL_SECONDS = 0.5


class Servers:
    """The servers behind one GraphQL address.

    :param timeout_seconds: how long one answer may take.
    :param token: what is shown at the front door; a Unix socket behind it asks for none.
    """

    def __init__(self, graphql_url: str, timeout_seconds: float = 60, token: str | None = None) -> None:
        self._server = Endpoint(graphql_url, timeout_seconds, token)

    def health(self) -> Health:
        """Return how the web server, the code and the daemon are."""
        return read_health(self._server.ask(documents.HEALTH))

    def schedule(self, name: str, ticks: int) -> Schedule:
        """Return how a schedule does, and what came of its last *ticks*.

        :raises RequestRefused: there is none of that name.
        """
        return read_schedule(self._server.ask(documents.TICKS, name=name, limit=ticks))

    def checks(self) -> list[Check]:
        """Return what the checks of assets said last."""
        checks = read_checks(self._server.ask(documents.CHECKS))
        return with_executions(checks, self._server.ask(executions(checks))) if checks else []

    def code_is_loaded(self) -> bool:
        """Return whether runs can be launched by now.

        :raises WebserverError: the code cannot be loaded; says why.
        """
        answer = self._server.ask(documents.CODE)
        if code_is_broken(answer):
            raise WebserverError(f"the pipeline's code cannot be loaded: {code_problem(answer)}")
        return code_problem(answer) is None

    def wait_for_code(self, seconds: float) -> None:
        """Wait until the pipeline's code is loaded.

        :raises WebserverError: it is not after *seconds*, or it cannot be loaded; says why.
        """
        problem: str | None = None
        for _ in polling(seconds, _POLL_SECONDS):
            problem = code_problem(self._server.ask(documents.CODE))
            if problem is None:
                return
        raise WebserverError(f"the stack is running, but its code is not loaded: {problem}")
