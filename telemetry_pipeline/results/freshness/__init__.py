"""Whether a result is of the views, rules and code that there are: from what it follows, and which results are not.

What computes and stores them stands above.
"""
