"""The servers that the stack brings along, PostgreSQL and Valkey, and looks at those of others."""
