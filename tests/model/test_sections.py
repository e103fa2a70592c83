"""Long papers, part by part: all of it is read, nothing stands on half of it, and a replay comes to the same."""

import asyncio
import gzip
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.budget import Budget, ByteCounter, RememberedCounter
from model.dividing import Unit, divided
from model.engine import (
    AnswerRejected,
    EngineRefused,
    EngineUnavailable,
    Request,
    RequestTooLong,
    parse_answer,
)
from model.scripted import ScriptedEngine
from model.sections import READINGS, Sectioned
from model.tasks import ALL, arms, characteristics, question, rationale, screen
from model.together import Fallback, Voted
from model.wrappers import Corrected, Recorded, Replayed
from tests.model.invented_papers import SECTIONS, long_paper, paper, prose, trained_tokenizer
from tools.database import Database
from tools.errors import EngineError, ReplayMiss
from tools.fulltext.quotes import locate, sentences
from tools.logs import CallLog, ScoreLog
from tools.schemas import Criterion, FieldSpec

TOKENIZER = trained_tokenizer()
CONTEXT, ANSWER = 32_768, 1_024
LAST = "Of 412 adults, 38 withdrew because the syrup of snails 🐌 tasted of iron."


class Counter:
    """The model's own tokenizer."""

    name = "invented"

    def __init__(self):
        self.asked = 0

    def count(self, text):
        self.asked += 1
        return len(TOKENIZER.encode(text).ids)


def rendered(request):
    """A prompt: what every pack fills into its own."""
    return "\n".join(request.task.variables(request.input).values())


def tokens(request):
    return len(TOKENIZER.encode(rendered(request)).ids)


def text_of(asked):
    return asked.text if isinstance(asked, screen.ScreenInput | rationale.RationaleInput) else "\n".join(
        passage.text for passage in asked.passages
    )  # fmt: skip


class Model:
    """Refuses what is too long, finds the phrases that it knows, and keeps what it was asked."""

    def __init__(self, phrases=(), *, limit=CONTEXT - ANSWER, fails=None):
        self.phrases, self.limit, self.fails = dict(phrases), limit, fails or {}
        self.asked = []

    def __call__(self, request):
        self.asked.append(request)
        if tokens(request) > self.limit:
            raise RequestTooLong(f"{tokens(request)} tokens")
        for phrase, failure in self.fails.items():
            if phrase in text_of(request.input):
                raise failure
        return getattr(self, request.task.id)(request.input)

    def screen(self, asked):
        def judged(criterion):
            label, phrase = self.phrases.get(criterion.id, ("YES", "\0"))
            found = phrase in asked.text
            return screen.Judgement(
                criterion_id=criterion.id,
                label=label if found else "UNCERTAIN",
                quote=phrase if found else "",
            )

        return screen.ScreenAnswer(verdicts=tuple(map(judged, asked.criteria)))

    def characteristics(self, asked):
        def filled(spec):
            value, phrase = self.phrases.get(spec.id, ("", "\0"))
            if phrase in text_of(asked):
                return characteristics.FieldAnswer(
                    field_id=spec.id, status="found", value=value, quote=phrase
                )
            return characteristics.FieldAnswer(field_id=spec.id, status="not_reported")

        return characteristics.CharacteristicsAnswer(cells=tuple(map(filled, asked.fields)))

    def rationale(self, asked):
        return rationale.RationaleAnswer(quote="", supported=False, rationale="nothing here")


def budget(room=CONTEXT - ANSWER, counter=None):
    return Budget(room + ANSWER, ANSWER, 0, counter=counter or Counter())


def sectioned(model, room=CONTEXT - ANSWER, counter=None):
    return Sectioned(ScriptedEngine(model), rendered, budget(room, counter))


def answered(engine, request):
    return asyncio.run(engine.answer(request))


def form_of(text, *ids):
    return characteristics.CharacteristicsInput(
        report_id="pmid:1",
        title=text.title,
        fields=tuple(FieldSpec(id=i, question=f"What is {i}?") for i in ids),
        passages=text.passages,
    )


def screened(text, *criteria, title=""):
    return screen.ScreenInput(record_id="pmid:1", criteria=criteria, text=text, title=title)


ADULTS = Criterion(id="adults", kind="include", text="Adults.")
HONEY = Criterion(id="honey", kind="exclude", text="Honey was given.")


