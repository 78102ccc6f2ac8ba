"""Broken settings, one after the other: doctor names what is wrong and what to do, without a trace and without a secret."""

from __future__ import annotations

import os
import stat
import sys
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from urllib.parse import quote

import pytest
from cli_harness import Outcome
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry_pipeline.cli.operating.doctor import examine
from telemetry_pipeline.errors import TelemetryError, Warned
from telemetry_pipeline.monitoring.doctor import surroundings
from telemetry_pipeline.monitoring.doctor.findings import Examiner
from telemetry_pipeline.settings.loading import StackSettings

NOWHERE = "127.0.0.1:9"
PANACCESS = {"PANACCESS_USERNAME": "ali", "PANACCESS_PASSWORD": "sesame", "PANACCESS_API_TOKEN": "token-sesame"}

BROKEN: dict[str, dict[str, str]] = {
    "a password with a slash": {"DATABASE_URL": f"postgresql://ali:ses/sesame@{NOWHERE}/db"},
    "a password with an at sign": {"DATABASE_URL": f"postgresql://ali:sesame@sesame@{NOWHERE}/db"},
    "a password with a per cent sign": {"DATABASE_URL": f"postgresql://ali:sesame%@{NOWHERE}/db"},
    "a password in the query": {"DATABASE_URL": f"postgresql://{NOWHERE}/db?user=ali&password=sesame"},
    "an unknown option": {"DATABASE_URL": f"postgresql://ali:sesame@{NOWHERE}/db?sesame=1"},
    "a wrong value of an option": {"DATABASE_URL": f"postgresql://ali:sesame@{NOWHERE}/db?sslmode=sesame"},
    "no certificate": {"DATABASE_URL": f"postgresql://ali:sesame@{NOWHERE}/db?sslmode=verify-full&sslrootcert=/nowhere"},
    "a key's password": {"DATABASE_URL": f"postgresql://ali@{NOWHERE}/db?sslkey=/nowhere&sslpassword=sesame"},
    "a service that is not known": {"DATABASE_URL": "postgresql://?service=nowhere&password=sesame"},
    "a socket that is not there": {"DATABASE_URL": "postgresql://ali:sesame@/db?host=/nowhere"},
    "a socket whose path is too long": {"DATABASE_URL": "postgresql://ali:sesame@/db?host=/" + "x" * 120},
    "another kind of database": {"DATABASE_URL": "mysql://ali:sesame@localhost/db"},
    "a password file that is a folder": {"DATABASE_URL": f"postgresql://ali@{NOWHERE}/db?passfile=/&password=sesame"},
    "several hosts": {"DATABASE_URL": f"postgresql://ali:sesame@{NOWHERE},127.0.0.1:10/db?target_session_attrs=primary"},
    "a broker that is none": {"REDIS_URL": f"redis://:sesame@{NOWHERE}/0"},
    "a broker with TLS that is none": {"REDIS_URL": f"rediss://:sesame@{NOWHERE}/0"},
    "a broker with a certificate that is not there": {"REDIS_URL": f"rediss://:sesame@{NOWHERE}/0?ssl_ca_certs=/nowhere"},
    "a broker's database that is none": {"REDIS_URL": f"redis://:sesame@{NOWHERE}/sesame"},
    "a broker's option that is none": {"REDIS_URL": f"redis://:sesame@{NOWHERE}/0?sesame=sesame"},
    "a broker's timeout that is none": {"REDIS_URL": f"redis://:sesame@{NOWHERE}/0?socket_timeout=sesame"},
    "a broker's socket that is not there": {"REDIS_URL": "unix://:sesame@/nowhere.sock"},
    "a user in the API's address": {"PANACCESS_URL": f"http://ali:sesame@{NOWHERE}/api", **PANACCESS},
    "a password in the API's query": {"PANACCESS_URL": f"http://{NOWHERE}/api?password=sesame", **PANACCESS},
    "an API without a scheme": {"PANACCESS_URL": "ali:sesame@panaccess.example", **PANACCESS},
    "an API's host that cannot be": {"PANACCESS_URL": "http://127.0.0.1\u2024example:sesame/", **PANACCESS},
    "an API's host with an empty label": {"PANACCESS_URL": "http://127..1/api?sesame", **PANACCESS},
    "a proxy that is none": {"PANACCESS_URL": "https://1.2.3.4/", "HTTPS_PROXY": f"http://ali:sesame@{NOWHERE}", **PANACCESS},
    "a proxy of another kind": {"PANACCESS_URL": "https://1.2.3.4/", "ALL_PROXY": "socks5://ali:sesame@h:1", **PANACCESS},
    "a password of one letter": {"PANACCESS_URL": f"http://{NOWHERE}/", **PANACCESS, "PANACCESS_PASSWORD": "a"},
    "an address for alerts that is none": {"ALERT_URLS": "sesame://ali:sesame@example.com"},
    "no address for alerts": {"ALERT_URLS": "sesame"},
    "a token in an address for alerts": {"ALERT_URLS": "json://example.com/sesame?+token=sesame"},
    "mail that is not encrypted": {"ALERT_URLS": "mailto://ali:sesame@smtp.example.com?to=me@example.com"},
    "a web server's password": {"WEBSERVER_URL": f"http://ali:sesame@{NOWHERE}"},
    "a web server that is none": {"WEB_URL": f"http://{NOWHERE}/?token=sesame"},
    "another address of the web UI that is none": {"OTHER_WEB_URLS": "https://ali:sesame@h ali:sesame@h"},
    "another address of the web UI with a port that is none": {"OTHER_WEB_URLS": "https://ali:sesame/x"},
    "a password that looks like a port and a database": {"DATABASE_URL": f"postgresql://ali:12/sesame@{NOWHERE}/db"},
    "a password that looks like a port and a fragment": {"REDIS_URL": f"redis://ali:12#sesame@{NOWHERE}/0"},
    "a time zone that is none": {"OPERATOR_TIMEZONE": "Mexico"},
    "a home that is a file": {"TELEMETRY_HOME": sys.executable},
    "a home that cannot be": {"TELEMETRY_HOME": "/proc/nowhere"},
    "logs where nothing can be": {"LOG_DIRECTORY": "/proc/nowhere"},
    "temporary files where nothing can be": {"LOG_DIRECTORY": "/sys"},
    "a home whose name is too long": {"TELEMETRY_HOME": "/tmp/" + "x" * 300},
    "a home in a loop": {"TELEMETRY_HOME": "/proc/self/cwd/loop"},
    "a schedule that never comes": {"TICK_CRON": "0 0 30 2 *"},
}


