"""What PanAccess answers over HTTP: functions, queries, sessions, and the faults and lies that tests switch on. No records."""
