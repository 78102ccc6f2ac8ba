"""Every block of docs/graphql.md is run, with the address and the days of the stack that is running here."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from terminal import Operator, days_ago

from telemetry_pipeline.client import TelemetryClient

PAGE = Path(__file__).parents[2] / "docs" / "graphql.md"
LANGUAGES = {
    "bash": (["bash", "-euo", "pipefail"], ".sh"),
    "python": ([sys.executable, "-W", "error"], ".py"),
    "javascript": (["node"], ".mjs"),
}


def blocks(language: str, page: str) -> list[str]:
    """The blocks of one language, in the page's order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def test_every_flow_is_shown_in_every_language() -> None:
    sections = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)
    assert len(sections) > 8
    for section in sections:
        shown = {language for language in LANGUAGES if blocks(language, section)}
        assert shown == LANGUAGES.keys(), section.splitlines()[0]


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_page_shows_works(operator: Operator, ranged: str, tmp_path: Path, language: str) -> None:
    command, suffix = LANGUAGES[language]
    tools = {"bash": ["bash", "curl", "jq"], "javascript": ["node"]}.get(language, [])
    if missing := [tool for tool in tools if shutil.which(tool) is None]:
        pytest.skip(f"not installed here: {', '.join(missing)}")
    text = "\n".join(blocks(language, PAGE.read_text()))
    here = {
        "http://127.0.0.1:3000/graphql": operator.state["graphql_url"],
        "2026-10-01": days_ago(2),
        "2026-10-31": days_ago(0),
    }
    for shown, actual in here.items():
        assert shown in text
        text = text.replace(shown, actual)
    script = tmp_path / f"page{suffix}"
    script.write_text(text)
    try:
        done = subprocess.run([*command, str(script)], capture_output=True, text=True, timeout=240, cwd=tmp_path)
    finally:
        settle(TelemetryClient(operator.state["graphql_url"]))
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    for wrong in ("PythonError", "Traceback", "NotFoundError", '"errors"', "Invalid", "undefined"):
        assert wrong not in said, said
    for part in ("top_channels", "TerminateRunSuccess" if language == "bash" else "CANCELED", "share_pct"):
        assert part in said, said


def settle(client: TelemetryClient) -> None:
    """The page launches runs that it does not wait for."""
    for run in client.runs(limit=20):
        if not run.status.ended:
            client.cancel(run.run_id)
            client.wait(run.run_id, 60)
