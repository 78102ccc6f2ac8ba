"""What is wrong, what is checked and what can be set has words in both languages, and what has none is shown as it is."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
import sqlalchemy as sa
from front_door import OPERATOR, Browser

import telemetry_pipeline
from telemetry_pipeline.analyses.reports import KINDS as REPORTS
from telemetry_pipeline.ingestion import identity
from telemetry_pipeline.launches import JOBS, all_assets
from telemetry_pipeline.messaging import postman
from telemetry_pipeline.monitoring import components
from telemetry_pipeline.monitoring.alerts import watch
from telemetry_pipeline.monitoring.told import told_of
from telemetry_pipeline.orchestration import checks
from telemetry_pipeline.orchestration.runtime.cluster import foreign_messages, step_task
from telemetry_pipeline.orchestration.sensors import pace
from telemetry_pipeline.warehouse.operations import problems
from telemetry_pipeline.warehouse.operations.problems import Incident
from telemetry_pipeline.words.language import Language
from telemetry_pipeline.words.upkeep.checks import CHECKS, find_check
from telemetry_pipeline.words.upkeep.parameters import PARAMETERS, find_parameter
from telemetry_pipeline.words.upkeep.problems import PROBLEMS, find_problem
from telemetry_pipeline.words.upkeep.purposes import PURPOSES

COMPONENTS = [
    components.POSTGRES,
    components.CLOCK,
    components.BROKER,
    components.WEBSERVER,
    components.CODE,
    components.DAEMON,
    components.QUEUES,
    components.TICKS,
    components.DISKS,
    components.MEMORY,
    components.WORKER_PREFIX,
]
KINDS = {
    "monitoring/alerts/judging.py": [problems.COMPONENT + name for name in COMPONENTS],
    "monitoring/alerts/watch.py": [watch._STUMBLED, problems.CHANNEL],
    "orchestration/runtime/instance.py": ["refused:"],
    "orchestration/runtime/cluster/foreign_messages.py": [foreign_messages.FOREIGN_MESSAGES],
    "orchestration/runtime/cluster/step_task.py": [step_task.LOST_CHILD],
    "orchestration/sensors/run_ends.py": [problems.RUN, problems.CHECK],
    "orchestration/sensors/freshness.py": ["freshness"],
    "orchestration/sensors/pace.py": [pace.SLOW],
    "orchestration/due_reports.py": ["report:"],
    "messaging/postman.py": [postman.DELIVERY],
    "ingestion/identity.py": [problems.ANOTHER, problems.ANEW, identity.BELOW, identity.JUMP],
}
"""Where problems begin, and of which kinds they are there."""

Browsers = Callable[..., Browser]


def incident(key: str, summary: str = "it is broken", detail: str = "a\nb", advice: str = "mend it") -> Incident:
    now = datetime(2026, 11, 28, tzinfo=UTC)
    return Incident(key=key, summary=summary, detail=detail, advice=advice, problem_id=1, opened_at=now, last_at=now, times=1)


def test_every_kind_of_problem_that_begins_somewhere_has_words() -> None:
    root = Path(telemetry_pipeline.__file__).parent
    makers = set()
    for module in root.rglob("*.py"):
        calls = [node.func for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.Call)]
        if any("Problem" in ast.unparse(each).split(".") for each in calls):
            makers.add(str(module.relative_to(root)))
    assert makers == set(KINDS)
    assert {kind for kinds in KINDS.values() for kind in kinds} == set(PROBLEMS)


def test_every_check_has_words() -> None:
    declared = [*checks.RECORDS_CHECKS, *checks.VIEWS_CHECKS, checks.totals_check("full_analysis")]
    assert {each.name for each in declared} == set(CHECKS)
    assert find_check("a_new_one", Language.ES) is None


@pytest.mark.parametrize(
    ("check", "limit"),
    [
        ("few_records_are_of_the_future", checks._MAX_FUTURE_PCT),
        ("few_views_are_of_the_future", checks._MAX_FUTURE_PCT),
        ("few_views_are_repeated", checks._MAX_REPEATED_PCT),
    ],
)
def test_the_words_of_a_check_name_its_limit(check: str, limit: float) -> None:
    assert all(f" {limit:g} %" in means for means in CHECKS[check][1])


def test_every_job_has_words() -> None:
    assert PURPOSES.keys() == {*JOBS, *(name for name in all_assets() if name in ("telemetry_records", "ott_views", *REPORTS))}


@pytest.mark.parametrize("language", list(Language))
def test_every_parameter_has_words(language: Language) -> None:
    declared = {(asset.name, name) for asset in all_assets().values() for name in asset.parameters.model_fields}
    assert [each for each in declared if find_parameter(*each, language) is None] == []
    assert PARAMETERS.keys() <= {name for _, name in declared} | {f"{asset}.{name}" for asset, name in declared}
    assert find_parameter("share", "made_up", language) is None
    assert all(text for said in PARAMETERS.values() for text in said)


def test_the_words_of_a_parameter_name_the_values_that_it_takes() -> None:
    """A form said "day, week or month", and refused them for "daily", "weekly" and "monthly"."""
    found = 0
    for asset in all_assets().values():
        for name, field in asset.parameters.model_fields.items():
            for value in filter(lambda each: isinstance(each, str), get_args(field.annotation)):
                said = find_parameter(asset.name, name, Language.ES)
                assert said is not None
                assert re.search(rf"\b{value}\b", f"{said.means}"), (asset.name, name, value)
                found += 1
    assert found


@pytest.mark.parametrize("said", [*PROBLEMS.values(), *CHECKS.values()])
def test_no_text_is_missing(said: tuple[tuple[str, str], ...]) -> None:
    assert all(text for both in said for text in both)


def test_a_problem_is_told_in_words_with_what_was_written_down_behind_them() -> None:
    told = told_of(incident("component:worker:ingest@box"), Language.ES)
    assert (told.title, told.language) == ("El proceso ingest@box ya no está", Language.ES)
    assert told.technical == ("it is broken", "a", "b", "mend it")
    assert told_of(incident("component:broker"), Language.EN).title == "The broker (Redis) does not work"


def test_a_check_that_does_not_pass_is_told_by_its_title_and_an_unknown_one_by_its_name() -> None:
    told = told_of(incident("check:ott_views:few_views_are_unnamed:telemetry_range"), Language.ES)
    assert told.title == "No pasa una comprobación: Pocas reproducciones sin nombre de canal"
    assert told.advice == CHECKS["few_views_are_unnamed"][2][0]
    assert "ott_views:a_new_one" in told_of(incident("check:ott_views:a_new_one"), Language.ES).title


@pytest.mark.parametrize("key", ["", "component:", "component:moon", "run", "check:", "a\x00b", "{name}:{0}", "run:{x}"])
def test_what_the_catalogue_does_not_know_is_shown_as_it_is(key: str) -> None:
    told = told_of(incident(key), Language.ES)
    assert told.title
    assert find_problem(key, Language.ES) is not None or (told.title, told.language) == ("it is broken", Language.EN)


def test_pages_tell_problems_in_spanish_and_their_detail_in_english(browser: Browsers, warehouse: sa.Engine) -> None:
    problems.report(warehouse, problems.Problem("component:daemon", "Dagster's <i> does not work", "It is silent.", "start it"))
    try:
        oscar = browser(OPERATOR)
        for path in ("/hoy", "/estado/partes"):
            page = oscar.get(path).text
            assert '<strong lang="es">' in page
            assert "El servicio del horario no funciona" in page
            assert page.index("Detalle técnico") < page.index("Dagster&#39;s &lt;i&gt; does not work")
    finally:
        problems.resolve(warehouse, "component:daemon")


def test_a_refusal_is_in_the_language_of_the_page(browser: Browsers) -> None:
    oscar = browser(OPERATOR)
    page = oscar.get("/tareas?state=made-up").text
    assert "No hay un estado «made-up»" in page
    assert "Detalle técnico" not in page
    form = {"target": "share", "from": "2026-13-01"}
    page = oscar.post("/tareas/nueva", data=form, headers=oscar.origin).text
    assert "«2026-13-01» no es un día" in page
    assert "Días hacia atrás" in page
    form = {"target": "share", "set.window_days": "many"}
    page = oscar.post("/tareas/nueva", data=form, headers=oscar.origin).text
    assert page.index("Revise lo que pidió") < page.index("Detalle técnico") < page.index("share.window_days cannot be")


def test_a_page_of_a_4xx_has_what_a_program_reads_as_a_technical_detail(browser: Browsers) -> None:
    page = browser(OPERATOR).get("/api/analyses/share?from=no-day").text
    assert "No se entiende lo que se pide" in page
    assert page.index("Detalle técnico") < page.index('<div lang="en">')
