"""Feedback from principles: a policy that criticises, revises and prefers by a constitution.

`constitution` holds principles that are checked exactly; `able` makes a policy that can be asked to
criticise and to revise, as a language model can; `constitutional` is Constitutional AI and
`self_align` Dromedary.
"""
