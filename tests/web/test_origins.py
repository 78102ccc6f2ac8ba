"""Where a request comes from: a name that is not ours, or a page of somebody else's, passes in no way of writing it."""

from __future__ import annotations

import pytest

from telemetry_pipeline.web.access.origins import OwnNames

OURS = OwnNames(["https://telemetry.example.com", "http://[2001:DB8::1]:8080/x", "https://pipeline.example.org:8443/"])


@pytest.mark.parametrize(
    ("hosts", "name"),
    [
        (["telemetry.example.com"], "telemetry.example.com"),
        (["TELEMETRY.example.com.:443"], "telemetry.example.com"),
        (["[2001:db8:0::1]:8080"], "2001:db8::1"),
        (["localhost:3000"], "localhost"),
        (["[::1]:3000"], "::1"),
        ([], ""),
        ([""], ""),
        (["telemetry.example.com", "telemetry.example.com"], ""),
        (["evil.example"], ""),
        (["evil.example/telemetry.example.com"], ""),
        (["evil@telemetry.example.com"], ""),
        (["telemetry.example.com\r\nx: y"], ""),
    ],
)
def test_a_name_is_ours_however_it_is_written_and_nothing_else_is(hosts: list[str], name: str) -> None:
    assert OURS.asked_for(hosts) == name


@pytest.mark.parametrize(
    ("authority", "origins", "sites", "foreign"),
    [
        ("telemetry.example.com", ["https://telemetry.example.com"], ["same-origin"], False),
        ("telemetry.example.com", ["https://TELEMETRY.example.com:443"], [], False),
        ("pipeline.example.org:8443", ["https://pipeline.example.org:8443"], [], False),
        ("127.0.0.1:40123", ["http://127.0.0.1:40123"], [], False),
        ("telemetry.example.com", [], [], False),
        ("telemetry.example.com", [], ["none"], False),
        ("telemetry.example.com", ["http://telemetry.example.com"], [], True),
        ("pipeline.example.org:8443", ["https://pipeline.example.org"], [], True),
        ("127.0.0.1:40123", ["http://127.0.0.1:40124"], [], True),
        ("127.0.0.1:40123", ["http://localhost:40123"], [], True),
        ("telemetry.example.com", ["null"], [], True),
        ("telemetry.example.com", ["https://[evil"], [], True),
        ("telemetry.example.com", ["https://telemetry.example.com"] * 2, [], True),
        ("telemetry.example.com", ["https://telemetry.example.com"], ["cross-site"], True),
        ("telemetry.example.com", [], ["same-site"], True),
    ],
)
def test_only_our_own_pages_are_not_foreign(authority: str, origins: list[str], sites: list[str], foreign: bool) -> None:
    assert OURS.is_foreign(authority, origins=origins, sites=sites) is foreign


def test_names_that_people_open_by_tls_are_known() -> None:
    assert OURS.is_behind_tls("telemetry.example.com")
    assert not OURS.is_behind_tls("2001:db8::1")
    assert not OURS.is_behind_tls("localhost")
