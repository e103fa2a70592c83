"""An OpenAI-compatible server that takes the time of a GPU, and answers at once with what anybody can read off.

At most `seats` sequences are under way, the others queue, as vLLM's do (`max_num_seqs`); how long each takes is
drawn from a log-normal distribution, because answers differ in length. The draw and the answer are functions of
seed and prompt, so two clients that ask the same get the same, after the same time, in whatever order they ask.

    python -m tests.servers.gpu --port 8123 --median 2.0 --sigma 0.6 --seats 256 --log asked.txt
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import NormalDist
from typing import Any

from tests.servers.answering import Choose, careful, filled
from tests.servers.streams import Heard, Out, running, start

MODEL = "invented-7b"
MEDIAN_S = 2.0
SIGMA = 0.6
"""Of the logarithm: a mean of 1.2 medians, and one answer in a hundred takes four medians or longer."""
SEATS = 256
CONTEXT = 32_768
LABELS = ("YES", "PARTIAL", "NO", "UNCERTAIN")

Said = Callable[[Mapping[str, Any], str], str | None]
"""A request's body and its prompt to the text of the answer; None leaves it to the server."""


def drawn(seed: int, *what: str) -> float:
    """A number above 0 and below 1 that is the same for the same words."""
    told = hashlib.sha256("\x00".join((str(seed), *what)).encode()).digest()
    return (int.from_bytes(told[:6], "big") + 0.5) / 2**48


def latency_s(prompt: str, *, seed: int, median_s: float, sigma: float = SIGMA) -> float:
    """How long the server thinks about a prompt: log-normal with this median."""
    if not median_s:
        return 0.0
    return median_s * math.exp(sigma * NormalDist().inv_cdf(drawn(seed, "s", prompt)))


def prompt_of(body: Mapping[str, Any]) -> str:
    """The words of the first message, which is the question; what is said back later does not change it."""
    return str(body["messages"][0]["content"])


# Answers -----------------------------------------------------------------------------------------


def screened(body: Mapping[str, Any], prompt: str, seed: int = 1) -> str | None:
    """An answer to a question about criteria, in our form or in that of LEADS; None to any other question.

    Which criteria there are is read off the schema. A client that sends no schema is a LEADS client; the number of
    its criteria stands in its prompt.
    """
    asked = body.get("response_format", {})
    schema = asked.get("json_schema", {}).get("schema") or asked.get("schema") or {}
    named = schema.get("properties", {})
    if "verdicts" in named:
        return json.dumps(
            {"verdicts": {key: _judged(prompt, key, seed) for key in named["verdicts"]["properties"]}}
        )
    if "evaluations" in named:
        return _evaluated(prompt, int(named["evaluations"]["minItems"]), seed)
    if not asked and (found := re.search(r"[Nn]umber of [Cc]riteria\D{0,3}(\d+)", prompt)):
        return _evaluated(prompt, int(found[1]), seed)
    return None


def _judged(prompt: str, key: str, seed: int) -> dict[str, str]:
    label = _label(prompt, key, seed)
    quote = "" if label == "UNCERTAIN" else _quoted(prompt)
    return {"quote": quote, "label": label, "rationale": "As the text says."}


def _evaluated(prompt: str, count: int, seed: int) -> str:
    told = [
        {"eligibility": _label(prompt, str(n), seed), "rationale": "As the text says."} for n in range(count)
    ]
    return json.dumps({"evaluations": told})


def _label(prompt: str, key: str, seed: int) -> str:
    return LABELS[int(drawn(seed, "label", key, prompt) * len(LABELS))]


def _quoted(prompt: str) -> str:
    """The first words of the text to judge."""
    _, _, text = prompt.partition("<<<TEXT-")
    return " ".join(text.partition("\n")[2].split("\n")[0].split()[:6])


# Server ------------------------------------------------------------------------------------------


