"""Division by review, study and date: cases worked out by hand, and properties over random rows."""

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from finetune.splitting.split import (
    APART,
    COMMON,
    TOO_NEW,
    TOO_OLD,
    UNDATED,
    Item,
    SplitError,
    SplitSettings,
    split,
)

YEARS = st.one_of(st.none(), st.integers(2000, 2024))
ROWS = st.lists(
    st.builds(
        Item,
        example_id=st.uuids().map(lambda key: key.hex[:16]),
        source=st.sampled_from(["dated", "other", "timeless"]),
        reviews=st.lists(st.sampled_from([f"r{n}" for n in range(30)]), max_size=2).map(tuple),
        studies=st.lists(st.sampled_from([f"pmid:{n}" for n in range(80)]), max_size=3).map(tuple),
        year=YEARS,
        titles=st.lists(st.sampled_from([f"title number {n} of many" for n in range(60)]), max_size=1).map(
            tuple
        ),
        group=st.sampled_from(["screen", "arms"]),
        loose=st.booleans(),
    ),
    min_size=1,
    max_size=120,
    unique_by=lambda row: row.example_id,
)
SETTINGS = st.builds(
    SplitSettings,
    validation=st.sampled_from([0, 0.1, 0.3]),
    test=st.sampled_from([0, 0.1, 0.3]),
    seed=st.integers(0, 5),
    after=st.one_of(st.sampled_from(["auto", None]), st.integers(2000, 2024)),
    sources=st.sampled_from([{}, {"timeless": None}, {"timeless": None, "other": "auto"}, {"other": 2010}]),
    unknown_year=st.sampled_from(["drop", "train"]),
    common=st.sampled_from([None, 1, 3]),
    loose=st.sampled_from([(), ("arms",), ("arms", "screen")]),
    largest=st.just(1.0),
)


@hypothesis_settings(max_examples=120, deadline=None)
@given(
    ROWS,
    SETTINGS,
    st.lists(st.lists(st.sampled_from([f"pmid:{n}" for n in range(80)]), max_size=3), max_size=5),
)
def test_no_review_study_title_or_alias_is_in_two_parts_and_every_row_is_somewhere_once(rows, settings, same):
    try:
        done = split(rows, settings, same)
    except SplitError:
        return
    assert done.parts.keys() | done.dropped.keys() == {row.example_id for row in rows}
    assert not done.parts.keys() & done.dropped.keys()
    where = {}
    alias = {}
    for ids in same:  # every id leads to the set of ids it is known to be the same as, in one step at least
        for key in ids:
            alias.setdefault(key, set()).update(ids)
    for row in rows:
        if row.example_id not in done.parts:
            continue
        studies = {other for key in row.studies for other in alias.get(key, {key})}
        for key in (*row.reviews, *studies, *row.titles):
            assert where.setdefault(key, done.parts[row.example_id]) == done.parts[row.example_id]


@hypothesis_settings(max_examples=100, deadline=None)
@given(ROWS, SETTINGS)
def test_everything_in_test_is_newer_than_its_source_s_date_and_nothing_else_is(rows, settings):
    try:
        done = split(rows, settings)
    except SplitError:
        return
    for row in rows:
        part, date = done.parts.get(row.example_id), done.after.get(row.source)
        if part is None or date is None:
            continue
        if part == "test":
            assert row.year is not None
            assert row.year > date
        else:
            assert row.year is None or row.year <= date
            assert row.year is not None or settings.unknown_year == "train"


@hypothesis_settings(max_examples=50, deadline=None)
@given(ROWS, SETTINGS, st.randoms())
def test_the_order_of_the_rows_does_not_matter(rows, settings, chance):
    def told(given):
        try:
            done = split(given, settings)
        except SplitError as e:
            return str(e)
        return dict(sorted(done.parts.items())), dict(sorted(done.dropped.items())), done.largest

    mixed = list(rows)
    chance.shuffle(mixed)
    assert told(rows) == told(mixed)


def rows_of(count, **told):
    return [
        Item(
            f"{told.get('name', 'x')}{n:03d}", "s", (f"{told.get('name', 'x')}-review-{n}",), (), told["year"]
        )
        for n in range(count)
    ]


