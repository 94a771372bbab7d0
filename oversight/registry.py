"""Everything that has a name, and how a name becomes an object.

Names map to `module:attribute` strings that are imported on use, so the core imports neither wing.
Other packages add theirs through the entry points `oversight.protocols`, `oversight.worlds`,
`oversight.judges`, `oversight.agents`, `oversight.methods` and `oversight.experiments`.

A **spec** is what a user writes where something is named: `NAME`, `NAME:VALUE`,
`NAME:key=value,key=value`, `FILE.py:NAME` or `package.module:NAME`.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.metadata
import importlib.util
import inspect
import sys
import typing
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pydantic

from oversight.core import OversightError

BUILT_IN: Mapping[str, Mapping[str, str]] = {
    "protocols": {
        "naive": "protocols.naive:naive",
        "expert": "protocols.expert:expert",
        "consultancy": "protocols.consultancy:consultancy",
        "debate": "protocols.debate:debate",
        "critique": "protocols.critique:critique",
        "factored_cognition": "protocols.factored_cognition:factored_cognition",
        "market_making": "protocols.market_making:market_making",
        "sandwiching": "protocols.sandwiching:sandwiching",
        "nested": "protocols.nested:nested",
        "amplification": "protocols.amplification:amplification",
        "reward_modeling": "protocols.reward_modeling:reward_modeling",
        "process_supervision": "protocols.process_supervision:process_supervision",
        "doubly_efficient": "protocols.doubly_efficient:doubly_efficient",
        "prover_estimator": "protocols.prover_estimator:prover_estimator",
        "reading": "protocols.reading:reading",
    },
    "worlds": {
        "algorithms": "envs.worlds.algorithms:Algorithms",
        "chains": "envs.worlds.chains:Chains",
        "circuits": "envs.worlds.circuits:Circuits",
        "digits": "envs.worlds.digits:Digits",
        "exams": "envs.worlds.exams:Exams",
        "mnist": "envs.worlds.digits:Mnist",
        "contests": "envs.worlds.contests:Contests",
        "steps": "envs.worlds.steps:Steps",
        "sums": "envs.worlds.sums:Sums",
        "reasoning": "envs.worlds.reasoning:Reasoning",
        "passages": "envs.worlds.passages:Passages",
        "preferences": "envs.worlds.preferences:Preferences",
        "sentences": "envs.worlds.sentences:Sentences",
        "transcripts": "envs.worlds.transcripts:Transcripts",
    },
    "judges": {
        "sparse": "oversight.judges.sparse:sparse",
        "skim": "oversight.judges.skim:skim",
        "dials": "oversight.judges.dials:dials",
        "panel": "oversight.judges.panel:panel",
        "calibrated": "oversight.judges.calibrated:calibrated",
        "human": "oversight.people.terminal:human",
        "bayesian": "oversight.circuits.judges:bayesian",
        "tabulated": "oversight.circuits.tabulated:tabulated",
    },
    "agents": {
        "expert": "oversight.circuits.experts:expert",
        "random": "oversight.agents.simple:RandomAgent",
        "silent": "oversight.agents.simple:SilentAgent",
        "best_of": "oversight.agents.choosing:best_of",
        "refine": "oversight.agents.choosing:refine",
        "greedy": "oversight.agents.searching:greedy",
        "mcts": "oversight.agents.searching:mcts",
        "mover": "oversight.best_response:mover",
        "reward_model": "oversight.training.reward_models:reward_model",
        "human": "oversight.people.terminal:human",
    },
    "models": {
        "hf": "oversight.models.loading:hf",
        "gguf": "oversight.models.loading:gguf",
        "smollm2": "oversight.models.smollm2:smollm2",
        "tiny": "oversight.models.tiny:tiny",
        "openai": "oversight.models.openai_api:OpenAI",
        "inspect": "oversight.models.inspect_ai:Inspect",
        "scripted": "oversight.models.scripted:Scripted",
    },
    "methods": {
        "a_lol": "oversight.alignment.methods.a_lol:ALoL",
        "a_lol_free": "oversight.alignment.methods.a_lol:ALoLFree",
        "a_lol_kl": "oversight.alignment.methods.a_lol:ALoLKL",
        "a_lol_sequence": "oversight.alignment.methods.a_lol:ALoLSequence",
        "apo": "oversight.alignment.methods.apo:APO",
        "bonbon": "oversight.alignment.methods.bonbon:BoNBoN",
        "bond": "oversight.alignment.methods.bond:BOND",
        "clp": "oversight.alignment.methods.clp:CLP",
        "coh": "oversight.alignment.methods.coh:CoH",
        "cringe": "oversight.alignment.methods.cringe:CRINGE",
        "dpo": "oversight.alignment.methods.pairwise:DPO",
        "f_dpg": "oversight.alignment.methods.f_dpg:FDPG",
        "ilf": "oversight.alignment.methods.ilf:ILF",
        "ipo": "oversight.alignment.methods.pairwise:IPO",
        "kto": "oversight.alignment.methods.kto:KTO",
        "leashing": "oversight.alignment.methods.detoxifying:Leashing",
        "lima": "oversight.alignment.methods.lima:LIMA",
        "pro": "oversight.alignment.methods.listwise:PRO",
        "raft": "oversight.alignment.methods.raft:RAFT",
        "rlaif": "oversight.alignment.methods.rlaif:RLAIF",
        "rlaif_direct": "oversight.alignment.methods.rlaif:DirectRLAIF",
        "rlhf": "oversight.alignment.methods.rlhf:RLHF",
        "rlsf": "oversight.alignment.methods.rlsf:RLSF",
        "rrhf": "oversight.alignment.methods.listwise:RRHF",
        "schick": "oversight.alignment.methods.detoxifying:Schick",
        "second_thoughts": "oversight.alignment.methods.second_thoughts:SecondThoughts",
        "sensei": "oversight.alignment.methods.sensei:SENSEI",
        "slic": "oversight.alignment.methods.pairwise:SLiC",
        "sparrow": "oversight.alignment.methods.sparrow:Sparrow",
        "stable_alignment": "oversight.alignment.methods.listwise:StableAlignment",
        "steerlm": "oversight.alignment.methods.steerlm:SteerLM",
        "vbon": "oversight.alignment.methods.vbon:VBoN",
        "zhu": "oversight.alignment.methods.zhu:Zhu",
    },
    "experiments": {
        "arnesen2024": "experiments.arnesen2024:EXPERIMENT",
        "closed_forms": "experiments.closed_forms:EXPERIMENT",
        "elasky2026": "experiments.elasky2026:EXPERIMENT",
        "factored": "experiments.factored:EXPERIMENT",
        "nested_capability": "experiments.nested_capability:EXPERIMENT",
        "khan2024_sim": "experiments.khan2024_sim:EXPERIMENT",
        "sudhir2025": "experiments.sudhir2025:EXPERIMENT",
        "khan2024": "experiments.khan2024:EXPERIMENT",
        "kenton2024": "experiments.kenton2024:EXPERIMENT",
        "kenton2026": "experiments.kenton2026:EXPERIMENT",
        "kenton2024_sim": "experiments.kenton2024_sim:EXPERIMENT",
        "irving2018": "experiments.irving2018:EXPERIMENT",
        "christiano2018": "experiments.christiano2018:EXPERIMENT",
        "browncohen2023": "experiments.browncohen2023:EXPERIMENT",
        "browncohen2025": "experiments.browncohen2025:EXPERIMENT",
        "bai2022_constitution": "experiments.bai2022_constitution:EXPERIMENT",
        "bowman2022": "experiments.bowman2022:EXPERIMENT",
        "burns2023": "experiments.burns2023:EXPERIMENT",
        "engels2025": "experiments.engels2025:EXPERIMENT",
        "leaderboard": "experiments.leaderboard:EXPERIMENT",
        "leike2018": "experiments.leike2018:EXPERIMENT",
        "lightman2023": "experiments.lightman2023:EXPERIMENT",
        "liu2023": "experiments.liu2023:EXPERIMENT",
        "gao2023": "experiments.gao2023:EXPERIMENT",
        "gui2024_bonbon": "experiments.gui2024_bonbon:EXPERIMENT",
        "hubinger2020": "experiments.hubinger2020:EXPERIMENT",
        "societies": "experiments.societies:EXPERIMENT",
        "sun2023_dromedary": "experiments.sun2023_dromedary:EXPERIMENT",
        "toxicity": "experiments.toxicity:EXPERIMENT",
        "wang2024_clp": "experiments.wang2024_clp:EXPERIMENT",
    },
}

SPEAKER = "oversight.speakers:speaker"
"""What seats a language model, wherever a model's name stands for an agent or a judge."""


