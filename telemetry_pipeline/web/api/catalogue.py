"""What there is to ask for, for programs: analyses with their parameters and columns, documents, and OpenAPI of it all."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

from telemetry_pipeline.analyses.documents import DOCUMENTS, gathered
from telemetry_pipeline.analyses.framework.columns import SqlType
from telemetry_pipeline.analyses.framework.declaration import Analysis
from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.web.api.asking import THEMES, WIDTHS
from telemetry_pipeline.web.computing.question import FORMS, TYPES
from telemetry_pipeline.words.analyses import about, title

_JSON_TYPES: dict[SqlType, dict[str, Any]] = {
    "bigint": {"type": ["integer", "null"]},
    "double precision": {"type": ["number", "null"]},
    "text": {"type": ["string", "null"]},
    "date": {"type": ["string", "null"], "format": "date"},
    "boolean": {"type": ["boolean", "null"]},
}
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["problem", "advice"],
            "properties": {"problem": {"type": "string"}, "advice": {"type": "string"}},
        }
    },
}
_REFUSALS = {
    "400": "days, parameters or formats that cannot be; says what is allowed",
    "401": "no log-in and no token",
    "403": "about single subscribers, and whoever asks may not see them",
    "404": "no analysis or document of that name, or no document of those days is stored",
    "503": "too much is asked at once, or the database is away; ask again after Retry-After",
}
_MEANING = {
    "from": "first day that it is about; of what looks back from a day: default its own window. Default else: the last day",
    "to": "last day that it is about, in the operator's time zone",
}


def analyses() -> list[dict[str, Any]]:
    """Return every analysis: what it answers, what it takes, what it gives."""
    return [_analysis(each) for each in all_analyses().values()]


def documents() -> list[dict[str, Any]]:
    """Return every document, and which analyses it gathers."""
    return [
        {"name": name, "question": question, "analyses": [each.name for each in gathered(name)]}
        for name, (question, _) in DOCUMENTS.items()
    ]


def _analysis(analysis: Analysis) -> dict[str, Any]:
    said = about(analysis.name)
    return {
        "name": analysis.name,
        "title": title(analysis.name),
        "question": said.question if said else analysis.question,
        "description": analysis.description,
        "theme": analysis.theme,
        "of": "period" if analysis.is_of_period else "window",
        "of_subscribers": analysis.is_of_subscribers,
        "runs_unattended": analysis.runs_unattended,
        "parameters": [{"name": name, **schema} for name, schema in _parameters(analysis).items()],
        "columns": [
            {
                "name": column.name,
                "type": column.type,
                "description": column.description,
                "unit": column.unit,
                "key": column.key,
                "role": column.role,
                "names_subscribers": column.is_personal,
            }
            for column in analysis.columns
        ],
    }


def openapi() -> dict[str, Any]:
    """Describe the API in OpenAPI 3.1."""
    paths: dict[str, Any] = {
        "/api/analyses": {"get": _listing("Which analyses there are")},
        "/api/documents": {"get": _listing("Which documents there are")},
    }
    for analysis in all_analyses().values():
        paths[f"/api/analyses/{analysis.name}"] = {"get": _operation(analysis)}
    for name, (question, _) in DOCUMENTS.items():
        paths[f"/api/documents/{name}"] = {"get": _document(name, question)}
        paths[f"/api/documents/{name}/stored"] = {"get": _stored_document(name)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Telemetry Pipeline",
            "version": version("telemetry-pipeline"),
            "description": "Any analysis over any days. Stored results are given where they fit; others are computed at once.",
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Error": _ERROR},
            "responses": {
                status: {
                    "description": meaning,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
                }
                for status, meaning in _REFUSALS.items()
            },
        },
    }


def _operation(analysis: Analysis) -> dict[str, Any]:
    answer = {
        "type": "object",
        "properties": {
            "analysis": {"const": analysis.name},
            "question": {"type": "string"},
            "period": {
                "type": "object",
                "properties": dict.fromkeys(("first", "last"), _JSON_TYPES["date"]),
            },
            "parameters": {"type": "object"},
            "columns": {"type": "array", "items": {"type": "string"}},
            "left_out": {"type": "array", "items": {"type": "string"}},
            "rows": {
                "type": "array",
                "items": {"type": "object", "properties": {each.name: _JSON_TYPES[each.type] for each in analysis.columns}},
            },
            "provisional": {"type": "boolean"},
            "facts": {"type": "object"},
            "views_version": {"type": "integer"},
        },
    }
    content: dict[str, Any] = {TYPES[form].partition(";")[0]: {} for form in FORMS}
    content[TYPES["json"]] = {"schema": answer}
    own = [_parameter(name, schema, required=name in _required(analysis)) for name, schema in _parameters(analysis).items()]
    return {
        "operationId": analysis.name,
        "summary": analysis.question,
        "description": analysis.description,
        "tags": [analysis.theme],
        "parameters": [*_days(), *own, *_looks()],
        "responses": {"200": {"description": "the answer", "content": content}, **_refused("400", "401", "403", "503")},
    }


def _document(name: str, question: str) -> dict[str, Any]:
    shared = {each: schema for analysis in gathered(name) for each, schema in _parameters(analysis).items()}
    answer = {"type": "object", "properties": {"analyses": {"type": "object"}, "views_version": _JSON_TYPES["bigint"]}}
    return {
        "operationId": name,
        "summary": question,
        "tags": ["documents"],
        "parameters": [*_days(), *(_parameter(each, schema) for each, schema in shared.items())],
        "responses": {
            "200": {"description": "the answers", "content": {"application/json": {"schema": answer}}},
            **_refused("400", "401", "503"),
        },
    }


def _stored_document(name: str) -> dict[str, Any]:
    names = {"type": "array", "items": {"type": "string"}}
    answer = {
        "type": "object",
        "properties": {
            "generated_at": {"type": "string", "format": "date-time"},
            "views_version": _JSON_TYPES["bigint"],
            "filters": {"type": "object"},
            "analyses": {"type": "object"},
            "missing": names,
            "left_out": names,
        },
    }
    return {
        "operationId": f"stored_{name}",
        "summary": "The document as it was stored, of exactly some days, or the newest",
        "tags": ["documents"],
        "parameters": [{**each, "required": False} for each in _days()],
        "responses": {
            "200": {"description": "the document", "content": {"application/json": {"schema": answer}}},
            **_refused("400", "401", "404", "503"),
        },
    }


def _listing(summary: str) -> dict[str, Any]:
    schema = {"type": "array", "items": {"type": "object"}}
    content = {"application/json": {"schema": schema}}
    return {"summary": summary, "responses": {"200": {"description": "a list", "content": content}, **_refused("401")}}


def _refused(*statuses: str) -> dict[str, Any]:
    return {status: {"$ref": f"#/components/responses/{status}"} for status in statuses}


def _days() -> Iterable[dict[str, Any]]:
    for name, meaning in _MEANING.items():
        yield _parameter(name, {"type": "string", "format": "date", "description": meaning}, required=name == "to")


def _looks() -> Iterable[dict[str, Any]]:
    yield _parameter("format", {"enum": list(FORMS), "default": "json", "description": "form of the answer"})
    yield _parameter("excel", {"enum": ["0", "1"], "default": "0", "description": "of csv: as a Spanish Excel opens it"})
    said = "of csv and xlsx: names of columns and values as people read them, in Spanish"
    yield _parameter("words", {"enum": ["0", "1"], "default": "0", "description": said})
    yield _parameter("theme", {"enum": list(THEMES), "default": "light", "description": "of svg and png: the colours"})
    bounds = {"type": "integer", "minimum": WIDTHS.start, "maximum": WIDTHS.stop - 1}
    yield _parameter("width", {**bounds, "description": "of svg and png, in pixels"})


def _parameter(name: str, schema: dict[str, Any], *, required: bool = False) -> dict[str, Any]:
    given = {key: value for key, value in schema.items() if key != "description"}
    return {"name": name, "in": "query", "required": required, "description": schema.get("description", ""), "schema": given}


def _parameters(analysis: Analysis) -> dict[str, dict[str, Any]]:
    """Return the schema of each parameter, with its bounds, default and description."""
    found: dict[str, dict[str, Any]] = analysis.parameters.model_json_schema().get("properties", {})
    return {name: {key: value for key, value in each.items() if key != "title"} for name, each in found.items()}


def _required(analysis: Analysis) -> set[str]:
    return {name for name, field in analysis.parameters.model_fields.items() if field.is_required()}
