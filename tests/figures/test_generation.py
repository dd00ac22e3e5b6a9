"""The pictures of lesson 13 follow the learner's functions and the measured times; the text of a model streams and stops."""

import asyncio

import pytest
import torch

from handmade.data import stand_in
from handmade.figures import generation as figures
from handmade.reference import generation as reference
from handmade.reference.cached_gpt import CachedGPT
from handmade.reference.gpt import GPT, GPTConfig

DRAWN = {
    "darts": lambda: figures.darts(reference.sample),
    "filters": lambda: figures.filters(*stand_in.load()),
    "work": lambda: figures.work(),
    "mask_rows": lambda: figures.mask_rows(),
    "time_curves": lambda: figures.time_curves(
        [16, 32, 64, 128], [1.0, 1.4, 2.2, 4.0], [0.5, 0.5, 0.51, 0.52]
    ),
    "cache_memory": lambda: figures.cache_memory(),
}


def test_darts_are_drawn_by_the_learners_function(drawing):
    draw, _, start = drawing(figures, lambda: figures.darts(lambda p, generator: 2))
    assert "the 0 of 100 (0.3), a 0 of 100 (0.25), his 100 of 100 (0.2)" in draw(**start).alt


def test_the_learners_filters_decide_who_may_come(drawing):
    draw, _, start = drawing(figures, DRAWN["filters"])
    assert "10,7" in draw(**start).alt
    assert "3 of 10," in draw(**start | {"top_k": "3"}).alt
    assert "1 of 10," in draw(**start | {"top_p": 0.05}).alt
    assert (
        draw(**start | {"temperature": 0.5}).alt.count("10,") == 2
    )  # all of 10,…: the temperature drops none

    def drops_nothing(logits, p):
        return logits

    draw, _, start = drawing(figures, lambda: figures.filters(*stand_in.load(), top_p_filter=drops_nothing))
    assert "1 of 10," not in draw(**start | {"top_p": 0.05}).alt


def test_work_is_counted(drawing):
    draw, _, start = drawing(figures, DRAWN["work"])
    settings = start | {"n_prompt": 2, "n_new": 3}
    assert "computed: 9, of them for the first time: 4" in draw(**settings).alt  # 2, 3 and 4
    assert "computed: 4, of" in draw(**settings | {"cache": "with a cache"}).alt


def test_the_memory_of_a_cache(drawing):
    draw, _, start = drawing(figures, DRAWN["cache_memory"])
    # 2 · 96 · 12,288 numbers of 2 bytes a token, 2,048 tokens
    assert "GPT-3 175B: weights 349 GB, cache 9.66 GB" in draw(**start).alt
    assert "GPT-2 small: weights 249 MB, cache 37.7 MB" in draw(**start | {"n_tokens": "1024"}).alt
    assert "cache 75.5 MB" in draw(**start | {"n_tokens": "1024", "bytes_a_number": "4"}).alt


def test_the_whole_text_is_the_sum_of_its_tokens(drawing):
    draw, _, start = drawing(figures, lambda: figures.time_curves([10, 20], [2.0, 4.0], [1.0, 1.0]))
    assert "At 20 tokens 4.00 without a cache and 1.00 with one" in draw(**start).alt
    # ten tokens at 2, then ten that go from 2 to 4
    assert (
        "50.00 without a cache and 20.00 with one" in draw(**start | {"shown": "the whole text so far"}).alt
    )


class Letters:
    """A tokenizer whose tokens are the letters a to e."""

    def encode(self, text):
        return ["abcde".index(letter) for letter in text if letter in "abcde"]

    def decode(self, ids):
        return "".join("abcde"[i] for i in ids)


def small_gpt():
    model = GPT(GPTConfig(vocab_size=5, context_length=8, d_model=8, n_layers=2, n_heads=2))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, generator=torch.Generator().manual_seed(parameter.numel()))
    return model.eval()


@pytest.fixture
def talk():
    talk = figures.Talk(small_gpt(), Letters(), reference.generate, n_new=30)
    talk.prompt.value = "abc"
    return talk


def run(talk, meanwhile):
    async def session():
        talk.go.click()
        await meanwhile()
        await talk.task

    asyncio.run(session())
    return talk.place.value


