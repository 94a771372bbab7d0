"""What Irving et al. 2018 and the later analysis of its game report, in percent, on MNIST."""

from __future__ import annotations

from collections.abc import Mapping

ABSTRACT = "Irving et al. 2018, abstract"
TABLE = "Irving et al. 2018, as quoted by secondary sources"
PUBLISHED: Mapping[tuple[int, str, str], float] = {
    (4, "precommit", "honest"): 83.8,
    (4, "precommit", "liar"): 86.7,
    (6, "precommit", "honest"): 87.4,
    (6, "precommit", "liar"): 90.4,
    (4, "no precommit", "honest"): 51.0,
    (4, "no precommit", "liar"): 68.4,
    (6, "no precommit", "honest"): 67.4,
    (6, "no precommit", "liar"): 81.5,
}
ALONE = {4: 48.2, 6: 59.4}
DEBATE = {4: 85.2, 6: 88.9}
ONE_RANDOM_LIE = 88.31  # where their judge alone has 55.51
PRECOMMIT = "precommit analysis of Irving et al. 2018 (2019), a judge of 55.51 % alone"
