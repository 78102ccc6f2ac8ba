"""What a person has the pipeline do: find, launch, cancel and repeat runs, empty a queue, restart workers; each deed on record.

Belongs here: what the command line and the front door do alike. Not: how it is asked for and shown, and what goes on by itself.
"""