@pytest.fixture(scope="module")
def long():
    return long_paper(TOKENIZER, 33_000, LAST)


# A paper of 33,000 tokens ------------------------------------------------------------------------


def test_a_paper_of_33000_tokens_is_read_to_its_last_word(long):
    request = Request(characteristics.TASK, form_of(long, "withdrawn", "funding"))
    assert tokens(request) > 33_000
    model = Model({"withdrawn": ("38", LAST)})
    with pytest.raises(RequestTooLong):
        answered(ScriptedEngine(model), request)
    model.asked.clear()
    answer = answered(sectioned(model), request)
    withdrawn, funding = answer.value.cells
    assert (withdrawn.status, withdrawn.value) == ("found", "38")
    assert funding.status == "not_reported"
    quote = locate(withdrawn.quote, long.canonical)
    assert (quote.start, quote.end) == (len(long.canonical) - len(LAST), len(long.canonical))
    assert len(model.asked) == 2
    read = [passage for asked in model.asked for passage in asked.input.passages]
    assert tuple(read) == long.passages
    assert all(long.canonical[p.start : p.start + len(p.text)] == p.text for p in read)


def test_evidence_at_its_very_end_excludes_it_as_evidence_anywhere_would(long):
    request = Request(screen.TASK, screened(long.canonical, ADULTS, HONEY, title=long.title))
    model = Model({"adults": ("NO", LAST), "honey": ("NO", "No")})
    answer = answered(sectioned(model), request)
    assert [v.label for v in answer.value.verdicts] == ["NO", "UNCERTAIN"]
    assert locate(answer.value.verdicts[0].quote, long.canonical).end == len(long.canonical)
    assert all(asked.input.text.startswith(long.title) for asked in model.asked)
    whole = model.asked[0].input.text + "".join(
        asked.input.text.removeprefix(f"{long.title}\n") for asked in model.asked[1:]
    )
    assert whole == long.canonical


def test_the_answer_tells_which_call_read_what(long, tmp_path):
    database = Database.file(tmp_path / "review.sqlite")
    calls = CallLog(database, lambda: "2026-01-02T03:04:05Z")
    engine = Sectioned(
        Corrected(Recorded(ScriptedEngine(Model({"w": ("38", LAST)})), calls)), rendered, budget()
    )
    request = Request(characteristics.TASK, form_of(long, "w", "x"))
    answer = answered(engine, request)
    stored = [call.key for call in calls.all()]
    database.close()
    assert [part["key"] for part in answer.told["parts"]] == stored
    assert answer.key == stored[0]
    assert answer.keys == {"w": stored[1], "x": stored[0]}
    read = list(dict.fromkeys(name for part in answer.told["parts"] for name in part["sections"]))
    assert read == ["", *SECTIONS]
    assert answer.told["unread"] == []
    assert "read in 2 parts: part 1 of 2 (Abstract to " in answer.notes[0]
    assert parse_answer(request, answer.raw) == answer.value


# What fits -----------------------------------------------------------------------------------------


def test_what_fits_goes_through_as_it_is_and_short_texts_are_not_counted(long):
    model, counter = Model(), Counter()
    request = Request(screen.TASK, screened("Forty adults were given syrup.", ADULTS))
    assert answered(sectioned(model, counter=counter), request) == answered(ScriptedEngine(Model()), request)
    assert model.asked == [request]
    assert counter.asked == 0


@pytest.mark.parametrize(("more", "calls"), [(0, 1), (-1, 2)])
def test_a_text_of_exactly_the_room_is_one_call_and_of_one_token_more_two(more, calls):
    text = paper([("", "title", "T"), *(("Methods", "paragraph", prose_of(n)) for n in range(12))])
    request = Request(characteristics.TASK, form_of(text, "x"))
    model = Model(limit=tokens(request) + more)
    answered(sectioned(model, room=tokens(request) + more), request)
    assert len(model.asked) == calls


def prose_of(seed, count=6):
    import random

    return prose(random.Random(seed), count)


# Where texts are divided ---------------------------------------------------------------------------


def parts_of(text, room, **kinds):
    """The passages of each part of a paper, given so many tokens for a prompt."""
    model = Model(limit=room)
    answer = answered(sectioned(model, room=room), Request(characteristics.TASK, form_of(text, "x")))
    assert all(tokens(asked) <= room for asked in model.asked)
    return [asked.input.passages for asked in model.asked], answer


