"""Processes of this machine: started, asked whether they work, started again, ended. Which ones there are is not known here."""
