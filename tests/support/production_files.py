"""Which settings and secrets there are, and which process has which."""

from __future__ import annotations

from telemetry_pipeline.settings.loading import StackSettings

SETTINGS = {name.upper() for name in StackSettings.model_fields}
SECRETS = {name.upper() for name, field in StackSettings.model_fields.items() if "SecretStr" in str(field.annotation)}


def process_of(service: str, files: list[str]) -> str:
    """Which of the processes that have secrets a service is."""
    if service == "worker":
        on_top = {"compose.worker.ingest.yaml": "worker-ingest", "compose.worker.reports.yaml": "worker-reports"}
        return next((process for file, process in on_top.items() if file in files), "worker-analysis")
    if "compose.small.yaml" in files and service == "worker-ingest":
        return "worker"
    return service
