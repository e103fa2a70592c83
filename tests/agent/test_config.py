"""review.yaml: every mistake at once with its line, origins, what each step depends on."""

import contextlib
import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from agent import config
from tools.errors import ConfigError
from tools.frameworks import KINDS
from tools.yaml_values import MAX_BYTES

ROOT = Path(__file__).parents[2]

GOOD = textwrap.dedent("""\
    review:
      title: Zelbuterol for adult asthma
      type: intervention
      email: someone@institute.org
    question:
      framework: PICO
      text: Does zelbuterol help adults with asthma?
    criteria:
      - id: adults
        kind: include
        element: population
        text: Adults with asthma.
        terms: [adult, asthma]
      - id: randomised
        kind: include
        element: design
        text: The study is a randomised trial.
        terms: [randomised]
    sources:
      - kind: pubmed
        from: 2001-01-01
        to: 2020-12-31
    """)


def parse(text: str, folder: Path, **overrides: tuple[object, str]) -> config.Loaded:
    return config.parse(
        text, folder=folder, overrides={k.replace("__", "."): v for k, v in overrides.items()}
    )


def problems(text: str, folder: Path, **overrides: tuple[object, str]) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        parse(text, folder, **overrides)
    assert all(re.search(r"\. Remedy: .+\.$", line) for line in caught.value.problems), caught.value.problems
    return caught.value.problems


def only(text: str, folder: Path, **overrides: tuple[object, str]) -> str:
    (line,) = problems(text, folder, **overrides)
    return line


# Reading -----------------------------------------------------------------------------------------


def test_a_small_protocol_is_read_and_its_defaults_are_filled_in(tmp_path):
    loaded = parse(GOOD, tmp_path / "Zelbuterol & Asthma 2025")
    c = loaded.config
    assert c.review_id == "zelbuterol-asthma-2025"
    assert c.form == KINDS["intervention", "PICO"].form
    assert c.searched == ("population", "intervention")
    assert c.fetch_pmc is True
    assert c.gates == ("query", "screen", "extract", "evidence", "synthesis")
    assert (c.sources[0].name, c.sources[0].limit, c.sources[0].start) == ("pubmed", 50_000, "2001-01-01")
    assert loaded.text == GOOD


def test_pmc_is_not_asked_when_pubmed_is_no_source(tmp_path):
    (tmp_path / "a.ris").write_text("TY  - JOUR\n")
    text = GOOD[: GOOD.index("sources:")] + "sources:\n  - {kind: local, name: a, files: [a.ris]}\n"
    assert parse(text, tmp_path).config.fetch_pmc is False


def test_each_value_knows_where_it_came_from(tmp_path):
    loaded = parse(GOOD, tmp_path, engine__backend=("baseline", "--engine"))
    assert loaded.origins["review.title"] == "review.yaml:2"
    assert loaded.origins["criteria[2].id"] == "review.yaml:14"
    assert loaded.origins["sources[1].from"] == "review.yaml:21"
    assert loaded.origins["sources[1].limit"] == "default"
    assert loaded.origins["engine.backend"] == "--engine"
    described = config.describe(loaded)
    assert re.search(r'review\.title +"Zelbuterol for adult asthma"  \(review\.yaml:2\)', described)
    assert len(described.splitlines()) == len(loaded.origins)


def test_a_key_without_a_value_counts_as_not_given(tmp_path):
    text = GOOD + "prefilter:\n  keep:\nsearch:\n"
    loaded = parse(text, tmp_path)
    assert loaded.config.prefilter.keep is None
    assert loaded.origins["prefilter.keep"] == "default"


def test_a_file_is_read_with_its_byte_order_mark(tmp_path):
    file = tmp_path / "review.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert config.load(file).config.review.title == "Zelbuterol for adult asthma"


@given(
    st.dictionaries(
        st.sampled_from(["pico", "query", "screen", "extract"]), st.none(), min_size=0, max_size=4
    )
)
def test_any_choice_of_gates_comes_back_in_its_order(chosen):
    text = GOOD + f"gates: {json.dumps(list(chosen))}\n"
    assert config.parse(text, folder=Path("/nowhere")).config.gates == tuple(chosen)


# Mistakes ----------------------------------------------------------------------------------------