def sized(section, count, seed=0):
    return (section, "paragraph", prose_of(hash_free(section) + seed, count))


def hash_free(text):
    return sum(map(ord, text))


def test_whole_sections_stay_together():
    names = ("Abstract", "Introduction", "Methods > A", "Methods > B", "Results", "Discussion")
    text = paper([("", "title", "T"), *(sized(name, 12, n) for name in names for n in range(3))])
    parts, _ = parts_of(text, 1_500)
    assert len(parts) > 2
    chapters = [{p.section.split(" > ")[0] for p in part} for part in parts]
    for one, other in pairwise(chapters):
        assert not one & other


def test_a_section_longer_than_the_room_is_divided_between_its_subsections_then_its_paragraphs():
    text = paper(
        [
            ("", "title", "T"),
            sized("Methods", 3),
            *(sized("Results > Flow", 10, n) for n in range(3)),
            *(sized("Results > Cough", 10, n) for n in range(12)),
        ]
    )
    parts, _ = parts_of(text, 1_200)
    assert [p for part in parts for p in part] == list(text.passages)
    flows = [part for part in parts if any(p.section == "Results > Flow" for p in part)]
    assert len(flows) == 1


def test_a_paragraph_longer_than_the_room_is_divided_between_its_sentences():
    text = paper([("", "title", "T"), ("Results", "paragraph", prose_of(3, 120))])
    parts, answer = parts_of(text, 700)
    pieces = [p for part in parts for p in part if p.section == "Results"]
    assert len(pieces) > 2
    assert "".join(p.text for p in pieces) == text.passages[1].text
    assert all(p.text == text.canonical[p.start : p.start + len(p.text)] for p in pieces)
    starts = {start for start, _ in sentences(text.canonical)}
    assert {p.start for p in pieces} <= starts
    assert "inside a sentence" not in " ".join(answer.notes)


def test_a_table_is_divided_between_its_rows_and_its_head_goes_with_each_piece():
    rows = [f"Site {n} | {n} of {n + 40} | {n / 7:.2f} days" for n in range(150)]
    text = paper([("", "title", "T"), ("Table 1", "table", "\n".join(["Site | Coughed | Length", *rows]))])
    parts, _ = parts_of(text, 900)
    assert len(parts) > 2
    for part in parts:
        assert next(p for p in part if p.section).text.startswith("Site | Coughed | Length")
    read = [row for part in parts for p in part if p.section for row in p.text.split("\n")]
    assert [row for row in read if row and row != "Site | Coughed | Length"] == rows


def test_a_sentence_longer_than_the_room_is_cut_and_a_note_says_so():
    text = paper([("", "title", "T"), ("Results", "paragraph", "snail " * 3_000 + "end")])
    parts, answer = parts_of(text, 700)
    assert "".join(p.text for part in parts for p in part[-1:]).replace("T", "") == text.passages[1].text
    assert "from inside a sentence" in answer.notes[0]


@pytest.mark.parametrize("piece", ["🐌", "👩🏽‍⚕️", "𝔘", "é", "e\u0301", "각", "ﷺ", "لا ", "咳嗽", "\u0958"])
def test_any_script_is_read_whole_and_no_letter_is_parted_from_its_accent(piece):
    text = paper([("", "title", "T"), ("Results", "paragraph", piece * 900)])
    parts, _ = parts_of(text, 500)
    read = [p.text for part in parts for p in part if p.section]
    assert len(read) > 1
    assert "".join(read) == piece * 900
    assert not any(one.startswith("\u0301") for one in read)


def test_a_thousand_passages_of_one_sentence_each():
    text = paper(
        [("", "title", "T"), *(("Results", "paragraph", f"Visit {n} was kept.") for n in range(1_000))]
    )
    parts, _ = parts_of(text, 1_000)
    assert [p for part in parts for p in part] == list(text.passages)


units = st.lists(
    st.tuples(
        st.sampled_from(["", "A", "B > 1", "B > 2", "C"]),
        st.text(alphabet="ab .\n🐌é", max_size=60),
    ),
    max_size=12,
).map(
    lambda told: [
        Unit(text, section, n) for n, (section, text) in enumerate(sorted(told, key=lambda t: t[0]))
    ]
)


