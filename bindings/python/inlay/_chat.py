"""Conversations: messages to a prompt, and replies told as content, reasoning and tool calls."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

from . import _inlay


def reply_formats() -> list[str]:
    """The formats that `Reply` reads."""
    return _inlay.reply_formats()


class Prompt:
    """A rendered prompt."""

    def __init__(self, raw: _inlay.Prompt, model: _inlay.Model | None) -> None:
        self._raw = raw
        self._model = model
        self.text: str = raw.text().decode()

    def __str__(self) -> str:
        return self.text

    @property
    def segments(self) -> list[tuple[int, bool]]:
        """(end in bytes, whether the bytes come from a message or another value)."""
        return self._raw.segments()

    def encode(self) -> list[int]:
        """Its ids; text of messages never becomes a control token."""
        if self._model is None:
            raise ValueError("the template has no model to encode with")
        return self._raw.encode(self._model, 0)


@dataclass
class ToolCall:
    """A call of a function; `arguments` is JSON."""

    name: str
    arguments: str = ""


@dataclass
class Message:
    """A reply as far as it has come."""

    content: str = ""
    reasoning: str = ""
    tool_calls: list[ToolCall] = field(default_factory=list)


_CONTENT, _REASONING, _CALL, _ARGUMENTS = 1, 2, 3, 4


class Reply:
    """Reads a reply piece by piece. Give it text with control tokens (`decode(special=True)`)."""

    def __init__(self, format: str | None = None, *, chat: Chat | None = None,
                 prompt: Prompt | None = None) -> None:
        self._raw = _inlay.Reply(chat and chat._raw, format, prompt and prompt._raw)
        self._parts: dict[str, bytes] = {"content": b"", "reasoning": b""}
        self._calls: list[list[bytes]] = []

    @property
    def format(self) -> str:
        return self._raw.format()

    def push(self, text: str | bytes) -> None:
        self._take(self._raw.push(text.encode() if isinstance(text, str) else text))

    def finish(self) -> Message:
        """The end; the whole message."""
        self._take(self._raw.finish())
        return self.message

    @property
    def message(self) -> Message:
        """What was told so far."""
        def text(part: bytes) -> str:
            return part.decode("utf-8", "replace")
        return Message(text(self._parts["content"]), text(self._parts["reasoning"]),
                       [ToolCall(text(name), text(arguments)) for name, arguments in self._calls])

    def _take(self, deltas: Sequence[tuple[int, int, bytes]]) -> None:
        for kind, call, text in deltas:
            if kind == _CONTENT:
                self._parts["content"] += text
            elif kind == _REASONING:
                self._parts["reasoning"] += text
            elif kind == _CALL:
                self._calls.append([text, b""])
            elif kind == _ARGUMENTS:
                self._calls[call][1] += text


class Chat:
    """A chat template: that of a model, or one given as text."""

    def __init__(self, model: _inlay.Model | None = None, *, name: str | None = None,
                 template: str | None = None, no_trim: bool = False) -> None:
        self._model = model = getattr(model, "_model", model)  # an inlay.Model's own
        self._raw = _inlay.Chat(model, name and name.encode(), None if template is None else template.encode(), no_trim)

    def render(self, messages: Sequence[Mapping[str, Any]] | None, tools: Sequence[Any] | None = None,
               *, add_generation_prompt: bool = True, date: datetime.datetime | None = None,
               **variables: Any) -> Prompt:
        """Messages to a prompt. date: what the template's strftime_now tells; default: now."""
        def dump(value: Any) -> bytes | None:
            return None if value is None else json.dumps(value, ensure_ascii=False).encode()
        moment = date or datetime.datetime.now()
        raw = self._raw.render(dump(messages), dump(tools), dump(variables or None),
                               add_generation_prompt, moment.timetuple()[:6])
        return Prompt(raw, self._model)

    def reply(self, prompt: Prompt | None = None, format: str | None = None) -> Reply:
        """A reader of the reply, in the template's format or the one named."""
        return Reply(format, chat=self, prompt=prompt)
