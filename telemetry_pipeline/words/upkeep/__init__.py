"""What is said to those who look after the system: what is wrong, what is checked, what can be set."""
