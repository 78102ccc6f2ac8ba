"""What a person types, and how the answers look on a terminal: a room for each thing that people do.

``launching`` runs jobs and follows them; ``showing`` shows results; ``operating`` looks after the system; ``local`` is the
stack and the simulator on this machine; ``admitting`` lets people in at the front door, ``steering`` looks after
what runs. Here stands what all share: the program (``main``), how a command's work is imported
when it runs (``lazy``), which servers it works with (``target``), how things are said (``saying``) and laid out (``output``).

Not here: anything that a page or a program would want, too. A command reads what was typed, has it answered below, shows it.
"""