def test_old_reviews_go_to_train_and_validation_and_new_ones_to_test():
    rows = rows_of(40, name="old", year=2010) + rows_of(10, name="new", year=2020)
    done = split(rows, SplitSettings(validation=0.1, test=0.2))
    assert done.after == {"s": 2010}
    assert {key for key, part in done.parts.items() if part == "test"} == {f"new{n:03d}" for n in range(10)}
    assert sum(part == "validation" for part in done.parts.values()) == 4
    assert not done.dropped
    assert done.sizes == {"train": 36, "validation": 4, "test": 10}


def test_the_automatic_date_comes_nearest_to_the_share():
    rows = [row._replace(example_id=f"{year}-{n}", reviews=(f"{year}-{n}",), year=year)
            for year, count in ((2001, 50), (2002, 30), (2003, 15), (2004, 5))
            for n, row in enumerate(rows_of(count, year=year))]  # fmt: skip
    for share, year in ((0.05, 2003), (0.2, 2002), (0.45, 2001)):
        done = split(rows, SplitSettings(test=share))
        assert done.after == {"s": year}
        assert sum(part == "test" for part in done.parts.values()) == sum(row.year > year for row in rows)


def test_a_component_on_both_sides_of_the_date_goes_with_most_of_its_rows_and_loses_the_others():
    rows = [
        *rows_of(10, name="old", year=2010),
        *rows_of(10, name="new", year=2020),
        Item("a1", "s", ("A",), (), 2009),
        Item("a2", "s", ("A",), (), 2010),
        Item("a3", "s", ("A",), (), 2020),
        Item("b1", "s", (), ("pmid:1",), 2020),
        Item("b2", "s", (), ("pmid:1", "nct:2"), 2021),
        Item("b3", "s", (), ("nct:2",), 1999),
        Item("c1", "s", ("C",), (), 2010),
        Item("c2", "s", ("C",), (), 2020),
    ]
    done = split(rows, SplitSettings(after=2015, validation=0.05))
    assert done.parts["a1"] == done.parts["a2"] != "test"
    assert done.parts["b1"] == done.parts["b2"] == "test"
    assert done.dropped == {"a3": TOO_NEW, "b3": TOO_OLD, "c2": TOO_NEW}  # even: the older side keeps it
    assert done.parts["c1"] != "test"


def test_rows_without_a_year_are_dropped_or_counted_as_old_but_never_tested_by():
    rows = rows_of(20, name="old", year=2010) + rows_of(5, name="new", year=2020)
    rows += rows_of(3, name="none", year=None)
    unknown = {f"none{n:03d}" for n in range(3)}
    done = split(rows, SplitSettings(after=2015))
    assert done.dropped == dict.fromkeys(unknown, UNDATED)
    done = split(rows, SplitSettings(after=2015, unknown_year="train"))
    assert not done.dropped
    assert "test" not in {done.parts[key] for key in unknown}
    assert done.unknown_year == {"s": 3}


def test_a_source_without_dates_is_dealt_out_by_shares_in_every_group():
    rows = [Item(f"{group}{n}", "invented", (), (f"doc:{group}{n}",), None, (), group)
            for group in ("screen", "arms") for n in range(100)]  # fmt: skip
    done = split(rows, SplitSettings(sources={"invented": None}, validation=0.1, test=0.2))
    assert done.after == {"invented": None}
    for group in ("screen", "arms"):
        parts = [part for key, part in done.parts.items() if key.startswith(group)]
        assert (parts.count("test"), parts.count("validation"), parts.count("train")) == (20, 8, 72)
    assert split(rows, SplitSettings(sources={"invented": None}, seed=1)).parts != done.parts


def test_ids_that_mean_one_study_and_equal_titles_hold_rows_together():
    rows = rows_of(30, name="old", year=2010) + rows_of(5, name="new", year=2020)
    rows += [Item("p", "s", (), ("pmid:1",), 2010), Item("q", "s", (), ("nct:1",), 2020),
             Item("t", "s", (), ("doc:1",), 2010, ("a trial of one drug",)),
             Item("u", "s", (), ("doc:2",), 2020, ("a trial of one drug",))]  # fmt: skip
    apart = split(rows, SplitSettings(after=2015))
    assert apart.parts["q"] == "test"
    # The PMC id in between stands in no row of its own.
    together = split(rows, SplitSettings(after=2015), [("pmid:1", "pmcid:PMC9"), ("pmcid:PMC9", "nct:1")])
    assert together.dropped == {"q": TOO_NEW, "u": TOO_NEW}


