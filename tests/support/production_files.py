"""Which settings and secrets there are, and which process has which."""

from __future__ import annotations

from telemetry_pipeline.settings.loading import StackSettings

SETTINGS = {name.upper() for name in StackSettings.model_fields}
SECRETS = {name.upper() for name, field in StackSettings.model_fields.items() if "SecretStr" in str(field.annotation)}


def process_of(service: str, files: list[str]) -> str:
    """Which of the processes that have secrets a service is."""
    if service == "worker":
        return "worker-ingest" if "compose.worker.ingest.yaml" in files else "worker-analysis"
    return service
