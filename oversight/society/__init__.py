"""A sandbox society: members on a graph that answer, rate each other, revise, and learn from it.

After Stable Alignment's sandbox (Liu et al. 2023, arXiv:2305.16960), scored against a gold reward.
`society` plays it; `graph`, `members`, `raters`, `institutions`, `voices` are what it is made of;
`keeping` puts it on disk, `data` makes examples of what was said, `training` a policy of them.
"""
