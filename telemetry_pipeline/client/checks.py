"""What the checks of assets said last."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from telemetry_pipeline.client.graphql import Json, unwrap

# The newest may be planned, of a run at work.
_LOOKED_AT = 4


@dataclass(frozen=True)
class Check:
    """A check of an asset.

    :ivar blocking: whether what follows waits for it to pass.
    :ivar passed: when it was executed last; None: it never was.
    :ivar at: when that was.
    """

    asset: str
    name: str
    description: str
    blocking: bool
    passed: bool | None = None
    at: datetime | None = None
    run_id: str | None = None


def read_checks(answer: Json) -> list[Check]:
    """Return the answer to the document ``Checks``, by asset and name; what they said is asked for by :func:`executions`."""
    nodes = unwrap(answer["repositoryOrError"])["assetNodes"]
    found = [check for node in nodes for check in node["assetChecksOrError"].get("checks", [])]
    checks = [Check("/".join(c["assetKey"]["path"]), c["name"], c["description"] or "", c["blocking"]) for c in found]
    return sorted(checks, key=lambda check: (check.asset, check.name))


def executions(checks: Sequence[Check]) -> str:
    """Return the document that asks what they said."""
    asked = [
        f"c{n}: assetCheckExecutions(assetKey: {{path: {json.dumps(each.asset.split('/'))}}}, "
        f"checkName: {json.dumps(each.name)}, limit: {_LOOKED_AT}) {{ runId timestamp evaluation {{ success }} }}"
        for n, each in enumerate(checks)
    ]
    return "query Executions {" + " ".join(asked) + "}"


def with_executions(checks: Sequence[Check], answer: Json) -> list[Check]:
    """Return the same with what they said last, of the answer to that document."""
    return [_with(check, answer[f"c{n}"]) for n, check in enumerate(checks)]


def _with(check: Check, answers: list[Json]) -> Check:
    done = next((each for each in answers if each["evaluation"]), None)
    if done is None:
        return check
    at = datetime.fromtimestamp(done["timestamp"], UTC)
    return replace(check, passed=done["evaluation"]["success"], at=at, run_id=done["runId"])
