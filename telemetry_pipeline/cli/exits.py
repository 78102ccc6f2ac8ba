"""The exit statuses of the program besides 0, which is done."""

from __future__ import annotations

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_CANCELLED = 130
