"""Dagster's web server, which says the right form to whoever launches with parameters in another one.

Dagster looks at the form before it makes a run, and would say only which words it expects in place of the first.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dagster._utils.error import serializable_error_info_from_exc_info
from dagster_graphql.schema.errors import GraphenePythonError
from dagster_graphql.schema.runs import parse_run_config_input
from dagster_webserver.webserver import DagsterWebserver

from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.orchestration.forms import check_form


class Webserver(DagsterWebserver[Any, Any]):
    """Dagster's own but for its mutations that launch."""

    def build_graphql_schema(self) -> Any:
        """Return Dagster's schema, in which what launches is checked first."""
        schema = super().build_graphql_schema()
        for field in schema.graphql_schema.mutation_type.fields.values():
            if field.args.keys() & {"executionParams", "executionParamsList", "backfillParams"}:
                field.resolve = _checked(field.resolve)
        return schema


def _checked(resolve: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(resolve)
    def checked(root: Any, info: Any, **arguments: Any) -> Any:
        try:
            for launch in _launches(**arguments):
                _check(launch)
        except RequestRefused:
            return GraphenePythonError(serializable_error_info_from_exc_info(sys.exc_info()))  # type: ignore[no-untyped-call]
        return resolve(root, info, **arguments)

    return checked


def _launches(
    executionParams: Any = None,  # noqa: N803
    executionParamsList: Any = (),  # noqa: N803
    backfillParams: Any = None,  # noqa: N803
    **_: Any,
) -> Iterator[Mapping[str, Any]]:
    yield from filter(None, (executionParams, *executionParamsList, backfillParams))


def _check(launch: Mapping[str, Any]) -> None:
    run_config = parse_run_config_input(launch.get("runConfigData") or {}, raise_on_error=False)
    if not isinstance(run_config, Mapping):
        return
    # Of a run they stand below others than of a backfill.
    tags = (launch.get("executionMetadata") or launch).get("tags") or ()
    assets = launch.get("assetSelection") or (launch.get("selector") or {}).get("assetSelection") or ()
    check_form(run_config, {tag["key"]: tag["value"] for tag in tags}, ["/".join(asset["path"]) for asset in assets])
