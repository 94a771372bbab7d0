"""Searching and solving the reveal game: who wins when a judge sees only what two sides show."""

from oversight.search.certificates import Verdict, settle
from oversight.search.exact import Solution, solve
from oversight.search.game import Game, RevealGame, claim_heads, reveal_game, rules
from oversight.search.induction import Values, induct
from oversight.search.puct import Found, greedy, search

__all__ = [
    "Found",
    "Game",
    "RevealGame",
    "Solution",
    "Values",
    "Verdict",
    "claim_heads",
    "greedy",
    "induct",
    "reveal_game",
    "rules",
    "search",
    "settle",
    "solve",
]