class Setting(NamedTuple):
    """Where an agent is being seated; factories that ask for `setting` receive it."""

    world: Any
    seat: str
    judge: Any = None
    """The agent in the judge's seat, for debaters that search against it."""


def names(kind: str) -> list[str]:
    """Every registered name of a kind: "protocols", "worlds", "judges", …"""
    return sorted({*BUILT_IN[kind], *(point.name for point in _entry_points(kind))})


def load(kind: str, name: str) -> Any:
    """The object registered under a name; OversightError with the nearest name if there is none."""
    if name in BUILT_IN[kind]:
        return _import(BUILT_IN[kind][name])
    for point in _entry_points(kind):
        if point.name == name:
            return point.load()
    raise OversightError(f"unknown {kind[:-1]} {suggest(name, names(kind), kind)}")


def suggest(name: str, known: Iterable[str], kind: str) -> str:
    """`'debat'; did you mean debate? known protocols: …`, for the end of an error."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ";"
    return f"{name!r}{hint} known {kind}: {', '.join(known) or 'none'}"


def build(kind: str, spec: str, setting: Setting | None = None) -> Any:
    """Make what a spec names: a registered factory called with its options, or the user's object.

    The user's own objects (`FILE.py:NAME`, `package.module:NAME`) are returned as they are.
    """
    name, _, rest = spec.partition(":")
    if name in names(kind):
        return _call(load(kind, name), name, rest, setting)
    if kind in ("agents", "judges") and name in names("models"):
        return _import(SPEAKER)(kind, name, rest, setting)
    if rest:
        with _also_from(Path(name).parent if name.endswith(".py") else Path()):
            if name.endswith(".py") or "." in name or "/" in name or _importable(name):
                return _from_user(name, rest)
    load(kind, name)  # raises, naming the nearest
    raise AssertionError("unreachable")


def options(factory: Callable[..., Any], name: str, text: str) -> dict[str, Any]:
    """Read `value` or `key=value,key=value` by the factory's own annotations.

    A bare first value goes to the factory's first option. A value that is itself a spec with
    commas goes in parentheses: `calibrated:(dials:skill=0.8,first=1)`.
    """
    hints = typing.get_type_hints(factory.__init__ if inspect.isclass(factory) else factory)
    parameters = inspect.signature(factory).parameters
    accepted = [p for p in parameters if p != "setting"]
    read: dict[str, Any] = {}
    for key, value in pairs(text, name, accepted[0] if accepted else None):
        if key not in accepted:
            raise OversightError(f"{name} has no option {suggest(key, accepted, 'options')}")
        try:
            read[key] = pydantic.TypeAdapter(hints[key]).validate_python(value)
        except pydantic.ValidationError as error:
            reason = error.errors()[0]["msg"]
            raise OversightError(f"{name}: cannot set {key} to {value!r}: {reason}") from None
    for key in accepted:
        if key not in read and parameters[key].default is inspect.Parameter.empty:
            first = "" if key == accepted[0] else f"{key}="
            raise OversightError(f"{name} needs {key}: write {name}:{first}{key.upper()}")
    return read


def pairs(text: str, name: str, first: str | None = None) -> Iterator[tuple[str, str]]:
    """`key=value,key=(a,b=c)` as pairs; a bare first value belongs to the option `first`."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    for place, part in enumerate(filter(None, parts)):
        key, equals, value = part.partition("=")
        if place == 0 and (not equals or not key.isidentifier()):
            if first is None:
                raise OversightError(f"{name}: write key=value, not {part!r}")
            key, value = first, part
        wrapped = value.startswith("(") and value.endswith(")")
        yield key, value[1:-1] if wrapped else value


