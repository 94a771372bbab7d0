"""A model's spec where an agent or a judge is named: `tiny:1`, `hf:PATH,temperature=0,words=80`.

Options of the manner (`Manner`) and, for a judge, `form` and `n` are read here; the rest goes to
the back end. Seats that name the same back end with the same options share one model.

Within an `Account` every call goes through it: replies that are known come from the cache, others
are held to the limit before they are paid, all are counted by seat. A dry account asks nobody.
"""

from __future__ import annotations

import typing
from typing import Any, Literal

import pydantic

from oversight.accounts import StandIn, current
from oversight.agents.chat import ChatAgent, Manner
from oversight.core import OversightError
from oversight.judges.language import Form, LogProbJudge, StatedJudge, VoteJudge
from oversight.models.model import Model
from oversight.players import Agent
from oversight.registry import Setting, load, options, pairs, suggest

_MODELS: dict[tuple[str, str], Model] = {}
"""Back ends in use, by name and options: weights are loaded once in a process."""


def speaker(kind: Literal["agents", "judges"], name: str, text: str, setting: Setting) -> Agent:
    """The chat agent, or the judge, that a model's spec names.

    Errors: OversightError for an option that neither the manner nor the back end has, a form there
    is not, and whatever the back end says.
    """
    manner: dict[str, Any] = {}
    judging: dict[str, str] = {}
    rest: list[str] = []
    for key, value in pairs(text, name, first=""):
        if key in Manner._fields:
            manner[key] = _read(key, value, name)
        elif kind == "judges" and key in ("form", "n"):
            judging[key] = value
        else:
            rest.append(f"{key}=({value})" if key else f"({value})")
    account = current()
    made = _seated(kind, name, _counted(name, ",".join(rest)), setting, manner, judging)
    return made if account is None or not account.dry else StandIn(made, account.ledger)


def _seated(
    kind: str, name: str, model: Model, setting: Setting, manner: dict[str, Any],
    judging: dict[str, str],
) -> ChatAgent:  # fmt: skip
    material = setting.world.material
    if kind == "agents":
        return ChatAgent(model, material, Manner(**manner))
    form, n = judging.get("form", "logprob"), judging.get("n", "8")
    if form not in typing.get_args(Form):
        raise OversightError(f"{name}: {suggest(form, typing.get_args(Form), 'forms')}")
    if "n" in judging and form != "vote":
        raise OversightError(f"{name}: n counts votes, and there are none by form={form}; "
                             "add form=vote or leave n out")  # fmt: skip
    if not n.isdecimal() or int(n) < 1:
        raise OversightError(f"{name}: n counts the votes, 1 or more; got {n!r}")
    match form:
        case "stated":
            return StatedJudge(model, material, Manner(**manner))
        case "vote":
            return VoteJudge(model, material, Manner(**manner), int(n))
        case _:
            return LogProbJudge(model, material, Manner(**manner))


def model_of(spec: str) -> Model:
    """A back end by its spec, shared and counted as those in seats are."""
    name, _, rest = spec.partition(":")
    return _counted(name, rest)


def _counted(name: str, text: str) -> Model:
    account, model = current(), _model(name, text)
    return model if account is None else account.through(model)


def _model(name: str, text: str) -> Model:
    if (name, text) not in _MODELS:
        factory = load("models", name)
        _MODELS[name, text] = factory(**options(factory, name, text))
    return _MODELS[name, text]


def _read(key: str, value: str, name: str) -> Any:
    hint = typing.get_type_hints(Manner, include_extras=True)[key]
    try:
        return pydantic.TypeAdapter(hint).validate_python(value)
    except pydantic.ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise OversightError(f"{name}: cannot set {key} to {value!r}: {reason}") from None
