"""Where results live: computed where that is needed, stored, read, found stale, gathered into documents. What is computed is
said in ``analyses``, how it looks in ``reports``.
"""
