"""Addresses of Unix sockets: how they are written, and what is said there."""

from __future__ import annotations

from pathlib import Path

import pytest

from telemetry_pipeline.sockets import VIEWERS, address, divided


def test_an_address_names_a_socket_and_what_is_said_there() -> None:
    written = address(Path("/run/telemetry-web"), VIEWERS)
    assert written == "unix:/run/telemetry-web/viewers.sock:/dagster"
    assert divided(f"{written}/graphql") == (Path("/run/telemetry-web/viewers.sock"), "http://localhost/dagster/graphql")


def test_any_other_address_is_what_it_was() -> None:
    assert divided("https://telemetry.example.com/dagster") == (None, "https://telemetry.example.com/dagster")


@pytest.mark.parametrize("text", ["unix:", "unix:/run/x.sock", "unix:x.sock:/dagster", "unix:/run/x.sock:dagster"])
def test_half_an_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a socket and a path"):
        divided(text)
