"""What every page has: its frame, its style, its headers, and how it looks when something is wrong."""
