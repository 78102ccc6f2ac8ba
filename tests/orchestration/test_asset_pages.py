"""What the web UI says of an asset: whose it is, what it is tagged with, its columns, and where its code is."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa

from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.errors import SettingsError
from telemetry_pipeline.orchestration.build import build_defs
from telemetry_pipeline.settings.loading import Settings

PROJECT = Path(__file__).parents[2]
TABLES = {"telemetry_records": "records", "ott_views": "views"}


def specs(defs: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}


def references(spec: dg.AssetSpec) -> list[Any]:
    return list(spec.metadata["dagster/code_references"].code_references)


def test_every_asset_belongs_to_whom_the_setting_names(make_settings: Callable[..., Settings]) -> None:
    for given, owners in (({}, ["team:data"]), ({"asset_owners": "team:bi ana@example.com"}, ["team:bi", "ana@example.com"])):
        defs = build_defs(make_settings(**given))
        assert {name: list(spec.owners) for name, spec in specs(defs).items()} == dict.fromkeys(specs(defs), owners)


@pytest.mark.parametrize("owners", ["data", "team:", "ana@", "team:data, team:bi"])
def test_an_owner_that_is_neither_team_nor_address_is_refused(make_settings: Callable[..., Settings], owners: str) -> None:
    with pytest.raises(SettingsError, match=r"ASSET_OWNERS is .*; expected teams and e-mail addresses, separated by spaces"):
        make_settings(asset_owners=owners)


def test_tags_say_which_days_an_asset_is_of_and_whether_it_names_subscribers(defs: dg.Definitions) -> None:
    tags = {name: spec.tags for name, spec in specs(defs).items()}
    assert [tags[name]["of"] for name in ("telemetry_records", "ott_views", "top_channels", "period_summary")] == [
        "day",
        "day",
        "window",
        "range",
    ]
    assert [tags[name]["of"] for name in ("full_analysis", "period_analysis")] == ["window", "range"]
    personal = {name for name, each in tags.items() if each.get("personal-data") == "true"}
    assert {"telemetry_records", "ott_views", "subscriber_profile", "churn_risk", "subscribers_analysis"} <= personal
    assert not personal & {"general_summary", "top_channels", "geography", "period_summary"}


@pytest.mark.parametrize("asset", [*TABLES, *all_analyses()])
def test_columns_and_what_they_are_made_of_stand_on_the_definition(defs: dg.Definitions, asset: str) -> None:
    metadata = specs(defs)[asset].metadata
    columns = [column.name for column in metadata["dagster/column_schema"].columns]
    assert columns
    lineage = metadata["dagster/column_lineage"].deps_by_column if asset != "telemetry_records" else {}
    assert set(lineage) <= set(columns)
    for deps in lineage.values():
        for dep in deps:
            source = specs(defs)[dep.asset_key.to_user_string()].metadata["dagster/column_schema"]
            assert dep.column_name in {column.name for column in source.columns}


@pytest.mark.parametrize(("asset", "table"), TABLES.items())
def test_columns_are_those_of_the_table(engine: sa.Engine, defs: dg.Definitions, asset: str, table: str) -> None:
    query = """select attname, format_type(atttypid, null) from pg_attribute
        where attrelid = cast(:table as regclass) and attnum > 0 and not attisdropped"""
    with engine.connect() as connection:
        stored = {name: type_ for name, type_ in connection.execute(sa.text(query), {"table": f"telemetry.{table}"})}  # noqa: C416
    said = {column.name: column for column in specs(defs)[asset].metadata["dagster/column_schema"].columns}
    assert {name: column.type for name, column in said.items()} == stored
    assert all(column.description for column in said.values())


def test_an_asset_links_to_the_lines_that_make_it(make_settings: Callable[..., Settings]) -> None:
    [local] = references(specs(build_defs(make_settings()))["geography"])
    lines = (PROJECT / "telemetry_pipeline/analyses/general/places.py").read_text().splitlines()
    assert local.file_path == str(PROJECT / "telemetry_pipeline/analyses/general/places.py")
    assert lines[local.line_number - 1] == "@analysis("
    settings = make_settings(source_url="https://git.example.com/tv/telemetry/-/blob/v1.2.0/")
    [linked] = references(specs(build_defs(settings))["geography"])
    at = f"telemetry_pipeline/analyses/general/places.py#L{local.line_number}"
    assert linked.url == f"https://git.example.com/tv/telemetry/-/blob/v1.2.0/{at}"


def test_every_asset_links_to_its_code(defs: dg.Definitions) -> None:
    for name, spec in specs(defs).items():
        for reference in references(spec):
            assert Path(reference.file_path).is_relative_to(PROJECT / "telemetry_pipeline"), name
            assert reference.label, name


def test_a_description_lists_the_parameters_with_their_defaults_as_markdown(defs: dg.Definitions) -> None:
    description = specs(defs)["top_channels"].description or ""
    assert description.startswith("Which channels")
    assert "| parameter | default | |\n|---|---|---|\n" in description
    assert "| `limit` | 20 | " in description
    assert "| `subscriber_code` | required | " in (specs(defs)["subscriber_profile"].description or "")


def test_descriptions_are_markdown(defs: dg.Definitions) -> None:
    """The web UI shows a role of reStructuredText as it stands."""
    for name, spec in specs(defs).items():
        assert not re.search(r":\w+:`", spec.description or ""), name
