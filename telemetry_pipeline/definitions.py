"""The code location that Dagster loads."""

import sys

from telemetry_pipeline.errors import SettingsError
from telemetry_pipeline.orchestration.build import build_defs

try:
    defs = build_defs()
except SettingsError:
    sys.tracebacklimit = 0  # the message says what to mend; a trace of ours below it would bury it
    raise
