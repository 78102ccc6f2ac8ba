"""Which modules the version of a result hangs on: all that decide its figures, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import telemetry_pipeline
from telemetry_pipeline.analyses.framework.declaration import Analysis
from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.results.freshness.versions import code_version, modules_of

PACKAGE = Path(telemetry_pipeline.__file__ or "").parent
ANALYSES = all_analyses()
OWN = {name: each.compute.__module__.removeprefix("telemetry_pipeline.") for name, each in ANALYSES.items()}
OF_ALL = {
    "days",
    "results.views.windows",
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


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package's modules. Who changes one changes it back."""
    there = tmp_path_factory.mktemp("copied") / "telemetry_pipeline"
    for module in PACKAGE.rglob("*.py"):
        copied = there / module.relative_to(PACKAGE)
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.write_bytes(module.read_bytes())
    return there


@pytest.fixture
def copy(original: Path, tmp_path: Path) -> Path:
    """It under another name each time, for what was read under one is remembered."""
    there = tmp_path / "telemetry_pipeline"
    there.symlink_to(original)
    return there


@contextmanager
def appended(module: Path, text: str) -> Iterator[None]:
    before = module.read_bytes()
    module.write_bytes(before + text.encode())
    try:
        yield
    finally:
        module.write_bytes(before)


def changed_by_a_line_in(module: str, copy: Path) -> set[str]:
    """The analyses whose versions another line in a module changes, in a copy of the package."""
    with appended(copy.joinpath(*module.split(".")).with_suffix(".py"), "\n_ANOTHER = 1\n"):
        return {name for name, each in ANALYSES.items() if code_version(each, copy) != code_version(each)}


@pytest.mark.parametrize(
    ("module", "changed"),
    [
        ("analyses.general.forecast", {"viewing_forecast"}),
        ("analyses.general.places", {"geography"}),
        ("analyses.audience.minutes", {"average_audience", "rating"}),
        ("analyses.framework.marks", set(ANALYSES)),
        ("analyses.framework.rules", set(ANALYSES)),
        ("results.views.windows", set(ANALYSES)),
        ("days", set(ANALYSES)),
        ("analyses.framework.dayparts", {"time_slots", "subscriber_profile", "subscriber_period"}),
        ("analyses.registry", set()),
        ("results.tables", set()),
        ("warehouse.core.segments", set()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_line_changes_the_versions_of_what_it_computes_and_no_others(module: str, changed: set[str], copy: Path) -> None:
    found = changed_by_a_line_in(module, copy)
    assert found >= changed
    assert {OWN[name] for name in found} == {OWN[name] for name in changed}, "beside them, analyses of the same module alone"


def test_the_same_code_elsewhere_is_the_same_version(copy: Path) -> None:
    assert {code_version(each, copy) for each in ANALYSES.values()} == {code_version(each) for each in ANALYSES.values()}


@pytest.mark.parametrize(
    "statement",
    [
        "import telemetry_pipeline.analyses.framework.dayparts",
        "from telemetry_pipeline.analyses.framework import dayparts",
        "from telemetry_pipeline.analyses.framework.dayparts import SLOTS",
    ],
)
def test_every_way_to_import_is_followed(statement: str, copy: Path) -> None:
    """In a function, by the module's name or by its parent's."""
    forecast = ANALYSES["viewing_forecast"]
    assert "telemetry_pipeline.analyses.framework.dayparts" not in modules_of(forecast)
    with appended(copy / "analyses" / "general" / "forecast.py", f"\ndef _later():\n    {statement}\n"):
        assert "telemetry_pipeline.analyses.framework.dayparts" in modules_of(forecast, copy)