@pytest.fixture(scope="module", autouse=True)
def _apprise() -> None:
    """Python warns when it is imported."""
    with warnings.catch_warnings(action="ignore"):
        import_module("apprise.utils.pgp")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "no_grpc_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_broken_is_told_with_advice_without_a_trace_or_a_secret(
    cli: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, case: str
) -> None:
    (tmp_path / "loop").symlink_to("loop")
    for name, value in BROKEN[case].items():
        monkeypatch.setenv(name, value)
    outcome = cli("doctor")
    assert outcome.err == ""
    for forbidden in ("sesame", "Traceback", "unexpected"):
        assert forbidden not in outcome.out, outcome.out
    told = [line for line in outcome.out.splitlines() if line.startswith(("failed", "warning"))]
    told = [line for line in told if not line.startswith("failed  stack: none is running")]
    assert told, outcome.out
    assert outcome.out.count("-> ") >= len(told)


_MARKS = ["/", "@", ":", "%41", "+", " ", "  ", "'", '"', "\\", "#", "?", "&", "&x=", "=", ",", ";", "'\"\\", "ñ"]
ODD = [
    *(f"kanari{mark}kanari" for mark in _MARKS),
    *("[kanari]kanari", "$kanari{kanari}", "<kanari>;kanari", "12/kanari", "12#kanari", "12 kanari"),
]
WITH_PASSWORD = {
    "PostgreSQL": {"DATABASE_URL": f"postgresql://ali:{{}}@{NOWHERE}/db"},
    "Dagster's PostgreSQL": {"DAGSTER_DATABASE_URL": f"postgresql://{NOWHERE}/db?user=ali&password={{}}"},
    "the broker": {"REDIS_URL": f"redis://:{{}}@{NOWHERE}/0"},
    "alerts": {"ALERT_URLS": f"json://ali:{{}}@{NOWHERE}/"},
    "a token for alerts": {"ALERT_URLS": f"json://{NOWHERE}/{{}}?+token={{}}"},
    "the proxy": {"HTTPS_PROXY": f"http://ali:{{}}@{NOWHERE}", "PANACCESS_URL": "https://1.2.3.4/", **PANACCESS},
    "the web UI": {"WEB_URL": f"http://ali:{{}}@{NOWHERE}/", "OTHER_WEB_URLS": f"http://ali:{{}}@{NOWHERE}/ x"},
    "the web server": {"WEBSERVER_URL": f"http://ali:{{}}@{NOWHERE}/"},
    "the API's address": {"PANACCESS_URL": f"http://ali:{{}}@{NOWHERE}/api?token={{}}", **PANACCESS},
    "Flower": {"FLOWER_PASSWORD": "{}"},
}


@pytest.mark.slow
@pytest.mark.parametrize("where", WITH_PASSWORD)
@pytest.mark.parametrize(
    "write", [str, lambda secret: quote(secret, safe=""), quote], ids=["as it is", "escaped", "half escaped"]
)
def test_an_odd_password_is_not_told(
    cli: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch, where: str, write: Callable[[str], str]
) -> None:
    """Whether or not somebody knew how to write it in an address."""
    for secret in ODD:
        for name, value in WITH_PASSWORD[where].items():
            monkeypatch.setenv(name, value.replace("{}", write(secret)))
        outcome = cli("doctor")
        for forbidden in ("kanari", "Traceback", "unexpected"):
            assert forbidden not in outcome.out + outcome.err, secret


