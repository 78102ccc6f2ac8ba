"""How the result of each analysis looks: as its columns suggest, or as a module of its theme draws it.

How panels are drawn, and how an SVG gets small, is said in ``figures``; what is written on them, in ``words``.
"""
