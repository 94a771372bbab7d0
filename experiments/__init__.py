"""The experiments: a paper or a study per file, and in `results/` the pages of the big runs."""
