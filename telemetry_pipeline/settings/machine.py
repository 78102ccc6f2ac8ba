"""Where this machine keeps files, and how processes log."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, BaseModel, Field

from telemetry_pipeline.settings.values import Directory, LogLevel


class MachineSettings(BaseModel):
    """Where this machine keeps files, and how processes log."""

    telemetry_home: Directory = Field(
        default=Path(".telemetry"), description="The directory where the local stack keeps its state."
    )
    log_directory: Directory | None = Field(
        default=None, description="Where logs are written. Empty: the directory logs in TELEMETRY_HOME."
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="How processes log to their output: text for people, json for machines."
    )
    log_level: LogLevel = Field(
        default="INFO",
        validation_alias=AliasChoices("log_level", "loglevel"),
        description="From which level on the pipeline's own lines are logged: DEBUG, INFO, WARNING or ERROR.",
    )

    @property
    def home(self) -> Path:
        """TELEMETRY_HOME, whatever the working directory is."""
        return self.telemetry_home.expanduser().resolve()

    @property
    def log_files(self) -> Path:
        """The directory of what is logged."""
        return self.log_directory or self.home / "logs"
