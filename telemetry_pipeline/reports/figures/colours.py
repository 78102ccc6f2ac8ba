"""The colours of pictures."""

from __future__ import annotations

BLUE, ORANGE, GREEN, PURPLE, RED, GREY = "#2f6db5", "#e08a3c", "#3b9c75", "#8b66b5", "#c9453f", "#9aa5b1"
PALETTE = (BLUE, ORANGE, GREEN, PURPLE, RED, GREY, "#5bb0c9", "#b8a13a", "#c77fa7", "#6b7280")


def pale(colour: str) -> str:
    """A colour half way to white."""
    return "#" + "".join(f"{(int(colour[at : at + 2], 16) + 255) // 2:02x}" for at in (1, 3, 5))
