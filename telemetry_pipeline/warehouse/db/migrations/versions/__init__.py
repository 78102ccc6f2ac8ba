"""One module per migration, oldest first; its SQL stands beside it."""

from __future__ import annotations

from pathlib import Path


def statements(file_name: str) -> str:
    """Return the SQL of one migration."""
    return (Path(__file__).parent / file_name).read_text()
