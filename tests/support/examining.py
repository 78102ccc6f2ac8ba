"""What doctor finds, by the name of the check."""

from __future__ import annotations

from telemetry_pipeline.cli.operating.doctor import examine
from telemetry_pipeline.monitoring.doctor.findings import Finding


def findings() -> dict[str, Finding]:
    return {finding.name: finding for finding in examine()}
