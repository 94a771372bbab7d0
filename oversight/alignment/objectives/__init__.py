"""The losses, a family a file: pure functions of log-probabilities, unreduced."""
