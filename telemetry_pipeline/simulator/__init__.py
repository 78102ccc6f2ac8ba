"""A stand-in for the PanAccess API: seeded data, paging, filters, sessions and faults over HTTP.

It imports nothing of what asks it, so that a misreading of the API here and one in the client cannot cancel out.
"""
