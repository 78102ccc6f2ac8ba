"""The colours of pictures, by name: on white, on black, and on a page whose style sheet decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

BLUE, ORANGE, GREEN, PURPLE, RED, GREY = "blue", "orange", "green", "purple", "red", "grey"
PALETTE = (BLUE, ORANGE, GREEN, PURPLE, RED, GREY, "cyan", "olive", "pink", "slate")
INK, PALE_INK, GRID, TILE, GROUND = "ink", "pale-ink", "grid", "tile", "ground"

_PALE = " pale"
VARIABLE = "--picture-"
"""What the variables of a page's style sheet begin with that decide about a colour."""


@dataclass(frozen=True)
class Theme:
    """What the names of colours mean.

    :ivar is_filled: whether the picture has a ground of its own, or lies on what is there.
    """

    name: str
    colours: Mapping[str, str]
    is_filled: bool = True

    def __getitem__(self, colour: str) -> str:
        return self.colours[colour.removesuffix(_PALE)]


def pale(colour: str) -> str:
    """Return a colour half way to the ground."""
    return colour + _PALE


def opacity(colour: str) -> float:
    """Return how much of the ground a colour covers, from 0 to 1."""
    return 0.5 if colour.endswith(_PALE) else 1.0


LIGHT = Theme(
    "light",
    {
        BLUE: "#2f6db5",
        ORANGE: "#c8701f",
        GREEN: "#2f8a64",
        PURPLE: "#8159b0",
        RED: "#c9453f",
        GREY: "#7b8794",
        "cyan": "#2f86a3",
        "olive": "#8a7718",
        "pink": "#b2588b",
        "slate": "#535d6b",
        INK: "#1f2933",
        PALE_INK: "#56616d",
        GRID: "#e1e6eb",
        TILE: "#f1f4f8",
        GROUND: "#ffffff",
    },
)
DARK = Theme(
    "dark",
    {
        BLUE: "#6ea8ec",
        ORANGE: "#f0a862",
        GREEN: "#62c79c",
        PURPLE: "#b596de",
        RED: "#ee7d76",
        GREY: "#8f9aa6",
        "cyan": "#67bdd6",
        "olive": "#d0bb55",
        "pink": "#dd9cc0",
        "slate": "#b3bcc7",
        INK: "#e8edf2",
        PALE_INK: "#aab4bf",
        GRID: "#323c47",
        TILE: "#212a34",
        GROUND: "#18202b",
    },
)
PAGE = Theme("page", {name: f"var({VARIABLE}{name}, {colour})" for name, colour in LIGHT.colours.items()}, is_filled=False)
"""Light, unless the page's style sheet says otherwise; nothing but a browser can draw it."""

PAPER = Theme("paper", LIGHT.colours, is_filled=False)
"""Light, on what is there: of reports, which say the title themselves."""

THEMES = {theme.name: theme for theme in (LIGHT, DARK, PAGE, PAPER)}
