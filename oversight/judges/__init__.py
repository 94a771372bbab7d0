"""Who decides: judges, and wrappers that turn one judge into another."""
