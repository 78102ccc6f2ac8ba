"""No secret is repeated, however it is written."""

from __future__ import annotations

import base64
import html
import json
import quopri
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, quote_plus

import pytest
from growth import LINEAR, growth
from hypothesis import given, settings
from hypothesis import strategies as st
from panaccess_secrets import KNOWN, SESSION, WHO, gives_away

from telemetry_pipeline.sources.panaccess.calls.discretion import Discretion
from telemetry_pipeline.sources.panaccess.calls.session import Credentials

FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "capitals": str.upper,
    "small letters": str.lower,
    "URL": lambda text: quote(text, safe=""),
    "URL, small digits": lambda text: quote(text, safe="").lower(),
    "URL with + for a space": quote_plus,
    "URL in a URL": lambda text: quote(quote_plus(text), safe=""),
    "URL, every character": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "URL in Latin-1": lambda text: quote(text.encode("latin-1"), safe=""),
    "URL in JavaScript": lambda text: "".join(f"%u{ord(each):04X}" for each in text),
    "JSON": json.dumps,
    "JSON in JSON": lambda text: json.dumps(json.dumps({"told": text})),
    "PHP's JSON": lambda text: json.dumps(text).replace("/", r"\/"),
    "JSON, every character": lambda text: "".join(f"\\u{ord(each):04X}" for each in text),
    "HTML": html.escape,
    "HTML, names": lambda text: html.escape(text).replace("ñ", "&ntilde;").replace(" ", "&nbsp;"),
    "HTML, numbers": lambda text: "".join(f"&#{ord(each)};" for each in text),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 of a login": lambda text: base64.urlsafe_b64encode(f"operator:{text}".encode()).decode(),
    "base64 in lines": lambda text: base64.encodebytes(f"{'x' * 50}{text}".encode()).decode(),
    "hex": lambda text: text.encode().hex().upper(),
    "Python": lambda text: repr(text.encode()),
    "UTF-8 read as Latin-1": lambda text: text.encode().decode("latin-1"),
    "Latin-1 read as UTF-8": lambda text: text.encode("latin-1").decode("utf-8", "surrogateescape"),
    "PHP's, every character": lambda text: "".join(f"\\u{{{ord(each):x}}}" for each in text),
    "octal": lambda text: "".join(f"\\{byte:03o}" for byte in text.encode()),
    "octal, what is no letter": lambda text: "".join(
        chr(byte) if chr(byte).isalnum() and byte < 128 else f"\\{byte:03o}" for byte in text.encode()
    ),
    "mail": lambda text: quopri.encodestring(text.encode()).decode(),
    "mail, every character": lambda text: "".join(f"={byte:02X}" for byte in text.encode()),
    "HTML, numbers without an end": lambda text: "".join(f"&#{ord(each)}" for each in text),
    "without its blanks": lambda text: " ".join(text.split()).replace("\\", "\\\\"),
}


def discretion() -> Discretion:
    found = Discretion(WHO)
    found.learn(SESSION)
    return found


KNOWING = discretion()
"""Learns nothing more."""


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("secret", KNOWN.values(), ids=KNOWN)
@pytest.mark.parametrize("around", ["{}", "Bad ({}), sorry", '{{"errorMessage":"{}"}}', "?a=1&token={}&b=2", "x{}x"])
def test_a_secret_is_masked_however_it_is_written(secret: str, form: Callable[[str], str], around: str) -> None:
    said = KNOWING.quote(around.format(form(secret)))
    assert "***" in said
    assert not gives_away(said, secret), said


@pytest.mark.parametrize("secret", KNOWN.values(), ids=KNOWN)
@pytest.mark.parametrize("end", ["", "...", "…", "...', 'operator')", "…\nnext"], ids=ascii)
@pytest.mark.parametrize("form", [str, str.upper, quote_plus, lambda text: text.encode().hex()])
def test_the_beginning_of_a_secret_is_masked_where_a_text_was_cut(secret: str, form: Callable[[str], str], end: str) -> None:
    """PHP cuts the arguments in its traces after 15 characters."""
    for length in range(13, 16):
        said = KNOWING.quote(f"#0 login('{form(secret)[:length]}{end}")
        assert form(secret)[:7] not in said, said
        assert said.startswith("#0 login('")


