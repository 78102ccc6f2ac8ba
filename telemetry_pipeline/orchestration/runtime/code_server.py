"""The code server: ``python -m telemetry_pipeline.orchestration.runtime.code_server --socket PATH ...``, with the options of
Dagster's own ``dagster api grpc``.

The process of a run is forked from one that has loaded the code before; Dagster's own starts a new Python for each.

A message to it says which instance it is about, by classes and arguments: whoever sends one could have any code executed. Here
every instance is the one of this process's own environment.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
from multiprocessing import forkserver
from typing import Any

from dagster import DagsterInstance
from dagster._cli.api import grpc_command
from dagster._core.instance import InstanceRef
from dagster._core.instance.factory import create_instance_from_ref
from dagster._grpc.server import DagsterApiServer

# A socket's path has 107 bytes at most on Linux, of which the two names below the directory take 32.
_LONGEST = 70


def _own_instance(_: InstanceRef) -> DagsterInstance:
    return create_instance_from_ref(InstanceRef.from_dir(os.environ["DAGSTER_HOME"]))


def _short_directory() -> str | None:
    """Return a temporary directory in which a socket's path is no longer than systems allow; that of TMPDIR may be."""
    candidates = (tempfile.gettempdir(), "/tmp", "/var/tmp", "/dev/shm")
    return next((each for each in candidates if len(each) <= _LONGEST and os.access(each, os.W_OK | os.X_OK)), None)


class _ApiServer(DagsterApiServer):
    """Dagster's, whose runs begin in processes that have loaded their code; as Dagster has it where no socket can be made."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        directory = _short_directory()
        if directory is None:
            return
        tempfile.tempdir = directory
        self._mp_ctx = multiprocessing.get_context("forkserver")  # type: ignore[assignment]
        self._mp_ctx.set_forkserver_preload(["telemetry_pipeline.orchestration.runtime.warm"])
        forkserver.ensure_running()


# The process of a run imports this module before it looks at its message, for it is begun by this one.
DagsterInstance.from_ref = staticmethod(_own_instance)  # type: ignore[assignment]

# Dagster's command makes one.
sys.modules[DagsterApiServer.__module__].DagsterApiServer = _ApiServer  # type: ignore[attr-defined]

if __name__ == "__main__":
    grpc_command()
