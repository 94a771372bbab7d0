"""Models in process: batches, kept beginnings, draws, scores, against a bare pass of the net."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    Gemma3Config,
    GPT2Config,
    Lfm2Config,
    LlamaConfig,
    MambaConfig,
    MistralConfig,
    PreTrainedConfig,
)

from oversight.core import OversightError
from oversight.models.decoding import Row, Wanted, draw
from oversight.models.local import LocalModel
from oversight.models.model import (
    Answer,
    Asked,
    Completion,
    Options,
    Prompt,
    Request,
    Said,
    Sampling,
    Scores,
    Unanswered,
)
from oversight.models.prefixes import Prefixes, Segment, Text
from oversight.models.reading import AHEAD, batches
from oversight.models.tiny import byte_tokenizer, random_llama, tiny
from oversight.threads import one_thread

SYSTEM = Said("system", "You take part in a game. Keep to the rules, and be brief.")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]  # pytest uses it
    """Networks this small are no faster with more."""
    with one_thread():
        yield


def asked(text: str) -> Prompt:
    return (SYSTEM, Said("user", text))


def begun(text: str) -> Prompt:
    return (*asked(text), Said("assistant", "The right answer is"))


def replies(model: LocalModel, requests: list[Request]) -> list[Completion]:
    found = model.generate(requests)
    assert all(isinstance(each, Completion) for each in found)
    return [each for each in found if isinstance(each, Completion)]


def scores(model: LocalModel, requests: list[Options]) -> list[Scores]:
    found = model.score(requests)
    assert all(isinstance(each, Scores) for each in found)
    return [each for each in found if isinstance(each, Scores)]


def sixteen() -> list[Request]:
    """Prompts of many lengths, and every way of drawing."""
    manners = (Sampling(12), Sampling(20, 0.7), Sampling(16, 1.0, 0.9), Sampling(14, 0),
               Sampling(20, 1.0, 1.0, ("e", "\x04")))  # fmt: skip
    return [
        Request(asked("And so on. " * (1 + number * 5 % 13)), manners[number % 5], 1000 + number)
        for number in range(16)
    ]


def bare(model: LocalModel, prompt: Prompt, text: str) -> float:
    """The log-probability by one plain pass over the whole."""
    given, (tail,) = model.words.continued(prompt, [text])
    ids = torch.tensor([[*given, *tail]])
    with torch.no_grad():
        logits = model.reader.net(input_ids=ids).logits[0].float()
    shares = torch.log_softmax(logits, 1)
    return sum(float(shares[place - 1, ids[0, place]]) for place in range(len(given), ids.shape[1]))


def test_replies_are_the_same_alone_and_in_a_batch_of_sixteen() -> None:
    together = replies(tiny(1), sixteen())
    alone = [replies(tiny(1), [request])[0] for request in sixteen()]
    assert [each.text for each in together] == [each.text for each in alone]
    assert [each.finish for each in together] == [each.finish for each in alone]


def test_replies_are_the_same_with_and_without_kept_beginnings() -> None:
    kept, not_kept = replies(tiny(1), sixteen()), replies(tiny(1, kept=0), sixteen())
    assert [each.text for each in kept] == [each.text for each in not_kept]
    assert sum(each.usage.cached for each in kept) > 0
    assert all(each.usage.cached == 0 for each in not_kept)


def test_small_batches_and_the_order_of_requests_change_no_reply() -> None:
    usual = replies(tiny(1), sixteen())
    turned = replies(tiny(1, batch=400), sixteen()[::-1])
    assert [each.text for each in usual] == [each.text for each in turned[::-1]]


def test_the_likeliest_reply_is_that_of_transformers_own_loop() -> None:
    model = tiny(2)
    prompt = asked("Count to ten.")
    ours = replies(model, [Request(prompt, Sampling(24, temperature=0), 1)])[0]
    ids = torch.tensor([model.words.prompt(prompt)])
    theirs = model.reader.net.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=24, do_sample=False
    )
    assert ours.text == model.words.text(theirs[0, ids.shape[1] :].tolist())
    assert ours.usage.completion == theirs.shape[1] - ids.shape[1]


def test_another_key_is_another_reply_and_the_same_key_the_same() -> None:
    first, again, other = replies(
        tiny(1), [Request(asked("Speak."), Sampling(16), key) for key in (1, 1, 2)]
    )
    assert first.text == again.text != other.text


def test_a_reply_may_outgrow_the_room_that_is_made_ahead() -> None:
    model = tiny(2)
    prompts = [asked("Tell all. " * n) for n in (1, 4)]
    longest = 2 * AHEAD + 5
    together = replies(model, [Request(p, Sampling(longest, 0), 1) for p in prompts])
    for prompt, ours in zip(prompts, together, strict=True):
        ids = torch.tensor([model.words.prompt(prompt)])
        theirs = model.reader.net.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=longest, do_sample=False
        )
        assert ours.text == model.words.text(theirs[0, ids.shape[1] :].tolist())
    assert max(ours.usage.completion for ours in together) == longest


def test_a_reply_ends_before_a_stop_string_and_at_its_budget() -> None:
    model = tiny(1)
    whole = replies(model, [Request(asked("Speak."), Sampling(20, 0), 1)])[0]
    assert whole.finish == "length"
    assert whole.usage.completion == 20
    stop = whole.text[5]
    cut = replies(model, [Request(asked("Speak."), Sampling(20, 0, stop=(stop,)), 1)])[0]
    assert cut.finish == "stop"
    assert cut.text == whole.text[: whole.text.index(stop)]


def test_a_reply_ends_at_the_models_own_end() -> None:
    model = tiny(1)
    prompt = asked("Speak.")
    first = model.reader.net(torch.tensor([model.words.prompt(prompt)])).logits[0, -1].argmax()
    model.reader.net.generation_config.eos_token_id = int(first)
    ended = LocalModel(model.reader.net, byte_tokenizer(), "ended", "", kept=1, batch=1000)
    found = replies(ended, [Request(prompt, Sampling(20, 0), 1)])[0]
    assert (found.text, found.finish, found.usage.completion) == ("", "stop", 0)


def test_a_token_is_drawn_by_inverting_the_distribution_function() -> None:
    logits = torch.log(torch.tensor([[0.25, 0.5, 0.25]] * 4))
    nowhere = Segment((), None)
    rows = [Row(0, Wanted(nowhere, Sampling(1), 0)) for _ in range(3)]
    for row, luck in zip(rows, (0.2, 0.6, 0.8), strict=True):
        row.luck[0] = luck
    cold = Row(0, Wanted(nowhere, Sampling(1, temperature=0.001), 0))
    cold.luck[0] = 0.01
    assert draw(logits, [*rows, cold]) == [0, 1, 2, 1]


@pytest.mark.parametrize("kept", [0, 64])
def test_a_score_is_that_of_a_bare_pass(kept: int) -> None:
    model = tiny(3, kept=kept)
    prompt = begun("Which of the two? " * 10)
    texts = (" A", " B", " Candle light", " Candle", "")
    for _ in range(2):  # the second time from what is kept
        found = scores(model, [Options(prompt, texts), Options(begun("No."), texts[:2])])
        wanted = [bare(model, prompt, text) for text in texts]
        assert found[0].logprobs == pytest.approx(wanted, abs=1e-4)
        assert found[1].logprobs == pytest.approx(
            [bare(model, begun("No."), text) for text in texts[:2]], abs=1e-4
        )


SMALL: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
                         "num_key_value_heads": 2, "intermediate_size": 48}  # fmt: skip
OTHERS = {
    "a sliding window": MistralConfig(**SMALL, sliding_window=24, head_dim=8),
    "capped logits and both kinds of layers": Gemma2Config(**SMALL, sliding_window=24, head_dim=8),
    "learned places": GPT2Config(n_embd=32, n_layer=2, n_head=4, n_positions=512),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_architectures_are_read_and_written_as_a_bare_pass_does(kind: str) -> None:
    model = LocalModel(_random(OTHERS[kind]), byte_tokenizer(), kind, "", kept=16, batch=2000)
    for lines in (3, 4, 2):  # each begins as the others do
        prompt = begun("Which of the two? " * lines)
        found = scores(model, [Options(prompt, (" A", " Better"))])[0]
        assert found.logprobs == pytest.approx(
            [bare(model, prompt, " A"), bare(model, prompt, " Better")], abs=1e-3
        )
    requests = [Request(asked("Tell. " * n), Sampling(40), n) for n in (2, 9, 4)]
    together = [each.text for each in replies(model, requests)]
    assert together == [replies(model, [request])[0].text for request in requests]


RUNNING = {
    "all of it": MambaConfig(hidden_size=32, num_hidden_layers=2),
    "in some layers": Lfm2Config(**SMALL, layer_types=["conv", "full_attention"]),
}


@pytest.mark.parametrize("kind", RUNNING)
def test_a_model_with_a_running_state_is_refused(kind: str) -> None:
    with pytest.raises(OversightError, match="keeps a running state, not keys and values"):
        LocalModel(_random(RUNNING[kind]), byte_tokenizer(), kind, "", kept=1, batch=1000)


def test_a_model_that_also_sees_has_the_context_of_its_words() -> None:
    sees = Gemma3Config(
        text_config={**SMALL, "head_dim": 8, "max_position_embeddings": 300,
                     "vocab_size": len(byte_tokenizer()), "pad_token_id": 0},
        vision_config={"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
                       "intermediate_size": 16},
    )  # fmt: skip
    net = AutoModelForCausalLM.from_config(sees)
    assert LocalModel(net, byte_tokenizer(), "sees", "", kept=1, batch=1000).context == 300


def _random(config: PreTrainedConfig) -> Any:
    config.vocab_size = len(byte_tokenizer())
    config.eos_token_id = None
    config.bos_token_id = config.pad_token_id = 0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = AutoModelForCausalLM.from_config(config)
    return net


def test_both_orders_of_the_answers_share_what_comes_before_them() -> None:
    model = tiny(1)
    scene = "What everybody said. " * 20
    orders = [Options(begun(f"{scene}A: {a} B: {b}"), (" A", " B")) for a, b in ("xy", "yx")]
    first, second = scores(model, orders)
    shared = len(model.words.prompt(asked(scene))) - 20  # the template's end comes later
    assert first.usage.cached == 0
    assert second.usage.cached >= shared
    again = scores(model, orders)[0]
    assert again.usage.cached == again.usage.prompt - 1  # what comes next has to be asked


def test_the_next_turn_starts_from_what_was_read() -> None:
    model = tiny(1)
    transcript = "alice: I say so. " * 20
    replies(model, [Request(asked(transcript + "Your turn."), Sampling(4), 1)])
    longer = f"{transcript}bob: I say not. Your turn."
    found = replies(model, [Request(asked(longer), Sampling(4), 1)])[0]
    assert found.usage.cached >= len(transcript)
    assert found.text == replies(tiny(1), [Request(asked(longer), Sampling(4), 1)])[0].text


def test_what_is_kept_is_bounded_and_the_latest_stays() -> None:
    model = tiny(1, kept=1)  # 512 bytes a token, so 2,048 of them
    for number in range(12):
        text = f"{number}: " + "long and longer " * 30
        scores(model, [Options(begun(text), (" A",))])
        again = scores(model, [Options(begun(text), (" A",))])[0]
        assert again.usage.cached == again.usage.prompt - 1
    kept = sum(segment.size for segment in _all(model.reader.prefixes.root))
    assert 2**19 < kept <= 2**20
    model.close()
    assert not list(_all(model.reader.prefixes.root))


def _all(segment: Segment) -> Iterator[Segment]:
    for child in segment.children:
        yield child
        yield from _all(child)


def test_a_call_that_is_cut_short_leaves_nothing_half_read(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny(1)
    request = Options(begun("Which? " * 10), (" A",))
    with monkeypatch.context() as patched:
        patched.setattr(model.reader, "step", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            model.score([request])
    assert scores(model, [request])[0].logprobs == pytest.approx(
        [bare(model, request.prompt, " A")], abs=1e-4
    )


def _interrupted(*_: object) -> torch.Tensor:
    raise KeyboardInterrupt


def test_too_little_memory_is_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> torch.Tensor:
        raise torch.OutOfMemoryError("no room")

    model = tiny(1)
    monkeypatch.setattr(model.reader, "step", full)
    with pytest.raises(OversightError, match=r"tiny:1: no memory left on cpu; lower batch="):
        model.score([Options(begun("Which? " * 10), (" A",))])


def test_each_batch_is_handed_over_before_the_next_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny(1, batch=400)
    asked: list[Asked] = [
        *sixteen()[:4],
        Options(begun("Which? " * 20), (" A", " B")),
        Request(begun("x" * 40_000), Sampling(1), 1),
    ]
    heard: dict[int, Answer] = {}
    step = model.reader.step

    def interrupted(*given: Any) -> torch.Tensor:
        if any(isinstance(each, Completion) for each in heard.values()):
            raise KeyboardInterrupt
        return step(*given)

    with monkeypatch.context() as patched:
        patched.setattr(model.reader, "step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            model.answer(asked, heard.__setitem__)
    assert 0 < len(heard) < len(asked)
    model.answer(asked, heard.__setitem__)
    kinds = [type(heard[place]) for place in range(len(asked))]
    assert kinds == [*[Completion] * 4, Scores, Unanswered]


def test_texts_are_laid_out_so_that_each_beginning_is_computed_once() -> None:
    stem = tuple(range(100, 140))
    texts = [Text((*stem, *tail), 39) for tail in ((1, 2, 3), (1, 9), (), tuple(range(30)))]
    found = Prefixes(1).lay_out(texts)
    assert [each.computed for each in found] == [40, 0, 0, 0]
    for text, each in zip(texts, found, strict=True):
        laid = [token for segment in each.last.path for token in segment.tokens]
        assert tuple(laid) == text.tokens
    segments = {segment for each in found for segment in each.last.path}
    assert sum(len(segment.tokens) for segment in segments) == 40 + 3 + 2 + 30


def test_batches_are_cut_by_their_tokens_and_by_what_would_be_padding() -> None:
    def cut(lengths: list[int], most: int) -> list[list[int]]:
        return list(batches(lengths, lambda length: length, most))

    assert cut([10, 40, 30, 20], 90) == [[40, 30], [20, 10]]
    assert cut([1000, 999, 10, 9], 10_000) == [[1000, 999], [10, 9]]
    assert cut([500], 100) == [[500]]


def test_a_prompt_that_does_not_fit_is_said_so_and_the_others_are_answered() -> None:
    config = LlamaConfig(**SMALL, vocab_size=len(byte_tokenizer()), max_position_embeddings=200)
    model = LocalModel(random_llama(0, config), byte_tokenizer(), "short", "", kept=1, batch=1000)
    long, short = asked("far too long " * 10), (Said("user", "Short."),)
    refused, answered = model.generate([Request(p, Sampling(9), 0) for p in (long, short)])
    assert isinstance(refused, Unanswered)
    assert f"{model.count(long)} tokens" in refused.reason
    assert "holds 200" in refused.reason
    assert isinstance(answered, Completion)
    refused, answered = model.score([Options(p, (" A",)) for p in (long, short)])
    assert isinstance(refused, Unanswered)
    assert isinstance(answered, Scores)
    assert math.isfinite(answered.logprobs[0])


def test_a_seed_is_a_model_and_pytorchs_own_luck_is_left_alone() -> None:
    before = torch.random.get_rng_state()
    one, same, other = tiny(1), tiny(1), tiny(2)
    assert torch.equal(before, torch.random.get_rng_state())
    assert one.revision == same.revision != other.revision
    requests = [Request(asked("Speak."), Sampling(16), 1)]
    assert replies(one, requests)[0].text == replies(same, requests)[0].text
    assert replies(one, requests)[0].text != replies(other, requests)[0].text