SERVERS = ("DATABASE_URL", "DAGSTER_DATABASE_URL", "REDIS_URL", "PANACCESS_URL", "WEBSERVER_URL", "ALERT_URLS")
SCHEMES = ("postgresql://", "redis://", "rediss://", "unix://", "http://", "https://", "json://", "")
# What ends a host would have names looked up.
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/?#@[]\\\\"), max_size=12)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(name=st.sampled_from(SERVERS), scheme=st.sampled_from(SCHEMES), before=TEXT, after=TEXT)
def test_no_setting_ends_the_examination(home: Path, name: str, scheme: str, before: str, after: str) -> None:
    """Only what goes nowhere: the host is a port of this machine on which nobody listens."""
    with pytest.MonkeyPatch.context() as patch:
        for key, value in PANACCESS.items():
            patch.setenv(key, value)
        patch.setenv(name, f"{scheme}{before}:open-sesame@{NOWHERE}/{after}")
        found = list(examine())
    assert found[0].name == "settings"
    assert "open-sesame" not in repr(found)
    assert "unexpected" not in repr(found)


def test_a_short_secret_is_not_told_by_what_is_missing() -> None:
    examiner = Examiner(StackSettings.load(panaccess_password="a", panaccess_salt="tables"))

    def check() -> str:
        raise TelemetryError("a database has 'a' and tables", "say a")

    found = examiner.examine("x", check, "")
    assert (found.detail, found.advice) == ("*** database has '***' and ***", "say ***")


@pytest.mark.parametrize(
    "error",
    [
        'invalid percent-encoded token: "Xq7%zz"',
        'could not translate host name "Xq7@host" to address',
        "cannot connect to redis://me:Xq7/@host:6379/0",
        "postgresql://host/db?sslpassword=Xq7: refused",
        "Port could not be cast to integer value as 'Xq7'",
    ],
)
@pytest.mark.parametrize("kind", [TelemetryError, ValueError, OSError])
def test_pieces_of_addresses_that_are_no_settings_of_ours_are_not_shown(error: str, kind: type[Exception]) -> None:
    def check() -> str:
        raise kind(error)

    assert "Xq7" not in repr(Examiner(StackSettings.load()).examine("x", check, ""))


def test_a_file_of_settings_that_others_can_read(home: Path, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("PANACCESS_PASSWORD=sesame\nTICK_CRON='@hourly'\nPANACCESS_SALT=\n")
    file.chmod(0o644)
    found = {finding.name: finding for finding in examine()}[".env"]
    assert (found.outcome, found.advice) == ("warning", f"chmod 600 {file}")
    assert found.detail == f"other users of this machine can read PANACCESS_PASSWORD in {file} (mode 644)"
    assert os.system(found.advice) == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {finding.name: finding for finding in examine()}[".env"].outcome == "ok"
    file.write_text("TICK_CRON='@hourly'\n")
    file.chmod(0o644)
    assert {finding.name: finding for finding in examine()}[".env"].outcome == "ok"


@pytest.mark.parametrize("name", ["CELERY_BROKER_URL", "POSTGRES_URL"])
def test_a_secret_by_the_name_that_others_have_for_it_is_one_too(name: str, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(f"{name}=redis://:sesame@broker.example/0\nLOGLEVEL=INFO\n")
    file.chmod(0o644)
    with pytest.raises(Warned, match=rf"can read {name} in"):
        surroundings.check_env_file(file)


@pytest.mark.parametrize(
    ("url", "outcome"),
    [
        ("http://panaccess.example/api", "warning"),
        ("https://panaccess.example/api", "ok"),
        ("http://127.0.0.1:9/", "ok"),
    ],
)
def test_panaccess_over_plain_http(home: Path, monkeypatch: pytest.MonkeyPatch, url: str, outcome: str) -> None:
    monkeypatch.setenv("PANACCESS_URL", url)
    monkeypatch.setattr("telemetry_pipeline.monitoring.doctor.servers.check_panaccess", lambda _: "")
    assert {finding.name: finding for finding in examine()}["way to PanAccess"].outcome == outcome


@pytest.mark.parametrize(
    ("url", "outcome"),
    [
        ("mailto://ali:sesame@smtp.example.com:587?to=me@example.com", "warning"),
        ("mailtos://ali:sesame@smtp.example.com:587?to=me@example.com", "ok"),
        ("mailto://ali:sesame@smtp.example.com?to=me@example.com&mode=starttls", "ok"),
        ("mailto://relay.example.com:25?from=a@example.com&to=b@example.com&mode=insecure", "ok"),
        ("json://ali:sesame@127.0.0.1:9/", "ok"),
        ("json://ali:sesame@hooks.example.com/", "warning"),
        ("gotify://gotify.example.com/Asesame", "warning"),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", "ok"),
    ],
)
def test_a_password_for_alerts_over_an_insecure_transport(
    home: Path, monkeypatch: pytest.MonkeyPatch, url: str, outcome: str
) -> None:
    monkeypatch.setenv("ALERT_URLS", url)
    found = {finding.name: finding for finding in examine()}["alerts"]
    assert (found.outcome, "sesame" in found.detail) == (outcome, False), found
