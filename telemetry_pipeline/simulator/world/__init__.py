"""A made-up operator: who watches, what there is to watch, when, and which records of it arrive. Nothing here is served."""
