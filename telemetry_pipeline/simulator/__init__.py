"""A stand-in for the PanAccess API: seeded data, paging, filters, sessions and faults over HTTP.

It imports nothing else of this project, so that a misreading of the API here and one in the client cannot cancel out.
"""