@pytest.mark.parametrize("secret", KNOWN.values(), ids=KNOWN)
@pytest.mark.parametrize("around", ["near '{}' at line 1", '"{}"', "{}", "is {}, and more", "={}&x"])
@pytest.mark.parametrize("form", [str, str.upper, quote_plus, lambda text: text.encode().hex()])
def test_half_of_a_secret_is_masked_whatever_follows(secret: str, around: str, form: Callable[[str], str]) -> None:
    """MySQL quotes the end of a statement, cut at no mark."""
    written = form(secret)
    for length in range(max(8, len(written) // 2 + 1), len(written) + 1):
        if not written[length - 1].isalnum() or not written[length - 2].isalnum() or not written[length - 3].isalnum():
            continue
        said = KNOWING.quote(around.format(written[:length]))
        assert written[:6] not in said, said


def test_the_digest_as_bytes_in_base64_is_masked() -> None:
    data = base64.b64encode(b"x" + bytes.fromhex(WHO.password_digest)).decode()
    assert "***" in KNOWING.quote(f"Authorization: {data}")
    assert data[4:16] not in KNOWING.quote(f"Authorization: {data}")


@pytest.mark.parametrize("secret", ["a" * 2_000, "ab" * 2_000, "a" * 1_999 + "b", "a..." * 500], ids=lambda it: it[-5:])
@pytest.mark.parametrize(
    "piece", ["a", "a" * 999 + "b", "a" * 1_999 + "c", "ab", "a...", "a" * 30 + "..."], ids=lambda it: it[-5:]
)
def test_a_long_session_of_few_characters_takes_no_time(secret: str, piece: str) -> None:
    known = discretion()
    known.learn(secret)
    assert growth(lambda size: known.quote(piece * (size // len(piece)), 1_000_000), 200_000) < LINEAR


@pytest.mark.parametrize(("piece", "seconds"), [("lorem ipsum, dolor ", 0.03), ("\\u00e9", 0.2)])
def test_what_holds_no_secret_is_told_soon(piece: str, seconds: float) -> None:
    """A record that is rejected goes through here."""
    text = piece * (90_000 // len(piece))
    began = time.process_time()
    assert KNOWING.quote(text, 100_000) == text
    assert time.process_time() - began < seconds * 4


@given(st.sampled_from(sorted(KNOWN)), st.sampled_from(sorted(FORMS)), st.integers(0, 140), st.integers(20, 120))
@settings(max_examples=400, deadline=None)
def test_a_secret_is_masked_before_a_text_is_cut(name: str, form: str, before: int, most: int) -> None:
    text = "." * before + FORMS[form](KNOWN[name]) + "." * 3_000
    said = KNOWING.quote(text, most)
    assert not gives_away(said, KNOWN[name]), said
    assert len(said) <= most + 50


def test_nothing_else_is_masked() -> None:
    text = 'PanAccess of "operator" refused: no_access_to_function; prueba de sal, 5e55, señal, 100% +1 \\o/ &amp; token...'
    assert KNOWING.quote(text) == text


def test_a_short_secret_is_masked_where_it_stands_alone() -> None:
    known = Discretion(Credentials("u", "abc", "1", "salt-of-test"))
    assert known.quote("a cab, abcd, abc. 'abc' 21 1") == "a cab, abcd, ***. '***' 21 ***"


def test_a_user_whose_password_is_the_name_is_still_named() -> None:
    assert Discretion(Credentials("simulator", "simulator", "simulator")).quote("of simulator") == "of simulator"


def test_many_threads_learn_at_once() -> None:
    known = discretion()
    sessions = [f"session-{random.Random(number).random()}" for number in range(200)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(known.learn, sessions))
    assert known.quote(" ".join(sessions)) == " ".join(["***"] * 200)


@pytest.mark.parametrize("piece", ["Token+of=", "%25", "\\u0054", "&#84;", "a b", "....", "Token+of=test-2f9"], ids=str)
def test_a_long_text_is_masked_in_a_moment(piece: str) -> None:
    assert growth(lambda size: KNOWING.quote(piece * (size // len(piece)), 1_000_000), 1_000_000) < LINEAR


@pytest.mark.parametrize("secret", ["sal y ñandú", "a \\ñ b", "uno  éáí"])
@pytest.mark.parametrize("times", [1, 2, 3])
def test_an_escape_behind_a_blank_is_read(secret: str, times: int) -> None:
    written = f"no {secret}"
    for _ in range(times):
        written = json.dumps(written)
    every = "".join(f"\\u{ord(each):04x}" for each in secret)
    quoting = Discretion(Credentials(username="sim", password="x" * 9, api_token="y" * 9, salt=secret))
    assert "".join(quoting.quote(written).replace("no", "").split()).strip('"\\') == "***"
    assert quoting.quote(f"no {every}") == "no ***"
