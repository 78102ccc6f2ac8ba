"""How runs are executed: where Dagster keeps them, the broker, limits, retries and workers."""

from __future__ import annotations

from pydantic import AliasChoices, BaseModel, Field, ValidationInfo, field_validator

from telemetry_pipeline.settings.values import Minutes, PostgresUrl, RedisUrl

REDIS_NAMES = AliasChoices("redis_url", "celery_broker_url")
"""As Celery has it, too."""


class RunSettings(BaseModel):
    """How runs are executed: where Dagster keeps them, the broker, limits, retries and workers."""

    dagster_database_url: PostgresUrl | None = Field(
        default=None,
        description="Where Dagster keeps its runs and events, another database of the same form. Empty: next to the "
        'telemetry, as "dagster".',
    )
    redis_url: RedisUrl | None = Field(
        default=None,
        validation_alias=REDIS_NAMES,
        description="The broker between Dagster and the workers: redis://:password@host:6379/0, rediss://... for TLS. "
        "Empty: the local stack starts its own Valkey.",
    )
    flower_redis_url: RedisUrl | None = Field(
        default=None,
        description="The broker for Flower, with a user that may do what flower.acl says; that is for database 0 of "
        "Valkey, or of Redis 7 and newer. Empty: as REDIS_URL.",
    )
    run_soft_time_limit_minutes: Minutes = Field(
        default=25, description="After how many minutes the steps of a run stop by themselves and keep what is stored."
    )
    run_time_limit_minutes: Minutes = Field(default=30, description="After how many minutes a run is ended from outside.")
    step_retries: int = Field(
        default=3,
        ge=0,
        le=100,
        description="How often a step is tried again that failed for a reason which may pass, such as PanAccess or "
        "PostgreSQL being away. Ticks leave PanAccess to the next tick.",
    )
    step_retry_seconds: int = Field(
        default=60,
        ge=1,
        le=3_600,
        description="How many seconds after it failed it is tried again. The process of the run waits, no worker does.",
    )
    worker_child_tasks: int = Field(
        default=1_000, ge=1, description="After how many steps a worker's child process is replaced by a fresh one."
    )

    @field_validator("run_time_limit_minutes")
    @classmethod
    def _is_above_the_soft_limit(cls, limit: int, info: ValidationInfo) -> int:
        soft = info.data.get("run_soft_time_limit_minutes")
        if soft and limit <= soft:
            raise ValueError(f"expected more than RUN_SOFT_TIME_LIMIT_MINUTES, which is {soft}")
        return limit
