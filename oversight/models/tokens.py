"""A prompt as tokens, by the tokenizer's own chat template, with nobody's words read as a command.

The template is filled with placeholders, so that its own control tokens are known from those that
stand in somebody's text. Where the text has none, the tokens are exactly those of the filled
template. Where it has some (`<|im_end|>` in an argument), the pieces between the template's control
tokens are read as plain text, and each added token's name in them is cut in two.

Deviations: a template that would change a message's own text (trim it) gets to change nothing. A
template that knows no system role has that message before the first of the user's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from oversight.core import OversightError
from oversight.models.chat_interface import plain_pieces
from oversight.models.model import Prompt, Said
from oversight.models.prefixes import common

NOTHING = "(?!)"
"""A pattern that fits nowhere."""


class Continued(NamedTuple):
    """A prompt's tokens, and those of each continuation after them."""

    prompt: tuple[int, ...]
    tails: tuple[tuple[int, ...], ...]


class Words:
    """A tokenizer of transformers, asked for prompts."""

    def __init__(self, tokenizer: Any, name: str) -> None:
        self.tokenizer, self.name = tokenizer, name
        added = tokenizer.added_tokens_decoder
        self.control = frozenset(added) | frozenset(tokenizer.all_special_ids)
        names = sorted({str(token.content) for token in added.values()}, key=len, reverse=True)
        self._names = re.compile("|".join(map(re.escape, names)) or NOTHING)
        self._plain_start: tuple[int, ...] = tuple(
            each for each in tokenizer.encode("") if each in self.control
        )

    def prompt(self, prompt: Prompt) -> tuple[int, ...]:
        """The prompt's tokens, up to where the reply begins."""
        return self._tokens(self._pieces(prompt))

    def continued(self, prompt: Prompt, texts: Sequence[str]) -> Continued:
        """The prompt's tokens and each text's, as the two are read together.

        A tokenizer may join the prompt's last letters with a text's first: then all tails begin at
        the first token that any of the texts changes, so that they remain comparable, and a tail
        has those letters of the prompt too.
        """
        pieces = self._pieces(prompt)
        alone = self._tokens(pieces)
        if not pieces[-1][1]:
            pieces.append(("", True))
        *before, (begun, _) = pieces
        joint = [self._tokens([*before, (begun + text, True)]) for text in texts]
        cut = min((common(alone, each) for each in joint), default=len(alone))
        return Continued(alone[:cut], tuple(each[cut:] for each in joint))

    def text(self, tokens: Sequence[int]) -> str:
        """A reply's tokens as text; control tokens in it are dropped."""
        return self.tokenizer.decode(
            list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False
        )

    def _pieces(self, prompt: Prompt) -> list[tuple[str, bool]]:
        """The prompt in pieces in order: text, and whether it is somebody's words."""
        if not prompt:
            raise OversightError("a prompt needs at least one message")
        if self.tokenizer.chat_template is None:
            return plain_pieces(prompt)
        try:
            return self._by_template(prompt)
        except _jinja_error():
            if prompt[0].role != "system" or len(prompt) < 2:
                raise
        first, second, *rest = prompt  # a template without a system role
        return self._by_template((Said(second.role, f"{first.text}\n\n{second.text}"), *rest))

    def _by_template(self, prompt: Prompt) -> list[tuple[str, bool]]:
        begun = prompt[-1].role == "assistant"
        marks = [f"\ue000{number}\ue001" for number in range(len(prompt))]
        rendered: str = self.tokenizer.apply_chat_template(
            [{"role": one.role, "content": mark} for one, mark in zip(prompt, marks, strict=True)],
            tokenize=False,
            add_generation_prompt=not begun,
        )
        parts = re.split("\ue000(\\d+)\ue001", rendered)
        if list(map(int, parts[1::2])) != list(range(len(prompt))):
            raise OversightError(
                f"the chat template of {self.name} leaves a message out or says one twice; "
                "choose a model with another template"
            )
        pieces: list[tuple[str, bool]] = []
        for place, part in enumerate(parts):
            pieces.append((prompt[int(part)].text, True) if place % 2 else (part, False))
        return pieces[:-1] if begun else pieces

    def _tokens(self, pieces: Sequence[tuple[str, bool]]) -> tuple[int, ...]:
        start = self._plain_start if self.tokenizer.chat_template is None else ()
        joint = (*start, *self._encode("".join(text for text, _ in pieces)))
        ours = [
            token
            for text, said in pieces
            if not said
            for token in self._encode(text)
            if token in self.control
        ]
        if [token for token in joint if token in self.control] == [*start, *ours]:
            return joint
        return (*start, *self._piecewise(pieces))

    def _piecewise(self, pieces: Sequence[tuple[str, bool]]) -> list[int]:
        """Template text as it is, and words as plain text."""
        found: list[int] = []
        plain = ""
        for text, said in pieces:
            if said:
                plain += text
                continue
            for part, control in self._controls(text):
                if control:
                    found += [*self._plain(plain), *self._encode(part)]
                    plain = ""
                else:
                    plain += part
        return [*found, *self._plain(plain)]

    def _controls(self, text: str) -> list[tuple[str, bool]]:
        """A text of the template's, cut at the names of control tokens."""
        parts = re.split(f"({self._names.pattern})", text)
        return [(part, bool(place % 2)) for place, part in enumerate(parts)]

    def _plain(self, text: str) -> list[int]:
        """Tokens of a text in which no name is a control token's."""
        tokens: list[int] = self.tokenizer.encode(
            text, add_special_tokens=False, split_special_tokens=True
        )
        if not self.control.intersection(tokens):
            return tokens
        # An added token that the tokenizer does not count as special: no piece may hold its name.
        cut = re.sub(self._names, lambda name: f"{name[0][0]}\x00{name[0][1:]}", text)
        return [token for part in cut.split("\x00") for token in self._encode(part)]

    def _encode(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False) if text else []


def _jinja_error() -> type[Exception]:
    import jinja2

    return jinja2.TemplateError
