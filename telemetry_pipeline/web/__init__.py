"""The front door: the only port that a browser reaches. Who comes in, what they find there, and what stands behind it.

``app`` puts the rooms together, ``serving`` listens.
"""
