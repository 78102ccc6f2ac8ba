"""Events of a run as GraphQL gives them."""

from __future__ import annotations

from typing import Any


def event(kind: str, step: str | None = None, **more: Any) -> dict[str, Any]:
    return {"__typename": kind, "stepKey": step, "message": f"{kind} of {step}", "timestamp": "1795233221000", **more}


def observed(step: str, **values: float) -> dict[str, Any]:
    return event("ObservationEvent", step, assetKey={"path": [step]}, partition=None, metadataEntries=entries(values))


def materialized(step: str, partition: str | None, **values: float) -> dict[str, Any]:
    metadata = entries({name.replace("__", "/"): value for name, value in values.items()})
    key = {"path": [step]}
    return event("MaterializationEvent", step, assetKey=key, partition=partition, metadataEntries=metadata)


def entries(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"label": name, "floatValue": value} if isinstance(value, float) else {"label": name, "intRepr": str(value)}
        for name, value in values.items()
    ]
