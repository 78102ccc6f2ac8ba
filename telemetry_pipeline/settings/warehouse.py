"""PostgreSQL: where the telemetry is kept, and as whom."""

from __future__ import annotations

from pydantic import AliasChoices, BaseModel, Field

from telemetry_pipeline.settings.values import PostgresUrl

DATABASE_NAMES = AliasChoices("database_url", "postgres_url")


class WarehouseSettings(BaseModel):
    """PostgreSQL: where the telemetry is kept, and as whom."""

    database_url: PostgresUrl | None = Field(
        default=None,
        validation_alias=DATABASE_NAMES,
        description="Where the telemetry is kept: postgresql://user:password@host:5432/database, or any URL that psql "
        "takes. Empty: the local stack starts its own PostgreSQL.",
    )
    owner_database_url: PostgresUrl | None = Field(
        default=None,
        description="The same database as who brings its tables up to date, DATABASE_OWNER or one who may be or make it; "
        "nothing else uses it. Empty: the user of DATABASE_URL, which then owns the tables. "
        "docs/production.md tells who may do what.",
    )
    database_owner: str = Field(
        default="telemetry_owner",
        description="The role that owns the tables, where OWNER_DATABASE_URL is given. Two pipelines on one server need "
        "different ones, of the next, too.",
    )
    database_reader: str = Field(
        default="telemetry_reader", description="The role of people who read with other tools: grant it to their users."
    )
    database_bi: str = Field(
        default="telemetry_bi",
        description="The role of tools for charts and tables, which sees the schema bi alone: docs/bi.md.",
    )
    partition_years: int = Field(
        default=3,
        ge=1,
        le=25,
        description="How many years back each month has a partition of its own in PostgreSQL; days from FIRST_PARTITION "
        "on always have one. All other dates, of boxes whose clocks are wrong, share one.",
    )