def test_all_mistakes_come_at_once_in_the_order_of_the_file(tmp_path):
    text = (
        GOOD.replace("id: randomised", "id: adults")
        .replace("type: intervention", "type: interventional")
        .replace("    from: 2001", "    limt: 5\n    from: 2021")
    )
    found = problems(text, tmp_path)
    assert [line.split(" Remedy")[0] for line in found] == [
        'review.yaml:3: review.type: "interventional" is not known.',
        'review.yaml:14: criteria[2].id: two criteria are called "adults".',
        'review.yaml:21: sources[1].limt: no key is called "limt" here.',
    ]
    assert 'did you mean "intervention"?' in found[0]
    assert 'did you mean "limit"?' in found[2]


def test_one_bad_item_does_not_hide_the_mistakes_of_its_neighbours(tmp_path):
    text = GOOD.replace("    kind: include\n    element: design", "    knd: include\n    element: desing")
    text = text.replace("kind: pubmed", "kind: pubmed\n  - kind: local\n    name: x\n    files: [gone.ris]")
    found = "\n".join(problems(text, tmp_path))
    assert 'criteria[2].knd: no key is called "knd"' in found
    assert "criteria[2].kind: is missing" in found
    assert f"review.yaml:23: sources[2].files[1]: there is no file {tmp_path / 'gone.ris'}" in found


MISTAKES = {
    "unknown top-level key": (lambda t: t + "criterias: []\n", 'did you mean "criteria"?'),
    "wrong type": (
        lambda t: t.replace("limit", "x") + "prefilter: {keep: many}\n",
        "should be a whole number",
    ),
    "a truth value is no number": (lambda t: t + "prefilter: {keep: true}\n", "should be a whole number"),
    "zero records": (lambda t: t + "prefilter: {keep: 0}\n", "greater than or equal to 1"),
    "a number as title": (lambda t: t.replace("Zelbuterol for adult asthma", "2024"), "put it in quotes"),
    "yes as a term": (lambda t: t.replace("[adult, asthma]", "[yes, asthma]"), "terms[1]: should be text"),
    "a word for a list": (lambda t: t.replace("[randomised]", "randomised"), "should be a list"),
    "reversed dates": (lambda t: t.replace("from: 2001", "from: 2031"), "the dates are reversed"),
    "no such day": (lambda t: t.replace("2001-01-01", "2001-02-30"), "write year-month-day"),
    "a year for a date": (lambda t: t.replace("2001-01-01", "2001"), "should be text"),
    "no sources": (lambda t: t[: t.index("sources:")], "sources: is missing"),
    "empty sources": (lambda t: t[: t.index("sources:")] + "sources: []\n", "sources: is empty"),
    "empty question": (
        lambda t: t.replace("Does zelbuterol help adults with asthma?", '""'),
        "question is empty",
    ),
    "criterion without id": (
        lambda t: t.replace("- id: adults\n    kind", "- kind"),
        "criteria[1].id: is missing",
    ),
    "an id that is no name": (lambda t: t.replace("id: adults", "id: Adults only"), "cannot be an id"),
    "an element of another framework": (
        lambda t: t.replace("element: population", "element: concept"),
        '"concept" is no element of PICO',
    ),
    "a phrase for an unknown element": (
        lambda t: t.replace("text: Does", "elements: {popluation: [adults]}\n  text: Does"),
        'did you mean "population"?',
    ),
    "unsupported pair": (
        lambda t: t.replace("type: intervention", "type: scoping"),
        "choose one of: intervention with PICO",
    ),
    "a filter for trials in another review": (
        lambda t: (
            t.replace("type: intervention", "type: other") + "search: {filters: [cochrane_rct_sensitive]}\n"
        ),
        "would lose studies of a review of type other",
    ),
    "unknown filter": (lambda t: t + "search: {filters: [no_animal]}\n", 'did you mean "no_animals"?'),
    "own strategy and filters": (
        lambda t: t + 'search: {strategy: "asthma[mh]", filters: [no_animals]}\n',
        "used exactly as it is",
    ),
    "no contact for NCBI": (
        lambda t: t.replace("  email: someone@institute.org\n", ""),
        "sources[1].email: is missing",
    ),
    "unknown source": (
        lambda t: t.replace("kind: pubmed", "kind: embase"),
        'sources[1].kind: "embase" is not known',
    ),
    "machine decides alone": (
        lambda t: t + "screening: {mode: machine_only}\n",
        "needs a pilot on this very review",
    ),
    "a key in the file": (
        lambda t: t.replace("kind: pubmed", "kind: pubmed\n    api_key_env: 0a1b-secret"),
        "never the key itself",
    ),
    "password in an address": (
        lambda t: t + "engine: {backend: openai, model: m, base_url: 'http://me:pw@host/v1'}\n",
        "is not the address of a server",
    ),
    "openai without a model": (
        lambda t: t + "engine: {backend: openai, base_url: 'http://localhost:1/v1'}\n",
        "engine.model: is missing",
    ),
    "a model for the baseline": (
        lambda t: t + "engine: {model: big}\n",
        "no meaning for the backend baseline",
    ),
    "a pattern that nothing fits": (
        lambda t: t.replace(
            "kind: pubmed", "kind: pubmed\n  - kind: local\n    name: x\n    files: ['*.gone']"
        ),
        "no file fits",
    ),
    "absent vocabulary": (
        lambda t: t + "search: {vocabulary: mesh.xml}\n",
        "search.vocabulary: there is no file",
    ),
    "unknown task": (lambda t: t + "engine: {tasks: {sceen: {seed: 1}}}\n", "is not known"),
    "a category without options": (
        lambda t: t + "extraction: {form: [{id: a, kind: category, question: Which}]}\n",
        "needs two options",
    ),
    "a gate twice": (lambda t: t + "gates: [screen, screen]\n", 'gates[2]: "screen" stands twice'),
    "unknown gate": (lambda t: t + "gates: [retrieve]\n", 'gates[1]: "retrieve" is not known'),
    "no outputs": (lambda t: t + "outputs: []\n", "outputs: should not be empty"),
}


