"""Ways to people: services that a message can be sent through. What is worth a message is decided above."""
