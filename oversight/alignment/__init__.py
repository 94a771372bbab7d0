"""From an overseer's signal to a trained policy: every alignment method on one bench.

What is said between the parts, from the ground up:

- `vocabulary`, `signals`: tokens; what feedback is made of.
- `task`: prompts, answers and the gold reward. `overseer`: who gives feedback.
- `drawn`, `questions`: tasks. `annotators`, `institutions`: overseers. `feedback`, `bench`: all of
  these by name.
- `policy`, and its sizes in `policies/`: a distribution over answers, with parameters.
- `objectives/`: the losses, pure functions of log-probabilities.
- `lab`: what a method is given. `method`: what a method is. `methods/`: each of them.
- `measures`: what has become of a policy. `aligning`: a method carried out. `leaderboard`: all of
  them.
- `self_play`: debaters and consultants that learn against a judge.

A new method is one file in `methods/` and one line in the registry.
"""
