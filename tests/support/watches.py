"""What tests of a watch begin with: a problem to tell of, and what starts a watch (the fixture ``start``)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from telemetry_pipeline.monitoring.alerts.watch import Watch
from telemetry_pipeline.warehouse.operations.problems import Problem

FAILED = Problem("run:telemetry_tick", "A tick failed", "PanAccess answered 500", "look at the run", run_id="0098262b")
MINUTE = timedelta(minutes=1)
Start = Callable[..., Watch]
