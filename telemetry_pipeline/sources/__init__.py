"""What comes in, a room for each source: how it is asked, what its answers mean. Nothing here stores."""
