"""Results as views in the database, for who reads it with other tools."""
