"""The protocol as a value: the parts of review.yaml, one frozen model each, each field described. Pure."""

import re
from typing import Annotated, Literal, get_args

from pydantic import ConfigDict, Field

from tools.engine_settings import EngineConfig, EngineSettings, EngineTasks, TaskEngine, TaskName
from tools.evidence_settings import Appraisal, Extraction, Synthesis
from tools.frameworks import Framework, ReviewKind, ReviewType, kind_of
from tools.protocol_values import Email, EnvName, Gate, IsoDate, Pmid, Slug, SourceName, Text
from tools.schemas import Criterion, FieldSpec, Frozen

__all__ = [
    "DEFAULT_GATES",
    "DEFAULT_PUBMED_LIMIT",
    "NO_MODEL",
    "OUTPUTS",
    "Appraisal",
    "Citations",
    "ColumnField",
    "CtgovSource",
    "EngineConfig",
    "EngineSettings",
    "EngineTasks",
    "EuropepmcSource",
    "Extraction",
    "Fulltext",
    "Gate",
    "LocalSource",
    "ManualSource",
    "OutputFormat",
    "Prefilter",
    "PubmedSource",
    "Question",
    "Review",
    "ReviewConfig",
    "Screening",
    "Search",
    "SourceConfig",
    "TaskEngine",
    "TaskName",
    "slug",
]

OutputFormat = Literal["html", "csv", "ris", "svg", "json", "png", "pdf", "xlsx", "docx", "r"]
"""Files the report step can write."""

DEFAULT_GATES: tuple[Gate, ...] = ("query", "screen", "extract", "evidence", "synthesis")
OUTPUTS: tuple[OutputFormat, ...] = get_args(OutputFormat)

DEFAULT_PUBMED_LIMIT = 50_000
"""More hits than any team screens by hand: a strategy that finds more is asked about before it is fetched."""

DEFAULT_LIVE_LIMIT = 20_000
"""For sources whose strategy is a translation, which finds more than was meant."""


class Review(Frozen):
    """What this review is and who does it."""

    title: Text = Field(description="Title of the review, as it will stand above the report.")
    type: ReviewType = Field(
        description="What the review asks. It switches search filters, extraction form and report template."
    )
    id: Slug | None = Field(
        default=None, description="Short name for threads and file names. Default: the folder's name."
    )
    email: Email | None = Field(
        default=None, description="Contact address, sent to services whose rules ask for one, such as NCBI."
    )
    reviewers: tuple[Text, ...] = Field(default=(), description="Names of the people who decide.")


class Question(Frozen):
    """The review question, as text, as elements, or both."""

    framework: Framework = Field(description="How the question is cut into elements.")
    text: str = Field(
        default="", description="The question in free text, or labelled such as `P: adults with CKD`."
    )
    elements: dict[str, tuple[Text, ...]] = Field(
        default_factory=dict,
        description="Phrases per element of the framework. What is given here is kept as it is.",
    )


