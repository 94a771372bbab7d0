"""Language models behind one small interface, in process or behind an API.

`model` is the contract: generate and score, many requests at once. One back end a file. Agents and
judges that speak through a model are in `oversight.agents.chat` and `oversight.judges.language`;
`oversight.speakers` seats them by a spec such as `openai:MODEL@BASE_URL`.
"""
