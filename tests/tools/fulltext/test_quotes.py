"""Grounding: what counts as found, and that the span is always the source's own."""

import gzip
import json
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.fulltext.quotes import holds_number, locate, sentences


def found(quote: str, text: str) -> str | None:
    hit = locate(quote, text)
    if hit is None:
        return None
    assert text[hit.start : hit.end] == hit.text
    assert not hit.located
    return hit.text


@pytest.mark.parametrize(
    ("quote", "text", "span"),
    [
        ("wore socks", "All wore socks.", "wore socks"),
        ("  wore socks\n", "All wore socks.", "wore socks"),
        ("wore socks", "All wore\n   socks.", "wore\n   socks"),
        ("don't stop", "We don’t  stop.", "don’t  stop"),
        ('"warm" feet', "With “warm” feet", "“warm” feet"),
        ("3-5 days", "for 3–5 days", "3–5 days"),
        ("efficacy end", "the eﬃcacy\u200b end", "eﬃcacy\u200b end"),
        ("efficacy", "ef\u00adfi\u00adcacy", "ef\u00adfi\u00adcacy"),
        ("p < 0.05", "(ｐ < ０.０５)", "ｐ < ０.０５"),
        ("cafe\u0301 visits", "two café visits", "café visits"),
        ("café visits", "two cafe\u0301 visits", "cafe\u0301 visits"),
        ("WORE SOCKS", "All wore socks.", "wore socks"),
        ("Größe zählt", "GRÖSSE ZÄHLT!", "GRÖSSE ZÄHLT"),
        ("患者随机", "共有患者随机分组", "患者随机"),
    ],
)
def test_spelling_differences_are_folded_and_the_source_wording_comes_back(quote, text, span):
    assert found(quote, text) == span


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("male patients", "12 female patients"),
        ("5 mg daily", "took 2.5 mg daily"),
        ("5 mg daily", "took 25 mg daily"),
        ("5 mg lower", "a change of -5 mg lower"),
        ("5 mg lower", "a change of −5 mg lower"),
        ("dose of 2", "a dose of 2.5 mg"),
        ("socks were", "sock were"),
        ("socks of wool", "socks of cotton"),
    ],
)
def test_other_words_and_cut_numbers_are_not_found(quote, text):
    assert found(quote, text) is None


@pytest.mark.parametrize("quote", ["", "   \n", "abc", "a b", "\u200b\u200b\u200b\u200b\u200b", "12%"])
def test_next_to_nothing_is_no_quote(quote):
    assert locate(quote, f"x {quote} y") is None


def test_verbatim_goes_before_an_earlier_folded_occurrence():
    text = "Warm Socks first, warm socks later."
    assert locate("warm socks", text).start == text.index("warm socks")


def test_case_is_the_last_resort():
    text = "WARM socks, then warm\nsocks."
    assert found("warm socks", text) == "warm\nsocks"


def test_a_whole_word_is_found_behind_a_cut_one():
    text = "12 female patients and 3 male patients"
    assert locate("male patients", text).start == text.rindex("male patients")


@given(st.text(max_size=60), st.text(max_size=200))
def test_whatever_comes_back_is_a_span_of_the_source(quote, text):
    found(quote, text)


words = st.lists(st.text("abcXYZ019é", min_size=1, max_size=8), min_size=3, max_size=12)


@given(words, st.data())
def test_words_of_a_text_are_found_however_they_are_spaced(tokens, data):
    text = " ".join(tokens)
    first = data.draw(st.integers(0, len(tokens) - 1))
    last = data.draw(st.integers(first, len(tokens) - 1))
    part = tokens[first : last + 1]
    hit = locate("\n ".join(part).upper(), text)
    if len("".join(part)) >= 4:
        assert hit is not None
        assert hit.text.casefold().split() == " ".join(part).casefold().split()
    else:
        assert hit is None


# Sentences ---------------------------------------------------------------------------------------


def split(text: str) -> list[str]:
    return [text[a:b] for a, b in sentences(text)]


