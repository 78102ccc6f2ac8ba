"""Settings: read once, all errors in one message, and secrets in none."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from dotenv import dotenv_values
from given_settings import BAD, REQUIRED, error_of
from pydantic import SecretStr

from telemetry_pipeline.errors import SettingsError
from telemetry_pipeline.settings.example import example
from telemetry_pipeline.settings.loading import ROOMS, DoorSettings, Settings, StackSettings

EXAMPLE = Path(__file__).parents[1] / ".env.example"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the machine's, and no ``.env``."""
    for name in StackSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_a_stack_needs_no_setting_at_all() -> None:
    settings = StackSettings.load()
    assert settings.database_url is None
    assert settings.operator_zone == ZoneInfo("America/Mexico_City")
    assert settings.panaccess_zone == ZoneInfo("UTC")
    assert settings.telemetry_home == Path(".telemetry")


def test_a_running_pipeline_is_told_of_everything_that_is_missing_at_once() -> None:
    assert error_of(Settings).splitlines() == [
        "The settings cannot be used:",
        *(f"  {name} is missing" for name in REQUIRED),
    ]


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**REQUIRED, "FIRST_PARTITION": "2025-06-01", "TELEMETRY_HOME": "/srv/telemetry"}.items():
        monkeypatch.setenv(name, value)
    settings = Settings.load()
    assert settings.database_url.get_secret_value() == REQUIRED["DATABASE_URL"]
    assert settings.panaccess_username == "operator"
    assert settings.first_partition == date(2025, 6, 1)
    assert settings.telemetry_home == Path("/srv/telemetry")


def test_the_environment_precedes_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text('PANACCESS_USERNAME=from file\nTICK_CRON="*/5 * * * *"\nSOMETHING_ELSE=1\n')
    assert StackSettings.load().panaccess_username == "from file"
    assert StackSettings.load().tick_cron == "*/5 * * * *"
    monkeypatch.setenv("PANACCESS_USERNAME", "from environment")
    assert StackSettings.load().panaccess_username == "from environment"


