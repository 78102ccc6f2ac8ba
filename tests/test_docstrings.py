"""What functions do is said with a verb first; what a property is, is said as a noun."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import telemetry_pipeline

pytestmark = pytest.mark.slow  # the whole product is read
PRODUCT = Path(telemetry_pipeline.__path__[0])
NO_VERBS = {
    "article": "a an the",
    "determiner": "all another any both each either every exactly few less least many more most much neither no other plain "
    "some so such that these this those two three first last whatever whichever",
    "pronoun": "anybody everybody everything he her his i it its itself nobody none nothing one our ours she somebody "
    "something their theirs there they us we you your",
    "question": "how what when whence where whether which who whoever whom whose why",
    "preposition": "about above across after against along among around as at before behind below beneath beside besides "
    "between beyond by despite down during except for from in inside into like of off on onto out outside over per since "
    "through to toward towards under until up upon via with within without",
    "conjunction": "and because but if nor once or than then though unless while yet",
    "participle": "done finished given kept made seen shown stored taken",
    "noun": "arrivals celery columns dagster databases days directory ids memory parameters rows totals viewing",
}
"""First words that say no action, by what they are; of nouns only those that are no verb in the third person, too."""
NOUNS = {"property", "cached_property", "analysis", "asset", "group"}
"""Decorators of what is no action: an analysis begins with the question that it answers, what people list says what it is."""
WORD = re.compile(r"([A-Z][a-z]+)[,.;:]?")


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for file in PRODUCT.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield str(file.relative_to(PRODUCT)), node


def decorators(node: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    called = (each.func if isinstance(each, ast.Call) else each for each in node.decorator_list)
    return {ast.unparse(each).rpartition(".")[2] for each in called}


def begins_with_a_verb(said: str) -> bool:
    """Say whether a docstring may begin with a verb: with a plain word, no markup, which is none of the others."""
    word = WORD.fullmatch(said.split()[0])
    return word is not None and word[1].lower() not in " ".join(NO_VERBS.values()).split()


def test_a_function_says_what_it_does_with_a_verb_first() -> None:
    nouns = [
        f"{file}:{node.lineno} {node.name}: {said.splitlines()[0]}"
        for file, node in functions()
        if (said := ast.get_docstring(node)) and node.name != "__init__" and not decorators(node) & NOUNS
        if not begins_with_a_verb(said)
    ]
    assert nouns == []


@pytest.mark.parametrize("said", ["Return it.", "Look, and go on.", "Redraw.", "Says why."])
def test_a_verb_may_stand_first(said: str) -> None:
    assert begins_with_a_verb(said)


@pytest.mark.parametrize(
    "said",
    [
        "As pages show it.",
        "So many bytes.",
        ":param it: what.",
        "``it`` as text.",
        "*it* in bytes.",
        "PostgreSQL's own.",
        "Its.",
    ],
)
def test_what_is_no_verb_may_not(said: str) -> None:
    assert not begins_with_a_verb(said)