class Citations(Frozen):
    """Citation searching (snowballing), once reports are included."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)

    backward: bool = Field(default=True, description="Look through the reference lists of these reports.")
    forward: bool = Field(default=True, description="Look for works that cite these reports.")
    start: Literal["included", "seeds"] = Field(
        default="included",
        alias="from",
        description="`included`: the reports that the review includes. `seeds`: the seed studies.",
    )
    rounds: int = Field(
        default=1,
        ge=1,
        le=3,
        description="1: from what the databases gave; 2 and 3: also from what this gave.",
    )
    source: Literal["europepmc", "pubmed"] = Field(
        default="europepmc",
        description="Who knows the citations. PubMed knows only those of articles in PubMed Central.",
    )
    limit: int = Field(
        default=2000, ge=1, description="A round with more new works in one direction is refused."
    )


class Search(Frozen):
    """How the strategy comes about."""

    strategy: Text | None = Field(
        default=None, description="A PubMed strategy of your own, used exactly as it is."
    )
    filters: tuple[str, ...] = Field(default=(), description="Names of published search filters to add.")
    include_elements: tuple[str, ...] | None = Field(
        default=None,
        description="Elements to search for. Default: those usual for the framework, no outcomes.",
    )
    samples: int = Field(
        default=10,
        ge=1,
        le=50,
        description="Proposals asked of the engine; their terms are united, as one alone forgets too much.",
    )
    seed_studies: tuple[Pmid, ...] = Field(
        default=(),
        description="PMIDs of studies known to be relevant. Half of them lend the strategy words, half test it.",
    )
    revisions: int = Field(
        default=3, ge=0, le=10, description="How often a strategy that misses seed studies is revised."
    )
    citations: Citations | None = Field(
        default=None, description="Search citations of included reports, too. Default: no."
    )
    vocabulary: Text | None = Field(
        default=None,
        description="A vocabulary file of your own, relative to this file. Default: the installed MeSH.",
    )


class _Source(Frozen):
    """What every source has."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)

    start: IsoDate | None = Field(
        default=None, alias="from", description="First day of publication, as 2015-01-31. Default: no limit."
    )
    end: IsoDate | None = Field(
        default=None, alias="to", description="Last day of publication, as 2025-12-31. Default: no limit."
    )


class PubmedSource(_Source):
    """PubMed through the E-utilities."""

    kind: Literal["pubmed"] = Field(description="PubMed.")
    name: SourceName = Field(default="pubmed", description="Name of the source; begins each record's id.")
    limit: int = Field(
        default=DEFAULT_PUBMED_LIMIT,
        ge=1,
        description="A search with more hits is refused, with an estimate, before anything is fetched.",
    )
    batch_size: int = Field(
        default=500, ge=1, le=9_999, description="Records asked for at a time; fewer if answers break off."
    )
    email: Email | None = Field(
        default=None,
        description="Contact address for NCBI, whose policy asks for one. Default: review.email.",
    )
    api_key_env: EnvName | None = Field(
        default=None, description="Name of the environment variable that holds the NCBI API key."
    )


class EuropepmcSource(_Source):
    """Europe PMC: PubMed's records, preprints and others."""

    kind: Literal["europepmc"] = Field(description="Europe PMC.")
    name: SourceName = Field(default="europepmc", description="Name of the source; begins each record's id.")
    limit: int = Field(
        default=DEFAULT_LIVE_LIMIT,
        ge=1,
        description="A search with more hits is refused before anything is fetched.",
    )
    synonym: bool = Field(
        default=False, description="Let Europe PMC add synonyms of its own, as its website does."
    )
    page_size: int = Field(
        default=500, ge=1, le=1000, description="Records asked for at a time; fewer if answers break off."
    )


class CtgovSource(_Source):
    """ClinicalTrials.gov. The limits of dates are about the day on which it first posted a study."""

    kind: Literal["ctgov"] = Field(description="ClinicalTrials.gov.")
    name: SourceName = Field(default="ctgov", description="Name of the source; begins each record's id.")
    limit: int = Field(
        default=DEFAULT_LIVE_LIMIT,
        ge=1,
        description="A search with more hits is refused before anything is fetched.",
    )
    page_size: int = Field(
        default=200, ge=1, le=1000, description="Studies asked for at a time; fewer if answers break off."
    )


ColumnField = Literal[
    "title",
    "abstract",
    "authors",
    "year",
    "journal",
    "volume",
    "issue",
    "pages",
    "doi",
    "pmid",
    "pmcid",
    "issn",
    "url",
    "language",
    "publication_types",
    "keywords",
    "registry_ids",
    "own_id",
    "created",
    "updated",
]
"""What a column of a table can be named for; see `tools.search.formats.table`."""


class LocalSource(_Source):
    """Files that you exported from a database or register."""

    kind: Literal["local"] = Field(description="Files of records.")
    name: SourceName = Field(description="Name of the database they came from; begins each record's id.")
    files: tuple[Text, ...] = Field(
        min_length=1, description="Paths, relative to this file; `*` stands for any part of a name."
    )
    columns: dict[ColumnField, Text] = Field(
        default_factory=dict,
        description='Columns of tables with unusual headers, as title: "Name of the column".',
    )
    kind_in_prisma: Literal["database", "register"] = Field(
        default="database", description="The box of the PRISMA diagram it is counted in."
    )
    limit: int = Field(
        default=200_000, ge=1, description="A search with more hits is refused before anything is read in."
    )


