"""Room for a prompt: counted with the model's own tokenizer, not counted where no doubt is, replayed without it."""

import json
import unicodedata
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

from model.budget import (
    TEMPLATE_TOKENS,
    Budget,
    ByteCounter,
    RememberedCounter,
    ServerCounter,
    TokenizerCounter,
    most_tokens,
)
from model.engine import EngineBusy, EngineRefused, EngineUnavailable, RequestTooLong
from tests.model.invented_papers import trained_tokenizer
from tests.servers.openai_server import MODEL, Reply, failing, page, reset, serving
from tools.database import Database
from tools.errors import ConfigError, ReplayMiss
from tools.logs import ScoreLog

BYTE_LEVEL = trained_tokenizer()
TEMPLATE = "{% for m in messages %}[INST] {{ m['content'] }} [/INST]{% endfor %}"


class Never:
    """A counter that must not be asked."""

    name = "never"

    def count(self, text):
        raise AssertionError("counted, though there was no doubt")


class Words:
    """Counts words, and how often it was asked."""

    name = "words"

    def __init__(self):
        self.asked = 0

    def count(self, text):
        self.asked += 1
        return len(text.split())


@pytest.fixture
def log(tmp_path):
    database = Database.file(tmp_path / "review.sqlite")
    yield ScoreLog(database)
    database.close()


# Never more tokens than bytes ----------------------------------------------------------------------


def with_normalizer(normalizer, *, prefix=False):
    tokenizer = Tokenizer.from_str(BYTE_LEVEL.to_str())
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    return tokenizer


def sentencepiece_like(normalizer=None):
    """BPE over characters with a word mark and a fall-back to bytes: as in Llama 2 and Mistral 7B."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<unk>", *(f"<0x{byte:02X}>" for byte in range(256))],
        limit_alphabet=40,
        show_progress=False,
    )
    tokenizer.train_from_iterator(["snail syrup against cough in winter"] * 20, trainer)
    return tokenizer


TOKENIZERS = {
    "byte-level": BYTE_LEVEL,
    "byte-level, NFC": with_normalizer(normalizers.NFC()),
    "byte-level, NFKC and a space in front": with_normalizer(normalizers.NFKC(), prefix=True),
    "byte-level, NFKD": with_normalizer(normalizers.NFKD()),
    "sentencepiece": sentencepiece_like(),
    "sentencepiece, NFKC": sentencepiece_like(normalizers.NFKC()),
}
HARD = st.sampled_from(
    ["\ufdfa", "\U0001d160", "\u1e9b\u0323", "𝔘", "🧪", "👩🏽‍⚕️", "각", "\u0958", "Å", "ﬁ", "½", "\x00"]
)
texts = st.lists(st.one_of(HARD, st.text(max_size=8), st.characters(codec="utf-8")), max_size=30).map("".join)


@pytest.mark.parametrize("name", TOKENIZERS)
@settings(max_examples=150)
@given(text=texts)
def test_no_tokenizer_makes_more_tokens_than_the_bound(name, text):
    text = text.encode("utf-8", "ignore").decode()
    assert len(TOKENIZERS[name].encode(text, add_special_tokens=False).ids) <= most_tokens(text)


def test_a_character_that_a_normaliser_takes_apart_is_why_bytes_alone_are_no_bound():
    text = "\ufdfa" * 50
    count = len(TOKENIZERS["byte-level, NFKC and a space in front"].encode(text).ids)
    assert len(text.encode()) < count <= most_tokens(text)


@given(texts)
def test_looking_at_two_normal_forms_is_looking_at_all(text):
    text = text.encode("utf-8", "ignore").decode()
    longest = max(len(unicodedata.normalize(form, text).encode()) for form in ("NFC", "NFD", "NFKC", "NFKD"))
    assert longest < most_tokens(text)


# Budget ------------------------------------------------------------------------------------------


def test_room_is_what_the_answer_and_the_reserve_leave():
    assert Budget(32_768, 1_024, 100, counter=ByteCounter()).room == 31_644


def test_a_text_of_exactly_the_room_fits_and_one_token_more_does_not():
    budget = Budget(100, 20, 10, counter=Words())
    assert budget.fits("word " * 70)
    assert not budget.fits("word " * 71)


@given(texts)
def test_what_surely_fits_does_fit_and_is_not_counted(text):
    text = text.encode("utf-8", "ignore").decode()
    budget = Budget(TEMPLATE_TOKENS + 300, 100, 50, counter=Never())
    if budget.fits_surely(text):
        assert budget.fits(text)
        for tokenizer in TOKENIZERS.values():
            assert len(tokenizer.encode(text).ids) + TEMPLATE_TOKENS <= budget.room


def test_an_abstract_is_not_counted():
    budget = Budget(32_768, 1_024, counter=Never())
    assert budget.fits("A trial of snail syrup – 5 µg – in naïve patients. " * 80)


def test_a_context_without_room_for_a_prompt_is_refused_with_a_remedy():
    with pytest.raises(ConfigError, match="max_tokens"):
        Budget(1_024, 1_000, 100, counter=ByteCounter())


def test_too_long_tells_every_number_it_rests_on():
    failure = Budget(100, 20, 10, counter=Words()).too_long("query", "a " * 400, "Remedy: less.")
    assert isinstance(failure, RequestTooLong)
    assert str(failure) == (
        "query: 400 tokens, and there is room for 70 (context 100, less 20 for the answer and 10 in reserve). "
        "Remedy: less."
    )


def test_without_a_tokenizer_bytes_stand_for_tokens():
    assert ByteCounter().count("snail") == 6
    assert ByteCounter().count("🧪") == 5


# A tokenizer on this machine ---------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    """A lone tokenizer.json that begins every text with a mark, and asks for truncation at 8 tokens."""
    tokenizer = Tokenizer.from_str(BYTE_LEVEL.to_str())
    tokenizer.add_special_tokens([AddedToken("<s>", special=True)])
    mark = tokenizer.token_to_id("<s>")
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", mark)])
    tokenizer.enable_truncation(8)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    return tmp_path


@pytest.fixture
def chat_folder(tmp_path):
    """A tokenizer with a chat template, as a model's folder has it."""
    from transformers import PreTrainedTokenizerFast

    whole = PreTrainedTokenizerFast(tokenizer_object=BYTE_LEVEL)
    whole.chat_template = TEMPLATE
    whole.save_pretrained(tmp_path / "chat")
    return tmp_path / "chat"


