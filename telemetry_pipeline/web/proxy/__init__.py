"""What stands behind the front door: Dagster's web servers and the workers' own web UI, handed on over Unix sockets.

Who asks is known by then (``access``); here is decided what may pass, and it is put on record what an operator changes.
"""