@dataclass
class Gpu:
    """The server's state: what it has been asked, and what it is at."""

    seed: int = 1
    median_s: float = MEDIAN_S
    sigma: float = SIGMA
    seats: int = SEATS
    said: Said | None = None
    """What is answered before anything is read off the schema."""
    choose: Choose = careful
    log: Path | None = None
    """A file that gets a line per request, `asked` or `answered` and the prompt's hash, whatever ends the server."""
    model: str = MODEL
    asked: int = 0
    running: int = 0
    most: int = 0
    """The most that was ever under way at once."""
    waiting: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    prompts: list[str] = field(default_factory=list)
    _free: asyncio.Semaphore | None = None

    async def __call__(self, heard: Heard) -> Out:
        """Answer one request."""
        if heard.path == "/health":
            return Out()
        if heard.path == "/v1/models":
            told = {"id": self.model, "object": "model", "root": self.model, "max_model_len": CONTEXT}
            return _json({"object": "list", "data": [told]})
        if heard.path == "/metrics":
            return Out(self.metrics().encode(), content_type="text/plain")
        if heard.path != "/v1/chat/completions" or heard.method != "POST":
            return Out(_error("Not Found", "NotFoundError", 404), 404)
        body = json.loads(heard.body)
        if body.get("model") != self.model:
            return Out(_error(f"The model `{body.get('model')}` does not exist.", "NotFoundError", 404), 404)
        return await self._completed(body)

    async def _completed(self, body: Mapping[str, Any]) -> Out:
        prompt = prompt_of(body)
        self.asked += 1
        self.prompts.append(prompt)
        self._note("asked", prompt)
        self._free = self._free or asyncio.Semaphore(self.seats)
        self.waiting += 1
        try:
            await self._free.acquire()
        finally:
            self.waiting -= 1
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            if pause := latency_s(prompt, seed=self.seed, median_s=self.median_s, sigma=self.sigma):
                await asyncio.sleep(pause)
            out = self._completion(body, prompt)
        finally:
            self.running -= 1
            self._free.release()
        self._note("answered", prompt)
        return out

    def _completion(self, body: Mapping[str, Any], prompt: str) -> Out:
        text = (self.said(body, prompt) if self.said else None) or screened(body, prompt, self.seed)
        if text is None:
            text = self._filled(body)
        usage = {
            "prompt_tokens": sum(len(str(m["content"])) for m in body["messages"]) // 4,
            "completion_tokens": len(text) // 4,
        }
        self.tokens_in += usage["prompt_tokens"]
        self.tokens_out += usage["completion_tokens"]
        message = {"role": "assistant", "content": text}
        return _json(
            {
                "id": f"chatcmpl-{self.asked}",
                "object": "chat.completion",
                "created": 1,
                "model": self.model,
                "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
                "usage": usage | {"total_tokens": sum(usage.values())},
            }
        )

    def _filled(self, body: Mapping[str, Any]) -> str:
        asked = body.get("response_format", {})
        schema = asked.get("json_schema", {}).get("schema") or asked.get("schema")
        return (
            json.dumps(filled(schema, self.choose))
            if schema
            else "Well, that depends on how one looks at it."
        )

    def _note(self, what: str, prompt: str) -> None:
        if self.log is not None:
            with self.log.open("a") as out:
                out.write(f"{what} {fingerprint(prompt)}\n")

    def metrics(self) -> str:
        """The page that is scraped, in vLLM's names."""
        figures = {
            "num_requests_running": self.running,
            "num_requests_waiting": self.waiting,
            "prompt_tokens_total": self.tokens_in,
            "generation_tokens_total": self.tokens_out,
        }
        return "".join(f'vllm:{name}{{model_name="{self.model}"}} {n}\n' for name, n in figures.items())


def fingerprint(prompt: str) -> str:
    """A prompt in sixteen characters."""
    return hashlib.sha256(prompt.encode()).hexdigest()[:16]


def _json(told: Mapping[str, Any]) -> Out:
    return Out(json.dumps(told).encode())


def _error(message: str, kind: str, status: int) -> bytes:
    told = {"error": {"message": message, "type": kind, "param": None, "code": status}}
    return json.dumps(told).encode()


@contextmanager
def gpu_server(gpu: Gpu | None = None, port: int = 0) -> Iterator[tuple[str, Gpu]]:
    """Serve from a thread until the block ends; the address for clients, and the server."""
    served = gpu or Gpu()
    with running(served, port) as listening:
        yield f"http://127.0.0.1:{listening}/v1", served


def main(argv: Sequence[str] | None = None) -> None:
    """Serve until killed; the first line printed is the address for clients."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--median", type=float, default=MEDIAN_S, help="seconds; 0 answers at once")
    parser.add_argument("--sigma", type=float, default=SIGMA, help="of the logarithm of the seconds")
    parser.add_argument("--seats", type=int, default=SEATS, help="sequences at once")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", type=Path, help="append a line per request to this file")
    parser.add_argument("--model", default=MODEL)
    given = parser.parse_args(argv)

    async def serve() -> None:
        gpu = Gpu(given.seed, given.median, given.sigma, given.seats, log=given.log, model=given.model)
        server, port = await start(gpu, given.port)
        print(f"http://127.0.0.1:{port}/v1", flush=True)
        async with server:
            await server.serve_forever()

    asyncio.run(serve())


if __name__ == "__main__":
    main()
