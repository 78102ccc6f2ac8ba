"""The page *Informes*: the reports that there are, making one now, who gets which by mail, and what became of that."""
