"""IBOSS: exact, streaming selection of the most informative rows."""
