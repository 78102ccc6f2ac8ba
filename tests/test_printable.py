"""What foreign text looks like where it is shown."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_pipeline.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2Jgone", r"\u001b[2Jgone"),
        ("\x1b]0;title\x07", r"\u001b]0;title\u0007"),
        ("\x9b31m", r"\u009b31m"),
        ("one\r\ntwo\u2028three\x85four", r"one\r\ntwo\u2028three\u0085four"),
        ("\u202eexe.fdp\u2066", r"\u202eexe.fdp\u2066"),
        ("\ud800", r"\ud800"),
        ("a\x00b\x7f\t", r"a\u0000b\u007f\t"),
        ("\U000e0041\u200b\ufeff", r"\udb40\udc41\u200b\ufeff"),
    ],
    ids=ascii,
)
def test_what_does_something_to_a_terminal_is_seen_instead(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    "text",
    ["Ñandú: ¿qué?", "👩‍👩‍👧 ❤️ 🇲🇽", "می‌خواهم", "قناة الجزيرة", "ערוץ 1", "東京 テレビ", "\u00a0\u3000", "\ue000", r"C:\new"],
    ids=ascii,
)
def test_letters_of_people_stay(text: str) -> None:
    assert printable(text) == text


@given(st.text(st.characters()))
def test_nothing_that_is_shown_is_a_control(text: str) -> None:
    assert not any(unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp") for each in printable(text))


@given(st.recursive(st.text(st.characters()), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_stays_the_same_json(value: object) -> None:
    assert json.loads(printable(json.dumps(value, ensure_ascii=False, indent=2), "\n")) == value
