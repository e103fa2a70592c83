"""Instructions and their rows: ids, words, files, and what is wrong with them."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from finetune.build.kinds import Shard
from finetune.build.make.invented import Invented
from finetune.instructions import COLUMNS, About, instruction, read_rows, request_of, row_of, write_rows
from model.engine import AnswerRejected
from model.tasks import ALL
from model.tasks.screen import Judgement, ScreenAnswer, ScreenInput
from tools.errors import ConfigError, InputFileError
from tools.schemas import Criterion

ABOUT = About(source="here", licence="CC0-1.0", how="by hand", reviews=("r",), studies=("pmid:1",), year=2020)
ASKED = ScreenInput(
    record_id="1", criteria=(Criterion(id="C1", kind="include", text="Adults."),), text="A text about adults."
)


def answer(label="YES", name="C1"):
    return ScreenAnswer(
        verdicts=(Judgement(criterion_id=name, label=label, quote="about adults", rationale="It says so."),)
    )


def test_an_id_is_of_question_and_answer_and_not_of_where_they_come_from():
    one = instruction("screen", ASKED, answer(), ABOUT)
    assert len(one.example_id) == 16
    assert (
        instruction("screen", ASKED, answer(), ABOUT.model_copy(update={"year": 1999})).example_id
        == one.example_id
    )
    assert instruction("screen", ASKED, answer("NO"), ABOUT).example_id != one.example_id


def test_an_answer_that_does_not_fit_its_question_is_no_instruction():
    with pytest.raises(AnswerRejected):
        instruction("screen", ASKED, answer(name="C2"), ABOUT)


def test_a_row_is_the_words_an_engine_is_asked_in_and_reads_back():
    row = row_of(instruction("screen", ASKED, answer(), ABOUT), "ours")
    assert ASKED.text in row.prompt
    assert row.prompt_tag.startswith("screen.v")
    assert row.request.input == ASKED
    assert row.value == answer()
    with pytest.raises(ConfigError):
        row_of(instruction("screen", ASKED, answer(), ABOUT), "no-such-pack")


@pytest.mark.parametrize("pack", ["ours", "leads"])
def test_rows_in_files_are_those_that_were_written(tmp_path, pack):
    rows = []
    for one in Invented(60, 1)(None, Shard()):
        try:
            rows.append(row_of(one, pack))
        except (ConfigError, AnswerRejected):
            assert pack == "leads"
    assert len(rows) >= 10
    assert write_rows(tmp_path / "a" / "0.parquet", rows[:7], at_once=3) == 7
    assert write_rows(tmp_path / "a" / "1.parquet", rows[7:]) == len(rows) - 7
    assert list(read_rows(tmp_path / "a")) == rows
    assert list(read_rows(tmp_path / "a" / "0.parquet")) == rows[:7]
    assert [row["task"] for row in read_rows(tmp_path / "a", ("task",))] == [row.task for row in rows]


def test_the_same_rows_give_the_same_bytes(tmp_path):
    rows = [row_of(one, "ours") for one in Invented(24, 1)(None, Shard())]
    for name in ("one", "other"):
        write_rows(tmp_path / f"{name}.parquet", rows)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "other.parquet").read_bytes()


def test_a_writer_that_is_stopped_leaves_what_was_there(tmp_path):
    rows = [row_of(one, "ours") for one in Invented(5, 1)(None, Shard())]
    path = tmp_path / "rows.parquet"
    write_rows(path, rows)

    def full():
        yield rows[0]
        raise OSError(28, "No space left on device")

    with pytest.raises(InputFileError, match=r"No space left.*Remedy: free space"):
        write_rows(path, full())
    assert list(read_rows(tmp_path)) == rows
    assert [p.name for p in tmp_path.iterdir()] == ["rows.parquet"]


def test_what_is_no_file_of_instructions_is_told_with_its_name(tmp_path):
    with pytest.raises(InputFileError, match="holds no instructions"):
        list(read_rows(tmp_path))
    (tmp_path / "cut.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(InputFileError, match=r"cut\.parquet.*Remedy: delete it"):
        list(read_rows(tmp_path))
    pq.write_table(pa.table({"example_id": ["x"]}), tmp_path / "cut.parquet")
    with pytest.raises(InputFileError, match=r"cut\.parquet"):
        list(read_rows(tmp_path))


def test_a_question_of_another_version_is_told():
    with pytest.raises(InputFileError, match="build the instructions again"):
        request_of("screen", {"record_id": "1"})
    with pytest.raises(InputFileError, match="no question of task knitting"):
        request_of("knitting", {})


@hypothesis_settings(max_examples=50, deadline=None)
@given(
    st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=200),
    st.integers(1000, 3000) | st.none(),
    st.lists(st.text(st.characters(exclude_categories=("Cs",)), max_size=20), max_size=3),
)
def test_any_text_survives_the_file(tmp_path_factory, text, year, names):
    about = ABOUT.model_copy(update={"year": year, "reviews": tuple(names), "studies": tuple(names)})
    asked = ASKED.model_copy(update={"text": text})
    row = row_of(instruction("screen", asked, answer("UNCERTAIN"), about), "ours")
    path = tmp_path_factory.mktemp("rows") / "rows.parquet"
    write_rows(path, [row])
    assert list(read_rows(path)) == [row]


def test_the_columns_are_those_of_a_row_and_every_task_has_invented_ones():
    assert COLUMNS[:2] == ("example_id", "task")
    assert {one.task for one in Invented(len(ALL), 1)(None, Shard())} == set(ALL)
