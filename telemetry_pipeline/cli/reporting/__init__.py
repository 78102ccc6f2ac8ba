"""Reports: ``report`` makes one now, ``subscriptions`` says who gets which by mail, ``deliveries`` how that went.

``commands`` declares them; each has a module for what it does.
"""
