"""The rows of an analysis, as its materialization tells them."""

from __future__ import annotations

from telemetry_pipeline.client.answers import Result
from telemetry_pipeline.client.graphql import Json, metadata


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
