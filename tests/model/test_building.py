"""Engines from settings: what is made once, what stands around it, and where paths lead."""

import json
import shutil
from typing import Any

import pytest

from model.baseline import BaselineEngine
from model.building import CONTEXT, Backends, Rooms, assembled, check_card, kept_live, prompt_tag, resolved
from model.card import Base, ModelCard, Trained, write_card
from model.chat import ChatEngine
from model.embedding import NoEmbedder
from model.endpoints import Balanced
from model.engine import EngineUnavailable, Request
from model.pool import ask
from model.prompting import PACKS
from model.tasks import ALL, screen
from tests.servers.answering import fitting
from tests.servers.openai_server import MODEL, failing, serving
from tools.database import Database
from tools.engine_settings import EngineConfig, EngineSettings
from tools.errors import ConfigError, ReplayMiss
from tools.logs import CallLog, ScoreLog
from tools.schemas import Criterion

COUGH = Criterion(id="cough", kind="include", text="The participants had a cough.", terms=("cough",))
TEXT = "Forty adults with cough were given snail syrup."
REQUEST = Request(
    screen.TASK, screen.ScreenInput(record_id="lib:1", criteria=(COUGH,), text=TEXT, title=TEXT)
)
NOBODY = "http://127.0.0.1:9/v1"


@pytest.fixture
def database(tmp_path):
    database = Database.file(tmp_path / "review.sqlite")
    yield database
    database.close()


@pytest.fixture
def calls(database):
    return CallLog(database, lambda: "2026-01-02T03:04:05Z")


def backends(folder):
    return Backends(None, NoEmbedder(), folder)


def on(address: Any, **more: Any) -> dict[str, Any]:
    return {"backend": "openai", "model": MODEL, "base_url": address, "timeout_s": 30} | more


def made(config: EngineConfig, calls: CallLog, folder: Any) -> Any:
    rooms = Rooms(folder, ScoreLog(calls.database))
    return assembled(config, backends(folder), kept_live(calls, lambda: 0.0), rooms=rooms, log=calls)


def test_a_backend_is_made_once_for_all_tasks_that_share_its_settings(tmp_path):
    make = backends(tmp_path)
    settings = EngineConfig(**on(NOBODY))
    assert make(settings) is make(EngineConfig(**on(NOBODY, votes=3)))
    assert make(settings) is not make(EngineConfig(**on(NOBODY, temperature=1.0)))


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        (EngineSettings(), BaselineEngine),
        (EngineSettings(**on(NOBODY)), ChatEngine),
        (EngineSettings(backend="vllm"), ChatEngine),
        (EngineSettings(**on((NOBODY, "http://127.0.0.1:10/v1"))), Balanced),
    ],
)
def test_each_name_stands_for_its_backend(tmp_path, settings, kind):
    assert isinstance(backends(tmp_path)(settings), kind)


def test_an_assembled_engine_stores_every_call_and_asks_once(tmp_path, calls):
    with serving(fitting) as server:
        engine = made(EngineConfig(**on(server.base_url)), calls, tmp_path)
        first = ask(engine, REQUEST)
        assert ask(engine, REQUEST) == first
    (call,) = calls.all()
    assert (call.key, call.raw) == (first.key, first.raw)


def test_votes_are_stored_calls_of_their_own(tmp_path, calls):
    with serving(fitting) as server:
        answer = ask(made(EngineConfig(**on(server.base_url, votes=3)), calls, tmp_path), REQUEST)
    assert answer.told["votes"] == {"cough": {'["UNCERTAIN"]': 3}}
    assert {json.loads(call.request)["sample"] for call in calls.all()} == {0, 1, 2}


def test_a_stand_in_answers_for_a_server_that_is_gone(tmp_path, calls):
    config = EngineConfig(**on(NOBODY), fallbacks=(EngineSettings(),))
    answer = ask(made(config, calls, tmp_path), REQUEST)
    assert answer.engine.startswith("baseline-")
    assert [(call.engine, call.error_kind) for call in calls.all()] == [
        (f"openai:{MODEL}", "unavailable"),
        (answer.engine, None),
    ]


def test_without_a_stand_in_a_server_that_is_gone_stops_the_step(tmp_path, calls):
    with pytest.raises(EngineUnavailable):
        ask(made(EngineConfig(**on(NOBODY)), calls, tmp_path), REQUEST)
    assert list(calls.all()) == []


def test_a_busy_server_is_asked_again_before_anybody_stands_in(tmp_path, calls):
    config_of = lambda url: EngineConfig(**on(url, probabilities=False), fallbacks=(EngineSettings(),))  # noqa: E731
    with serving(fitting, [failing(503)] * 3) as server:
        answer = ask(made(config_of(server.base_url), calls, tmp_path), REQUEST)
    assert answer.engine == ""


def test_paths_are_relative_to_the_protocol_and_names_stay_names(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "weights").mkdir()
    settings = EngineSettings(backend="transformers", model="weights", prompts="mine", tokenizer="some/name")
    known = resolved(settings, tmp_path)
    assert known.model == str(tmp_path / "weights")
    assert known.prompts == str(tmp_path / "mine")
    assert known.tokenizer == "some/name"
    assert resolved(EngineSettings(backend="vllm", model="weights"), tmp_path).model == "weights"


def test_a_folder_called_like_a_shipped_pack_does_not_take_its_place(tmp_path):
    (tmp_path / "ours").mkdir()
    assert resolved(EngineSettings(backend="vllm"), tmp_path).prompts == "ours"


