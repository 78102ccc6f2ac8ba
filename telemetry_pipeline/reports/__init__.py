"""How results are shown: rows for programs, documents for people and systems. Nothing here computes or stores."""
