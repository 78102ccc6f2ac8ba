"""The pages that people open, a module each. What they show is computed in ``results`` and gathered in ``monitoring``."""
