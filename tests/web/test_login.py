"""Who is let in at the front door, for how long, and who is not."""

from __future__ import annotations

from collections.abc import Callable

from front_door import VIEWER, Browser

New = Callable[..., Browser]


def test_the_right_name_and_password_open_the_start_page(browser: New) -> None:
    vera = browser()
    answer = vera.log_in(VIEWER)
    assert answer.status_code == 303, (answer.status_code, answer.text)
    page = vera.get("/")
    assert page.status_code == 200
    assert f"Hola, {VIEWER}" in page.text
