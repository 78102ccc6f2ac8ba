"""How the pipeline is doing: problems, failed steps, attempts, figures of the state, and what a person adopts."""
