"""How pictures are drawn: a sheet of panels, the few kinds of panel there are, texts for people, and a compact SVG of it all.

Which analysis is shown by which panels is said in ``charts``.
"""
