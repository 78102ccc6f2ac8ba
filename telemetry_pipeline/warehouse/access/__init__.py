"""Who may come in and what they did: users, their sessions, tokens of programs, log-ins that failed, and the audit."""
