"""Text to ids and back."""

from __future__ import annotations

from typing import Any, Iterable, Mapping, Sequence

from . import _inlay
from ._chat import Chat
from ._types import TokenizerInfo

_ADD_SPECIAL, _PARSE_SPECIAL = 1, 2
_DECODE_SPECIAL = 1


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def _flags(add_special: bool, parse_special: bool) -> int:
    return _ADD_SPECIAL * bool(add_special) + _PARSE_SPECIAL * bool(parse_special)


class Tokenizer:
    """The tokenizer of a model; usable until the model is closed, from any number of threads."""

    def __init__(self, model: _inlay.Model) -> None:
        self._model = model
        self.info = TokenizerInfo(**model.tokenizer_info())

    def __len__(self) -> int:
        """How many tokens there are."""
        return self.info.size

    def encode(self, text: str | bytes, *, add_special: bool = True,
               parse_special: bool = False) -> list[int]:
        """Text to ids.

        add_special: begin and end tokens where the model asks for them.
        parse_special: text such as ``<|im_end|>`` becomes its control token. Never set it for text
        that a user typed.
        """
        return self._model.encode(_bytes(text), _flags(add_special, parse_special))

    def encode_offsets(self, text: str | bytes, *, add_special: bool = True,
                       parse_special: bool = False) -> tuple[list[int], list[tuple[int, int]]]:
        """Text to ids, and for each id where in the text it is from: (begin, end).

        Places count characters of a str (a token that is a part of one has all of it), bytes of
        bytes. Begin and end tokens have empty places.
        """
        ids, places = self._model.encode_ranges(_bytes(text), _flags(add_special, parse_special))
        if isinstance(text, bytes):
            return ids, places
        starts = []  # of every byte the character it is of
        for i, character in enumerate(text):
            starts += [i] * len(character.encode())
        starts.append(len(text))
        return ids, [(starts[a], starts[b] if a == b else starts[b - 1] + 1) for a, b in places]

    def encode_batch(self, texts: Iterable[str | bytes], *, add_special: bool = True,
                     parse_special: bool = False, threads: int = 0) -> list[list[int]]:
        """Many texts to ids at once; threads 0: as many as the processor has cores."""
        return self._model.encode_batch([_bytes(text) for text in texts],
                                        _flags(add_special, parse_special), threads)

    def decode(self, ids: Iterable[int], *, special: bool = False) -> str:
        """Ids to text; bytes that are no character become U+FFFD. special: control tokens too."""
        return self.decode_bytes(ids, special=special).decode("utf-8", "replace")

    def decode_bytes(self, ids: Iterable[int], *, special: bool = False) -> bytes:
        """Ids to bytes, exactly."""
        return self._model.decode(ids, _DECODE_SPECIAL * bool(special))

    def piece(self, id: int) -> bytes:
        """The bytes that one token stands for; perhaps only a part of a character."""
        return self._model.piece(id)

    def is_end(self, id: int) -> bool:
        """Whether a generation ends with this token."""
        return self._model.is_end(id)

    def apply_chat_template(self, messages: Sequence[Mapping[str, Any]],
                            tools: Sequence[Any] | None = None, *, name: str | None = None,
                            chat_template: str | None = None, tokenize: bool = True,
                            add_generation_prompt: bool = True, **variables: Any) -> Any:
        """Messages to the ids of a prompt, or with tokenize=False to its text.

        As transformers renders them, but text of messages never becomes a control token.
        name: a named template such as "tool_use". chat_template: one instead of the model's.
        variables: more of them, such as enable_thinking=False; date: what the template sees.
        """
        prompt = Chat(self._model, name=name, template=chat_template).render(
            messages, tools, add_generation_prompt=add_generation_prompt, **variables)
        return prompt.encode() if tokenize else prompt.text

    def stream(self, *, continues: bool = False) -> TextStream:
        """A new stream that turns tokens into whole characters, one token after the other.

        continues: the tokens follow others; without it some models' first word loses its space.
        """
        return TextStream(self._model, continues)


class TextStream:
    """Tokens in, text out; never a part of a character."""

    def __init__(self, model: _inlay.Model, continues: bool) -> None:
        self._model = model
        self._stream = _inlay.Stream(continues)

    def push(self, id: int) -> str:
        """The characters that became whole with this token; perhaps none."""
        return self._stream.push(self._model, id)

    def finish(self) -> str:
        """What is still held back at the end: U+FFFD for a character that was never completed."""
        return self._stream.finish()
