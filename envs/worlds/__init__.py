"""The worlds, one task environment per file; none imports another."""
