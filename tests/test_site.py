"""A link that leads nowhere fails the build of the documentation. (``make check`` builds the whole of it.)"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sphinx")

PROJECT = Path(__file__).parents[1]


def build(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    (folder / "docs").mkdir()
    shutil.copy(PROJECT / "docs" / "conf.py", folder / "docs")
    (folder / "README.md").write_text(f"# Start\n\n{text}\n")
    (folder / "docs" / "other.md").write_text("# Other\n\n## A part\n\nText.\n")
    for name in ("CONTRIBUTING", "CHANGELOG", "SECURITY"):
        (folder / f"{name}.md").write_text(f"# {name}\n\nText.\n")
    options = ["--quiet", "--fail-on-warning", "--keep-going", "-c", "docs"]
    return subprocess.run(
        [sys.executable, "-m", "sphinx", *options, ".", "site"], cwd=folder, capture_output=True, text=True, check=False
    )


def test_links_to_pages_sections_and_files_are_followed(tmp_path: Path) -> None:
    done = build(tmp_path, "[a](docs/other.md) [b](docs/other.md#a-part) [c](docs/conf.py) [d](#start)")
    assert (done.returncode, done.stderr) == (0, "")
    page = (tmp_path / "site" / "README.html").read_text()
    assert 'href="docs/other.html#a-part"' in page
    assert "https://fonts" not in page


@pytest.mark.parametrize("link", ["docs/gone.md", "docs/other.md#gone", "#gone", "docs/gone.yaml"])
def test_a_link_that_leads_nowhere_fails(tmp_path: Path, link: str) -> None:
    done = build(tmp_path, f"[a]({link})")
    assert done.returncode != 0
    assert "gone" in done.stderr
