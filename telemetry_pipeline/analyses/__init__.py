"""What is computed from views: a room per theme, a function per analysis. Nothing here stores, schedules or shows."""
