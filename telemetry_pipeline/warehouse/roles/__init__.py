"""Who may do what in PostgreSQL: owner, writer and reader."""
