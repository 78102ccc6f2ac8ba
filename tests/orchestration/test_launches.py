"""What there is to launch, and that Dagster, the command line and the documentation have exactly that."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from telemetry_pipeline.days import Period
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.launches import JOBS, Days, all_assets, check_days, find

COMMANDS = (Path(__file__).parents[2] / "docs" / "commands.md").read_text()


@pytest.mark.parametrize("name", [*JOBS, *all_assets()])
def test_what_is_listed_is_found(name: str) -> None:
    assert find(name).name == name


def test_what_is_not_there_is_refused_with_what_there_is() -> None:
    with pytest.raises(RequestRefused, match=r"jobs: telemetry_tick, .*; assets: telemetry_records, .*, geography"):
        find("everything")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("telemetry_tik", "did you mean telemetry_tick?"),
        ("Geografy", "did you mean geography?"),
        ("telemetry_tikc", "did you mean telemetry_tick?"),
    ],
)
def test_who_mistypes_a_job_is_asked_what_was_meant_and_gets_no_long_list(written: str, said: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        find(written)
    assert str(refused.value) == f"there is no job or asset {written!r}; {said}"


DAY, RANGE = Period(date(2026, 5, 5), date(2026, 5, 5)), Period(date(2026, 5, 5), date(2026, 5, 6))
MONDAY, FIRST = Period(date(2026, 5, 4), date(2026, 5, 4)), Period(date(2026, 5, 1), date(2026, 5, 1))


@pytest.mark.parametrize("name", [*JOBS, *all_assets()])
def test_days_that_are_not_taken_are_refused(name: str) -> None:
    target = find(name)
    days = [DAY, MONDAY, FIRST]
    taken = {
        Days.NONE: [],
        Days.ONE: days,
        Days.RANGE: [*days, RANGE],
        Days.WEEK: [MONDAY],
        Days.MONTH: [FIRST],
    }[target.days]
    for period in (*days, RANGE):
        if period in taken:
            check_days(target, period)
        else:
            with pytest.raises(RequestRefused, match=name):
                check_days(target, period)
    check_days(target, None)


def test_dagster_has_the_jobs_of_the_list_and_no_others(defs: dg.Definitions) -> None:
    jobs = {job.name: job.description for job in defs.jobs or []}
    assert jobs == {name: job.purpose for name, job in JOBS.items()}


def fields_of(schema: Any) -> dict[str, Any]:
    """What is configured; of an analysis that has to be told something, it may be left out as a whole."""
    kind = schema.config_type if schema else None
    return dict(getattr(getattr(kind, "inner_type", kind), "fields", {}))


def test_dagster_has_the_assets_of_the_list_with_their_parameters_and_no_others(defs: dg.Definitions) -> None:
    taken = {}
    for asset in defs.assets or []:
        assert isinstance(asset, dg.AssetsDefinition)
        fields = fields_of(asset.op.config_schema)
        for name in (key.to_user_string() for key in asset.keys):
            own = fields if name == asset.op.name else fields_of(fields.get(name))
            taken[name] = {each: field.default_value if field.default_provided else ... for each, field in own.items()}
    assert taken == {
        name: {
            parameter: ... if field.is_required() else field.default
            for parameter, field in asset.parameters.model_fields.items()
        }
        for name, asset in all_assets().items()
    }


def test_a_job_takes_the_assets_that_are_listed_for_it(defs: dg.Definitions) -> None:
    for job in JOBS.values():
        if job.takes is not None:
            taken = defs.resolve_job_def(job.name).asset_layer.executable_asset_keys
            assert {key.to_user_string() for key in taken} == {
                name for name, asset in all_assets().items() if job.takes in asset.selections
            }


def test_an_asset_that_moves_in_joins_no_job_unasked(defs: dg.Definitions) -> None:
    @dg.asset(group_name="general", deps=["ott_views"], kinds={"duckdb"})
    def of_another_room() -> None: ...

    grown = dg.Definitions.merge(defs, dg.Definitions(assets=[of_another_room]))
    assert of_another_room.key in {spec.key for spec in grown.resolve_all_asset_specs()}
    for name in JOBS:
        assert of_another_room.key not in grown.resolve_job_def(name).asset_layer.executable_asset_keys


def test_the_documentation_lists_every_job_with_its_days() -> None:
    listed = re.findall(r"^\| `(telemetry_\w+)` \| ([^|]+?) \| ([^|]+?) \|$", COMMANDS, re.MULTILINE)
    assert listed == [(job.name, str(job.days), job.purpose) for job in JOBS.values()]
