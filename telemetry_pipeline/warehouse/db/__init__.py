"""PostgreSQL itself: connections, transactions, locks, migrations, monthly partitions, and what its errors mean."""
