"""The methods, each from data to policy."""