@settings(max_examples=300)
@given(units, st.integers(4, 80))
def test_no_character_is_lost_doubled_or_out_of_place(told, room):
    def size(some):
        return sum(len(unit.text.encode()) for unit in some)

    parts = divided(told, lambda some: size(some) <= room)
    assert all(parts)
    assert all(size(part) <= room for part in parts)
    read = [unit for part in parts for unit in part]
    for unit in told:
        pieces = [piece for piece in read if piece.source == unit.source]
        assert "".join(piece.text for piece in pieces) == unit.text
        assert [piece.at for piece in pieces] == [
            sum(len(earlier.text) for earlier in pieces[:n]) for n in range(len(pieces))
        ]
    assert [unit.source for unit in read] == sorted(unit.source for unit in read)


def test_records_of_a_question_are_divided_like_passages():
    sources = tuple(
        question.SourceText(record_id=f"r{n}", title=f"Title {n}", text=prose_of(n, 30)) for n in range(6)
    )
    asked = []

    def read(request):
        asked.append(request.input)
        found = [s for s in request.input.sources if s.record_id == "r4"]
        statements = tuple(
            question.Statement(record_id="r4", quote=s.text[:40], text="So it is.") for s in found[:1]
        )
        return question.QuestionAnswer(
            status="answered" if found else "not_in_the_records", statements=statements
        )

    request = Request(question.TASK, question.QuestionInput(question="Does it help?", sources=sources))
    answer = answered(sectioned(read, room=900), request)
    assert len(asked) > 2
    assert answer.value.status == "answered"
    for source in sources:
        assert (
            "".join(s.text for one in asked for s in one.sources if s.record_id == source.record_id)
            == source.text
        )


# What cannot be read in parts --------------------------------------------------------------------


def test_every_task_is_read_in_parts_or_refused(long):
    assert set(READINGS) == set(ALL) - {"pico", "query", "summary"}


@pytest.mark.parametrize("task", ["pico", "query"])
def test_a_question_without_a_text_is_refused_when_it_is_too_long(task):
    from tests.model.questions import QUESTIONS

    asked = QUESTIONS[task].model_copy(update={"title": "very long " * 2_000})
    with pytest.raises(RequestTooLong, match="Remedy"):
        answered(sectioned(Model(), room=1_000), Request(ALL[task], asked))


def test_a_question_that_leaves_no_room_for_a_text_is_refused():
    many = tuple(Criterion(id=f"c{n}", kind="include", text="Adults with a cough.") for n in range(300))
    with pytest.raises(RequestTooLong, match="fewer criteria"):
        answered(sectioned(Model(), room=1_000), Request(screen.TASK, screened("A text. " * 100, *many)))


def test_a_question_that_leaves_room_for_nothing_but_itself_is_refused():
    request = Request(screen.TASK, screened("🐌" * 400, ADULTS))
    alone = tokens(replace(request, input=screened("", ADULTS)))
    with pytest.raises(RequestTooLong, match="no room"):
        answered(sectioned(Model(), room=alone), request)


# Parts that fail -----------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [AnswerRejected("no JSON", "Well,"), EngineRefused("declined")])
def test_where_a_part_fails_nothing_stands_on_the_others(long, failure):
    request = Request(screen.TASK, screened(long.canonical, ADULTS, title=long.title))
    model = Model({"adults": ("NO", LAST[3:])}, fails={long.canonical[:80]: failure})
    with pytest.raises(type(failure)) as raised:
        answered(sectioned(model), request)
    assert raised.value.kind == failure.kind
    assert "part 1 of 2" in str(raised.value)
    assert str(failure) in str(raised.value)
    assert getattr(raised.value, "raw", None) == getattr(failure, "raw", None)


def test_not_reported_does_not_stand_on_part_of_a_text(long):
    request = Request(characteristics.TASK, form_of(long, "funding"))
    with pytest.raises(EngineRefused, match="part 2 of 2"):
        answered(sectioned(Model(fails={LAST: EngineRefused("declined")})), request)


