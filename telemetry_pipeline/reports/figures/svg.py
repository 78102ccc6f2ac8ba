"""The SVG of a picture, made fit for pages: small, and what marks say of themselves is all that it says to who listens."""

from __future__ import annotations

import re
from xml.etree import ElementTree

DOOR = "https://door.invalid"
"""Stands before addresses of ours in declarations, for Vega puts one of its own before those that have none."""

LETTERS = 12
"""Pixels of a letter, where nothing else is said."""
MEASURED_FONT = "Pictures Sans"
"""By which room is left for texts: it is as wide as the widest of those that they may be written in. See ``fonts``."""
FONT = "'DejaVu Sans', Verdana, Arial, sans-serif"
"""What browsers have, in that order; a page's style sheet may say otherwise."""

_NAMESPACE = re.compile(r"\{.*?\}")
_FRACTION = re.compile(r"-?\d+\.\d+(e-?\d+)?")
_LEFT_OUT = frozenset(
    {"class", "aria-roledescription", "role", "style", "stroke-miterlimit", "pointer-events", "font-family", "version"}
)
_DEFAULTS = {"font-size": f"{LETTERS}px", "text-anchor": "start", "stroke-width": "1", "opacity": "1", "y2": "0"}
_NUMBERS = frozenset({"d", "transform", "x", "y", "x1", "x2", "y1", "y2", "width", "height", "viewBox"})
_SYMBOL = "graphics-symbol"


def tidied(svg: str, label: str) -> str:
    """Return Vega's SVG without what no browser needs, nor its English names of shapes; tenths of a pixel are enough."""
    root = ElementTree.fromstring(svg)
    root[:] = _children(root)
    root.attrib |= {"xmlns": "http://www.w3.org/2000/svg", "font-family": FONT, "font-size": f"{LETTERS}px"}
    root.attrib |= {"class": "picture", "role": "graphics-document", "aria-label": label}
    return ElementTree.tostring(root, encoding="unicode")


def _children(element: ElementTree.Element) -> list[ElementTree.Element]:
    """Return the children of *element*, which is made plain itself, made plain and without groups that say nothing."""
    given = {_NAMESPACE.sub("", name): value for name, value in element.attrib.items()}
    is_title = "title" in given.get("class", "")
    element.tag = _NAMESPACE.sub("", element.tag)
    element.attrib.clear()
    for name, value in given.items():
        if name in ("aria-label", "aria-hidden") and is_title:
            continue
        if name not in _LEFT_OUT and _DEFAULTS.get(name) != value:
            element.set(name, _short(name, value))
    if "aria-label" in element.attrib:
        element.set("role", _SYMBOL)
    children: list[ElementTree.Element] = []
    for child in element:
        if "background" in child.attrib.get("class", "") or child.attrib.get("display") == "none":
            continue
        below = _children(child)
        if child.tag == "g" and not below:
            continue
        if child.tag == "g" and not child.attrib:
            children += below
        else:
            child[:] = below
            children.append(child)
    return children


def _short(name: str, value: str) -> str:
    if name == "href":
        return value.removeprefix(DOOR)
    if name not in _NUMBERS:
        return value
    return _FRACTION.sub(lambda match: f"{float(match[0]):.1f}".rstrip("0").rstrip(".") or "0", value)
