"""How a launch is written: what there is to launch, its days, and its parameters. What sends it is in ``pipeline``."""
