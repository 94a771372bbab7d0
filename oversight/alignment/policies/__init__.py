"""The sizes of a policy."""