@pytest.mark.parametrize(
    "expected",
    [
        ["Socks were warm.", "Feet were not."],
        ["Warm vs. Cold socks were worn, e.g. Woollen ones.", "It helped."],
        ["It was lower (P<0.05).", "It was 3.5 mg vs. 4.5 mg."],
        ["P<0.05.", "Fig. 2 and Figs. 3 show it."],
        ["See Smith et al. 2005 and St. John.", "We did."],
        ["J. R. Smith wrote it.", "We read it."],
        ["They took vitamin C.", "The others did not."],
        ["S. aureus grew.", "E. coli did not."],
        ["Did it work?", "Yes!", "It did."],
        ["It cost 5 Euro.", "[It was dear.]", "(So it was.)"],
        ["At day 1.", "Patients went home."],
        ["1. Patients go home."],
        ["Given i.v. 5 mg, approx. 3 h later."],
        ["Socks, hats, etc.", "These were warm."],
        ["No. 5 was best."],
        ["Mean was 4.", "95% CI 1 to 7."],
        ["It ended here ...", "Then it began."],
    ],
)
def test_sentences_by_hand(expected):
    assert split(" ".join(expected)) == expected


def test_a_line_is_a_boundary_so_that_section_labels_begin_a_sentence():
    text = "BACKGROUND: Feet are cold\nMETHODS: We gave socks. They were wool.\n\nRESULTS\nWarm."
    assert split(text) == [
        "BACKGROUND: Feet are cold",
        "METHODS: We gave socks.",
        "They were wool.",
        "RESULTS",
        "Warm.",
    ]


@given(st.text(st.sampled_from("aA1 .!?()\n\"'é\u2028\x0b"), max_size=80))
def test_sentences_leave_out_nothing_but_white_space(text):
    spans = sentences(text)
    assert "".join("".join(text[a:b].split()) for a, b in spans) == "".join(text.split())
    assert all(a < b and text[a:b] == text[a:b].strip() for a, b in spans)
    assert all(b <= c for (_, b), (c, _) in pairwise(spans))


@pytest.mark.shared
def test_ten_thousand_abstracts_take_a_few_seconds(shared_data):
    with gzip.open(shared_data / "pubmed" / "pool.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts = [
            json.loads(line).get("abstract") or "" for line, _ in zip(lines, range(10_000), strict=False)
        ]
    began = time.process_time()
    counts = [len(sentences(t)) for t in texts]
    assert time.process_time() - began < 5
    # An abstract of 150 to 300 words has some 7 to 13 sentences.
    assert 7 < sum(counts) / sum(c > 0 for c in counts) < 13


@pytest.mark.shared
def test_evidence_that_people_marked_is_found_in_our_full_texts(shared_data):
    """Spans that annotators of Evidence Inference took from another rendering of the same papers.

    Table rows differ by design, so only running text (one line) counts: 18 of 20 must be found.
    """
    from tools.fulltext.jats import parse

    texts: dict[str, str] = {}
    results = []
    path = shared_data / "extraction" / "evidence_inference.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            file = shared_data / "jats" / f"{row['pmcid']}.nxml.gz"
            if row["pmcid"] not in texts:
                if len(texts) >= 60 or not file.is_file():
                    continue
                data = gzip.decompress(file.read_bytes())
                texts[row["pmcid"]] = parse(data, report_id=row["pmcid"], source=file.name).canonical
            quotes = {e["text"].strip() for e in row["evidence"]}
            results += [found(q, texts[row["pmcid"]]) for q in quotes if "\n" not in q]
    assert len(results) > 100
    assert sum(r is not None for r in results) / len(results) > 0.9


# Numbers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quote", "value"),
    [
        ("Monthly days fell by 3.1 (SE 0.2).", "-3.1"),
        ("mean 12·30 (4·1)", "12.3"),
        ("1,204 of 2,400 people", "1204"),
        ("12 | 34 | 56", "34"),
        ("groups of 12,345 and", "12345"),
        ("doses of 10,200 mg", "10"),
        ("p = .04", "0.04"),
    ],
)
def test_a_number_stands_in_a_quote_however_it_is_printed(quote, value):
    assert holds_number(quote, value)


@pytest.mark.parametrize(
    ("quote", "value"),
    [
        ("31 people", "3.1"),
        ("3.1 days", "31"),
        ("3.10 to 4", "3.11"),
        ("twelve people", "12"),
        ("", "1"),
        ("12 people", "a dozen"),
        ("405 people", "40"),
    ],
)
def test_other_numbers_and_words_are_not_that_number(quote, value):
    assert not holds_number(quote, value)
