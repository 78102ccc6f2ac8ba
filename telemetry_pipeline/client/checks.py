"""What the checks of assets said last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from telemetry_pipeline.client.graphql import Json, unwrap


@dataclass(frozen=True)
class Check:
    """A check of an asset.

    :ivar passed: None: it was not executed for what the asset has now.
    :ivar blocking: whether what follows waits for it to pass.
    :ivar at: when it was executed.
    """

    asset: str
    name: str
    description: str
    blocking: bool
    passed: bool | None
    at: datetime | None
    run_id: str | None


def read_checks(answer: Json) -> list[Check]:
    """The answer to the document ``Checks``, by asset and name."""
    nodes = unwrap(answer["repositoryOrError"])["assetNodes"]
    found = [_check(check) for node in nodes for check in node["assetChecksOrError"].get("checks", [])]
    return sorted(found, key=lambda check: (check.asset, check.name))


def _check(answer: Json) -> Check:
    done = answer["executionForLatestMaterialization"] or {}
    evaluation = done.get("evaluation") or {}
    return Check(
        asset="/".join(answer["assetKey"]["path"]),
        name=answer["name"],
        description=answer["description"] or "",
        blocking=answer["blocking"],
        passed=evaluation.get("success"),
        at=datetime.fromtimestamp(done["timestamp"], UTC) if done else None,
        run_id=done.get("runId"),
    )
