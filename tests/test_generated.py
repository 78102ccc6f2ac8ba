"""What follows from the code is in documents and snapshots as the code is now."""

from __future__ import annotations

import pytest
from generated import GENERATED, anew


@pytest.mark.parametrize("name", GENERATED)
def test_what_is_generated_is_up_to_date(name: str) -> None:
    before, after = anew(name)
    assert before == after, f"{name} is out of date: run 'make docs' and look at what it changed"
