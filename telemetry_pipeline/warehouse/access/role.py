"""What somebody may do at the front door."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """Viewers see, operators change things, too."""

    VIEWER = "viewer"
    OPERATOR = "operator"
