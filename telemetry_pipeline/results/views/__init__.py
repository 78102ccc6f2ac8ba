"""The views that analyses read: loaded from segments into DuckDB, for a window of days, and what that writes to disk."""
