"""The one place that chooses backends and builds what the steps use."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent import config as configuration
from agent.review import Review
from tools.errors import ConfigError
from tools.protocol import (
    NO_MODEL,
    CtgovSource,
    EngineConfig,
    EngineSettings,
    EuropepmcSource,
    ManualSource,
    PubmedSource,
    ReviewConfig,
    TaskName,
)
from tools.schemas import sha256_of

if TYPE_CHECKING:
    from graphs.deps import Deps, SourceUse
    from model.building import Backends, Kept, Rooms
    from model.embedding import Embedder
    from model.engine import Engine
    from tools.appraisal.tool import Tool
    from tools.logs import CallLog, Exchanges
    from tools.reporting.data import EngineUse
    from tools.search.sources.citations import CitationIndex
    from tools.search.vocabulary import Vocabulary
    from tools.transport import Transport

__all__ = ["SERVICES", "cache_folder", "environment_of", "live_deps", "step_bases", "tasks_of"]

TASKS: tuple[TaskName, ...] = ("pico", "query", "screen", "characteristics")
"""What every review asks."""

EVIDENCE_TASKS: tuple[TaskName, ...] = ("arms", "participants", "results", "direction", "bias")
"""What a review asks besides that reads numbers of outcomes."""

SERVICES = ("pubmed", "europepmc", "ctgov", "bioc", "unpaywall")
"""Names of services whose address can be another one, such as a mirror."""

Progress = Callable[[str, int, int], None]


def silent(_label: str, _done: int, _total: int) -> None:
    """No progress shown."""


def cache_folder() -> Path:
    """The user's cache: vocabulary, indexes, vectors. Everything in it can be made again."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("leads-agent", appauthor=False))


def tasks_of(config: ReviewConfig) -> tuple[TaskName, ...]:
    """The tasks that a review's steps ask."""
    told: tuple[TaskName, ...] = ("summary",) if config.synthesis.analyses else ()
    return (*TASKS, *EVIDENCE_TASKS, *told) if config.reads_evidence else TASKS


def environment_of(config: ReviewConfig, folder: Path) -> dict[str, str]:
    """What answers depend on besides the protocol's text: embedding model, vocabulary, prompts.

    It becomes part of the protocol revision, so that none of them can change unnoticed in mid-review.
    """
    found = vocabulary(config, folder)
    told = {
        "embedder": embedder(config.prefilter.model).name,
        "vocabulary": "none" if found is None else found.identity,
    }
    if (form := own_form(config, folder)) is not None:
        told["appraisal"] = form.model_dump_json()
    asked = prompts(config, folder)
    return told | ({"prompts": ", ".join(asked.values())} if asked else {})


_AROUND = {
    "embedder": "the embedding model",
    "vocabulary": "the vocabulary",
    "appraisal": "the risk-of-bias form",
    "prompts": "a prompt",
}


