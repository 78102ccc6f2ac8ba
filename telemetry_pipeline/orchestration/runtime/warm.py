"""What the processes of runs are forked from has loaded this, and so all that a run needs; nothing else imports it.

To load it anew takes a process of a run three seconds of processor, 720 times a day.
"""

from __future__ import annotations

import gc
from contextlib import suppress
from importlib import import_module

from telemetry_pipeline.errors import SettingsError

with suppress(SettingsError):  # the process of a run tells whoever launched it
    import_module("telemetry_pipeline.definitions").defs.get_repository_def().get_all_jobs()
for loaded_late in ("celery.backends.redis", "concurrent_log_handler"):
    import_module(loaded_late)

# A collection in a child would touch, and so copy, what all of them share.
gc.collect()
gc.freeze()
