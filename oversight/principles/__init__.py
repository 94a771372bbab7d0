"""Feedback from principles: a policy that criticises, revises and prefers by a constitution.

`constitution` holds principles that are checked exactly; `able` is a task with words to criticise
and to revise, and `schooling` makes a policy that can, as a language model can; `constitutional` is
Constitutional AI and `self_align` Dromedary.
"""
