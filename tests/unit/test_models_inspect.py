"""Inspect's model layer as a back end: what it is asked, what its words become, what goes wrong."""

from __future__ import annotations

import math
import multiprocessing
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from oversight.core import OversightError
from oversight.models.model import (
    Answer,
    Completion,
    Options,
    Request,
    Said,
    Sampling,
    Scores,
    Unanswered,
    Usage,
)

inspect_model = pytest.importorskip("inspect_ai.model")
from oversight.models.inspect_ai import Inspect  # noqa: E402 — it needs what was just looked for

PROMPT = (Said("system", "Be brief."), Said("user", "Who hosted the fair?"))
OPENED = (*PROMPT, Said("assistant", "It was"))
SECRET = "sk-inspect-0123456789"

Behaviour = Callable[[Any], Any]
"""From the configuration that Inspect was asked with to an output, or an error to raise."""
Provider = Callable[[Behaviour], None]
"""Sets what the stub does."""
_behaviour: list[Behaviour] = []
_asked: list[tuple[list[Any], Any]] = []


class NotThere(Exception):
    """As providers' clients raise it."""

    status_code = 404


class Busy(Exception):
    """What another try may mend."""


@inspect_model.modelapi(name="stub")
class Stub(inspect_model.ModelAPI):  # pyright: ignore[reportUntypedBaseClass] — an optional package
    """A provider that does as the test says."""

    async def generate(self, input: Any, tools: Any, tool_choice: Any, config: Any) -> Any:
        _asked.append((input, config))
        found = _behaviour[0](config)
        if isinstance(found, Exception):
            raise found
        return found

    def should_retry(self, ex: Exception) -> bool:
        return isinstance(ex, Busy)

    def retry_wait(self) -> Any:
        from tenacity import wait_none

        return wait_none()

    def connection_key(self) -> str:
        return "stub"


@pytest.fixture
def provider() -> Iterator[Provider]:
    """Sets what the provider does."""
    _asked.clear()
    yield lambda behaviour: _behaviour.insert(0, behaviour)
    _behaviour.clear()


def output(text: str, stop: str = "stop", logprobs: dict[str, float] | None = None) -> Any:
    made = inspect_model.ModelOutput.from_content("stub/m", text, stop_reason=stop)
    made.usage = inspect_model.ModelUsage(
        input_tokens=10, output_tokens=2, input_tokens_cache_read=4
    )
    if logprobs is not None:
        top = [inspect_model.TopLogprob(token=t, logprob=p) for t, p in logprobs.items()]
        first = inspect_model.Logprob(token=top[0].token, logprob=top[0].logprob, top_logprobs=top)
        made.choices[0].logprobs = inspect_model.Logprobs(content=[first])
    return made


def request(key: int = 1, **sampling: Any) -> Request:
    return Request(PROMPT, Sampling(**sampling), key, "debater_0")


def asked(request: Request, **options: Any) -> Completion | Unanswered:
    [found] = Inspect("stub/m", **options).generate([request])
    return found


def why(found: Answer) -> str:
    assert isinstance(found, Unanswered)
    return found.reason


def test_a_request_goes_through_with_all_that_makes_it(provider: Provider) -> None:
    provider(lambda _: output("Ada."))
    found = asked(request(2**40 + 5, tokens=7, temperature=0.5, top_p=0.9, stop=("\n",)))
    assert isinstance(found, Completion)
    assert (found.text, found.finish) == ("Ada.", "stop")
    assert found.usage._replace(seconds=0) == Usage(14, 2, 4)
    [(messages, config)] = _asked
    assert [(m.role, m.text) for m in messages] == [tuple(said) for said in PROMPT]
    assert (config.max_tokens, config.temperature, config.top_p) == (7, 0.5, 0.9)
    assert (config.stop_seqs, config.seed) == (["\n"], 5)


@pytest.mark.parametrize(
    ("text", "stop", "finish"),
    [("x", "max_tokens", "length"), ("x", "model_length", "length"), ("x", "unknown", "stop"),
     ("no", "content_filter", "refusal")],
)  # fmt: skip
def test_a_reply_ends_as_it_ended(provider: Provider, text: str, stop: str, finish: str) -> None:
    provider(lambda _: output(text, stop))
    found = asked(request())
    assert isinstance(found, Completion)
    assert found.finish == finish


