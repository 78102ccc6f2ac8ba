"""What is noticed by itself, a module a sensor: late data, runs that end, runs that were lost, an upstream that went silent.

A sensor reads, decides and acts; its decision is a pure function. What it finds wrong it puts on record as a problem; people
are told by the process ``telemetry-pipeline watch``, which also notices when Dagster itself is dead.
"""
