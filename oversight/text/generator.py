"""Passages of invented facts, each with a question that needs several of its sentences together.

There are as many people, towns, companies and festivals as a question has candidates. Each of
twelve relations pairs two of these kinds off at random (`oversight.text.relations`). A question
goes along a chain: *who lives in the town that hosts the Orl Fair?* goes from a festival to the
town that hosts it, and from there to a person. Its candidates are all things of the last kind.

The passage states, in words that vary and in no order, every pair of each relation of the chain,
and as many pairs of other relations and empty remarks as there is room for. So each candidate
appears in the same kinds of sentences as every other, and the pairings are independent and uniform:
without the links of the chain nothing favours one candidate, and no single sentence says more than
chance.

The truth holds by construction, and `derived` finds it again from the sentences alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import networkx as nx
import numpy as np

from oversight import keys
from oversight.core import OversightError
from oversight.text.relations import (
    ASIDES,
    COMPANY,
    FESTIVAL,
    KINDS,
    OPENINGS,
    PERSON,
    RELATIONS,
    TOWN,
    asked,
    described,
)


class Dials(NamedTuple):
    """How hard the passages are."""

    hops: int = 2
    """How many facts a question needs together."""
    sentences: int = 16
    """How many a passage has."""
    candidates: int = 4


class Fact(NamedTuple):
    """That a relation holds between two things, named as in the passage."""

    relation: str
    a: str
    b: str


class Chain(NamedTuple):
    """What is asked: from a thing, along relations, to the thing at the end."""

    start: str
    relations: tuple[str, ...]


class Story(NamedTuple):
    """A passage with its question, and all that it was made from."""

    sentences: tuple[str, ...]
    facts: tuple[Fact | None, ...]
    """What each sentence states; None for an empty remark."""
    chain: Chain
    prompt: str
    answers: tuple[str, ...]
    correct: int

    @property
    def text(self) -> str:
        """The sentences in paragraphs of five."""
        paragraphs = (self.sentences[at : at + 5] for at in range(0, len(self.sentences), 5))
        return "\n\n".join(" ".join(paragraph) for paragraph in paragraphs)


def check_dials(dials: Dials) -> None:
    """OversightError, with the remedy, for dials at which no passage can be made."""
    if not 2 <= dials.hops < len(KINDS):
        raise OversightError(f"hops must be 2 or 3, got {dials.hops}")
    if not 2 <= dials.candidates <= 8:
        raise OversightError(f"candidates must be 2 to 8, got {dials.candidates}")
    least, most = dials.hops * dials.candidates, len(RELATIONS) * dials.candidates
    if not least <= dials.sentences <= most:
        raise OversightError(
            f"a passage of {dials.hops} hops and {dials.candidates} candidates has {least} to "
            f"{most} sentences, got {dials.sentences}"
        )


def write_story(key: int, dials: Dials) -> Story:
    """The passage and question of a key; the same on every machine."""
    draw = keys.generator(key)
    names = _names(draw, dials.candidates)
    pairs = {name: draw.permutation(dials.candidates) for name in RELATIONS}
    path = [KINDS[kind] for kind in draw.permutation(len(KINDS))[: dials.hops + 1]]
    links = [_between(*step, int(draw.integers(2))) for step in pairwise(path)]
    start = int(draw.integers(dials.candidates))
    end, prompt = _ask(names, pairs, path, links, start)
    needed = [fact for link in links for fact in _facts_of(link, names, pairs)]
    rest = [f for name in RELATIONS if name not in links for f in _facts_of(name, names, pairs)]
    room = draw.permutation(len(rest))[: dials.sentences - len(needed)].tolist()
    facts = [*needed, *(rest[place] if draw.random() < 0.75 else None for place in room)]
    sentences = _say(draw, facts, names)
    order = draw.permutation(len(facts))
    shown = draw.permutation(dials.candidates).tolist()
    return Story(
        tuple(sentences[place] for place in order),
        tuple(facts[place] for place in order),
        Chain(names[path[0]][start], tuple(links)),
        prompt,
        tuple(bare(names[path[-1]][one]) for one in shown),
        shown.index(end),
    )


def derived(story: Story) -> str:
    """The answer, found again by reading every sentence and walking the facts they state.

    OversightError where the sentences do not decide it.
    """
    graph: nx.MultiGraph[str] = nx.MultiGraph()
    for fact in read_facts(story.sentences):
        graph.add_edge(fact.a, fact.b, key=fact.relation)
    at = story.chain.start
    for relation in story.chain.relations:
        reached = [other for other in graph.adj.get(at, {}) if graph.has_edge(at, other, relation)]
        if len(reached) != 1:
            raise OversightError(f"{at} has {len(reached)} partners in {relation}, not one")
        at = reached[0]
    return bare(at)


def read_facts(sentences: Iterable[str]) -> list[Fact]:
    """The facts that sentences state, by the wordings of `RELATIONS`; remarks state none."""
    found: list[Fact] = []
    for sentence in sentences:
        for name, pattern in _patterns():
            if match := pattern.fullmatch(sentence):
                found.append(Fact(name, _lowered(match["a"]), _lowered(match["b"])))
                break
    return found


def bare(name: str) -> str:
    """A name without its article: how it is listed among the answers."""
    return name.removeprefix("the ")


# Names

_ONSETS = [
    "b",
    "br",
    "d",
    "dr",
    "f",
    "g",
    "gr",
    "h",
    "j",
    "k",
    "l",
    "m",
    "n",
    "p",
    "pr",
    "r",
    "s",
    "sk",
    "st",
    "t",
    "tr",
    "v",
    "w",
]
_VOWELS = ["a", "e", "i", "o", "u", "ai", "ei", "ou"]
_CODAS = ["l", "m", "n", "r", "s", "t", "ld", "nd", "rk", "sk", "th", "x"]
_ENDINGS = {
    TOWN: ("ham", "by", "mouth", "wick", "stead"),
    COMPANY: ("Mills", "Ironworks", "Brewery", "Shipping", "Foundry"),
    FESTIVAL: ("Fair", "Regatta", "Carnival", "Games", "Parade"),
}


def _names(draw: np.random.Generator, count: int) -> dict[str, list[str]]:
    """Kind -> invented names, no two with a stem in common."""
    stems: dict[str, None] = {}
    while len(stems) < 5 * count:  # two for a person
        stems[_stem(draw)] = None
    left = iter(stems)
    names: dict[str, list[str]] = {}
    for kind in KINDS:
        if kind == PERSON:
            names[kind] = [f"{next(left)} {next(left)}" for _ in range(count)]
            continue
        ends = [_ENDINGS[kind][i] for i in draw.integers(len(_ENDINGS[kind]), size=count).tolist()]
        shape = "{}{}" if kind == TOWN else "the {} {}"
        names[kind] = [shape.format(next(left), end) for end in ends]
    return names


def _stem(draw: np.random.Generator) -> str:
    a, b, c, d, e = draw.random(5).tolist()
    parts = (_ONSETS, a), (_VOWELS, b), (_CODAS, c), (_VOWELS, d), (_CODAS, e)
    return "".join(pieces[int(u * len(pieces))] for pieces, u in parts).capitalize()


# Facts and questions


def _between(first: str, second: str, which: int) -> str:
    """One of the two relations of two kinds."""
    held = [name for name, relation in RELATIONS.items() if {*relation.kinds} == {first, second}]
    return held[which]


def _facts_of(name: str, names: dict[str, list[str]], pairs: dict[str, np.ndarray]) -> list[Fact]:
    first, second = (names[kind] for kind in RELATIONS[name].kinds)
    return [Fact(name, a, second[b]) for a, b in zip(first, pairs[name].tolist(), strict=True)]


def _ask(
    names: dict[str, list[str]],
    pairs: dict[str, np.ndarray],
    path: list[str],
    links: list[str],
    start: int,
) -> tuple[int, str]:
    """Where a chain ends, and the question for it in words."""
    at, words = start, names[path[0]][start]
    for kind, link in zip(path[1:], links, strict=True):
        relation, pairing = RELATIONS[link], pairs[link].tolist()
        forward = relation.kinds[1] == kind
        at = pairing[at] if forward else pairing.index(at)
        clause = relation.of_b if forward else relation.of_a
        words = (asked if link == links[-1] else described)(kind, clause, words)
    return at, words


def _say(
    draw: np.random.Generator, facts: list[Fact | None], names: dict[str, list[str]]
) -> list[str]:
    """Each fact in one of its wordings; remarks about anything, no two alike."""
    remarks = [line.format(x=x) for kind in KINDS for line in ASIDES[kind] for x in names[kind]]
    spare = iter(draw.permutation(len(remarks)).tolist())
    said: list[str] = []
    for fact, which, how in zip(
        facts, draw.random(len(facts)).tolist(), draw.random(len(facts)).tolist(), strict=True
    ):
        if fact is None:
            line = remarks[next(spare)]
        else:
            wordings = RELATIONS[fact.relation].sentences
            line = wordings[int(which * len(wordings))].format(a=fact.a, b=fact.b)
        said.append(_opened(OPENINGS[int(how * len(OPENINGS))], line))
    return said


def _opened(opening: str, line: str) -> str:
    first = line.split(" ", 1)[0]
    if opening and first in _ORDINARY:
        line = line[:1].lower() + line[1:]
    whole = opening + line
    return whole[:1].upper() + whole[1:]


_ORDINARY = {"The", "It", "Each", "Letters", "There", "Many", "Nobody"}
"""First words of wordings that are no names."""


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Relation -> one of its wordings as a pattern, the longest first."""
    name = r"(?:[Tt]he )?[A-Z]\w+(?: [A-Z]\w+)?"
    openings = "|".join(map(re.escape, sorted({*OPENINGS}, reverse=True)))
    wordings = sorted(
        ((w, name) for name, relation in RELATIONS.items() for w in relation.sentences),
        key=lambda pair: -len(pair[0]),
    )
    found: list[tuple[str, re.Pattern[str]]] = []
    for wording, relation in wordings:
        either = re.escape(wording).replace(r"\{a\}", f"(?P<a>{name})")
        either = either.replace(r"\{b\}", f"(?P<b>{name})").replace(r"\ ", " ")
        first = either[:1]
        if first.isupper():
            either = f"[{first}{first.lower()}]{either[1:]}"
        found.append((relation, re.compile(f"(?:{openings}){either}")))
    return tuple(found)


def _lowered(name: str) -> str:
    return "the " + name[4:] if name.startswith("The ") else name
