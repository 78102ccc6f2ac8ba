"""How much memory is left on this machine, and when it is about to be too little: before the system kills a process for it."""

from __future__ import annotations

import psutil

from telemetry_pipeline.amounts import size
from telemetry_pipeline.settings import hardware

# With less than that a machine gives up files that it will read again at once, and stands nearly still.
_LEAST_FREE_BYTES = 300_000_000
_LEAST_FREE_SHARE = 0.08


def shortage() -> str | None:
    """Return a sentence where memory of the machine, or of what this process is in, is about to run out; None: it is not."""
    machine = psutil.virtual_memory()
    for free, total in ((machine.available, machine.total), *hardware.free_within_limits()):
        if free < min(_LEAST_FREE_BYTES, _LEAST_FREE_SHARE * total):
            return f"of {size(total)} of memory {size(max(free, 0))} are left"
    return None
