"""What a GraphQL request would change, read before it is handed on: for who may change nothing, and for the record."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from graphql import GraphQLError, parse, value_from_ast_untyped
from graphql.language.ast import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
)

HARMLESS = frozenset({"setNuxSeen"})
"""That somebody saw Dagster's welcome: of no account, and sent by its pages unasked."""

# What a mutation is about, by names of Dagster's arguments.
_SUBJECTS = frozenset(
    {
        "runId",
        "runIds",
        "parentRunId",
        "backfillId",
        "jobName",
        "pipelineName",
        "path",
        "partitionNames",
        "scheduleName",
        "sensorName",
        "scheduleId",
        "sensorId",
        "id",
        "name",
        "paused",
        "strategy",
        "terminatePolicy",
        "repositoryLocationName",
        "key",
        "value",
    }
)
# Parameters of a launch may be anything.
_PRIVATE = frozenset({"runConfigData", "runConfig"})
_MOST_SUBJECTS = 20
_MOST_CHARACTERS = 200
_MOST_TOKENS = 10_000
_MOST_IN_A_DOCUMENT = 100_000


class NotGraphQL(Exception):
    """It is no request of GraphQL; the message says why."""


@dataclass(frozen=True)
class Changes:
    """What a request would change.

    :ivar mutations: names of the fields of its mutations, in their order.
    :ivar about: what they are about: dotted names of arguments, with texts, numbers and truth values.
    """

    mutations: tuple[str, ...] = ()
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def matter(self) -> bool:
        """Whether anything of account is changed."""
        return not HARMLESS.issuperset(self.mutations)


NOTHING = Changes()


def read(body: bytes) -> Changes:
    """Return what the body of a POST would change.

    :raises NotGraphQL: it is not one object with a document.
    """
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        raise NotGraphQL("The body is not JSON.") from None
    return changes(request)


def changes(request: Any) -> Changes:
    """Return the same of what JSON said.

    :raises NotGraphQL: it is not one object with a document.
    """
    if not isinstance(request, dict) or not isinstance(request.get("query"), str):
        raise NotGraphQL("GraphQL takes one object with a query; several at once are refused.")
    # A document that lacks the word has no mutation: names have no escapes there. The rest is Dagster's to judge.
    if "mutation" not in request["query"]:
        return NOTHING
    if len(request["query"]) > _MOST_IN_A_DOCUMENT:
        raise NotGraphQL(
            f"A document with a mutation has {_MOST_IN_A_DOCUMENT:,} characters at most; values go into variables."
        )
    variables = request.get("variables") or {}
    try:
        variables = json.loads(variables) if isinstance(variables, str) else variables
        document = parse(request["query"], no_location=True, max_tokens=_MOST_TOKENS)
        asked = [(each.name.value, _arguments(each, variables)) for each in _fields(document)]
        return Changes(tuple(name for name, _ in asked), _about(arguments for _, arguments in asked))
    except GraphQLError:
        raise NotGraphQL("The document is not GraphQL.") from None
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise NotGraphQL("The document or its variables cannot be read.") from None


def _fields(document: DocumentNode) -> Iterator[FieldNode]:
    """Yield the fields of all mutations in a document, those in fragments included."""
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    for each in document.definitions:
        if isinstance(each, OperationDefinitionNode) and each.operation is OperationType.MUTATION:
            yield from _selected(each.selection_set, fragments)


def _selected(selected: SelectionSetNode, fragments: dict[str, FragmentDefinitionNode]) -> Iterator[FieldNode]:
    """Yield each fragment once, however often it is there."""
    for each in selected.selections:
        if isinstance(each, FieldNode):
            yield each
        elif isinstance(each, InlineFragmentNode):
            yield from _selected(each.selection_set, fragments)
        elif isinstance(each, FragmentSpreadNode) and (fragment := fragments.pop(each.name.value, None)):
            yield from _selected(fragment.selection_set, fragments)


def _arguments(node: FieldNode, variables: dict[str, Any]) -> dict[str, Any]:
    return {each.name.value: value_from_ast_untyped(each.value, variables) for each in node.arguments}


def _about(asked: Iterable[dict[str, Any]]) -> dict[str, Any]:
    about: dict[str, Any] = {}
    for path, value in islice(chain.from_iterable(_leaves(arguments, ()) for arguments in asked), _MOST_SUBJECTS):
        about.setdefault(".".join(path), value[:_MOST_CHARACTERS] if isinstance(value, str) else value)
    return about


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield what is said under the names of subjects, itself or as a list."""
    if isinstance(value, dict):
        for name in value.keys() - _PRIVATE:
            yield from _leaves(value[name], (*path, name))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _leaves(each, (*path, str(number)))
    elif value is not None and next((name for name in reversed(path) if not name.isdecimal()), "") in _SUBJECTS:
        yield path, value
