"""The makers of instructions by name. One is a line in `MAKERS`; its module is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import is_dataclass
from importlib import import_module
from typing import Any, NamedTuple, Protocol, get_type_hints

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from finetune.build.corpus import Corpus
from finetune.build.kinds import Shard
from finetune.build.make.papers import Reading
from finetune.build.workshop import Workshop
from finetune.instructions import Instruction, Refusal
from tools.schemas import Frozen

__all__ = ["MAKERS", "Maker", "MakerKind", "basis", "made_of", "misfit"]


class Maker(Protocol):
    """Makes instructions of what a corpus holds."""

    def __call__(self, corpus: Corpus, shard: Shard) -> Iterator[Instruction | Refusal]:
        """The instructions of one piece of the work, and what nothing was made of."""
        ...


class MakerKind(NamedTuple):
    """How a maker is made."""

    modules: tuple[str, ...]
    """Of `finetune.build.make`; their code is part of what the instructions follow from."""
    tasks: tuple[str, ...]
    """What it makes; a task of which none comes is told."""
    make: Callable[[Workshop, Any], Maker]
    """From the workshop and its options."""
    options: Callable[[], Any] | None = None
    """The type of its options; None: it has none."""
    engine: bool = False
    vocabulary: bool = False
    embedder: bool = False


class NoOptions(Frozen):
    """A maker that cannot be set otherwise."""


def misfit(name: str, options: Mapping[str, Any]) -> str | None:
    """Why a maker cannot take these options; None when it can."""
    kind = MAKERS[name].options
    strays = list(_strays(kind() if kind else NoOptions, options, ()))
    if strays:
        return f"{', '.join(strays)}: no such option"
    try:
        options_of(name, options)
    except ValidationError as e:
        told = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in e.errors(include_url=False)]
        return "; ".join(told)
    return None


def _strays(kind: Any, given: Any, place: tuple[str, ...]) -> Iterator[str]:
    """Keys that a type has no field for: plain dataclasses, which some options are, would pass over them."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        fields: dict[str, Any] = {name: field.annotation for name, field in kind.model_fields.items()}
    elif is_dataclass(kind):
        fields = get_type_hints(kind)
    else:
        return
    if not isinstance(given, Mapping):
        return
    for key, inside in given.items():
        if key in fields:
            yield from _strays(fields[key], inside, (*place, str(key)))
        else:
            yield ".".join((*place, str(key)))


def options_of(name: str, options: Mapping[str, Any]) -> Any:
    """A maker's options as its own type.

    Raises:
        ValidationError: they are not.
    """
    kind = MAKERS[name].options
    return TypeAdapter(kind() if kind else NoOptions).validate_python(dict(options))


def made_of(name: str, workshop: Workshop) -> Maker:
    """A maker, ready to work."""
    kind = MAKERS[name]
    return kind.make(workshop, options_of(name, workshop.settings.makers[name]))


_SAME_ANSWER = {"base_url", "api_key_env", "timeout_s", "max_in_flight", "data_parallel", "probabilities"}
"""Settings of an engine that change where or how fast it answers, never what."""


def basis(name: str, shop: Workshop) -> list[Any]:
    """All that a maker's instructions follow from, apart from its code."""
    kind = MAKERS[name]
    told: list[Any] = [shop.corpus.fingerprint, shop.settings.makers[name]]
    if kind.engine:
        told.append(shop.settings.engine.model_dump(mode="json", exclude=_SAME_ANSWER))
    if kind.vocabulary or kind.engine:
        told.append(shop.vocabulary_file.name if shop.vocabulary_file else None)
    if kind.embedder:
        told.append(shop.embedder.name)
    return told


# The makers --------------------------------------------------------------------------------------


class OfPapers(Frozen):
    """Options of makers that ask about papers."""

    reading: Reading = Reading()


class OfDirections(OfPapers):
    """Options of `directions`."""

    uncertain_of: int = Field(
        default=4, ge=1, description="Of one in so many the evidence is also taken out."
    )


def _search(shop: Workshop, options: Any) -> Maker:
    from finetune.build.make.search import SearchMaker

    return SearchMaker(shop.engine, shop.vocabulary, shop.publications, shop.trials, options)


def _pico(shop: Workshop, options: Any) -> Maker:
    from finetune.build.make.pico import PicoMaker

    return PicoMaker()


