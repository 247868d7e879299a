"""From a recording and its marks to one row per trial."""
