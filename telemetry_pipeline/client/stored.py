"""What was computed, as its materializations tell it: documents, and the rows of an analysis."""

from __future__ import annotations

from telemetry_pipeline.client.answers import Result
from telemetry_pipeline.client.graphql import Json, metadata


def read_documents(answer: Json) -> list[Json]:
    """Return the answer to the document ``Document``: what is stored, the newest first."""
    stored = answer.get("assetMaterializations", [])
    return [values["document"] for each in stored if "document" in (values := metadata(each["metadataEntries"]))]


def choose_document(found: list[Json], begin: str | None, end: str | None) -> Json | None:
    """Return the newest of exactly these days; without days, the newest of a single day, else the newest."""
    of_days = [(body["filters"]["first"], body["filters"]["last"]) for body in found]
    if end is not None:
        return next((body for body, days in zip(found, of_days, strict=True) if days == (begin, end)), None)
    of_a_day = [body for body, (first, last) in zip(found, of_days, strict=True) if first == last]
    return next(iter([*of_a_day, *found]), None)


def read_result(answer: Json, run_id: str) -> Result | None:
    """Return the answer to the document ``Rows``; None: no materialization of the run has rows."""
    for stored in answer["assetMaterializations"]:
        values = metadata(stored["metadataEntries"])
        if "rows" in values:
            [preview] = [entry["table"] for entry in stored["metadataEntries"] if "table" in entry]
            columns = tuple(column["name"] for column in preview["schema"]["columns"])
            rows = [{column: row[column] for column in columns} for row in values["rows"]]
            return Result(columns, rows, values["period"], values["parameters"], run_id)
    return None
