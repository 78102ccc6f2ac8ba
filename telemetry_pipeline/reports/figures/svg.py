"""A compact SVG of what Matplotlib draws, a few kilobytes instead of many."""

from __future__ import annotations

import re
from xml.etree import ElementTree

_NAMESPACE = re.compile(r"\{.*?\}")
_FRACTION = re.compile(r"-?\d+\.\d+")
_BOX = re.compile(r"M(\S+) (\S+)L(\S+) \2L\3 (\S+)L\1 \4z")
_EVERYWHERE = {"font-size": "9px", "font-family": "DejaVu Sans,Verdana,Arial,sans-serif", "stroke-linejoin": "round"}
_DEFAULTS = {"text-anchor": "start", "stroke-linecap": "butt", "font-size": _EVERYWHERE["font-size"], "version": "1.1"}


def compact(svg: bytes) -> str:
    """Matplotlib's SVG without what no browser needs: wrappers, ids, clipping, the same fonts on each text, long numbers."""
    root = ElementTree.fromstring(svg)
    root[:] = _tidy(root)
    root.attrib |= {"xmlns": "http://www.w3.org/2000/svg", **_EVERYWHERE}
    return ElementTree.tostring(root, encoding="unicode")


def _tidy(element: ElementTree.Element) -> list[ElementTree.Element]:
    """The children of *element*, which is made plain itself, tidied and without groups that say nothing."""
    element.tag = _NAMESPACE.sub("", element.tag)
    element.tail = None
    if element.tag != "text":
        element.text = None
    given = {_NAMESPACE.sub("", name): value for name, value in element.attrib.items()}
    given |= dict(re.findall(r"([\w-]+): ([^;]*)", given.pop("style", "")))
    left_out = {"clip-path", "font-family", *(["id"] if element.tag in ("g", "svg", "image") else [])}
    element.attrib.clear()
    for name, value in given.items():
        if name not in left_out and _DEFAULTS.get(name) != value and not value.startswith("rotate(-0 "):
            element.set(name, _short(name, value))
    if element.tag == "image":
        element.set("image-rendering", "pixelated")
    children: list[ElementTree.Element] = []
    for child in element:
        below = _tidy(child)
        if child.tag == "g" and not child.attrib:
            children += below
        elif child.tag not in ("style", "clipPath", "metadata") and (child.tag != "defs" or below):
            child[:] = below
            children.append(child)
    return children


def _short(name: str, value: str) -> str:
    """An attribute in few letters: tenths of a point are enough, hundredths in what is scaled."""
    if name == "href":
        return "".join(value.split())
    if name not in ("d", "x", "y", "width", "height", "transform"):
        return value
    digits = 2 if name == "transform" else 1
    value = _FRACTION.sub(lambda match: f"{float(match[0]):.{digits}f}".rstrip("0").rstrip("."), value)
    return value if name != "d" else _BOX.sub(r"M\1 \2H\3V\4H\1z", re.sub(r"\s*([MLQCz])\s*", r"\1", value))
