"""What a text may be: grammars, regular expressions and JSON schemas."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Mapping

from . import _inlay

if TYPE_CHECKING:
    from typing import Literal

# Numbers of inlay.h: for the tokens of a model, and for text that is there.
_LANGUAGES = {"gbnf": (0, 0), "regex": (1, 1), "json_schema": (2, 3)}


class Grammar:
    """A compiled grammar: immutable, for any number of texts, sequences and threads.

    `Model.grammar` and `Model.json_schema` make those that constrain what a model says. Made here
    they belong to no model and tell only whether a text `matches`.

    text: GBNF, a regular expression that the whole text matches, or a JSON schema (a dict as well).
    """

    def __init__(self, text: Mapping[str, Any] | bool | str,
                 language: Literal["gbnf", "regex", "json_schema"] = "gbnf",
                 model: _inlay.Model | None = None) -> None:
        if language not in _LANGUAGES:
            raise ValueError(f"language: {language!r} is not one of {', '.join(_LANGUAGES)}")
        if language == "json_schema" and not isinstance(text, str):
            text = json.dumps(text)
        if not isinstance(text, str):
            raise TypeError(f"{language}: expected a str, not {type(text).__name__}")
        number = _LANGUAGES[language][model is None]
        self._grammar = _inlay.Grammar(number, text.encode(), model)

    def matches(self, text: str) -> bool:
        """Whether the whole text is one that the grammar allows."""
        return self._grammar.matches(text.encode())


def take_grammar(options: dict[str, Any], model: _inlay.Model) -> Grammar | None:
    """Takes `grammar` and `json_schema` out of the options; compiled for the model."""
    grammar = options.pop("grammar", None)
    schema = options.pop("json_schema", None)
    if grammar is not None and schema is not None:
        raise TypeError("grammar and json_schema: a text has one of them")
    if schema is not None:
        return Grammar(schema, "json_schema", model)
    if grammar is None or isinstance(grammar, Grammar):
        return grammar
    return Grammar(grammar, "gbnf", model)
