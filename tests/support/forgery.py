"""What somebody forges who may send messages to the code server: an instance whose making leaves a trace."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from dagster._serdes import ConfigurableClass


class Forged(ConfigurableClass):
    """In the place of an artifact storage."""

    def __init__(self, inst_data: Any = None) -> None:
        Path(os.environ["TRACE"]).touch()

    @property
    def inst_data(self) -> Any:
        return None

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> Forged:
        return cls(inst_data)