def test_a_failed_part_is_stored_and_named_by_its_call(long, tmp_path):
    database = Database.file(tmp_path / "review.sqlite")
    calls = CallLog(database, lambda: "2026-01-02T03:04:05Z")
    recorded = Recorded(ScriptedEngine(Model(fails={LAST: EngineRefused("declined")})), calls)
    with pytest.raises(EngineRefused) as raised:
        answered(Sectioned(recorded, rendered, budget()), Request(characteristics.TASK, form_of(long, "x")))
    stored = {call.key: call.status for call in calls.all()}
    database.close()
    assert sorted(stored.values()) == ["failed", "ok"]
    assert stored[raised.value.call_key] == "failed"


def test_a_server_that_is_gone_stops_the_step_whatever_else_failed(long):
    fails = {long.canonical[:80]: EngineRefused("declined"), LAST: EngineUnavailable("gone")}
    with pytest.raises(EngineUnavailable) as raised:
        answered(sectioned(Model(fails=fails)), Request(characteristics.TASK, form_of(long, "x")))
    assert LAST in text_of(raised.value.asked.input)


# Replay --------------------------------------------------------------------------------------------


@pytest.fixture
def logs(tmp_path):
    database = Database.file(tmp_path / "review.sqlite")
    yield CallLog(database, lambda: "2026-01-02T03:04:05Z"), ScoreLog(database)
    database.close()


def live(model, logs):
    calls, scores = logs
    room = budget(counter=RememberedCounter("invented", Counter, scores))
    return Sectioned(Corrected(Recorded(ScriptedEngine(model), calls)), rendered, room)


def replayed(logs):
    calls, scores = logs
    room = budget(counter=RememberedCounter("invented", None, scores))
    return Sectioned(Corrected(Replayed(ScriptedEngine(never), calls)), rendered, room)


def never(request):
    raise AssertionError("a replay asks nobody")


def test_a_replay_without_a_tokenizer_gives_the_same_answer(long, logs):
    for request in (
        Request(screen.TASK, screened(long.canonical, ADULTS, HONEY, title=long.title)),
        Request(characteristics.TASK, form_of(long, "withdrawn", "funding")),
        Request(screen.TASK, screened("A short text.", ADULTS)),
    ):
        told = answered(live(Model({"withdrawn": ("38", LAST), "adults": ("YES", LAST)}), logs), request)
        again = answered(replayed(logs), request)
        assert again == told


def test_a_replay_of_what_was_never_split_misses(long, logs):
    with pytest.raises(ReplayMiss):
        answered(replayed(logs), Request(characteristics.TASK, form_of(long, "x")))


def test_a_replay_of_a_failed_part_fails_alike(long, logs):
    request = Request(characteristics.TASK, form_of(long, "x"))
    said = []
    for engine in (live(Model(fails={LAST: EngineRefused("declined")}), logs), replayed(logs)):
        with pytest.raises(EngineError) as raised:
            answered(engine, request)
        said.append((type(raised.value), str(raised.value), raised.value.call_key))
    assert said[0] == said[1]


def test_votes_are_taken_over_whole_texts_and_replay(long, logs):
    request = Request(screen.TASK, screened(long.canonical, ADULTS, title=long.title))
    model = Model({"adults": ("YES", LAST)})
    told = answered(Voted(live(model, logs), 3), request)
    assert len(model.asked) == 6
    assert told.value.verdicts[0].label == "YES"
    assert answered(Voted(replayed(logs), 3), request) == told


def test_who_stood_in_for_an_engine_that_was_gone_in_the_middle_of_a_text_is_replayed(long, logs):
    calls, _ = logs
    request = Request(characteristics.TASK, form_of(long, "withdrawn"))
    second = ScriptedEngine(Model({"withdrawn": ("38", LAST)}, limit=10**6), name="second")
    gone = Model(fails={long.canonical[:80]: EngineUnavailable("gone")})
    told = answered(Fallback([live(gone, logs), Recorded(second, calls)], calls), request)
    assert told.engine == "second"
    stands_in = Replayed(ScriptedEngine(never, name="second"), calls)
    assert answered(Fallback([replayed(logs), stands_in]), request) == told


def test_who_stood_in_where_nobody_could_count_is_replayed(long, logs):
    class Gone(Counter):
        def count(self, text):
            raise EngineUnavailable("no server to count tokens")

    calls, scores = logs
    request = Request(characteristics.TASK, form_of(long, "withdrawn"))
    room = budget(counter=RememberedCounter("invented", Gone, scores))
    first = Sectioned(Recorded(ScriptedEngine(never), calls), rendered, room)
    second = ScriptedEngine(Model({"withdrawn": ("38", LAST)}, limit=10**6), name="second")
    told = answered(Fallback([first, Recorded(second, calls)], calls), request)
    assert told.value.cells[0].value == "38"
    stands_in = Replayed(ScriptedEngine(never, name="second"), calls)
    assert answered(Fallback([replayed(logs), stands_in]), request) == told


