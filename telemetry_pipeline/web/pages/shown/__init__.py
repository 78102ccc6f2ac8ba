"""How pages show what they have: numbers and days as people write them, tables, states, and a page that comes in parts."""
