"""PostgreSQL refuses to run as root: the system user that it runs as instead, and what that one may reach."""

from __future__ import annotations

import pwd
import shlex
import subprocess
from contextlib import suppress
from pathlib import Path

from telemetry_pipeline.errors import StackError
from telemetry_pipeline.polling import polling

_POSTGRES_USER = "pgserver"


def postgres_user() -> str:
    """Return the system user that PostgreSQL runs as under root, created when missing.

    :raises StackError: it cannot be created.
    """
    failure = ""
    for _ in polling(5.0, interval=0.2):  # useradd fails while another one is at work
        with suppress(KeyError):
            return pwd.getpwnam(_POSTGRES_USER).pw_name
        try:
            subprocess.run(["useradd", "--system", _POSTGRES_USER], check=True, capture_output=True, text=True)
        except subprocess.CalledProcessError as err:
            failure = err.stderr.strip()
        except FileNotFoundError:
            failure = "there is no useradd"
            break
    raise StackError(f"PostgreSQL refuses to run as root, and a system user for it cannot be created: {failure}")


def check_way(user: str, *paths: Path) -> None:
    """Refuse places that a user may not walk to. No mode is changed on the way: others would get in as well.

    :raises StackError: a directory is closed to them; says what to do.
    """
    above = [str(directory) for path in paths for directory in reversed(path.resolve().parents)]
    script = 'for each; do [ -x "$each" ] || { echo "$each"; exit 1; }; done'
    if closed := run_as(user, "sh", "-c", script, "sh", *above):
        raise StackError(
            f"PostgreSQL refuses to run as root, and {user}, as which it runs instead, may not pass {closed}: let others pass "
            f"(chmod o+x {shlex.quote(closed)}), or choose places that they may reach for TELEMETRY_HOME and .venv"
        )


def check_programs(user: str, programs: Path) -> None:
    """Refuse programs of PostgreSQL that a user may not read and run, as where they were installed under umask 077.

    :raises StackError: they may not; says what to do.
    """
    trees = [tree for tree in (programs, programs.parent.with_name(f"{programs.parent.name}.libs")) if tree.exists()]
    if closed := run_as(
        user, "find", *trees, "(", "!", "-readable", "-o", "-type", "d", "!", "-executable", ")", "-print", "-quit"
    ):
        raise StackError(
            f"PostgreSQL refuses to run as root, and {user}, as which it runs instead, may not read its programs ({closed}): "
            f"install .venv under umask 022, or: chmod -R o+rX {' '.join(shlex.quote(str(tree)) for tree in trees)}"
        )


def run_as(user: str, *command: str | Path) -> str:
    """Return the first line of what a command says as another user."""
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd="/", user=user, group=user, extra_groups=[])
    return done.stdout.partition("\n")[0]
