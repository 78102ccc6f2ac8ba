"""What follows from records: views with the names of their channels, which of them count, and their copy by column."""
