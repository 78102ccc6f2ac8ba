"""The sync: what the upstream has goes into the warehouse, once, and nothing is lost.

How the upstream is asked is said in ``sources``, how rows are stored and merged in ``warehouse``.
"""