class ManualSource(Frozen):
    """A search that you ran yourself where this program cannot search, with what you exported from it."""

    kind: Literal["manual"] = Field(description="A search that was run by hand.")
    name: SourceName = Field(description="Name of the database or place; begins each record's id.")
    platform: Text = Field(description="Where it was searched, as Embase.com or Ovid MEDLINE(R) ALL.")
    searched_on: IsoDate = Field(description="Day of the search, as 2026-03-01.")
    searched_by: Text | None = Field(default=None, description="Who searched.")
    strategy: Text | None = Field(
        default=None,
        description="The strategy exactly as run; for other ways than a database, what was done.",
    )
    strategy_file: Text | None = Field(
        default=None, description="A text file with the strategy, relative to this file, in its place."
    )
    hits: int = Field(
        ge=0, description="How many hits the platform declared. The files are checked against it."
    )
    files: tuple[Text, ...] = Field(
        default=(),
        description="What was exported, relative to this file; none only where there were no hits.",
    )
    columns: dict[ColumnField, Text] = Field(
        default_factory=dict,
        description='Columns of tables with unusual headers, as title: "Name of the column".',
    )
    kind_in_prisma: Literal["database", "register", "website", "organisation", "citations", "other"] = Field(
        default="database", description="The box of the PRISMA diagram it is counted in."
    )
    limits: Text | None = Field(
        default=None, description="Limits and restrictions that were set, and why (PRISMA-S 9)."
    )
    note: Text | None = Field(default=None, description="What else a reader should know.")
    limit: int = Field(default=200_000, ge=1, description="Files with more records are refused.")

    @property
    def start(self) -> None:
        """Dates were limited where the search was run, if at all; see `limits`."""

    @property
    def end(self) -> None:
        """As `start`."""


SourceConfig = Annotated[
    PubmedSource | EuropepmcSource | CtgovSource | LocalSource | ManualSource, Field(discriminator="kind")
]


NO_MODEL = "none"
"""As `prefilter.model`: no embeddings, so that neither torch nor a ranking is needed."""


class Prefilter(Frozen):
    """Which records are screened, best ranked first. Those below the cut are not screened, never excluded."""

    model: Text = Field(
        default="minilm",
        description="Embedding model: `minilm`, a model's name, a folder with one, or `none` to rank nothing.",
    )
    keep: int | None = Field(
        default=None, ge=1, description="How many records to screen, best ranked first. Default: all."
    )
    audit: int = Field(
        default=30, ge=0, description="Records drawn at random from below the cut and screened as well."
    )
    seed: int = Field(default=0, ge=0, description="Seed of that draw.")


class Screening(Frozen):
    """Who excludes."""

    mode: Literal["machine_suggests"] = Field(
        default="machine_suggests", description="The machine suggests, a person decides."
    )


class Fulltext(Frozen):
    """Where full texts come from."""

    folder: Text = Field(
        default="fulltexts", description="Folder with your full texts, relative to this file."
    )
    pmc: bool | None = Field(
        default=None,
        description="Also fetch open-access texts from PubMed Central. Default: when PubMed is a source.",
    )
    europepmc: bool | None = Field(
        default=None,
        description="Also fetch open-access texts from Europe PMC. Default: when Europe PMC is a source.",
    )
    bioc: bool = Field(
        default=False, description="Also ask PubMed Central's BioC, which keeps less of an article than JATS."
    )
    unpaywall: bool = Field(
        default=False,
        description="Also fetch open PDFs that Unpaywall knows, from whichever host has them; needs an e-mail address.",
    )
    languages: tuple[Text, ...] = Field(
        default=(),
        description="Languages that the team reads, such as en. A report in none of them is marked as needing a "
        "translation. Default: no report is marked.",
    )


