"""Reports as people read them: a PDF, and a page that needs nothing but itself. Both say what the content says, and no more."""
