"""What reports say, and the pages about them."""