class ReviewConfig(Frozen):
    """A review's protocol: the whole of review.yaml."""

    review: Review = Field(description="Title, type and people.")
    question: Question = Field(description="What the review wants to know.")
    criteria: tuple[Criterion, ...] = Field(
        min_length=1, description="Eligibility criteria. Their order is the order of exclusion reasons."
    )
    search: Search = Field(default=Search(), description="The search strategy.")
    sources: tuple[SourceConfig, ...] = Field(min_length=1, description="Where records come from.")
    engine: EngineTasks = Field(default=EngineTasks(), description="Who reads.")
    prefilter: Prefilter = Field(default=Prefilter(), description="How many records are screened.")
    screening: Screening = Field(default=Screening(), description="Who decides about exclusions.")
    fulltext: Fulltext = Field(default=Fulltext(), description="Your full texts, and PubMed Central.")
    extraction: Extraction = Field(default=Extraction(), description="The extraction form and the outcomes.")
    appraisal: Appraisal = Field(default=Appraisal(), description="Risk of bias.")
    synthesis: Synthesis = Field(default=Synthesis(), description="What is pooled, and how.")
    gates: tuple[Gate, ...] = Field(
        default=DEFAULT_GATES, description="Steps after which the review waits for a person."
    )
    outputs: tuple[OutputFormat, ...] = Field(
        default=OUTPUTS, min_length=1, description="Files written into the folder `out`."
    )

    @property
    def kind(self) -> ReviewKind:
        """The row of the table of supported reviews.

        Raises:
            ConfigError: the pair of type and framework is not supported; never after `config.load`.
        """
        return kind_of(self.review.type, self.question.framework)

    @property
    def review_id(self) -> str:
        """Short name of the review."""
        return self.review.id or slug(self.review.title)

    @property
    def form(self) -> tuple[FieldSpec, ...]:
        """The extraction form: the protocol's own, or the one of this type of review."""
        return self.extraction.form or self.kind.form

    @property
    def searched(self) -> tuple[str, ...]:
        """Elements that become blocks of the strategy."""
        chosen = self.search.include_elements
        return self.kind.searched if chosen is None else chosen

    @property
    def fetch_pmc(self) -> bool:
        """Whether full texts are looked for in PubMed Central."""
        if self.fulltext.pmc is not None:
            return self.fulltext.pmc
        return any(isinstance(s, PubmedSource) for s in self.sources)

    @property
    def reads_evidence(self) -> bool:
        """Whether numbers of outcomes are read out of the included reports."""
        wanted = self.extraction
        return bool(wanted.outcomes or wanted.participants or wanted.arm_fields)

    @property
    def reads_registry(self) -> bool:
        """Whether posted results of registered trials are read beside the reports."""
        if self.extraction.registry is not None:
            return self.extraction.registry
        return self.reads_evidence and any(isinstance(s, CtgovSource) for s in self.sources)

    @property
    def appraised(self) -> tuple[str, ...]:
        """Ids of the outcomes whose results are appraised for bias."""
        if self.appraisal.tool is None:
            return ()
        return self.appraisal.outcomes or tuple(o.id for o in self.extraction.outcomes)

    def email_for(self, source: PubmedSource) -> str | None:
        """The contact address a source sends along."""
        return source.email or self.review.email

    def completed(self, default_id: str) -> "ReviewConfig":
        """The same protocol with every default that depends on another part written out."""
        searched = self.searched if self.search.strategy is None else None
        return self.model_copy(
            update={
                "review": self.review.model_copy(update={"id": self.review.id or default_id}),
                "search": self.search.model_copy(update={"include_elements": searched}),
                "fulltext": self.fulltext.model_copy(update={"pmc": self.fetch_pmc}),
                "extraction": self.extraction.model_copy(
                    update={"form": self.form, "registry": self.reads_registry}
                ),
            }
        )


def slug(text: str) -> str:
    """Lower-case letters, digits and single hyphens; `review` where nothing is left."""
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower().encode("ascii", "ignore").decode()).strip("-")
    return plain[:60].rstrip("-") or "review"
