"""What is going on and what is wrong: facts about the running system, problems, and who is told of them."""