def _call(factory: Callable[..., Any], name: str, text: str, setting: Setting | None) -> Any:
    chosen = options(factory, name, text)
    if "setting" in inspect.signature(factory).parameters:
        chosen["setting"] = setting
    return factory(**chosen)


def _import(path: str) -> Any:
    module, _, attribute = path.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


@contextmanager
def _also_from(directory: Path) -> Generator[None]:
    """Import from a directory too: a user's file finds its neighbours, as when Python runs it."""
    path = str(directory.resolve())
    sys.path.insert(0, path)
    try:
        yield
    finally:
        sys.path.remove(path)


def _from_user(source: str, attribute: str) -> Any:
    try:
        module = _from_file(Path(source)) if source.endswith(".py") else None
        module = module or importlib.import_module(source)
    except OversightError:
        raise
    except Exception as error:
        raise OversightError(
            f"cannot import {source}: {type(error).__name__}: {error}; "
            "run it with python alone to see the whole traceback"
        ) from error
    if not hasattr(module, attribute):
        public = [name for name in vars(module) if not name.startswith("_")]
        raise OversightError(f"{source} has no {suggest(attribute, public, 'names')}")
    return getattr(module, attribute)


def _from_file(path: Path) -> Any:
    if not path.is_file():
        raise OversightError(f"no file {path}; give the path to a Python file, then :NAME")
    spec = importlib.util.spec_from_file_location(f"_oversight_user_{path.stem}", path.resolve())
    assert spec is not None  # it is a .py file
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # so that what it defines can be pickled
    spec.loader.exec_module(module)
    return module


def _entry_points(kind: str) -> Iterable[importlib.metadata.EntryPoint]:
    return importlib.metadata.entry_points(group=f"oversight.{kind}")