def _eligibility(shop: Workshop, options: Any) -> Maker:
    from finetune.build.make.eligibility import Eligibility
    from finetune.build.make.rationale import Explained

    vocabulary = shop.vocabulary if shop.vocabulary_file else None
    screening = Eligibility(shop.engine, shop.embedder, vocabulary, options.screening)
    return Explained(screening, shop.engine, options.rationale)


def _design(shop: Workshop, options: Any) -> Maker:
    from finetune.build.make.design import Design
    from finetune.build.make.rationale import Explained

    return Explained(Design(shop.engine, options.screening), shop.engine, options.rationale)


def _of_eligibility() -> Any:
    from finetune.build.make.eligibility import EligibilitySettings
    from finetune.build.make.rationale import RationaleSettings

    class OfEligibility(Frozen):
        """Options of `eligibility`."""

        screening: EligibilitySettings = EligibilitySettings()
        rationale: RationaleSettings = RationaleSettings()

    return OfEligibility


def _of_design() -> Any:
    from finetune.build.make.design import DesignSettings
    from finetune.build.make.rationale import RationaleSettings

    class OfDesign(Frozen):
        """Options of `design`."""

        screening: DesignSettings = DesignSettings()
        rationale: RationaleSettings = RationaleSettings()

    return OfDesign


def _reasoning(shop: Workshop, options: Any) -> Maker:
    from finetune.build.make.reasoning import ReasoningMaker

    return ReasoningMaker(shop.engine, shop.vocabulary, options)


def _directions(shop: Workshop, options: OfDirections) -> Maker:
    from finetune.build.make.directions import Directions

    return Directions(shop.engine, reading=options.reading, uncertain_of=options.uncertain_of)


def _numbers(shop: Workshop, options: OfPapers) -> Maker:
    from finetune.build.make.numbers import Numbers

    return Numbers(shop.engine, reading=options.reading)


def _groups(shop: Workshop, options: Any) -> Maker:
    from finetune.build.make.groups import Groups

    return Groups(shop.engine)


def _questions(shop: Workshop, options: Any) -> Maker:
    from finetune.build.make.questions import Questions

    return Questions(options)


def _summaries(shop: Workshop, options: Any) -> Maker:
    from finetune.build.make.summaries import Summaries

    return Summaries()


def _bias(shop: Workshop, options: Any) -> Maker:
    from finetune.build.make.bias import Bias

    return Bias()


def _registry(name: str, *tasks: str) -> MakerKind:
    """A maker of `finetune.build.make.registry`."""

    def make(shop: Workshop, options: Any) -> Maker:
        from finetune.build.make.registry import registry_maker

        return registry_maker(name, shop.engine, options)

    def load() -> Any:
        from finetune.build.make.registry import Options

        return Options

    return MakerKind(("registry",), tasks, make, load, engine=True)


def _settings_of(module: str) -> Callable[[], Any]:
    """The class `Settings` of a maker's module."""

    def load() -> Any:
        return import_module(f"finetune.build.make.{module}").Settings

    return load


_FORM = ("characteristics", "participants", "results")

MAKERS: dict[str, MakerKind] = {
    "pico": MakerKind(("pico",), ("pico",), _pico),
    "search": MakerKind(
        ("search",), ("query",), _search, _settings_of("search"), engine=True, vocabulary=True
    ),
    "eligibility": MakerKind(
        ("eligibility", "rationale"),
        ("screen", "rationale"),
        _eligibility,
        _of_eligibility,
        engine=True,
        embedder=True,
    ),
    "design": MakerKind(("design", "rationale"), ("screen", "rationale"), _design, _of_design, engine=True),
    "reasoning": MakerKind(
        ("reasoning",),
        ("screen", "rationale"),
        _reasoning,
        _settings_of("reasoning"),
        engine=True,
        vocabulary=True,
    ),
    "directions": MakerKind(("directions",), ("direction",), _directions, lambda: OfDirections, engine=True),
    "numbers": MakerKind(("numbers",), ("results",), _numbers, lambda: OfPapers, engine=True),
    "groups": MakerKind(("groups",), _FORM, _groups, engine=True),
    "questions": MakerKind(("questions",), ("question",), _questions, _settings_of("questions")),
    "summaries": MakerKind(("summaries",), ("summary",), _summaries),
    "bias": MakerKind(("bias",), ("bias",), _bias),
    "registry-arms": _registry("registry-arms", "arms"),
    "registry-participants": _registry("registry-participants", "participants"),
    "registry-results": _registry("registry-results", "results"),
    "registry-fields": _registry("registry-fields", "characteristics"),
    "registry-text": _registry("registry-text", "arms", "characteristics", "participants", "results"),
}
