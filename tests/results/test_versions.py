"""Which modules the version of a result hangs on: all that decide its figures, and no other."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import telemetry_pipeline
from telemetry_pipeline.analyses.framework.declaration import Analysis
from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.results.versions import code_version, modules_of

PACKAGE = Path(telemetry_pipeline.__file__ or "").parent
ANALYSES = all_analyses()
OWN = {name: each.compute.__module__.removeprefix("telemetry_pipeline.") for name, each in ANALYSES.items()}
OF_ALL = {
    "days",
    "results.windows",
    *(f"analyses.framework.{each}" for each in ("caps", "clock", "columns", "declaration", "marks", "rules", "views")),
}
OF_SOME = {"words.stored", *(f"analyses.framework.{each}" for each in ("calendar", "dayparts", "vocabulary"))}
every = pytest.mark.parametrize("each", ANALYSES.values(), ids=ANALYSES)


def modules(each: Analysis) -> set[str]:
    return {name.removeprefix("telemetry_pipeline.") for name in modules_of(each)}


@every
def test_a_version_hangs_on_the_module_of_its_analysis_and_on_all_that_says_what_counts_and_is_marked(each: Analysis) -> None:
    assert modules(each) >= {OWN[each.name], *OF_ALL}


@every
def test_a_version_hangs_on_no_other_analysis_and_on_nothing_that_stores_or_shows(each: Analysis) -> None:
    assert modules(each) <= {OWN[each.name], *OF_ALL, *OF_SOME}


def test_what_only_some_ask_is_in_their_versions_alone() -> None:
    """One with parts of the day: their hours, and their names."""
    assert modules(ANALYSES["time_slots"]) >= {"analyses.framework.dayparts", "words.stored"}
    assert modules(ANALYSES["viewing_by_period"]) >= {"analyses.framework.calendar", "analyses.framework.vocabulary"}
    assert not {"analyses.framework.dayparts", "words.stored"} & modules(ANALYSES["geography"])


def changed_by_a_line_in(module: str, copy: Path) -> set[str]:
    """The analyses whose versions another line in a module changes, in a copy of the package."""
    before = {name: code_version(each) for name, each in ANALYSES.items()}
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    with copy.joinpath(*module.split(".")).with_suffix(".py").open("a") as file:
        file.write("\n_ANOTHER = 1\n")
    return {name for name, each in ANALYSES.items() if code_version(each, copy) != before[name]}


@pytest.mark.parametrize(
    ("module", "changed"),
    [
        ("analyses.general.forecast", {"viewing_forecast"}),
        ("analyses.general.places", {"geography"}),
        ("analyses.audience.minutes", {"average_audience", "rating"}),
        ("analyses.framework.marks", set(ANALYSES)),
        ("analyses.framework.rules", set(ANALYSES)),
        ("results.windows", set(ANALYSES)),
        ("days", set(ANALYSES)),
        ("analyses.framework.dayparts", {"time_slots", "subscriber_profile", "subscriber_period"}),
        ("analyses.registry", set()),
        ("results.tables", set()),
        ("warehouse.core.segments", set()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_line_changes_the_versions_of_what_it_computes_and_no_others(module: str, changed: set[str], tmp_path: Path) -> None:
    found = changed_by_a_line_in(module, tmp_path / "telemetry_pipeline")
    assert found >= changed
    assert {OWN[name] for name in found} == {OWN[name] for name in changed}, "beside them, analyses of the same module alone"


def test_the_same_code_elsewhere_is_the_same_version(tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    assert {code_version(each, copy) for each in ANALYSES.values()} == {code_version(each) for each in ANALYSES.values()}


def test_every_way_to_import_is_followed(tmp_path: Path) -> None:
    """In a function, by the module's name or by its parent's."""
    copy = tmp_path / "telemetry_pipeline"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    forecast = ANALYSES["viewing_forecast"]
    for statement in (
        "import telemetry_pipeline.analyses.framework.dayparts",
        "from telemetry_pipeline.analyses.framework import dayparts",
        "from telemetry_pipeline.analyses.framework.dayparts import SLOTS",
    ):
        copied = tmp_path / f"{abs(hash(statement))}"
        shutil.copytree(copy, copied)
        with (copied / "analyses" / "general" / "forecast.py").open("a") as file:
            file.write(f"\ndef _later():\n    {statement}\n")
        assert "telemetry_pipeline.analyses.framework.dayparts" in modules_of(forecast, copied), statement
