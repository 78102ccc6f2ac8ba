"""What a person has the pipeline do: launch, cancel and repeat runs, empty a queue, have workers start anew; each on record.

Belongs here: what the command line and the front door do alike. Not: how it is asked for and shown, and what goes on by itself.
"""
