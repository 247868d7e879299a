"""Arrays in, arrays out: filters, quality, time, suggestions. Knows no files."""
