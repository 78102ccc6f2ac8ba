"""What documents and tests hold that follows from the code: ``make docs`` writes it anew, and a test fails until it did."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

import dagster as dg
from pydantic import BaseModel

from telemetry_pipeline.analyses.framework.declaration import Analysis, GeneralParameters
from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.orchestration.build import build_defs
from telemetry_pipeline.results.published.bi import shown
from telemetry_pipeline.settings.example import example
from telemetry_pipeline.settings.loading import Settings
from telemetry_pipeline.words.analyses import about
from telemetry_pipeline.words.language import Language
from telemetry_pipeline.words.terms import TERMS

PROJECT = Path(__file__).parents[1]
NOWHERE = {
    "database_url": "postgresql://nobody@127.0.0.1:1/none",
    "dagster_database_url": "postgresql://nobody@127.0.0.1:1/none",
    "redis_url": "redis://127.0.0.1:1/0",
    "panaccess_url": "http://127.0.0.1:1/",
    **dict.fromkeys(("panaccess_username", "panaccess_password", "panaccess_api_token", "panaccess_salt"), "nobody"),
}
"""Settings with which definitions can be built and nothing be reached."""


def analyses_page(text: str) -> str:
    """docs/analyses.md with its tables of analyses, one for each theme."""
    for theme in ("general", "audience", "subscribers", "period"):
        rows = [
            (f"`{each.name}`", each.question, parameters(each.parameters), columns(each))
            for each in all_analyses().values()
            if each.theme == theme
        ]
        text = with_table(text, theme, ("analysis", "question", "parameters", "columns"), rows)
    return text


def parameters(model: type[BaseModel]) -> str:
    """The parameters and their defaults, but for the window that most have."""
    said = {
        name: f"{name} (required)" if field.is_required() else f"{name}={json.dumps(field.default)}"
        for name, field in model.model_fields.items()
    }
    if said.get("window_days") == f"window_days={GeneralParameters().window_days}":
        del said["window_days"]
    return ", ".join(said.values())


def columns(analysis: Analysis) -> str:
    """The columns, those of the key in bold."""
    return ", ".join(f"**{column.name}**" if column.key else column.name for column in analysis.columns)


def spanish_page(text: str) -> str:
    """docs/cifras.md with its words and its table of all analyses, from the catalogue of words."""
    terms = [f"- **{term.name(Language.ES)}**: {term.text(Language.ES)}" for term in TERMS.values()]
    text = between(text, "palabras", "\n".join(terms))
    lines = {name: about(name) for name in all_analyses()}
    rows = [
        (f"`{name}`", *((line.question, line.how, line.left_out) if line else ("", "", ""))) for name, line in lines.items()
    ]
    head = ("nombre", "pregunta que responde", "cómo se calcula", "qué días deja fuera")
    return with_table(text, "análisis", head, rows)


def with_table(text: str, name: str, head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """The text with a table between the marks of its name."""
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    lines.insert(1, "|" + "---|" * lines[0].count(" | ") + "---|")
    return between(text, name, "\n".join(lines))


def between(text: str, name: str, generated: str) -> str:
    """The text with something generated between the marks of its name."""
    begin, end = f"<!-- make docs: {name} -->", "<!-- end -->"
    pattern = re.compile(f"{re.escape(begin)}\n.*?{re.escape(end)}", re.DOTALL)
    assert len(pattern.findall(text)) == 1, f"one place for {name!r}"
    return pattern.sub(lambda _: "\n".join([begin, generated, end]), text)


def bi_page(text: str) -> str:
    """docs/bi.md with its table of the views that are of analyses."""
    rows = [
        (f"`bi.{name}`", each.question, parameters(each.parameters), ", ".join(f"`{column.name}`" for column in shown(each)))
        for name, each in all_analyses().items()
        if shown(each)
    ]
    return with_table(text, "bi", ("view", "question", "parameters", "columns"), rows)


def architecture_page(text: str) -> str:
    """docs/architecture.md with the layout: what each room says of itself, and which floor it is on."""
    contract, *_ = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    floors = [[name.strip() for name in floor.split("|")] for floor in contract["layers"]]
    rooms = "\n".join(drawn(PROJECT / "telemetry_pipeline" / name) for floor in floors for name in floor)
    stacked = "\n".join(" | ".join(floor) for floor in floors)
    layout = [
        "```",
        "telemetry_pipeline/",
        rooms,
        "```",
        "",
        "Imports go down only, and neighbours on a floor do not know each other:",
        "",
        "```",
        stacked,
        "```",
    ]
    return between(text, "layout", "\n".join(layout))


def drawn(place: Path) -> str:
    """A module or package, and those in it, with the first sentence that each says of itself."""
    if not place.is_dir():
        return f"  {place.name + '.py':<22}{first_sentence(place.with_suffix('.py'))}"
    inner = [each for each in sorted(place.iterdir()) if (each / "__init__.py").exists()]
    lines = [f"  {place.name + '/':<22}{first_sentence(place / '__init__.py')}"]
    return "\n".join([*lines, *(f"    {each.name + '/':<20}{first_sentence(each / '__init__.py')}" for each in inner)])


def first_sentence(file: Path) -> str:
    doc = ast.get_docstring(ast.parse(file.read_text())) or ""
    return re.split(r"(?<=\.)\s", " ".join(doc.split("\n\n")[0].split()))[0].rstrip(".")


def example_of_settings(_: str) -> str:
    """.env.example."""
    return example()


def graph_snapshot(_: str) -> str:
    """The assets with their groups and what they are made of."""
    defs = build_defs(Settings.load(**NOWHERE, first_partition=date(2026, 1, 1)))
    return f"{json.dumps(graph(defs), indent=1)}\n"


def graph(defs: dg.Definitions) -> dict[str, dict[str, object]]:
    """By asset its group, and the assets that it is made of."""
    return {
        spec.key.to_user_string(): {
            "group": spec.group_name,
            "deps": sorted(dep.asset_key.to_user_string() for dep in spec.deps),
        }
        for spec in sorted(defs.resolve_all_asset_specs(), key=lambda spec: spec.key)
    }


GENERATED: dict[str, Callable[[str], str]] = {
    ".env.example": example_of_settings,
    "docs/analyses.md": analyses_page,
    "docs/architecture.md": architecture_page,
    "docs/bi.md": bi_page,
    "docs/cifras.md": spanish_page,
    "tests/orchestration/graph.json": graph_snapshot,
}
"""Files, and how each is to be, given what is in it now."""


def anew(name: str) -> tuple[str, str]:
    """What a file has, and what it is to have."""
    path = PROJECT / name
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return text, GENERATED[name](text)


if __name__ == "__main__":
    for name in GENERATED:
        before, after = anew(name)
        if before != after:
            (PROJECT / name).write_text(after, encoding="utf-8")
            print(f"{name} is written anew")
