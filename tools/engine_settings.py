"""The section `engine` of review.yaml: who reads, where, and how. Pure."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from tools.protocol_values import EnvName, Text, http_url
from tools.schemas import Frozen

__all__ = [
    "Backend",
    "EngineConfig",
    "EngineSettings",
    "EngineTasks",
    "Structured",
    "TaskEngine",
    "TaskName",
]

TaskName = Literal[
    "pico",
    "query",
    "screen",
    "rationale",
    "characteristics",
    "arms",
    "participants",
    "results",
    "direction",
    "bias",
    "question",
    "summary",
]
"""What an engine can be asked; see `model.tasks`."""

Backend = Literal["baseline", "vllm", "openai", "transformers"]

Structured = Literal["json_schema", "json_object", "none"]

OUR_SERVER = "http://127.0.0.1:8000/v1"
"""Where `python -m model.serve` listens unless told otherwise."""

OUR_MODEL = "leads"
"""What `python -m model.serve` calls the model it serves unless told otherwise."""


def _all_urls(given: str | tuple[str, ...]) -> str | tuple[str, ...]:
    for url in (given,) if isinstance(given, str) else given:
        http_url(url)
    if not given:
        raise ValueError("is an empty list; give one address at least")
    return given


Addresses = Annotated[str | tuple[str, ...], AfterValidator(_all_urls)]

_BACKEND = (
    "`baseline`: no language model. `vllm`: a server that `python -m model.serve` started, or any vLLM. "
    "`openai`: any OpenAI-compatible server. `transformers`: a model's folder, in this process."
)


class EngineSettings(Frozen):
    """One engine: the rules shipped with this program, a language model on a server, or one in this process."""

    backend: Backend = Field(default="baseline", description=_BACKEND)
    model: Text | None = Field(
        default=None,
        description="Name as the server knows it (vllm: `leads` unless given); for transformers a folder or name.",
    )
    base_url: Addresses | None = Field(
        default=None,
        description="Address of the server, as http://localhost:8000/v1; several share the work.",
    )
    api_key_env: EnvName | None = Field(
        default=None, description="Name of the environment variable that holds the server's key."
    )
    prompts: Text = Field(
        default="ours",
        description="Prompt pack: `ours`, `leads` for the published LEADS weights, or a folder of your own.",
    )
    structured_output: Structured = Field(
        default="json_schema",
        description="How a server is held to the answer's form. `json_object`: llama.cpp. `none`: in words only.",
    )
    temperature: float = Field(default=0.0, ge=0, le=2, description="0 answers alike each time.")
    max_tokens: int = Field(default=1024, ge=16, description="Longest answer, in tokens.")
    seed: int = Field(default=0, ge=0, description="For servers that accept one.")
    probabilities: bool = Field(
        default=True, description="Ask for the probabilities of the labels, where the server can tell them."
    )
    context: int | None = Field(
        default=None,
        ge=512,
        description="The model's context in tokens; longer papers are read in sections. Default: as the model says.",
    )
    tokenizer: Text | None = Field(
        default=None,
        description="Folder or name of the model's tokenizer, to count with. Default: the server's, or an upper bound.",
    )
    adapter: Text | None = Field(default=None, description="Folder of a LoRA adapter, for transformers.")
    card: Text | None = Field(
        default=None,
        description="Folder with the model's card, to check that its prompts are the ones in use.",
    )
    allow_other_card: bool = Field(
        default=False, description="Use the model although its card names other prompts."
    )
    timeout_s: float = Field(default=120.0, gt=0, description="Seconds to wait for one answer.")
    max_in_flight: int = Field(default=8, ge=1, description="Questions asked at the same time.")
    data_parallel: int = Field(
        default=1,
        ge=1,
        description="Copies of the model behind one address: so many times more questions at once.",
    )

    @property
    def addresses(self) -> tuple[str, ...]:
        """The servers; none for an engine in this process."""
        if self.base_url is None:
            return (OUR_SERVER,) if self.backend == "vllm" else ()
        return (self.base_url,) if isinstance(self.base_url, str) else self.base_url

    @property
    def model_name(self) -> str:
        """The model as its server knows it, or its folder."""
        return self.model or (OUR_MODEL if self.backend == "vllm" else "")

    @property
    def at_once(self) -> int:
        """How many questions may be under way over all copies and servers."""
        return self.max_in_flight * self.data_parallel * max(1, len(self.addresses))


class EngineConfig(EngineSettings):
    """The engine of one task, with who stands in for it and how often it is asked."""

    votes: int = Field(
        default=1,
        ge=1,
        le=25,
        description="Ask so often and take what most answers say (self-consistency). Needs a temperature above 0.",
    )
    fallbacks: tuple[EngineSettings, ...] = Field(
        default=(),
        max_length=3,
        description="Who is asked, in order, when the engine gives no usable answer.",
    )


class TaskEngine(Frozen):
    """Differences from `engine` for one task; what is not given is taken from there."""

    backend: Backend | None = Field(default=None, description="As in `engine`.")
    model: Text | None = Field(default=None, description="As in `engine`.")
    base_url: Addresses | None = Field(default=None, description="As in `engine`.")
    api_key_env: EnvName | None = Field(default=None, description="As in `engine`.")
    prompts: Text | None = Field(default=None, description="As in `engine`.")
    structured_output: Structured | None = Field(default=None, description="As in `engine`.")
    temperature: float | None = Field(default=None, ge=0, le=2, description="As in `engine`.")
    max_tokens: int | None = Field(default=None, ge=16, description="As in `engine`.")
    seed: int | None = Field(default=None, ge=0, description="As in `engine`.")
    probabilities: bool | None = Field(default=None, description="As in `engine`.")
    context: int | None = Field(default=None, ge=512, description="As in `engine`.")
    tokenizer: Text | None = Field(default=None, description="As in `engine`.")
    adapter: Text | None = Field(default=None, description="As in `engine`.")
    card: Text | None = Field(default=None, description="As in `engine`.")
    allow_other_card: bool | None = Field(default=None, description="As in `engine`.")
    timeout_s: float | None = Field(default=None, gt=0, description="As in `engine`.")
    max_in_flight: int | None = Field(default=None, ge=1, description="As in `engine`.")
    data_parallel: int | None = Field(default=None, ge=1, description="As in `engine`.")
    votes: int | None = Field(default=None, ge=1, le=25, description="As in `engine`.")
    fallbacks: tuple[EngineSettings, ...] | None = Field(
        default=None, max_length=3, description="As in `engine`."
    )


class EngineTasks(EngineConfig):
    """The engine for all tasks, and where single tasks differ."""

    tasks: dict[TaskName, TaskEngine] = Field(
        default_factory=dict, description="Differences per task, such as screen or characteristics."
    )

    def for_task(self, task: TaskName) -> EngineConfig:
        """The settings one task runs with. Another backend takes nothing over but what fits any backend."""
        own: dict[str, Any] = {name: getattr(self, name) for name in self.model_fields_set - {"tasks"}}
        override = self.tasks.get(task)
        if override is None:
            return EngineConfig(**own)
        given = {
            name: value
            for name in override.model_fields_set
            if (value := getattr(override, name)) is not None
        }
        if given.get("backend", self.backend) != self.backend:
            own = {}
        return EngineConfig(**{**own, **given})