def test_an_empty_reply_is_no_reply(provider: Provider) -> None:
    provider(lambda _: output(" "))
    assert "an empty reply" in why(asked(request()))


def test_no_choice_at_all_is_no_reply(provider: Provider) -> None:
    provider(lambda _: inspect_model.ModelOutput(model="stub/m", error="it broke"))
    assert why(asked(request())) == "it broke"


def test_numbers_that_are_not_positive_are_refused() -> None:
    with pytest.raises(OversightError, match="concurrency, tries and seconds must be positive"):
        Inspect("stub/m", tries=0)


def test_many_are_asked_at_once_and_come_in_order(provider: Provider) -> None:
    provider(lambda config: output(str(config.seed)))
    found = Inspect("stub/m", concurrency=8).generate([request(key) for key in range(40)])
    assert [one.text for one in found if isinstance(one, Completion)] == [str(n) for n in range(40)]


def test_labels_are_scored_by_the_first_token(provider: Provider) -> None:
    shown = {" A": math.log(0.5), "A": math.log(0.25), "B": math.log(0.125)}
    provider(lambda _: output(" A", logprobs=shown))
    model = Inspect("stub/m")
    found = model.score([Options(OPENED, (" A", " B")), Options(OPENED, (" C",))])
    assert isinstance(found[0], Scores)
    assert found[0].logprobs == pytest.approx((math.log(0.75), math.log(0.125)))
    assert "no log-probability of 'C'" in why(found[1])
    assert _asked[0][0][-1].text.endswith("do not repeat it: It was")
    provider(lambda _: output(" A"))
    assert "judge by form=stated or form=vote" in why(model.score([Options(OPENED, (" A",))])[0])


def test_a_passing_fault_is_tried_again(provider: Provider) -> None:
    replies = iter([Busy("later"), Busy("later"), output("Ada.")])
    provider(lambda _: next(replies))
    assert isinstance(asked(request()), Completion)
    assert len(_asked) == 3


def test_one_that_does_not_pass_costs_its_own_request_only(provider: Provider) -> None:
    provider(lambda config: Busy("too busy") if config.seed == 2 else output("Ada."))
    found = Inspect("stub/m", tries=3).generate([request(key) for key in range(4)])
    assert [isinstance(one, Unanswered) for one in found] == [False, False, True, False]
    assert why(found[2]) == "Busy: too busy (tried 3 times)"


def test_another_fault_costs_its_own_request_only(provider: Provider) -> None:
    provider(lambda _: ValueError("odd"))
    assert why(asked(request())) == "ValueError: odd"


def test_a_model_that_is_not_there_ends_the_run(provider: Provider) -> None:
    provider(lambda _: NotThere("no such model"))
    with pytest.raises(OversightError, match="inspect:stub/m: NotThere: no such model"):
        asked(request())


def test_a_provider_that_is_not_there_is_an_error() -> None:
    with pytest.raises(OversightError, match=r"nobody.*not recognized"):
        Inspect("nobody/m")


def test_keys_are_blotted_out_of_errors(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUB_API_KEY", SECRET)
    provider(lambda _: ValueError(f"bad header {SECRET}"))
    assert why(asked(request())) == "ValueError: bad header [STUB_API_KEY]"


def test_a_known_context_is_kept_to_without_a_call(provider: Provider) -> None:
    provider(lambda _: output("x"))
    found = asked(request(tokens=90), context=100)
    assert "the prompt has 16 tokens and the reply may have 90" in why(found)
    assert not _asked


def _asked_in_child(model: Inspect, answers: multiprocessing.Queue[Any]) -> None:
    [found] = model.generate([request(os.getpid() % 1000)])
    answers.put(found.text if isinstance(found, Completion) else found.reason)


def test_a_forked_process_makes_its_own_model(provider: Provider) -> None:
    provider(lambda config: output(f"child {config.seed}"))
    fork = multiprocessing.get_context("fork")
    model = Inspect("stub/m")
    model.generate([request()])
    answers = fork.Queue()
    worker = fork.Process(target=_asked_in_child, args=(model, answers))
    worker.start()
    assert answers.get(timeout=30).startswith("child")
    worker.join(30)