def test_a_lone_tokenizer_file_counts_with_its_marks_and_cuts_nothing(folder):
    text = "participants randomised to snail syrup " * 9
    expected = len(BYTE_LEVEL.encode(text).ids) + 1
    assert TokenizerCounter(folder).count(text) == expected > 8
    assert TokenizerCounter(folder / "tokenizer.json").count(text) == expected


def test_a_chat_template_is_counted(chat_folder):
    text = "participants randomised to snail syrup"
    assert TokenizerCounter(chat_folder).count(text) == len(BYTE_LEVEL.encode(f"[INST] {text} [/INST]").ids)


def test_texts_are_counted_from_many_threads_at_once(chat_folder):
    counter = TokenizerCounter(chat_folder)
    text = "participants randomised to snail syrup " * 50
    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(counter.count, [text] * 64))) == 1


def test_a_tokenizer_that_is_not_there_is_a_mistake_of_the_settings(tmp_path):
    for where in (tmp_path, tmp_path / "nowhere", "nobody/no-such-model"):
        with pytest.raises(ConfigError, match="Remedy"):
            TokenizerCounter(where).count("snail")


def test_a_broken_tokenizer_file_is_a_mistake_of_the_settings(tmp_path):
    (tmp_path / "tokenizer.json").write_text('{"version": "1.0"')
    with pytest.raises(ConfigError, match="Remedy"):
        TokenizerCounter(tmp_path).count("snail")


# A server ----------------------------------------------------------------------------------------


