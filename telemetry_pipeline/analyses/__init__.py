"""What is computed from views: a module per theme, a function per analysis. Nothing here stores, schedules or shows."""
