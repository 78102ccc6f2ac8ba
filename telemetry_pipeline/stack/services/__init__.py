"""The processes of the pipeline, as the stack starts them and asks how they are."""