def changed_around(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """What has changed between two environments, in words; a form is too long to be shown twice."""
    told = []
    for name, what in _AROUND.items():
        old, new = before.get(name, "none"), now.get(name, "none")
        if old != new:
            short = name == "appraisal"
            told.append(f"{what} has changed" if short else f"{what} has changed: {old} became {new}")
    return "; ".join(told)


def prompts(config: ReviewConfig, folder: Path) -> dict[str, str]:
    """Task to the prompts it is asked with, its fallbacks' included; no tasks that are answered by rules."""
    from model.building import prompt_tag
    from model.tasks import ALL

    told: dict[str, str] = {}
    for task in tasks_of(config):
        settings = config.engine.for_task(task)
        tags = [prompt_tag(ALL[task], each, folder) for each in (settings, *settings.fallbacks)]
        if any(tags):
            told[task] = " or ".join(dict.fromkeys(filter(None, tags)))
    return told


def step_bases(config: ReviewConfig, environment: Mapping[str, str]) -> dict[str, str]:
    """Step to a hash of all that its product depends on; equal until one of those things changes."""
    rules = [task for task in tasks_of(config) if config.engine.for_task(task).backend == "baseline"]
    around: dict[str, list[str]] = {
        "query": [environment["vocabulary"]],
        "prefilter": [environment["embedder"]],
    }
    # A language model reads neither vocabulary nor vectors: asking it again would be for nothing.
    if "screen" in rules:
        around["screen"] = [environment["vocabulary"], environment["embedder"]]
    if "screen" in rules or "characteristics" in rules:
        around["extract"] = [environment["vocabulary"], environment["embedder"]]
    if config.reads_evidence and set(rules) & set(EVIDENCE_TASKS):
        around["evidence"] = [environment["vocabulary"], environment["embedder"]]
    if "appraisal" in environment:
        around.setdefault("evidence", []).append(environment["appraisal"])
        around.setdefault("synthesis", []).append(environment["appraisal"])
    if "prompts" in environment:
        for step in ("screen", "extract", *(("evidence", "synthesis") if config.reads_evidence else ())):
            around.setdefault(step, []).append(environment["prompts"])
    return {
        step: sha256_of([configuration.basis(config, step), around.get(step, [])])
        for step in configuration.STEPS
    }


# Parts -------------------------------------------------------------------------------------------


@cache
def embedder(model: str) -> Embedder:
    """The embedding model, its vectors cached in the user's cache."""
    from model.embedding import CachedEmbedder, NoEmbedder, load

    if model == NO_MODEL:
        return NoEmbedder()

    return CachedEmbedder(load(model), cache_folder() / "embeddings.sqlite")


def vocabulary(config: ReviewConfig, folder: Path) -> Vocabulary | None:
    """The review's own vocabulary file, else the installed MeSH, else none.

    Raises:
        ConfigError: the protocol names a file that is not there.
    """
    from tools.search import vocabulary as vocabularies

    own = config.search.vocabulary
    if own is None:
        path = cache_folder() / "mesh.sqlite"
        return vocabularies.Vocabulary(path) if path.is_file() else None
    source = folder / own
    if not source.exists():
        raise ConfigError(
            f"search.vocabulary: {source} is not there. Remedy: correct the path in review.yaml."
        )
    name = f"{sha256_of(source.read_bytes())[:16]}-{vocabularies.FORMAT}.sqlite"
    target = cache_folder() / "vocabularies" / name
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        vocabularies.install(target, source).close()
    return vocabularies.Vocabulary(target)


def engines(
    config: ReviewConfig,
    backends: Backends,
    kept: Kept,
    rooms: Rooms,
    log: CallLog | None,
) -> tuple[dict[str, Engine], tuple[EngineUse, ...]]:
    """Task to the engine that is asked, and what the report says about all of them.

    Args:
        backends, kept, rooms, log: see `model.building.assembled`.
    """
    from model.building import assembled

    tasks = tasks_of(config)
    settings = {task: config.engine.for_task(task) for task in tasks}
    made: dict[str, Engine] = {
        task: assembled(settings[task], backends, kept, rooms=rooms, log=log) for task in tasks
    }
    uses = [use for task in tasks for use in engine_uses(task, settings[task], backends)]
    return made, tuple(uses)


def engine_uses(task: TaskName, config: EngineConfig, backends: Backends) -> Iterator[EngineUse]:
    """What the report says about a task's engine and those that stand in for it."""
    from model.building import prompt_tag
    from model.tasks import ALL
    from tools.reporting.data import EngineUse

    for place, settings in enumerate((config, *config.fallbacks)):
        backend = backends(settings)
        yield EngineUse(
            task=task,
            name=backend.name,
            language_model=backend.language_model,
            label=f"{backend.label}, standing in" if place else backend.label,
            prompt=prompt_tag(ALL[task], settings, backends.folder),
            parameters=_spoken(settings, config.votes if place == 0 else 1) if backend.language_model else {},
        )


def _spoken(settings: EngineSettings, votes: int) -> dict[str, Any]:
    told: dict[str, Any] = {
        "temperature": settings.temperature,
        "max_tokens": settings.max_tokens,
        "seed": settings.seed,
        "structured_output": settings.structured_output,
    }
    return told | ({"votes": votes} if votes > 1 else {})


def _jitter() -> float:
    """Spreads retries, decides nothing."""
    return random.uniform(0.75, 1.25)  # noqa: S311


def transport(
    config: ReviewConfig,
    exchanges: Exchanges,
    addresses: Mapping[str, str] | None = None,
    patience_s: float | None = None,
) -> Transport:
    """The one way out.

    Args:
        addresses: other addresses than the usual, by the names in `SERVICES`.
    """
    from tools import eutils
    from tools.exchange import Patience
    from tools.fulltext import services as fulltexts
    from tools.fulltext import unpaywall
    from tools.search.sources import ctgov, europepmc
    from tools.transport import Transport

    keys = [api_key(s) for s in config.sources if isinstance(s, PubmedSource)]
    emails = [config.email_for(s) for s in config.sources if isinstance(s, PubmedSource)]
    key = next((k for k in keys if k), None)
    at = dict(addresses or {})
    services = {
        eutils.SERVICE: eutils.service(at.get("pubmed"), api_key=key),
        europepmc.SERVICE: europepmc.service(at.get("europepmc")),
        ctgov.SERVICE: ctgov.service(at.get("ctgov")),
        fulltexts.BIOC: fulltexts.bioc_service(at.get("bioc")),
        unpaywall.SERVICE: unpaywall.service(at.get("unpaywall")),
    }
    secrets = [s for s in (*keys, *emails) if s]
    patience = Patience() if patience_s is None else Patience(total_s=patience_s)
    return Transport(services, exchanges, cache=cache_folder(), secrets=secrets, patience=patience)


def api_key(source: PubmedSource) -> str | None:
    """The NCBI key, from the variable that the protocol names.

    Raises:
        ConfigError: the variable is not set.
    """
    if source.api_key_env is None:
        return None
    key = os.environ.get(source.api_key_env)
    if not key:
        raise ConfigError(
            f"sources: api_key_env names {source.api_key_env}, which is not set. "
            f"Remedy: export {source.api_key_env}=…, or remove the line to go without a key."
        )
    return key


def sources(
    review: Review,
    config: ReviewConfig,
    folder: Path,
    words: Vocabulary | None,
    way_out: Transport,
    progress: Progress,
) -> list[SourceUse]:
    """The protocol's sources, live; what a file brings is kept like what a service says."""
    from graphs.deps import SourceUse
    from tools.search.sources.base import DateRange
    from tools.search.sources.local_files import LocalFiles
    from tools.search.sources.manual import ManualSearch
    from tools.search.sources.naming import named
    from tools.search.sources.pubmed import PubMedSource as PubMed
    from tools.search.sources.recorded import Recorded

    uses = []
    for settings in config.sources:
        told = partial(progress, f"searching {settings.name}")
        if isinstance(settings, PubmedSource):
            email = config.email_for(settings) or ""
            source: Any = PubMed(
                way_out,
                email=email,
                api_key=api_key(settings),
                batch_size=settings.batch_size,
                progress=told,
            )
        elif isinstance(settings, EuropepmcSource | CtgovSource):
            # Kept whole, because its question depends on the vocabulary, which a replay does not load.
            live: Any = _live(settings, way_out, words, told, config.review.email)
            source = Recorded(settings.name, live.kind, live, review.exchanges, review.clock)
        elif isinstance(settings, ManualSource):
            by_hand = ManualSearch(settings, folder)
            source = Recorded(settings.name, by_hand.kind, by_hand, review.exchanges, review.clock)
        else:
            files = LocalFiles(
                settings.name,
                named(folder, settings.files),
                cache_folder() / "indexes",
                words,
                settings.kind_in_prisma,
                told,
                columns={str(field): header for field, header in settings.columns.items()},
            )
            source = Recorded(settings.name, files.kind, files, review.exchanges, review.clock)
        dates = DateRange(start=settings.start, end=settings.end)
        uses.append(SourceUse(source, dates, settings.limit, settings.model_dump(mode="json", by_alias=True)))
    return uses


def _live(
    settings: EuropepmcSource | CtgovSource,
    way_out: Transport,
    words: Vocabulary | None,
    told: Callable[[int, int], None],
    email: str | None,
) -> Any:
    from tools.search.sources import ctgov, europepmc

    if isinstance(settings, CtgovSource):
        return ctgov.CtgovSource(
            way_out, name=settings.name, thesaurus=words, page_size=settings.page_size, progress=told
        )
    return europepmc.EuropePmcSource(
        way_out,
        name=settings.name,
        email=email,
        synonym=settings.synonym,
        thesaurus=words,
        page_size=settings.page_size,
        progress=told,
    )


def chaser(config: ReviewConfig, way_out: Transport) -> CitationIndex | None:
    """Who knows citations, where the protocol asks for them."""
    from tools.search.sources.citations import EuropePmcCitations, PubMedCitations

    wanted = config.search.citations
    if wanted is None:
        return None
    if wanted.source == "europepmc":
        return EuropePmcCitations(way_out, email=config.review.email)
    pubmed = next((s for s in config.sources if isinstance(s, PubmedSource)), None)
    email = (config.email_for(pubmed) if pubmed else config.review.email) or ""
    return PubMedCitations(way_out, email=email, api_key=api_key(pubmed) if pubmed else None)


def texts(review: Review, config: ReviewConfig, folder: Path, way_out: Transport) -> Any:
    """The reviewer's folder first, then the services that the protocol allows.

    Raises:
        ConfigError: Unpaywall is to be asked, and there is no e-mail address to ask it with.
    """
    from tools.fulltext.finding import Stored, either
    from tools.fulltext.folder import FolderFinder
    from tools.fulltext.services import BiocFinder, EuropePmcFinder, PmcFinder
    from tools.fulltext.unpaywall import UnpaywallFinder

    wanted, event = config.fulltext, f"{review.pass_id}/fulltext"
    finders: list[Any] = [FolderFinder(folder / wanted.folder, cache_folder() / "first-pages")]
    pubmed = next((s for s in config.sources if isinstance(s, PubmedSource)), None)
    email = config.review.email or (pubmed.email if pubmed else None)
    if config.fetch_pmc and email:
        key = api_key(pubmed) if pubmed else None
        finders.append(PmcFinder(way_out, email=email, api_key=key, event=event))
    is_source = any(isinstance(s, EuropepmcSource) for s in config.sources)
    if is_source if wanted.europepmc is None else wanted.europepmc:
        finders.append(EuropePmcFinder(way_out, event=event))
    if wanted.bioc:
        finders.append(BiocFinder(way_out, event=event))
    if wanted.unpaywall:
        if not email:
            raise ConfigError(
                "fulltext.unpaywall: Unpaywall asks for an e-mail address. Remedy: add `email:` under `review:`."
            )
        finders.append(UnpaywallFinder(way_out, email=email, event=event))
    finder = either(*finders)
    return Stored(finder, review.exchanges, review.clock)


def trials(config: ReviewConfig, way_out: Transport) -> Callable[[str, str], Mapping[str, Any] | None] | None:
    """Looks registrations up at ClinicalTrials.gov, where the protocol asks for them."""
    from tools.registry.fetch import NoSuchTrial, fetch_study

    if not config.reads_registry:
        return None

    def look_up(number: str, event: str) -> Mapping[str, Any] | None:
        found = fetch_study(way_out, number, event=event)
        return None if isinstance(found, NoSuchTrial) else found

    return look_up


def own_form(config: ReviewConfig, folder: Path) -> Tool | None:
    """The risk-of-bias form of the user's own; None for a built-in tool, or none.

    Raises:
        ConfigError: the form does not fit.
    """
    import yaml

    from agent.config_evidence import ROB2
    from tools.appraisal.forms import form

    name = config.appraisal.tool
    if name is None or name in ROB2:
        return None
    try:
        return form(yaml.safe_load((folder / name).read_text(encoding="utf-8")))
    except ConfigError as e:
        raise ConfigError([f"{folder / name}: {problem}" for problem in e.problems]) from e
    except (OSError, ValueError, yaml.YAMLError) as e:
        raise ConfigError(
            f"appraisal.tool: {folder / name} cannot be read: {e}. Remedy: correct the form."
        ) from e


def bias_tool(config: ReviewConfig, environment: Mapping[str, str]) -> Tool | None:
    """The risk-of-bias tool of a protocol revision; a form of the user's own as it was then."""
    from agent.config_evidence import ROB2
    from tools.appraisal.rob2 import rob2
    from tools.appraisal.tool import Tool

    if "appraisal" in environment:
        return Tool.model_validate_json(environment["appraisal"])
    name = config.appraisal.tool
    return None if name is None else rob2(ROB2[name], config.appraisal.effect)


# Whole -------------------------------------------------------------------------------------------


def live_deps(
    review: Review,
    *,
    progress: Progress = silent,
    addresses: Mapping[str, str] | None = None,
    patience_s: float | None = None,
    attempt: int = 1,
    operator: str = "",
) -> Deps:
    """Everything the graph needs to go on with a review that has a protocol and a pass.

    Raises:
        ConfigError: a key is not set, or the embedding model or vocabulary is another than the
            protocol's revision was made with.
    """
    from graphs.deps import Deps
    from model.building import Backends, Rooms, kept_live
    from model.ranking import ranker
    from tools.logs import ScoreLog
    from tools.search.notes import Notes

    config, folder = review.config, review.home.yaml.parent
    environment = review.protocol.content["environment"]
    if (now := environment_of(config, folder)) != environment:
        raise ConfigError(
            f"{changed_around(environment, now)} since protocol revision {review.protocol.revision}. Remedy: bring "
            'the earlier one back, or take the new one as a protocol revision with `resume --reason "…"`.'
        )
    words, vectors = vocabulary(config, folder), embedder(config.prefilter.model)
    way_out = review.closing.enter_context(transport(config, review.exchanges, addresses, patience_s))
    from model.building import check_card
    from model.tasks import ALL

    for task in tasks_of(config):
        asked = config.engine.for_task(task)
        for each in (asked, *asked.fallbacks):
            check_card(ALL[task], each, folder)
    scores = ScoreLog(review.database)
    made, uses = engines(
        config,
        Backends(words, vectors, folder),
        kept_live(review.calls, _jitter),
        Rooms(folder, scores),
        review.calls,
    )
    return Deps(
        store=review.store,
        config=config,
        protocols=review.store.protocols(),
        review_id=config.review_id,
        pass_id=review.pass_id,
        engines=made,
        in_flight={t: config.engine.for_task(t).at_once for t in tasks_of(config)},
        ranker=ranker(environment["embedder"], lambda: vectors, scores, partial(progress, "ranking")),
        sources=sources(review, config, folder, words, way_out, progress),
        citations=chaser(config, way_out),
        texts=texts(review, config, folder, way_out),
        notes=Notes(environment["vocabulary"], words, review.exchanges, review.clock),
        out=review.home.out,
        progress=progress,
        version=version("leads-agent"),
        trials=trials(config, way_out),
        bias_tool=bias_tool(config, environment),
        engine_uses=uses,
        given=brought(review, folder / config.fulltext.folder),
        attempt=attempt,
        operator=operator,
    )


def brought(review: Review, fulltexts: Path) -> str:
    """Hash of what people have put beside the protocol so far: a change is worth another look."""
    files = sorted(p for p in fulltexts.rglob("*") if p.is_file()) if fulltexts.is_dir() else []
    listing = [
        [str(file.relative_to(fulltexts)), file.stat().st_size, file.stat().st_mtime_ns] for file in files
    ]
    store, pass_id = review.store, review.pass_id
    people = (store.study_links, store.duplicate_decisions, store.readings)
    return sha256_of([listing, *(len(said(pass_id)) for said in people)])