def test_rows_about_studies_that_have_nothing_in_common_tie_nothing():
    rows = [Item(f"r{n}", "s", (), (f"pmid:{n}",), 2000 + n, (), "screen") for n in range(20)]
    free = Item("free", "s", (), ("pmid:98", "pmid:99"), 2003, (), "question")
    told = {
        "one part": Item("q1", "s", (), ("pmid:1", "pmid:2"), 2002, (), "question"),
        "several": Item("q2", "s", (), ("pmid:1", "pmid:19"), 2019, (), "question"),
        "new": Item("q3", "s", (), ("pmid:18", "pmid:19"), 2019, (), "question"),
        "too old for its studies": Item("q4", "s", (), ("pmid:18", "pmid:19"), 2001, (), "question"),
        "tied by an alias": Item("q5", "s", (), ("nct:1", "pmid:19"), 2019, (), "question"),
        "with the free one": Item("q6", "s", (), ("pmid:98", "pmid:2"), 2003, (), "question"),
    }
    settings = SplitSettings(after=2014, validation=0)
    done = split([*rows, free, *told.values()], settings, [("nct:1", "pmid:1")])
    assert done.components == 20
    assert done.parts["q1"] == done.parts["q6"] == done.parts["free"] == "train"
    assert done.parts["q3"] == "test"
    assert done.dropped == {"q2": APART, "q4": TOO_OLD, "q5": APART}
    with pytest.raises(SplitError, match="component"):
        split([*rows, *told.values()], SplitSettings(after=2014, loose=(), largest=0.2))


def test_records_that_were_drawn_for_many_reviews_do_not_tie_these_together():
    """As negatives are: each review asks about its own records, and about some of a pool that serves all reviews."""
    own = [
        Item(f"own{r:02}-{n}", "s", (f"r{r}",), (f"pmid:{r}-{n}",), 2000 + r // 2, (), "screen")
        for r in range(40)
        for n in range(3)
    ]
    drawn = [
        Item(f"drawn{r:02}-{n}", "s", (f"r{r}",), (f"pmid:pool-{n}",), 1999 + 2 * n, (), "screen", loose=True)
        for r in range(40)
        for n in range(10)
    ]
    settings = SplitSettings(after=2016, validation=0.1, common=20)
    done = split([*own, *drawn], settings)
    assert done.components == 40
    assert not done.cut
    parts = {}
    for row in (*own, *drawn):
        if row.example_id in done.parts:
            for key in (*row.reviews, *row.studies):
                parts.setdefault(key, set()).add(done.parts[row.example_id])
    assert all(len(found) == 1 for found in parts.values())
    assert all(row.example_id in done.parts for row in own)
    kept = [row for row in drawn if row.example_id in done.parts]
    assert {done.parts[row.example_id] for row in kept} >= {"train", "test"}
    assert len(kept) > len(drawn) / 2
    assert set(done.dropped.values()) == {APART, TOO_NEW}
    with pytest.raises(SplitError, match="component"):
        split(
            [*own, *(row._replace(loose=False) for row in drawn)],
            settings.model_copy(update={"common": None}),
        )


def test_a_component_that_is_too_large_is_refused_with_the_limit_that_would_help():
    rows = [Item(f"{review}-{n}", "s", (f"r{review}",), (f"pmid:{review}-{n}",), 2010 + review)
            for review in range(10) for n in range(10)]  # fmt: skip
    rows += [Item(f"c{review}", "s", (f"r{review}",), ("pmid:everywhere",), 2010) for review in range(10)]
    with pytest.raises(SplitError, match=r"110 of 110 rows.*split\.common: 9 cuts out 1 studies.*10 rows"):
        split(rows, SplitSettings())
    done = split(rows, SplitSettings(common=9))
    assert done.cut == ("pmid:everywhere",)
    assert list(done.dropped.values()).count(COMMON) == 10
    assert done.largest.rows == 10
    one = [row._replace(reviews=("only",)) for row in rows]
    with pytest.raises(SplitError, match=r"limits\.per_review"):
        split(one, SplitSettings())


def test_a_part_that_would_be_empty_is_an_error_with_its_dates():
    with pytest.raises(SplitError, match=r"test part is empty.*s 2030.*earlier split\.after"):
        split(rows_of(20, year=2010), SplitSettings(after=2030))
    with pytest.raises(SplitError, match="no instructions"):
        split([], SplitSettings())
    with pytest.raises(SplitError, match="20 its year is unknown"):
        split(rows_of(20, year=None), SplitSettings(after=2010))


def test_a_row_that_stands_twice_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="stand twice"):
        split(rows_of(2, year=2010) + rows_of(1, year=None), SplitSettings())
