"""What the tests of the command line share: the outcome of a call, and a web server that says what a test wants."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

# What a web server answers to the question whether the pipeline's code is loaded.
LOADED = {
    "workspaceOrError": {
        "__typename": "Workspace",
        "locationEntries": [
            {
                "name": "telemetry_pipeline",
                "loadStatus": "LOADED",
                "locationOrLoadError": {"__typename": "RepositoryLocation"},
            }
        ],
    },
}


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str


@dataclass
class FakeWebserver:
    """Answers each GraphQL operation with what the test put there; what it was asked is in ``asked``.

    :ivar answers: operation name to data, to a function from variables to data, or to ``(HTTP status, text)``.
    """

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    url: str = ""

    def answer(self, operation: str, variables: dict[str, Any]) -> tuple[int, str]:
        self.asked.append((operation, variables))
        answer = self.answers[operation]
        if callable(answer):
            answer = answer(variables)
        return answer if isinstance(answer, tuple) else (200, json.dumps({"data": answer}))
