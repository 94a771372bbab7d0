"""What is learned across episodes, by playing a seat like any agent."""
