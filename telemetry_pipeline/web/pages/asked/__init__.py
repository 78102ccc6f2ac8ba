"""What a page was asked: days, others to compare them with, a part of the day, a channel. Reads addresses, and writes them."""
