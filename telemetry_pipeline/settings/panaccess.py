"""The upstream: how it is asked, and how far its answers are believed."""

from __future__ import annotations

from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, SecretStr

from telemetry_pipeline.settings.values import HttpUrl, TimeZone


class PanAccessSettings(BaseModel):
    """The upstream: how it is asked, and how far its answers are believed."""

    panaccess_url: HttpUrl | None = Field(
        default=None, description="PanAccess's API: https://host/path. Empty: the local stack starts a simulator in its place."
    )
    panaccess_username: str | None = Field(default=None, description="The API user.")
    panaccess_password: SecretStr | None = Field(default=None, description="Its password.")
    panaccess_api_token: SecretStr | None = Field(default=None, description="The API token that goes with it.")
    panaccess_salt: SecretStr = Field(
        default=SecretStr(""), description="What PanAccess appends to a password before it is hashed."
    )
    panaccess_timezone: TimeZone = Field(
        default="UTC", description="The time zone of PanAccess's timestamps, which come without one."
    )
    panaccess_records_function: str = Field(
        default="getListOfTelemetryRecords",
        description="The API's function that lists telemetry records; some servers have it as "
        "getListOfTelemetryRecordEntries or getTelemetryRecords.",
    )
    panaccess_encoding: Literal["json", "brackets"] = Field(
        default="json", description="How filters are sent: json, or brackets as PHP forms do."
    )
    panaccess_call_seconds: int = Field(
        default=30,
        ge=1,
        le=100,
        description="How long one call may take in all, from the connection to the last byte, in seconds: 1 to 100.",
    )
    panaccess_max_answer_mb: int = Field(
        default=16,
        ge=1,
        le=200,
        description="How large one answer may be, as it comes and unpacked, in MB: 1 to 200. A page of 1,000 records is "
        "about 0.5; a larger one is asked for again in halves.",
    )
    max_id_jump: int = Field(
        default=1_000_000,
        ge=10_000,
        le=10**12,
        description="How far record ids of PanAccess may jump without a record in between, in distances between ids as "
        "nine of ten have them, before somebody is told and what is behind the jump is not read.",
    )
    max_text_characters: int = Field(
        default=10_000,
        ge=100,
        le=1_000_000,
        description="How many characters a text of a record may have, and all its unknown fields together as JSON: 100 to"
        " 1000000. A record with a longer one is rejected as a whole; after the setting was raised, a repair "
        "of its day stores it.",
    )

    @property
    def panaccess_zone(self) -> ZoneInfo:
        """The time zone of the upstream's naive timestamps."""
        return ZoneInfo(self.panaccess_timezone)
