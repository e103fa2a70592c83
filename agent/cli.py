"""The command line: parse, call, print.

Exit status: 0 done, 1 failed, 2 the input is wrong, 3 waiting for a person, 4 a service is not available
and the run can be resumed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from tools.engine_settings import TaskName
from tools.errors import ConfigError, ReviewError
from tools.protocol_values import Gate

if TYPE_CHECKING:
    from agent.commands import Done, Running

__all__ = ["main", "parser"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    given = parser().parse_args(argv)
    try:
        _refuse_telemetry()
        done = given.call(given)
    except ReviewError as e:  # ours: the text is enough. A bug keeps its traceback.
        print(f"{type(e).__name__}: {e}", file=sys.stderr)
        if e.exit_status == 4:
            print(f"Nothing is lost. Go on with: python -m agent resume {given.review}", file=sys.stderr)
        return e.exit_status
    except KeyboardInterrupt:
        print("Stopped. Nothing is lost; go on with `python -m agent resume`.", file=sys.stderr)
        return 130
    if done.beside:  # on standard error, so that the text alone goes down a pipe
        print(done.beside, file=sys.stderr)
    print(done.text)
    return int(done.status)


def _refuse_telemetry() -> None:
    """A review's records leave this machine only where its protocol says so.

    Raises:
        ConfigError: LangSmith tracing is switched on in the environment.
    """
    for name in ("LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING"):
        if os.environ.get(name, "").lower() in ("1", "true"):
            raise ConfigError(f"{name} would send this review to a remote service. Remedy: unset {name}.")


# Grammar -----------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    """All verbs and their options."""
    top = argparse.ArgumentParser(prog="python -m agent", description="A systematic review, step by step.")
    verbs = top.add_subparsers(required=True, metavar="VERB")
    _verbs_before(verbs)
    _verbs_running(verbs)
    _verbs_deciding(verbs)
    _verbs_looking(verbs)
    return top


def _verb(verbs: Any, name: str, call: Callable[[argparse.Namespace], Done], told: str) -> Any:
    verb = verbs.add_parser(name, help=told, description=told)
    verb.set_defaults(call=call)
    return verb


def _review(verb: Any, *, home: bool = True) -> Any:
    verb.add_argument("review", type=Path, help="review.yaml, or its folder")
    if home:
        verb.add_argument(
            "--home", type=Path, help="where the review's data lie; default: beside review.yaml"
        )
        verb.add_argument(
            "--clock", help="a constant time (ISO 8601, UTC) in the place of the clock, to compare runs"
        )
    return verb


def _verbs_before(verbs: Any) -> None:
    verb = _verb(verbs, "init", _init, "write a commented review.yaml")
    verb.add_argument("folder", type=Path)
    verb.add_argument("--title", default="Title of the review")
    verb = _review(
        _verb(verbs, "check", _check, "print every value with its origin, or all mistakes"), home=False
    )
    _overrides(verb)
    _verb(verbs, "schema", _schema, "print the JSON Schema of review.yaml, for editors")
    verb = _verb(verbs, "import-check", _import_check, "say what exported files hold, before a run")
    verb.add_argument("files", type=Path, nargs="+", metavar="FILE")
    verb.add_argument(
        "--columns",
        action="append",
        default=[],
        metavar="FIELD=HEADER",
        help='column of a table with unusual headers, such as "title=Article name"',
    )
    for name, call, told in (
        ("translate", _translate, "write a search strategy in the language of another database"),
        ("lint", _lint, "say what a searcher would question about a strategy"),
    ):
        verb = _verb(verbs, name, call, told)
        verb.add_argument("file", type=Path, help="the strategy; - for standard input")
        verb.add_argument(
            "--from",
            dest="source",
            choices=["pubmed", "ovid", "embase"],
            help="its language; default: a guess",
        )
        if name == "translate":
            targets = [
                "pubmed",
                "ovid",
                "embase",
                "cochrane",
                "scopus",
                "wos",
                "cinahl",
                "europepmc",
                "ctgov",
            ]
            verb.add_argument(
                "--to", dest="target", choices=targets, default="pubmed", help="default: pubmed"
            )
    verb = _verb(verbs, "vocabulary", _vocabulary, "install the MeSH vocabulary")
    verb.add_argument("action", choices=["install"])
    verb.add_argument(
        "file", type=Path, nargs="?", help="descriptor file or folder of tables; default: download"
    )


def _verbs_running(verbs: Any) -> None:
    verb = _review(_verb(verbs, "run", _run, "begin a review, or go on with it"))
    _overrides(verb)
    _running(verb)
    _running(_review(_verb(verbs, "resume", _resume, "go on with a review from where it stopped")))
    verb = _review(
        _verb(verbs, "update", _update, "search again for what has come since, and go on from there")
    )
    _running(verb)
    verb.add_argument(
        "--since",
        metavar="YYYY-MM-DD",
        help="search from this day of listing; default: from the last search on",
    )
    verb.add_argument(
        "--overlap",
        type=int,
        metavar="DAYS",
        help="how far to reach back before the last search; default: 30",
    )
    verb.add_argument(
        "--look-again",
        action="store_true",
        help="ask again about the elements and the strategy, though unchanged",
    )


def _running(verb: Any) -> None:
    verb.add_argument("--pubmed-url", help="another address for PubMed's E-utilities, such as a mirror")
    verb.add_argument(
        "--service",
        action="append",
        default=[],
        metavar="NAME=URL",
        help="another address for a service: pubmed, europepmc or ctgov",
    )
    verb.add_argument(
        "--patience", type=float, metavar="SECONDS", help="how long to try a service that does not answer"
    )
    verb.add_argument("--reason", help="why the protocol changed: takes review.yaml as a new revision")
    verb.add_argument("--retry-failed", action="store_true", help="ask again about records that failed")


def _overrides(verb: Any) -> None:
    verb.add_argument(
        "--engine",
        choices=["baseline", "vllm", "openai", "transformers"],
        help="in the place of engine.backend",
    )
    verb.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="PATH=VALUE",
        help="another value, such as prefilter.keep=50",
    )


def _verbs_deciding(verbs: Any) -> None:
    for name, told in (("approve", "approve what a gate shows"), ("reject", "reject it and end the review")):
        verb = _review(_verb(verbs, name, _decide, told))
        verb.set_defaults(decision=name)
        verb.add_argument("--gate", choices=get_args(Gate), help="default: the open one")
        verb.add_argument(
            "--hash", dest="shown", help="hash of what you were shown: refused if it has changed"
        )
        _person(verb)
    verb = _review(_verb(verbs, "edit", _edit, "put a changed version under a gate"))
    verb.add_argument("gate", choices=get_args(Gate))
    verb.add_argument("--file", type=Path, required=True, help="strategy, YAML elements, or CSV lines")
    _person(verb)
    verb = _review(
        _verb(verbs, "form", _form, "write the blank form for one person's own reading of the numbers")
    )
    verb.add_argument("--by", help="who will read; default: the user who runs the command")
    verb = _review(_verb(verbs, "enter", _enter, "store what one person read, unseen by the others"))
    verb.add_argument("--file", type=Path, required=True, help="the form, filled in")
    verb.add_argument("--by", help="who read; default: the user who runs the command")
    verb = _review(_verb(verbs, "group", _group, "say which reports belong to one study"))
    verb.add_argument("reports", nargs="+", metavar="REPORT")
    verb.add_argument("--why", required=True)
    verb.add_argument("--split", action="store_true", help="they stand alone instead")
    verb.add_argument("--by")
    verb = _review(_verb(verbs, "duplicates", _duplicates, "look at records that look alike, and decide"))
    how = verb.add_mutually_exclusive_group()
    how.add_argument("--list", action="store_true", help="the pairs that need a person (default)")
    how.add_argument("--joined", action="store_true", help="what was joined, and why")
    how.add_argument("--same", nargs="+", metavar="ID", help="these are one citation")
    how.add_argument("--different", nargs="+", metavar="ID", help="no two of these are one citation")
    verb.add_argument("--why", help="reason; needed with --same and --different")
    verb.add_argument("--by", help="who decides; default: the user who runs the command")


def _person(verb: Any) -> None:
    verb.add_argument("--by", help="who decides; default: the user who runs the command")
    verb.add_argument("--note", default="")


def _verbs_looking(verbs: Any) -> None:
    _review(_verb(verbs, "status", _status, "where every record stands, and what is waited for"))
    _review(_verb(verbs, "trace", _trace, "every step with its inputs, outputs and duration"))
    _review(
        _verb(verbs, "fulltexts", _fulltexts, "whose full texts are here, and which files belong to nobody")
    )
    verb = _review(_verb(verbs, "calls", _calls, "what the engine was asked and said, and what it cost"))
    verb.add_argument("--task", choices=get_args(TaskName), help="only this task")
    verb.add_argument("--failed", action="store_true", help="only calls without a usable answer")
    verb.add_argument("--key", metavar="KEY", help="one call whole, by its number or its key")
    verb.add_argument("--json", action="store_true", help="one JSON object per line, everything included")
    verb = _review(_verb(verbs, "replay", _replay, "run again offline from what was stored"))
    verb.add_argument("--verify", action="store_true", help="compare the outputs byte by byte")
    verb.add_argument("--into", type=Path, help="keep the replayed review in this folder")
    verb = _verb(verbs, "export", _export, "print the search appendix, or the records for other programs")
    verb.add_argument(
        "kind", choices=["search", "ris", "csv"], help="appendix (PRISMA-S), records, decisions"
    )
    _review(verb)
    verb.add_argument("--out", type=Path, metavar="FILE", help="write into this file instead of printing")
    verb.add_argument(
        "--which", choices=["included", "all"], default="included", help="records of `ris`; default: included"
    )
    _review(_verb(verbs, "verify", _verify, "check that everything adds up and nothing was changed"))


# Calls -------------------------------------------------------------------------------------------


def _init(given: argparse.Namespace) -> Done:
    from agent import commands

    return commands.init(given.folder, given.title)


def _check(given: argparse.Namespace) -> Done:
    from agent import commands

    return commands.check(given.review, _flags(given))


def _schema(_given: argparse.Namespace) -> Done:
    from agent import commands

    return commands.schema()


def _import_check(given: argparse.Namespace) -> Done:
    from agent.importing import columns_of, import_check

    return import_check(given.files, columns_of(given.columns))


def _translate(given: argparse.Namespace) -> Done:
    from agent.translate import installed, translate

    with installed() as vocabulary:
        return translate(given.file, given.source, given.target, vocabulary)


def _lint(given: argparse.Namespace) -> Done:
    from agent.translate import installed, lint_file

    with installed() as vocabulary:
        return lint_file(given.file, given.source, vocabulary)


def _vocabulary(given: argparse.Namespace) -> Done:
    from agent import commands

    return commands.vocabulary_install(given.file)


def _run(given: argparse.Namespace) -> Done:
    from agent import commands
    from agent.terminal import asking

    flags = _flags(given)
    with _how(given) as how:
        done = commands.run(given.review, flags, how)
        return asking(given.review, how, done)


def _resume(given: argparse.Namespace) -> Done:
    from agent import commands
    from agent.terminal import asking

    with _how(given) as how:
        done = commands.resume(given.review, how)
        return asking(given.review, how, done)


def _update(given: argparse.Namespace) -> Done:
    from agent.terminal import asking
    from agent.update import Wish, update

    overlap = {} if given.overlap is None else {"overlap_days": given.overlap}
    with _how(given) as how:
        done = update(given.review, Wish(since=given.since, look_again=given.look_again, **overlap), how)
        return asking(given.review, how, done)


def _decide(given: argparse.Namespace) -> Done:
    from agent import commands

    return commands.approve(
        given.review,
        step=given.gate,
        by=given.by,
        note=given.note,
        decision=given.decision,
        shown=given.shown,
        folder=given.home,
        clock=_clock(given),
    )


def _edit(given: argparse.Namespace) -> Done:
    from agent import commands

    return commands.edit(
        given.review,
        step=given.gate,
        file=given.file,
        by=given.by,
        note=given.note,
        folder=given.home,
        clock=_clock(given),
    )


def _form(given: argparse.Namespace) -> Done:
    from agent import entering

    return entering.form(given.review, by=given.by, folder=given.home)


def _enter(given: argparse.Namespace) -> Done:
    from agent import entering

    return entering.enter(given.review, file=given.file, by=given.by, folder=given.home, clock=_clock(given))


def _group(given: argparse.Namespace) -> Done:
    from agent import commands

    return commands.group(
        given.review,
        given.reports,
        by=given.by,
        why=given.why,
        split=given.split,
        folder=given.home,
        clock=_clock(given),
    )


def _duplicates(given: argparse.Namespace) -> Done:
    from agent import duplicates

    ids = given.same or given.different
    if not ids:
        return duplicates.listed(given.review, joined=given.joined, folder=given.home)
    if not given.why:
        raise ConfigError("duplicates: a decision needs its reason. Remedy: add --why 'TEXT'.")
    return duplicates.decide(
        given.review,
        ids,
        kind="same" if given.same else "different",
        by=given.by,
        why=given.why,
        folder=given.home,
        clock=_clock(given),
    )


def _status(given: argparse.Namespace) -> Done:
    from agent import commands

    return commands.status(given.review, folder=given.home)


def _trace(given: argparse.Namespace) -> Done:
    from agent import commands

    return commands.trace(given.review, folder=given.home)


def _fulltexts(given: argparse.Namespace) -> Done:
    from agent import fulltexts

    return fulltexts.fulltexts(given.review, folder=given.home)


def _calls(given: argparse.Namespace) -> Done:
    from agent.calls import calls

    return calls(
        given.review,
        task=given.task,
        failed=given.failed,
        key=given.key,
        as_json=given.json,
        folder=given.home,
    )


def _export(given: argparse.Namespace) -> Done:
    from agent.export import export

    return export(given.review, given.kind, which=given.which, out=given.out, folder=given.home)


def _replay(given: argparse.Namespace) -> Done:
    from agent.replay import replay

    return replay(given.review, compare=given.verify, folder=given.home, into=given.into)


def _verify(given: argparse.Namespace) -> Done:
    from agent.replay import verify

    return verify(given.review, folder=given.home)


def _flags(given: argparse.Namespace) -> dict[str, tuple[Any, str]]:
    """Values that flags put in the place of the file's.

    Raises:
        ConfigError: a `--set` without an equals sign, or with a value that is no YAML.
    """
    import yaml

    flags: dict[str, tuple[Any, str]] = {}
    if given.engine:
        flags["engine.backend"] = (given.engine, "--engine")
    for text in given.set:
        path, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f"--set {text}: no equals sign. Remedy: write --set prefilter.keep=50.")
        try:
            flags[path] = (yaml.safe_load(value), f"--set {path}")
        except yaml.YAMLError as e:
            raise ConfigError(f"--set {text}: the value is not YAML: {e}.") from e
    return flags


def _addresses(given: argparse.Namespace) -> dict[str, str]:
    """Services by name to the addresses that flags give them.

    Raises:
        ConfigError: a `--service` without an equals sign, of an unknown service, or with no address.
    """
    from agent.wiring import SERVICES

    addresses = {"pubmed": given.pubmed_url} if given.pubmed_url else {}
    for text in given.service:
        name, _, address = text.partition("=")
        if name not in SERVICES or not address.startswith(("http://", "https://")):
            raise ConfigError(
                f"--service {text}: should name a service and its address. "
                f"Remedy: write --service {SERVICES[0]}=http://localhost:8765/, for one of {', '.join(SERVICES)}."
            )
        addresses[name] = address
    return addresses


def _clock(given: argparse.Namespace) -> Callable[[], str]:
    from agent.home import constant_clock, system_clock

    return constant_clock(given.clock) if given.clock else system_clock


class _How:
    """`Running` with progress bars that end with it."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given

    def __enter__(self) -> Running:
        from agent.commands import Running
        from agent.terminal import Bars

        self.bars = Bars().__enter__()
        return Running(
            folder=self.given.home,
            clock=_clock(self.given),
            progress=self.bars.show,
            addresses=_addresses(self.given),
            patience_s=self.given.patience,
            reason=self.given.reason,
            retry_failed=self.given.retry_failed,
        )

    def __exit__(self, *_: object) -> None:
        self.bars.__exit__()


def _how(given: argparse.Namespace) -> _How:
    return _How(given)