def test_prompts_of_ones_own_have_a_tag_of_their_own(tmp_path):
    shutil.copytree(PACKS / "ours", tmp_path / "mine")
    file = tmp_path / "mine" / "screen.md"
    settings = EngineSettings(backend="vllm", prompts="mine")
    same = prompt_tag(screen.TASK, settings, tmp_path)
    assert same == prompt_tag(screen.TASK, EngineSettings(backend="vllm"), tmp_path)
    shutil.copytree(tmp_path / "mine", tmp_path / "other")
    (tmp_path / "other" / "screen.md").write_text(file.read_text() + "Be careful.\n")
    other = prompt_tag(screen.TASK, EngineSettings(backend="vllm", prompts="other"), tmp_path)
    assert other.partition("@")[0] == same.partition("@")[0]
    assert other != same


def test_rules_have_no_prompt(tmp_path):
    assert prompt_tag(screen.TASK, EngineSettings(), tmp_path) == ""


def test_a_pack_without_a_prompt_for_the_task_says_what_to_do(tmp_path):
    with pytest.raises(ConfigError, match=r"engine\.tasks\.pico"):
        prompt_tag(ALL["pico"], EngineSettings(backend="vllm", prompts="leads"), tmp_path)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        (EngineSettings(backend="vllm"), "server:leads"),
        (EngineSettings(backend="vllm", tokenizer="folder/of/tokenizer"), "tokenizer:tokenizer"),
        (EngineSettings(**on(NOBODY)), "bytes"),
        (EngineSettings(backend="transformers", model="weights"), "tokenizer:weights"),
    ],
)
def test_the_models_own_tokenizer_counts_where_it_can_be_had(tmp_path, database, settings, name):
    assert Rooms(tmp_path, ScoreLog(database)).counter(settings).name == name


def test_a_replay_counts_nothing(tmp_path, database):
    counter = Rooms(tmp_path, ScoreLog(database), live=False).counter(EngineSettings(backend="vllm"))
    with pytest.raises(ReplayMiss):
        counter.count("a text whose length nobody has stored")


class TestContext:
    """How many tokens a model is taken to read."""

    def test_what_the_protocol_says_holds(self, tmp_path, database):
        assert Rooms(tmp_path, ScoreLog(database)).context(EngineSettings(context=4096)) == 4096

    def test_a_vllm_server_is_asked_once_and_a_replay_knows(self, tmp_path, database):
        with serving(fitting, context=9000) as server:
            settings = EngineSettings(backend="vllm", model=MODEL, base_url=server.base_url)
            assert Rooms(tmp_path, ScoreLog(database)).context(settings) == 9000
            asked = len(server.about)
            assert Rooms(tmp_path, ScoreLog(database)).context(settings) == 9000
            assert len(server.about) == asked
        assert Rooms(tmp_path, ScoreLog(database), live=False).context(settings) == 9000

    def test_a_server_that_is_gone_tells_nothing_and_nothing_is_kept(self, tmp_path, database):
        settings = EngineSettings(backend="vllm", model=MODEL, base_url=NOBODY)
        assert Rooms(tmp_path, ScoreLog(database)).context(settings) == CONTEXT
        with serving(fitting, context=9000) as server:
            there = settings.model_copy(update={"base_url": server.base_url})
            assert Rooms(tmp_path, ScoreLog(database)).context(there) == 9000

    def test_a_folder_tells_what_its_model_reads(self, tmp_path, database):
        (tmp_path / "weights").mkdir()
        (tmp_path / "weights" / "config.json").write_text('{"max_position_embeddings": 6000}')
        settings = EngineSettings(backend="transformers", model="weights")
        assert Rooms(tmp_path, ScoreLog(database)).context(settings) == 6000

    def test_a_long_answer_needs_a_context_that_holds_it(self, tmp_path, database):
        settings = EngineSettings(backend="vllm", context=1024, max_tokens=1000)
        with pytest.raises(ConfigError, match="no room"):
            Rooms(tmp_path, ScoreLog(database))(settings)


class TestCards:
    """A served model's card, where the protocol names one."""

    def carded(self, folder, tag):
        (folder / "weights").mkdir()
        trained = Trained(at="2026-01-02T03:04:05Z", program="test", method="full", epochs=1, examples=1)
        card = ModelCard(
            name="tiny",
            kind="model",
            base=Base(name="none"),
            prompts={"screen": tag},
            data="0",
            trained=trained,
        )
        write_card(folder / "weights", card)
        return EngineSettings(backend="vllm", card="weights")

    def test_the_prompts_it_was_trained_on_pass(self, tmp_path):
        tag = prompt_tag(screen.TASK, EngineSettings(backend="vllm"), tmp_path)
        check_card(screen.TASK, self.carded(tmp_path, tag), tmp_path)

    def test_other_prompts_are_refused_unless_allowed(self, tmp_path):
        settings = self.carded(tmp_path, "screen.v1@000000000000")
        with pytest.raises(ConfigError, match="prompt of screen"):
            check_card(screen.TASK, settings, tmp_path)
        check_card(screen.TASK, settings.model_copy(update={"allow_other_card": True}), tmp_path)

    def test_a_folder_without_a_card_is_a_mistake(self, tmp_path):
        (tmp_path / "weights").mkdir()
        with pytest.raises(ConfigError, match="holds no leads-card"):
            check_card(screen.TASK, EngineSettings(backend="vllm", card="weights"), tmp_path)

    def test_without_one_named_nothing_is_checked(self, tmp_path):
        check_card(screen.TASK, EngineSettings(backend="vllm"), tmp_path)
