"""The front door: who may come in, pages, the API, and what stands behind it."""
