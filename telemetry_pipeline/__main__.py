"""``python -m telemetry_pipeline`` is the command ``telemetry-pipeline``."""

from __future__ import annotations

import sys

from telemetry_pipeline.cli.main import main

sys.exit(main())