def test_an_empty_value_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose files pass variables on that nobody has set."""
    Path(".env").write_text("OPERATOR_TIMEZONE=\n")
    monkeypatch.setenv("DATABASE_URL", "")
    assert StackSettings.load() == StackSettings()


def test_all_errors_are_in_one_message_and_no_secret_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in BAD.items():
        monkeypatch.setenv(name, value)
    first, *lines = error_of().splitlines()
    assert first == "The settings cannot be used:"
    p = "in a password : is %3A, / %2F, @ %40, % %25"
    assert sorted(lines) == [
        f"  DAGSTER_DATABASE_URL cannot be used; expected a URL such as postgresql://user:password@host:5432/database; {p}",
        f"  DATABASE_URL cannot be used; expected a URL such as postgresql://user:password@host:5432/database; {p}",
        "  FIRST_PARTITION is 'yesterday'; expected a date such as 2025-01-31",
        "  OPERATOR_TIMEZONE is 'Mexico'; expected an IANA name such as America/Mexico_City",
        "  PANACCESS_ENCODING is 'xml'; expected 'json' or 'brackets'",
        "  PANACCESS_TIMEZONE is 'CET/Madrid'; expected an IANA name such as America/Mexico_City",
        "  PANACCESS_URL is 'ftp://***@panaccess.example/'; expected a URL such as https://telemetry.example/path",
        "  REDIS_URL cannot be used; expected a URL such as redis://:password@host:6379/0, rediss://host or "
        "unix:///run/redis.sock?db=0",
        "  TICK_CRON is 'often'; expected a cron expression of five fields such as */2 * * * *, or @hourly, @daily",
    ]


def test_what_is_missing_and_what_is_wrong_come_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICK_CRON", "often")
    message = error_of(Settings)
    assert "TICK_CRON is 'often'" in message
    assert "REDIS_URL is missing" in message


def test_a_bad_line_of_the_file_is_named() -> None:
    Path(".env").write_text("OPERATOR_TIMEZONE=Mexico\n")
    assert "OPERATOR_TIMEZONE is 'Mexico'" in error_of()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tick_cron", "* * * * * *"),
        ("tick_cron", "@reboot"),
        ("tick_cron", "0 0 30 2 *"),
        ("tick_cron", "0 25 * * *"),
        ("tick_cron", "61 * * * *"),
        ("operator_timezone", "../../etc/passwd"),
        ("operator_timezone", "utc+2"),
        ("first_partition", "2025-13-01"),
        ("first_partition", "2025-01-01T05:00:00"),
        ("first_partition", "01/02/2025"),
        ("first_partition", str(datetime.now(ZoneInfo("America/Mexico_City")).date() + timedelta(days=1))),
        ("panaccess_url", "panaccess.example"),
        ("panaccess_url", "https://"),
        ("panaccess_url", "https://host:port/"),
        ("panaccess_url", "https://user:12/word@host/"),
        ("webserver_url", "https://user:12#word@host/"),
        ("webserver_url", "unix:operators.sock:/dagster"),
        ("webserver_url", "unix:/run/operators.sock"),
        ("web_url", "https://user:pass\\word@host/"),
        ("other_web_urls", "https://host https://user:12/word@host/"),
        ("redis_url", "redis://"),
        ("database_url", "postgresql://"),
        ("database_url", "sqlite:///file"),
        ("log_level", "loud"),
        ("mail_from", "ana@example-.com"),
        ("mail_from", "a@-"),
    ],
)
def test_an_impossible_value_is_refused(name: str, value: str) -> None:
    assert error_of(**{name: value}).splitlines()[1].startswith(f"  {name.upper()} ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("database_url", "postgresql:///telemetry?host=/run/postgresql"),
        ("database_url", "postgres://user@host/db"),
        ("redis_url", "rediss://host"),
        ("panaccess_url", "http://[::1]:8080/"),
        ("webserver_url", "unix:/run/telemetry-web/operators.sock:/dagster"),
        ("panaccess_url", "https://user:pass%2Fword@host/api?key=a@b"),
        ("tick_cron", "0,30 6-23 * * mon-fri"),
        ("tick_cron", "0 2 * * 7"),
        ("tick_cron", "0 2 * * 0-7"),
        ("tick_cron", "@daily"),
        ("mail_from", "ana@sub-domain.Example.com"),
        ("log_level", "debug"),
        ("operator_timezone", "Asia/Kathmandu"),
        ("first_partition", str(datetime.now(ZoneInfo("America/Mexico_City")).date())),
    ],
)
def test_other_possible_values_are_taken(name: str, value: str) -> None:
    StackSettings.load(**{name: value})


def test_secrets_print_as_asterisks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**REQUIRED, "PANACCESS_SALT": "hidden-6"}.items():
        monkeypatch.setenv(name, value)
    settings = Settings.load()
    assert "hidden" not in f"{settings} {settings!r} {settings.model_dump_json()}"


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        StackSettings.load().tick_cron = "* * * * *"  # type: ignore[misc]


def test_the_example_is_made_of_the_settings() -> None:
    assert EXAMPLE.read_text() == example(), "run 'make docs'"


def test_the_example_as_it_comes_changes_nothing() -> None:
    assert list(dotenv_values(EXAMPLE)) == [name.upper() for room in ROOMS for name in room.model_fields]
    Path(".env").write_text(EXAMPLE.read_text())
    assert StackSettings.load() == StackSettings.model_construct()


def test_every_setting_is_in_a_room_and_says_what_it_is() -> None:
    fields = StackSettings.model_fields
    assert sorted(fields) == sorted(name for room in ROOMS for name in room.model_fields)
    assert [name for name, field in fields.items() if not field.description] == []


@pytest.mark.parametrize(
    ("name", "own", "value"),
    [
        ("CELERY_BROKER_URL", "redis_url", "redis://broker.example:6379/0"),
        ("POSTGRES_URL", "database_url", "postgresql://u@db.example/telemetry"),
        ("LOGLEVEL", "log_level", "warning"),
    ],
)
def test_a_name_that_others_have_for_a_setting_is_understood_and_ours_goes_first(
    monkeypatch: pytest.MonkeyPatch, name: str, own: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert shown(own) in (value, value.upper())
    monkeypatch.setenv(own.upper(), value.replace("example", "own").replace("warning", "error"))
    assert shown(own) not in (value, value.upper())


def shown(name: str) -> str:
    value = getattr(StackSettings.load(), name)
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def test_what_is_wrong_is_told_by_the_name_that_it_was_given_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", "amqp://u:hidden@host/")
    with pytest.raises(SettingsError, match=r"CELERY_BROKER_URL cannot be used; .*redis") as caught:
        StackSettings.load()
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    ("environment", "file", "told"),
    [
        ({}, "CELERY_BROKER_URL", "CELERY_BROKER_URL"),
        ({}, "celery_broker_url", "CELERY_BROKER_URL"),
        ({"REDIS_URL": "amqp://host/"}, "CELERY_BROKER_URL", "REDIS_URL"),
        ({"CELERY_BROKER_URL": "amqp://host/"}, "REDIS_URL", "CELERY_BROKER_URL"),
        ({"REDIS_URL": ""}, "CELERY_BROKER_URL", "CELERY_BROKER_URL"),
    ],
    ids=["theirs", "theirs in small letters", "ours in the environment", "theirs in the environment", "ours empty"],
)
def test_the_name_that_is_told_is_that_of_the_environment_or_else_of_the_file(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], file: str, told: str
) -> None:
    Path(".env").write_text(f"{file}=amqp://u:hidden@host/\n")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert error_of().splitlines()[1].strip().startswith(f"{told} cannot be used")


def test_a_name_of_ours_that_is_empty_is_not_the_one_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "")
    monkeypatch.setenv("CELERY_BROKER_URL", "amqp://u:hidden@host/")
    with pytest.raises(SettingsError, match="CELERY_BROKER_URL cannot be used"):
        StackSettings.load()


def test_the_processes_of_the_pipeline_take_those_names_too(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in REQUIRED.items():
        monkeypatch.setenv({"REDIS_URL": "CELERY_BROKER_URL", "DATABASE_URL": "POSTGRES_URL"}.get(name, name), value)
    assert Settings.load().redis_url.get_secret_value() == REQUIRED["REDIS_URL"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["newline", "both", "return"])
def test_a_line_end_of_a_secret_that_was_read_from_a_file_is_none_of_it(monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    for name, value in REQUIRED.items():
        monkeypatch.setenv(name, value + end)
    settings = Settings.load()
    assert settings.panaccess_password.get_secret_value() == "hidden-4"
    assert settings.redis_url.get_secret_value() == REQUIRED["REDIS_URL"]
    assert settings.panaccess_url == REQUIRED["PANACCESS_URL"]


@pytest.mark.parametrize(
    "url", ["ftp://user:hidden/@host/", "hidden@host", "ftp://host/?password=hidden", "ftp://u:hid@den@host/"]
)
def test_an_address_that_cannot_be_used_is_shown_without_what_may_be_secret(url: str) -> None:
    message = error_of(panaccess_url=url)
    assert "PANACCESS_URL is " in message
    assert "hid" not in message


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"PANACCESS_SALT=\xff\xfe\n")
    assert error_of() == f"the file {tmp_path / '.env'} cannot be read: it is not UTF-8"


@pytest.mark.parametrize(("text", "cap"), [("", None), ("4", 4), ("0.5", 0.5), ("24", 24), ("auto", "auto")])
def test_a_cap_is_a_number_of_hours_or_a_word(monkeypatch: pytest.MonkeyPatch, text: str, cap: float | str | None) -> None:
    monkeypatch.setenv("VIEW_CAP_HOURS", text)
    assert StackSettings.load().view_cap_hours == cap


@pytest.mark.parametrize("text", ["0", "-1", "24.5", "Auto", "nan", "four"])
def test_a_cap_that_is_neither_is_refused(text: str) -> None:
    assert error_of(view_cap_hours=text) == (
        f"The settings cannot be used:\n  VIEW_CAP_HOURS is '{text}'; expected a number of hours above 0 and up to 24, or auto"
    )


@pytest.mark.parametrize(("name", "value"), [("small_base_subscribers", 0), ("long_view_hours", 0), ("max_long_view_pct", 101)])
def test_limits_of_marks_and_checks_have_limits(name: str, value: float) -> None:
    assert f"{name.upper()} is {value}" in error_of(**{name: value})


@pytest.mark.parametrize("text", ["*", "proxy.example", "10.0.0.5/16", "10.0.0.5,10.0.0.6"])
def test_proxies_that_are_believed_are_addresses_and_never_everybody(text: str) -> None:
    assert f"TRUSTED_PROXIES is '{text}'; expected addresses and networks" in error_of(trusted_proxies=text)


def test_a_secret_of_the_front_door_that_can_be_guessed_is_refused_and_not_said() -> None:
    assert "WEB_SECRET cannot be used" in error_of(DoorSettings, database_url=REQUIRED["DATABASE_URL"], web_secret="hidden-6")
    assert "hidden-6" not in error_of(DoorSettings, database_url=REQUIRED["DATABASE_URL"], web_secret="hidden-6")
    assert error_of(DoorSettings).splitlines()[1:] == ["  DATABASE_URL is missing", "  WEB_SECRET is missing"]