def counting(healthy, asked):
    """What vLLM answers."""
    if healthy.status == 401:
        return healthy
    text = asked.body.get("prompt") or f"[INST] {asked.body['messages'][0]['content']} [/INST]"
    ids = BYTE_LEVEL.encode(text).ids
    return Reply(200, json.dumps({"count": len(ids), "max_model_len": 32_768, "tokens": ids}).encode())


def cut(healthy, asked):
    """Half of a reply, sent as a whole one."""
    return Reply(200, b'{"count": 1')


def unasked(body):
    raise AssertionError("no chat is needed to count")


def asking(served, **more):
    return ServerCounter(served.base_url, MODEL, sleep=lambda _s: None, **more)


def test_a_server_counts_a_message_in_its_own_template_or_a_bare_prompt():
    with serving(unasked, [counting, counting]) as served:
        assert asking(served).count("snail syrup") == len(BYTE_LEVEL.encode("[INST] snail syrup [/INST]").ids)
        assert asking(served, chat=False).count("snail syrup") == len(BYTE_LEVEL.encode("snail syrup").ids)
    assert [asked.path for asked in served.log] == ["/tokenize", "/tokenize"]
    assert served.log[0].body == {"model": MODEL, "messages": [{"role": "user", "content": "snail syrup"}]}
    assert served.log[1].body == {"model": MODEL, "prompt": "snail syrup"}


def test_a_busy_server_or_a_reply_that_breaks_off_is_asked_again():
    with serving(unasked, [failing(503), reset, cut, counting]) as served:
        assert asking(served).count("snail") > 0
    with serving(unasked, [page, failing(429), failing(500), failing(503)]) as served:
        with pytest.raises(EngineBusy):
            asking(served).count("snail")
    assert len(served.log) == 4


@pytest.mark.parametrize(
    "body", [b"[]", b'{"count": "9"}', b'{"count": -1}', b'{"count": true}', b'{"tokens": []}']
)
def test_a_reply_without_a_count_is_never_read_as_one(body):
    with serving(unasked, [lambda healthy, asked: Reply(200, body)] * 4) as served:
        with pytest.raises(EngineBusy):
            asking(served).count("snail")


def test_a_server_that_counts_nothing_is_a_mistake_of_the_settings():
    with serving(unasked) as served, pytest.raises(ConfigError, match="Remedy: name the folder"):
        asking(served).count("snail")


def test_a_server_that_will_not_count_this_is_believed():
    with serving(unasked, [failing(400, "no chat template")]) as served:
        with pytest.raises(EngineRefused, match="no chat template"):
            asking(served).count("snail")


def test_no_server_stops_the_step():
    with serving(unasked) as served:
        pass
    with pytest.raises(EngineUnavailable, match="resume"):
        asking(served).count("snail")


def test_the_key_is_sent_and_never_told(monkeypatch):
    monkeypatch.setenv("COUNTING_KEY", "s3cret-value")
    with serving(unasked, [counting], key="s3cret-value") as served:
        assert asking(served, api_key_env="COUNTING_KEY").count("snail") > 0
    monkeypatch.setenv("COUNTING_KEY", "0ther-value")
    with serving(unasked, [failing(401, "wrong key 0ther-value")], key="s3cret-value") as served:
        with pytest.raises(EngineUnavailable) as failure:
            asking(served, api_key_env="COUNTING_KEY").count("snail")
    assert "0ther-value" not in str(failure.value)


# Remembered --------------------------------------------------------------------------------------


def test_a_text_is_counted_once_in_the_life_of_a_review(log):
    words = Words()
    for _ in range(2):
        assert RememberedCounter("words", lambda: words, log).count("snail syrup") == 2
    assert words.asked == 1


def test_a_replay_needs_no_tokenizer(log):
    RememberedCounter("words", Words, log).count("snail syrup")
    assert RememberedCounter("words", None, log).count("snail syrup") == 2


def test_a_replay_does_not_guess_what_was_never_counted(log):
    RememberedCounter("words", Words, log).count("snail syrup")
    for name, text in (("words", "snail"), ("other", "snail syrup")):
        with pytest.raises(ReplayMiss, match=name):
            RememberedCounter(name, None, log).count(text)