def test_a_text_grows_token_by_token_and_is_that_of_generate(talk):
    seen = []
    talk.place.observe(lambda change: seen.append(change["new"]), names="value")
    shown = run(talk, lambda: asyncio.sleep(0))
    assert len([page for page in seen if "of 30 tokens" in page]) == 30
    assert "<b>abc</b>" in shown
    settings = (talk.temperature.value, None, talk.top_p.value, torch.Generator().manual_seed(0))
    whole = reference.generate(small_gpt(), torch.tensor([0, 1, 2]), 30, *settings)
    assert Letters().decode(whole.tolist()[3:]) in shown
    assert talk.page().plain == Letters().decode(whole.tolist())
    assert talk.halt.disabled


def test_a_gpt_gets_its_caches_and_another_model_is_asked_as_it_is(talk):
    assert isinstance(talk.model, CachedGPT)
    run(talk, lambda: asyncio.sleep(0))
    # the prompt of 3, a token in each of 5 steps, then 24 texts of 8 tokens that have passed the context limit
    assert talk.model.n_computed == 3 + 5 + 24 * 8
    counted, _ = stand_in.load()
    assert figures.Talk(counted, Letters(), reference.generate).model is counted


def test_stop_is_heard_while_the_text_is_being_written(talk):
    async def click_stop():
        while "5 of 30 tokens" not in talk.place.value:
            await asyncio.sleep(0)
        assert not talk.halt.disabled
        talk.halt.click()

    assert "stopped after 5 tokens" in run(talk, click_stop)


def test_a_second_click_on_write_begins_anew(talk):
    first = []

    async def click_again():
        while "3 of 30 tokens" not in talk.place.value:
            await asyncio.sleep(0)
        first.append(talk.task)
        talk.prompt.value = "ba"
        talk.go.click()

    shown = run(talk, click_again)
    assert first[0].cancelled()
    assert "<b>ba</b>" in shown
    assert ">30 tokens<" in shown


def test_an_error_in_the_learners_code_is_shown_and_a_prompt_without_tokens_too(talk):
    talk.prompt.value = "xyz"
    assert "no token that this model knows" in run(talk, lambda: asyncio.sleep(0))
    talk.prompt.value = "a"
    talk.generate = lambda *given: 1 / 0
    assert "Your code raised ZeroDivisionError: division by zero" in run(talk, lambda: asyncio.sleep(0))
    assert talk.halt.disabled


@pytest.mark.slow
def test_a_real_kernel_hears_stop_between_two_tokens():
    from jupyter_client.manager import start_new_kernel  # here alone: no other test needs a kernel of its own

    manager, client = start_new_kernel()

    def shown(code):
        texts = []
        client.execute_interactive(
            code,
            output_hook=lambda m: (
                texts.append(m["content"].get("text", "")) if m["msg_type"] == "stream" else None
            ),
            timeout=60,
        )
        return "".join(texts)

    def click(button):
        data = {"method": "custom", "content": {"event": "click"}}
        client.shell_channel.send(client.session.msg("comm_msg", {"comm_id": button, "data": data}))

    try:
        write, stop = shown(
            "from handmade.data.stand_in import load\nfrom handmade.figures.generation import Talk\n"
            "from handmade.reference.generation import generate\n"
            "talk = Talk(*load(), generate, n_new=100_000)\nprint(talk.go.model_id, talk.halt.model_id)"
        ).split()
        click(write)
        while "of 100000 tokens" not in shown(
            "print(talk.place.value)"
        ):  # cells run while the text is being written
            pass
        click(stop)
        while "stopped after" not in shown("print(talk.place.value)"):
            pass
        assert shown("print(talk.task.done(), talk.halt.disabled)") == "True True\n"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_where_no_widgets_run_there_is_a_text(displayed):
    figures.talk(
        small_gpt(), Letters(), lambda model, ids, n_new, *settings: torch.cat([ids, torch.tensor([4, 4])])
    )
    bundle = displayed[0]
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "ee" in bundle["text/plain"]
    assert 'aria-label="' in bundle["text/html"]