@pytest.mark.parametrize(("spoil", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_alone_and_with_its_line(spoil, said, tmp_path):
    line = only(spoil(GOOD), tmp_path)
    assert re.match(r"review\.yaml:\d+: |review\.yaml: sources: is missing", line)
    assert said in line


def test_a_secret_in_the_wrong_place_is_not_repeated(tmp_path):
    text = GOOD.replace("kind: pubmed", "kind: pubmed\n    api_key_env: 0a1b-secret")
    assert "0a1b" not in only(text, tmp_path)


BROKEN = {
    "a tab": (GOOD.replace("  title", "\ttitle"), "review.yaml:2", "this is not YAML"),
    "an open bracket": (GOOD + "gates: [screen\n", "review.yaml:24", "this is not YAML"),
    "two documents": (GOOD + "---\na: 1\n", "review.yaml:23", "this is not YAML"),
    "an alias": ("a: &x [1]\nb: [*x, *x]\n", "review.yaml:1", "anchors (&) and aliases (*)"),
    "nesting": ("a: " + "[" * 50 + "]" * 50, "review.yaml:1", "nested too deeply"),
    "a control character": ("a: \x00\n", "review.yaml", "this is not YAML"),
    "nothing": ("# only a comment\n", "review.yaml", "is empty"),
    "a list": ("- a\n", "review.yaml", "is no protocol"),
    "too much": ("a: " + "x" * MAX_BYTES, "review.yaml", "are the limit"),
}


@pytest.mark.parametrize(("text", "place", "said"), BROKEN.values(), ids=BROKEN)
def test_what_is_no_protocol_at_all_is_refused_in_one_line(text, place, said, tmp_path):
    line = only(text, tmp_path)
    assert line.startswith(f"{place}:")
    assert said in line


def test_a_key_written_twice_is_a_mistake_not_a_choice(tmp_path):
    line = only(GOOD + "review: {title: other}\n", tmp_path)
    assert line.startswith("review.yaml:23: review: written twice (first in line 1)")


def test_tags_name_no_python(tmp_path):
    line = problems(GOOD.replace("type: intervention", "type: !!python/name:os.system"), tmp_path)[0]
    assert "the tag" in line


@pytest.mark.parametrize("value", [".inf", ".nan", "!!binary aGk="])
def test_only_ordinary_values_are_taken(value, tmp_path):
    assert any("prefilter.keep" in p for p in problems(GOOD + f"prefilter: {{keep: {value}}}\n", tmp_path))


def test_an_absent_file_says_how_to_begin(tmp_path):
    with pytest.raises(ConfigError, match="agent init"):
        config.load(tmp_path / "review.yaml")


def test_a_file_in_another_encoding_names_the_line(tmp_path):
    file = tmp_path / "review.yaml"
    file.write_bytes(GOOD.replace("zelbuterol help", "zélbuterol help").encode("latin-1"))
    with pytest.raises(ConfigError, match=r"review\.yaml:7: this is not UTF-8"):
        config.load(file)


@given(st.text(max_size=200))
def test_any_text_is_either_a_protocol_or_a_list_of_mistakes(text):
    with pytest.raises(ConfigError):
        config.parse(text, folder=Path("/nowhere"))


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["kind", "id", "name", "files", "tasks", "elements", "form", "x", "from"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(
    st.sampled_from(["review", "question", "criteria", "search", "sources", "engine", "extraction"]), _VALUES
)
def test_a_section_of_any_shape_never_breaks_the_reader(section, value):
    tree = yaml.safe_load(GOOD)
    tree["sources"][0] = {"kind": "pubmed"}
    tree[section] = value
    with contextlib.suppress(ConfigError):
        config.parse(json.dumps(tree), folder=Path("/nowhere"))


# Flags -------------------------------------------------------------------------------------------

SERVER = "engine:\n  backend: openai\n  model: m\n  base_url: http://localhost:8000/v1\n"


def test_a_flag_beats_the_file_and_is_named_where_it_is_wrong(tmp_path):
    assert parse(GOOD, tmp_path, prefilter__keep=(7, "--keep")).config.prefilter.keep == 7
    assert only(GOOD, tmp_path, prefilter__keep=(0, "--keep")).startswith("--keep: prefilter.keep: ")


def test_a_flag_can_reach_into_a_list(tmp_path):
    overrides = {"sources[1].limit": (10, "--limit")}
    assert config.parse(GOOD, folder=tmp_path, overrides=overrides).config.sources[0].limit == 10
    with pytest.raises(ConfigError, match=r"--limit sets sources\[2\]\.limit, which this file does not have"):
        config.parse(GOOD, folder=tmp_path, overrides={"sources[2].limit": (10, "--limit")})


def test_choosing_the_baseline_by_flag_sets_a_servers_settings_aside(tmp_path):
    text = GOOD + SERVER + "  tasks: {screen: {temperature: 1.0}}\n"
    engine = parse(text, tmp_path, engine__backend=("baseline", "--engine")).config.engine
    assert (engine.for_task("screen").backend, engine.model) == ("baseline", None)


def test_choosing_a_server_by_flag_still_needs_its_address(tmp_path):
    found = problems(GOOD, tmp_path, engine__backend=("openai", "--engine"), engine__model=("m", "--model"))
    assert len(found) == 1
    assert "engine.base_url: is missing" in found[0]


# Engines -----------------------------------------------------------------------------------------


def test_a_task_takes_over_what_it_does_not_change(tmp_path):
    engine = parse(GOOD + SERVER + "  tasks: {screen: {temperature: 1.0}}\n", tmp_path).config.engine
    assert (engine.for_task("screen").temperature, engine.for_task("screen").model) == (1.0, "m")
    assert engine.for_task("pico").temperature == 0.0


def test_a_task_with_another_backend_takes_nothing_over(tmp_path):
    engine = parse(GOOD + SERVER + "  tasks: {screen: {backend: baseline}}\n", tmp_path).config.engine
    assert engine.for_task("screen").model is None


# What each step depends on -----------------------------------------------------------------------


def changed(before: str, after: str, folder: Path) -> set[str]:
    a, b = parse(before, folder).config, parse(after, folder).config
    return {step for step in config.STEPS if config.basis(a, step) != config.basis(b, step)}


CHANGES = {
    "a criterion": (
        lambda t: t.replace("Adults with asthma.", "Adults with any asthma."),
        {"prefilter", "screen", "extract"},
    ),
    "the title": (lambda t: t.replace("Zelbuterol for", "On zelbuterol for"), {"prefilter"}),
    "the question": (lambda t: t.replace("Does zel", "Did zel"), {"pico", "query", "retrieve", "prefilter"}),
    "a filter": (lambda t: t + "search: {filters: [no_animals]}\n", {"query", "retrieve"}),
    "a date": (lambda t: t.replace("2020-12", "2019-12"), {"retrieve"}),
    "the limit": (lambda t: t + "    limit: 5\n", set()),
    "the cut": (lambda t: t + "prefilter: {keep: 5}\n", {"prefilter"}),
    "the engine": (lambda t: t + SERVER, {"screen", "extract"}),
    "the form": (lambda t: t + "extraction: {form: [{id: a, question: What}]}\n", {"extract"}),
    "the folder of full texts": (lambda t: t + "fulltext: {folder: pdfs}\n", {"fulltext"}),
    "the gates": (lambda t: t + "gates: [query]\n", set()),
}


@pytest.mark.parametrize(("change", "steps"), CHANGES.values(), ids=CHANGES)
def test_a_change_touches_only_the_steps_that_depend_on_it(change, steps, tmp_path):
    assert changed(GOOD, change(GOOD), tmp_path) == steps


def test_a_criterion_for_full_texts_does_not_ask_the_abstracts_again(tmp_path):
    text = GOOD.replace("    terms: [randomised]", "    stage: full_text\n    terms: [randomised]")
    assert changed(text, text.replace("a randomised trial", "a trial"), tmp_path) == {"prefilter", "extract"}


def test_moving_the_same_model_to_another_address_asks_nothing_again(tmp_path):
    moved = SERVER.replace("localhost:8000", "gpu-2:9000") + "  timeout_s: 5.0\n  max_in_flight: 64\n"
    assert changed(GOOD + SERVER, GOOD + moved, tmp_path) == set()


def test_an_unknown_step_has_no_basis():
    with pytest.raises(ValueError, match="the steps are pico, query"):
        config.sections_of("dance")


# Warnings ----------------------------------------------------------------------------------------


def test_a_sound_protocol_has_no_warnings(tmp_path):
    assert config.warnings(parse(GOOD, tmp_path).config) == ()


WARNED = {
    "outcome as criterion": (lambda t: t.replace("element: design", "element: outcome"), "MECIR C8"),
    "English only": (lambda t: t + "search: {filters: [english]}\n", "MECIR C35"),
    "screen gate off": (lambda t: t + "gates: [query, extract]\n", "stay waiting"),
    "an address that reaches nobody": (lambda t: t.replace("institute.org", "example.org"), "reaches nobody"),
    "two criteria in one": (
        lambda t: t.replace("Adults with asthma.", "Adults with asthma; no smokers."),
        "looks like two criteria",
    ),
    "criteria without terms": (
        lambda t: t.replace("    terms: [randomised]\n", ""),
        "randomised without `terms`",
    ),
    "nothing judged on full text": (
        lambda t: t.replace("    kind: include", "    stage: title_abstract\n    kind: include"),
        "no report can be excluded there",
    ),
    "nothing looked at below the cut": (lambda t: t + "prefilter: {keep: 5, audit: 0}\n", "would never show"),
}


@pytest.mark.parametrize(("change", "said"), WARNED.values(), ids=WARNED)
def test_what_is_likely_to_be_regretted_is_said(change, said, tmp_path):
    (warning,) = config.warnings(parse(change(GOOD), tmp_path).config)
    assert said in warning
    assert "Remedy: " in warning


# Schema, template, examples ----------------------------------------------------------------------


def test_the_schema_describes_every_field():
    schema = config.json_schema()
    assert schema["$schema"].endswith("2020-12/schema")
    nodes = {"": schema, **schema["$defs"]}
    fields = {
        f"{name}.{key}": field for name, node in nodes.items() for key, field in node["properties"].items()
    }
    assert len(fields) > 50
    assert [name for name, field in fields.items() if not field.get("description")] == []
    assert "from" in schema["$defs"]["PubmedSource"]["properties"]


@given(
    st.text(min_size=1, max_size=60).filter(
        lambda t: "<<" not in t and any(c.isprintable() for c in t.strip())
    )
)
def test_any_title_survives_the_template(title):
    read = yaml.safe_load(config.template(title))["review"]["title"]
    assert read == "".join(c for c in " ".join(title.split()) if c.isprintable())


def test_the_template_names_what_is_to_be_filled_in_and_is_then_valid(tmp_path):
    text = config.template("Exercise: does it help?")
    blanks = problems(text, tmp_path)
    assert len(blanks) >= 5
    assert all("placeholder" in line for line in blanks)
    filled = text.replace("<< your email address >>", "me@institute.org")
    filled = re.sub(r"<<.*?>>", "chronic kidney disease", filled)
    assert parse(filled, tmp_path).config.review.title == "Exercise: does it help?"


CHOICES = {
    "reviewers": "review.reviewers",
    "elements": "question.elements.population",
    "- id: duration": "criteria[4].stage",
    "include_elements": "search.include_elements",
    "vocabulary": "search.vocabulary",
    "from": "sources[1].from",
    "to": "sources[1].to",
    "limit": "sources[1].limit",
    "api_key_env: NCBI": "sources[1].api_key_env",
    "- kind: local": "sources[2].files",
    "keep": "prefilter.keep",
    "pmc": "fulltext.pmc",
    "extraction": "extraction.form[1].question",
    "outputs": "outputs",
}


def switched_on(text: str, choice: str) -> str:
    """The template with the block of comments that begins with `choice` made part of it."""
    lines = text.splitlines()
    first = next(i for i, line in enumerate(lines) if re.match(rf" *# {re.escape(choice)}", line))
    indent = lines[first].index("#")
    for i in range(first, len(lines)):
        inside = re.match(rf" {{{indent}}}# (?=  )" if i > first else rf" {{{indent}}}# ", lines[i])
        if not inside:
            break
        lines[i] = " " * indent + lines[i][inside.end() :]
    return "\n".join(lines)


@pytest.mark.parametrize(("choice", "path"), CHOICES.items())
def test_each_choice_that_the_template_has_switched_off_can_be_switched_on(choice, path, tmp_path):
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports/embase.ris").write_text("TY  - JOUR\n")
    (tmp_path / "headings.jsonl").write_text("{}\n")
    text = config.template("T").replace("<< your email address >>", "me@institute.org")
    text = switched_on(re.sub(r"<<.*?>>", "chronic kidney disease", text), choice)
    assert re.match(r"review\.yaml:\d+$", parse(text, tmp_path).origins[path])


def test_the_template_shows_an_own_strategy_and_a_server_as_they_must_be_written(tmp_path):
    text = config.template("T").replace("<< your email address >>", "me@institute.org")
    text = re.sub(r"<<.*?>>", "chronic kidney disease", text)
    own = switched_on(text, "strategy").replace("  filters: [cochrane_rct_sensitive]\n", "")
    assert parse(own, tmp_path).config.search.strategy == '"migraine disorders"[mh] AND placebo[tiab]'
    server = text.replace("  backend: baseline\n", "")
    for choice in ("backend", "base_url", "model", "api_key_env: MODEL", "tasks"):
        server = switched_on(server, choice)
    engine = parse(server, tmp_path).config.engine
    assert (engine.backend, engine.for_task("screen").max_tokens) == ("openai", 2048)


def test_the_example_over_pubmed_is_valid_and_no_review_of_trials():
    loaded = config.load(ROOT / "examples/kdigo/review.yaml")
    assert (loaded.config.review.type, loaded.config.question.framework) == ("other", "PICO")
    assert loaded.config.search.filters == ("no_animals",)
    assert loaded.config.gates == ("query", "screen", "extract")
    assert [w for w in config.warnings(loaded.config) if "reaches nobody" not in w] == []


@pytest.mark.shared
def test_the_example_over_a_file_is_valid(shared_data):
    file = shared_data / "reviews/kdigo_a1/records.jsonl.gz"
    loaded = config.load(
        ROOT / "examples/kdigo-local/review.yaml", {"sources[1].files": ([str(file)], "--file")}
    )
    assert config.warnings(loaded.config) == ()
    given = yaml.safe_load((ROOT / "examples/kdigo-local/review.yaml").read_text())
    assert given["sources"][0]["files"] == ["../../../shared/data/reviews/kdigo_a1/records.jsonl.gz"]


def test_reading_a_protocol_loads_nothing_heavy():
    heavy = ("torch", "numpy", "langgraph", "httpx", "lxml", "sqlalchemy")
    code = f"import agent.config, sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_flag_may_open_a_part_that_the_file_does_not_have(tmp_path):
    loaded = parse(
        GOOD, tmp_path, engine__tasks__arms__backend=("baseline", "--set engine.tasks.arms.backend")
    )
    assert loaded.config.engine.for_task("arms").backend == "baseline"
