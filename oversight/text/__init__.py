"""Passages: where they come from, how sentences are told apart, how quotes are checked."""
