"""The code server: ``python -m telemetry_pipeline.orchestration.runtime.code_server --socket PATH ...``, with the options of
Dagster's own ``dagster api grpc``.

A message to it says which instance it is about, by classes and arguments: whoever sends one could have any code executed. Here
every instance is the one of this process's own environment.
"""

from __future__ import annotations

import os

from dagster import DagsterInstance
from dagster._cli.api import grpc_command
from dagster._core.instance import InstanceRef
from dagster._core.instance.factory import create_instance_from_ref


def _own_instance(_: InstanceRef) -> DagsterInstance:
    return create_instance_from_ref(InstanceRef.from_dir(os.environ["DAGSTER_HOME"]))


# The process of a run imports this module before it looks at its message, for it is spawned from this one.
DagsterInstance.from_ref = staticmethod(_own_instance)  # type: ignore[assignment]

if __name__ == "__main__":
    grpc_command()