# What an answer costs ------------------------------------------------------------------------------


class Costly(ScriptedEngine):
    """Says what its answers cost, and how likely its labels were."""

    async def answer(self, request):
        answer = await super().answer(request)
        told = {"served": "m", "probabilities": {"adults": {"YES": 0.7, "NO": 0.3}}}
        return replace(
            answer, tokens_in=tokens(request), tokens_out=5, seconds=0.5, told=told, notes=("warm",)
        )


def test_costs_are_summed_and_probabilities_are_those_of_the_part_that_decided(long):
    model = Model({"adults": ("YES", LAST)})
    request = Request(screen.TASK, screened(long.canonical, ADULTS, title=long.title))
    answer = answered(Sectioned(Costly(model), rendered, budget()), request)
    assert answer.tokens_in == sum(tokens(asked) for asked in model.asked)
    assert (answer.tokens_out, answer.seconds) == (10, 1.0)
    assert answer.told["served"] == "m"
    assert answer.probabilities == {"adults": {"YES": 0.7, "NO": 0.3}}
    assert answer.notes.count("warm") == 1


def test_a_verdict_that_no_part_gave_has_no_probability(long):
    phrase = long.canonical[:80]

    def torn(request):
        label, quote = ("YES", phrase) if phrase in request.input.text else ("NO", LAST)
        return screen.ScreenAnswer(
            verdicts=(screen.Judgement(criterion_id="adults", label=label, quote=quote),)
        )

    request = Request(screen.TASK, screened(long.canonical, ADULTS))
    answer = answered(Sectioned(Costly(torn), rendered, budget()), request)
    assert answer.value.verdicts[0].label == "UNCERTAIN"
    assert answer.probabilities == {}
    assert any("disagree" in note for note in answer.notes)


def test_without_a_tokenizer_a_text_is_read_in_more_parts_and_still_whole(long):
    model = Model({"withdrawn": ("38", LAST)})
    answer = answered(
        sectioned(model, counter=ByteCounter()), Request(characteristics.TASK, form_of(long, "withdrawn"))
    )
    assert len(model.asked) > 2
    assert answer.value.cells[0].value == "38"


# Real papers ---------------------------------------------------------------------------------------


@pytest.mark.shared
def test_real_papers_are_read_whole_in_parts_of_any_size(shared_data):
    from tools.fulltext.jats import parse

    files = sorted((shared_data / "jats").glob("*.nxml.gz"))[::12]
    assert len(files) > 10
    for number, file in enumerate(files):
        text = parse(gzip.decompress(file.read_bytes()), report_id="r", source=file.name)
        room = (1_500, 4_000, 9_000)[number % 3]
        read_as_passages(text, room)
        read_as_lines(text, room)


def read_as_passages(text, room):
    reading, asked = READINGS["arms"], arms.ArmsInput(report_id="r", title=text.title, passages=text.passages)

    def about(some):
        return reading.part(asked, some)

    parts = divided(reading.units(asked), lambda some: tokens(Request(arms.TASK, about(some))) <= room)
    held = set()
    for part in parts:
        passages = about(part).passages
        assert tokens(Request(arms.TASK, about(part))) <= room
        for p in passages:
            assert text.canonical[p.start : p.start + len(p.text)] == p.text
            held |= set(range(p.start, p.start + len(p.text)))
    assert {at for at in range(len(text.canonical)) if at not in held} == {
        p.start - 1 for p in text.passages[1:]
    }  # the line breaks between passages, which belong to none


def read_as_lines(text, room):
    reading, asked = READINGS["screen"], screened(text.canonical, ADULTS, title=text.title)
    parts = divided(
        reading.units(asked),
        lambda some: tokens(Request(screen.TASK, reading.part(asked, some))) <= room,
    )
    assert "".join(unit.text for part in parts for unit in part) == text.canonical
    for part in parts[1:]:
        assert not text.title or reading.part(asked, part).text.startswith(text.title)
