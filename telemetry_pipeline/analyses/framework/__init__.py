"""What analyses are made of: their declaration, columns and marks, the views that they ask, the rules and the clock.

No analysis stands here. A line that changes here has the results computed anew whose modules import it.
"""
