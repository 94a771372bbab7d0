"""Computations whose every step is a coin: what is debated where truth is a matter of probability.

- `machine`: a computation over a stochastic oracle, the thresholds that it is checked by, how many
  samples an estimate takes;
- `players`: who states, challenges and verifies, honestly or not.
"""
