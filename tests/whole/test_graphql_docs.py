"""Every block of docs/graphql.md is run, with the address and the days of the stack that is running here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from terminal import Operator, days_ago

from telemetry_pipeline.client.pipeline import TelemetryClient

PAGE = Path(__file__).parents[2] / "docs" / "graphql.md"
LANGUAGES = {
    "bash": (["bash", "-euo", "pipefail"], ".sh"),
    "python": ([sys.executable, "-W", "error"], ".py"),
    "javascript": (["node"], ".mjs"),
}
TOOLS = {"bash": ["bash", "curl", "jq"], "javascript": ["node"]}


def blocks(language: str, page: str) -> list[str]:
    """The blocks of one language, in the page's order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def test_every_flow_is_shown_in_every_language() -> None:
    sections = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)
    assert len(sections) > 8
    for section in sections:
        shown = {language for language in LANGUAGES if blocks(language, section)}
        assert shown == LANGUAGES.keys(), section.splitlines()[0]


@pytest.fixture(scope="module")
def said(operator: Operator, ranged: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[int, str]]]:
    """Exit status and output of the page's blocks, by language; all at once, for they wait for runs most of the time."""
    text = PAGE.read_text()
    here = {
        "http://127.0.0.1:3000": operator.state["web_url"].rstrip("/"),
        "2026-10-01": days_ago(2),
        "2026-10-31": days_ago(0),
    }
    for shown, actual in here.items():
        assert shown in text
        text = text.replace(shown, actual)

    surroundings = os.environ | {"TELEMETRY_TOKEN": operator.state["web_token"]}

    def run(language: str) -> tuple[int, str]:
        command, suffix = LANGUAGES[language]
        folder = tmp_path_factory.mktemp(language)
        script = folder / f"page{suffix}"
        script.write_text("\n".join(blocks(language, text)))
        done = subprocess.run(
            [*command, str(script)], capture_output=True, text=True, timeout=280, cwd=folder, env=surroundings
        )
        return done.returncode, done.stdout + done.stderr

    there = [language for language in LANGUAGES if all(map(shutil.which, TOOLS.get(language, [])))]
    try:
        with ThreadPoolExecutor() as pool:
            yield dict(zip(there, pool.map(run, there), strict=True))
    finally:
        settle(operator.client)


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_page_shows_works(said: dict[str, tuple[int, str]], language: str) -> None:
    if language not in said:
        pytest.skip(f"not installed here: one of {', '.join(TOOLS[language])}")
    status, output = said[language]
    assert status == 0, output
    for wrong in ("PythonError", "Traceback", "NotFoundError", '"errors"', "Invalid", "undefined"):
        assert wrong not in output, output
    for part in ("top_channels", "TerminateRunSuccess" if language == "bash" else "CANCELED", "share_pct"):
        assert part in output, output


def settle(client: TelemetryClient) -> None:
    """The page launches runs that it does not wait for."""
    for run in client.runs(limit=20):
        if not run.status.ended:
            client.cancel(run.run_id)
            client.wait(run.run_id, 60)
