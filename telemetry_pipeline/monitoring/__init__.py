"""What is going on with the running system and what is wrong with it: facts, checks, problems, and who is told of them.

``facts`` has values that ``status``, pages and metrics read; ``doctor`` the checks that somebody asks for once; ``components``
what the watch looks at again and again; ``alerts`` decides which problems people are told of; ``disks`` how much room there is.
Everything takes addresses and settings and returns values. Not here: how it looks, how a message travels (``messaging``),
and where the servers of a local stack are (``stack``).
"""
