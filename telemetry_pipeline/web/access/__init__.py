"""Who asks: log-in and log-out, sessions, tokens, and what is refused before anybody looks at it."""
