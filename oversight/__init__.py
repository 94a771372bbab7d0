"""Scalable oversight, simulated: weak judges, strong agents, any protocol on any world."""
