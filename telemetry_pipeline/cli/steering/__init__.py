"""Having the pipeline do something else than it does: ``runs``, ``cancel``, ``repeat``, ``queue``, ``workers``"""
