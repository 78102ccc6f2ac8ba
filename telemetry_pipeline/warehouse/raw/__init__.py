"""What came in, as it came: records, what was rejected, how far ids were read, which settings rows are made with."""
