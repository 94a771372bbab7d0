"""A decomposition as a picture: questions from the root down, their answers in them."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import networkx as nx

ACROSS, DOWN, RADIUS, MOST = 46, 58, 13, 400
"""Pixels between questions, between layers, a question's size; and the most that are drawn."""


def drawn_tree(graph: nx.DiGraph[int]) -> str:
    """The tree as an SVG; empty if there is none, or if it has more nodes than anybody would read.

    Each question shows its answer's index; its whole text is its title. Colours are the page's.
    """
    if not 1 < len(graph) <= MOST:
        return ""
    layers = [sorted(layer) for layer in nx.topological_generations(graph)]
    width = ACROSS * max(map(len, layers))
    places = {
        node: ((i + 0.5) * width / len(layer), (depth + 0.5) * DOWN)
        for depth, layer in enumerate(layers)
        for i, node in enumerate(layer)
    }
    lines = [_line(places, whole, part) for whole, part in graph.edges]
    dots = [_dot(places, node, graph.nodes[node]) for node in graph]
    height = DOWN * len(layers)
    return (
        f'<svg class="tree" style="width: 100%; max-width: {width}px" '
        f'viewBox="0 0 {width} {height}" '
        f'role="img" aria-label="the questions and their answers">{"".join([*lines, *dots])}</svg>'
    )


def _line(places: Mapping[int, tuple[float, float]], whole: int, part: int) -> str:
    (x, y), (u, v) = places[whole], places[part]
    return (
        f'<line x1="{x:.0f}" y1="{y:.0f}" x2="{u:.0f}" y2="{v:.0f}" '
        'stroke="var(--rule)" stroke-width="1.5"/>'
    )


def _dot(places: Mapping[int, tuple[float, float]], node: int, held: Mapping[str, object]) -> str:
    x, y = places[node]
    title = escape(str(held.get("text", f"question {node}")))
    return (
        f'<g><title>{title}</title><circle cx="{x:.0f}" cy="{y:.0f}" r="{RADIUS}" '
        'fill="var(--paper)" stroke="var(--line-0)" stroke-width="1.5"/>'
        f'<text x="{x:.0f}" y="{y:.0f}" font-size="12" text-anchor="middle" '
        f'dominant-baseline="central" fill="var(--ink)">{held.get("answer", "?")}</text></g>'
    )
