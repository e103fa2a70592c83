"""The LEADS format over a server: one user message, the schema of the question, and the reply as our answer."""

import pytest

from model import leads
from model.chat import ChatEngine, ChatSettings
from model.forms import form, without_lengths
from model.pool import ask
from model.tasks import ALL
from tests.model.leads_questions import ANSWERS, QUESTIONS, request
from tests.servers.openai_server import MODEL, serving


@pytest.mark.parametrize("task", leads.TASKS)
def test_each_task_is_asked_and_answered_in_the_format_of_the_weights(task):
    spoken = form("leads", ALL[task])
    raw = f"```json\n{spoken.write(request(task), ANSWERS[task])}\n```"
    with serving(lambda _body: raw) as served:
        engine = ChatEngine(ChatSettings(model=MODEL, base_url=served.base_url, prompts="leads"))
        answer = ask(engine, request(task))
        sent = served.log[-1].body
    assert answer.value == ANSWERS[task]
    assert answer.raw == raw
    assert [message["role"] for message in sent["messages"]] == ["user"]
    assert sent["messages"][0]["content"] == spoken.prompt(QUESTIONS[task]).text
    assert sent["response_format"]["json_schema"]["schema"] == without_lengths(spoken.schema(QUESTIONS[task]))
