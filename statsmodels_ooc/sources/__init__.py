"""Where rows come from: re-iterable, ordered tables in partitions."""
