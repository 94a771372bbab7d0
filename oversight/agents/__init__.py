"""Who plays: the agent contract, and agents that need no learning."""
