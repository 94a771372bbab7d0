"""A sandbox society: members on a graph that answer, rate each other, revise, and learn from it.

After Stable Alignment's sandbox (Liu et al. 2023, arXiv:2305.16960), scored against a gold reward.
`settings` say what it is and `society` plays it; `graph`, `members`, `raters`, `institutions` (with
`dockets`) and `voices` (with `words`) are what it is made of; `keeping` puts it on disk, `data` is
examples of what was said, `training` makes a policy of them.
"""
