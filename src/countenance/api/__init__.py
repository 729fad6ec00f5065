"""One tongue per folder, strangers to each other."""
