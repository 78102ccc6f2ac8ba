"""What the definition of an asset says: description, tags, columns and what they are made of, and where its code is.

What a materialization shows, such as the preview and the chart, is said by the module of the asset.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal

import dagster as dg
from pydantic import Field, create_model

from telemetry_pipeline.analyses.framework.declaration import Analysis, Parameters
from telemetry_pipeline.settings.loading import StackSettings

Of = Literal["day", "window", "range"]
"""Which days a partition of an asset is of: its own, those up to it, or all of the run."""


def days_of_analysis(analysis: Analysis) -> Of:
    """Return which days its partitions are of."""
    return "range" if analysis.is_of_period else "window"


def names_subscribers(analysis: Analysis) -> bool:
    """Return whether its rows are of single subscribers or devices."""
    return analysis.is_of_subscribers or any(column.is_personal for column in analysis.columns)


def tags(*, of: Of, personal: bool) -> dict[str, str]:
    """Return tags that people can find assets by, beside those of the jobs that take them.

    :param personal: whether it has rows of single subscribers.
    """
    return {"of": of, **({"personal-data": "true"} if personal else {})}


def description(text: str, parameters: type[Parameters]) -> str:
    """Return a text, and the parameters as a table in Markdown."""
    fields = parameters.model_fields
    if not fields:
        return text
    rows = [
        f"| `{name}` | {'required' if field.is_required() else json.dumps(field.default)} | {field.description or ''} |"
        for name, field in fields.items()
    ]
    return "\n".join([text, "", "| parameter | default | |", "|---|---|---|", *rows])


def config_type(parameters: type[Parameters]) -> type[dg.Config]:
    """Return parameters as Dagster's configuration; their bounds are checked at launch, and where they are used."""
    fields: dict[str, Any] = {
        name: (field.annotation, Field(default=field.default, description=field.description))
        for name, field in parameters.model_fields.items()
    }
    return create_model(f"{parameters.__name__}Config", __base__=dg.Config, **fields)


def config_of_theme(theme: str, analyses: Iterable[Analysis]) -> type[dg.Config]:
    """Return the parameters of several analyses as Dagster's configuration, by analysis. Those of one that has required ones
    may be left out, too: a run may be of others.
    """
    fields: dict[str, Any] = {}
    for analysis in analyses:
        own = config_type(analysis.parameters)
        if any(field.is_required() for field in own.model_fields.values()):
            fields[analysis.name] = (own | None, Field(default=None, description=analysis.question))
        elif own.model_fields:
            fields[analysis.name] = (own, Field(default=own(), description=analysis.question))
    return create_model(f"{theme.title()}Config", __base__=dg.Config, **fields)


def column_schema(analysis: Analysis) -> dg.TableSchema:
    """Return the columns of its results."""
    return dg.TableSchema(
        columns=[dg.TableColumn(column.name, column.type, description=column.explanation) for column in analysis.columns]
    )


def column_lineage(analysis: Analysis) -> dg.TableColumnLineage:
    """Return the columns of the views that each of its own is computed from."""
    return dg.TableColumnLineage(
        {
            column.name: [dg.TableColumnDep(asset_key=dg.AssetKey("ott_views"), column_name=name) for name in column.of]
            for column in analysis.columns
        }
    )


def code(settings: StackSettings, *functions: Callable[..., Any]) -> dg.CodeReferencesMetadataValue:
    """Return links to some functions: below SOURCE_URL, else to their files on this machine."""
    return dg.CodeReferencesMetadataValue(code_references=[_reference(settings, inspect.unwrap(each)) for each in functions])


def _reference(settings: StackSettings, function: Callable[..., Any]) -> dg.LocalFileCodeReference | dg.UrlCodeReference:
    made = function.__code__
    path = f"{function.__module__.replace('.', '/')}.py"  # the same in a checkout and in a wheel
    label = f"{Path(path).name}, {function.__name__}"
    if settings.source_url is None:
        return dg.LocalFileCodeReference(file_path=made.co_filename, line_number=made.co_firstlineno, label=label)
    return dg.UrlCodeReference(url=f"{settings.source_url.rstrip('/')}/{path}#L{made.co_firstlineno}", label=label)
