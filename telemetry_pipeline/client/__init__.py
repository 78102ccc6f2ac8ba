"""The pipeline for programs, over GraphQL: what a launch is, how a run goes, what it computed.

Belongs here: what a program outside needs, whatever it runs on. Not: anything that imports Dagster, the settings or the
warehouse. Begin with ``pipeline``; docs/graphql.md shows every flow.
"""
