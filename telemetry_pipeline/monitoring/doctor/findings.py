"""What checks find, and how: no check ends the examination, and no finding shows a secret."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pydantic import SecretStr

from telemetry_pipeline.errors import TelemetryError, Warned
from telemetry_pipeline.settings.addresses import redacted, secrets_of
from telemetry_pipeline.settings.loading import StackSettings

# A shorter secret is blotted out only where it stands alone: without each "a" of a text anybody could tell that it is "a".
_TELLING_LENGTH = 6


@dataclass(frozen=True)
class Finding:
    """The outcome of a check."""

    name: str
    outcome: Literal["ok", "warning", "failed", "skipped"]
    detail: str
    advice: str = ""


class Examiner:
    """Runs checks.

    :param settings: whose secrets no finding shows.
    """

    def __init__(self, settings: StackSettings) -> None:
        self._secrets = _secrets(settings)

    def examine(self, name: str, check: Callable[[], str], advice: str) -> Finding:
        """Return the outcome of one check.

        :param advice: what to do about an error that says nothing of that itself.
        """
        try:
            return Finding(name, "ok", self._shown(check()))
        except Warned as err:
            return Finding(name, "warning", self._shown(err.problem), self._shown(err.advice or advice))
        except TelemetryError as err:
            return Finding(name, "failed", self._shown(err.problem), self._shown(err.advice or advice))
        except OSError as err:
            where = f"{err.filename}: " if err.filename else ""
            return Finding(name, "failed", self._shown(f"{where}{err.strerror or err}"), self._shown(advice))
        except Exception as err:  # noqa: BLE001 - whatever is wrong with one server, the others are looked at
            return Finding(
                name, "failed", self._shown(f"unexpected {type(err).__name__}: {_one_line(err)}"), self._shown(advice)
            )

    def _shown(self, text: str) -> str:
        for secret in self._secrets:
            pattern = re.escape(secret)
            if len(secret) < _TELLING_LENGTH:
                pattern = rf"(?<!\w){pattern}(?!\w)"
            text = re.sub(pattern, "***", text)
        return redacted(text)


def _secrets(settings: StackSettings) -> list[str]:
    """Return every secret of the settings, whole and in parts, as it is and as Python would quote it; the longest first."""
    found: set[str] = set()
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            for secret in value.get_secret_value().split():
                found |= secrets_of(secret) if "://" in secret else {secret}
            found.add(value.get_secret_value())
        elif isinstance(value, str) and "://" in value:
            found |= secrets_of(value) - {value}
    found |= {repr(secret)[1:-1] for secret in found}
    return sorted((secret for secret in found if secret and secret != settings.panaccess_username), key=len, reverse=True)


def _one_line(err: Exception) -> str:
    return " ".join(str(err).split())
