"""Recorded games in other formats: transcripts as JSONL, logs of Inspect's, TRL's data sets."""
