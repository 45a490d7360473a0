"""Opening a model, asking about it, and generating text with it."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator, Mapping

from . import _inlay
from ._files import open_source
from ._grammar import Grammar, take_grammar
from ._session import Session
from ._tokenizer import Tokenizer
from ._types import (Error, Finish, GenerateOptions, Isa, LogProbs, MetadataArray, ModelInfo, Plan,
                     SessionOptions, Status, Tensor)

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Literal

    from typing_extensions import Self, Unpack

    from ._files import Source
    from ._types import Value

_SESSION_OPTIONS = frozenset(SessionOptions.__annotations__)


def isas() -> list[Isa]:
    """The instruction sets of this build, slowest first."""
    return [Isa(*unit) for unit in _inlay.isas()]


def quantize_types() -> list[str]:
    """The names that `Model.quantize` takes: types ("Q8_0") and mixes of them ("Q4_K_M")."""
    return _inlay.quantize_types()


class Model:
    """A model file. It never changes: any number of threads and sessions may use it at once.

    source: where the file is.
        str or os.PathLike: a path of a file, or of a folder with config.json, *.safetensors and
        tokenizer.json; mapped into memory, and not to shrink meanwhile.
        bytes, bytearray, memoryview, mmap ...: its content; used in place, not copied, and not to
        be written to until the model and its sessions are closed.
        An object with read and seek: a Python file, an entry of a zip archive ...; read while the
        model opens, and again by `quantize`.
    depth: "metadata" reads keys, tensor list and tokenizer of any file; "program" also lets `plan`
        and `explain` work, without a byte of the weights; "weights" opens all.
    isa: a name from `isas()`; None: the best one here. All give the same results.
    weights: the type of the matrices in memory. None or "stored": as the file has them; one of
        `quantize_types()`: encoded while loading, with the bits that `quantize` would write;
        "auto": as stored if the planned weights fit weight_budget (bytes), else the best that do.
    memory: "mapped": weights stay in the mapped file, or in the buffer, where that is possible;
        "copied": all in memory of their own; "huge_pages": that in huge pages, for speed.
    check_weights: read all weights, and refuse those that are NaN or infinite.
    importance: sessions can `write_importance`.
    threads: that load weights; 0: one for each physical core.
    progress: called with (bytes done, bytes in all) while weights are loaded, about 100 times. What
        it raises, and Ctrl-C, end the loading.
    """

    def __init__(self, source: Source, *,
                 depth: Literal["metadata", "program", "weights"] = "weights",
                 isa: str | None = None, weights: str | None = None, weight_budget: int = 0,
                 memory: Literal["mapped", "copied", "huge_pages"] = "mapped",
                 check_weights: bool = False, importance: bool = False, threads: int = 0,
                 progress: Callable[[int, int], object] | None = None) -> None:
        options = {
            "depth": depth, "isa": isa, "weights": weights, "weight_budget": weight_budget,
            "memory": memory, "check_weights": bool(check_weights), "importance": bool(importance),
            "threads": threads, "progress": progress}
        self._model = open_source(source, _inlay.Model.open_path, _inlay.Model.open_memory,
                                  _inlay.Model.open_reader, options)
        self.info = ModelInfo(**self._model.info())
        """What the model is; readable after `close` too."""

    @cached_property
    def metadata(self) -> dict[str, Value]:
        """The file's keys and values in file order. Of an array only type and count are told."""
        result: dict[str, Value] = {}
        for index in range(self.info.metadata_count):
            key, kind, is_array, count, value = self._model.metadata(index)
            result[key] = MetadataArray(kind, count) if is_array or value is None else value
        return result

    @cached_property
    def tensors(self) -> list[Tensor]:
        """The file's tensors in file order."""
        return [Tensor(*self._model.tensor(i)) for i in range(self.info.tensor_count)]

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The model's tokenizer; an Error if the file has none."""
        return Tokenizer(self._model)

    def plan(self, **options: Unpack[SessionOptions]) -> Plan:
        """The memory that a session with these options takes, before anything of it is allocated.

        options: see `SessionOptions`. The model must be opened to depth "program" at least.
        """
        return Plan(**self._model.plan(dict(options)))

    def explain(self, **options: Unpack[SessionOptions]) -> str:
        """The program that a session with these options runs, one instruction a line."""
        return self._model.explain(dict(options))

    def quantize(self, path: str | os.PathLike[str], type: str, *,
                 imatrix: str | os.PathLike[str] | None = None,
                 keep: Mapping[str, str] | None = None, threads: int = 0,
                 progress: Callable[[int, int], object] | None = None) -> None:
        """Writes the model as a GGUF file with its matrices encoded as `type`.

        A model opened to depth "metadata" is enough. The file is the same for any number of
        threads; it takes its place at `path` when it is whole.

        type: one of `quantize_types()`.
        imatrix: a file that `Session.write_importance` (or another program) wrote.
        keep: other types for some tensors, by patterns of their whole names: {"output.*": "Q8_0"}.
        progress: as for `Model`.
        """
        self._model.quantize(os.fsencode(path), {
            "type": type, "imatrix": None if imatrix is None else os.fsencode(imatrix),
            "keep": dict(keep or {}), "threads": threads, "progress": progress})

    def grammar(self, text: str, language: Literal["gbnf", "regex"] = "gbnf") -> Grammar:
        """Compiles what a text may be, once for any number of texts.

        language: "gbnf": llama.cpp's, the rule `root` is the start; "regex": of JSON schemas.
        """
        return Grammar(text, language, self._model)

    def json_schema(self, schema: Mapping[str, Any] | bool | str) -> Grammar:
        """The same of a JSON schema (draft 2020-12), as a dict or as JSON.

        What no grammar can hold is refused with the JSON pointer of its keyword.
        """
        return Grammar(schema, "json_schema", self._model)

    def session(self, **options: Unpack[SessionOptions]) -> Session:
        """Opens a session and takes all its memory now. options: see `SessionOptions`."""
        return Session(self._model, dict(options))

    def generate(self, prompt: str | Iterable[int], *, max_tokens: int = 0,
                 add_special: bool = True, parse_special: bool = False,
                 **options: Unpack[GenerateOptions]) -> Generation:
        """Goes on with a prompt: an iterator over pieces of text, each of whole characters.

        prompt: text, or ids. add_special, parse_special: see `Tokenizer.encode`.
        max_tokens: 0: until the model ends its text or the context is full.
        options: see `SessionOptions`, `SamplerOptions`, `TextOptions` and `StopOptions`, such as
        temperature=0, seed=7, json_schema={"type": "object"} or stop=["\n"].
        """
        if isinstance(prompt, str):
            ids = self.tokenizer.encode(prompt, add_special=add_special,
                                        parse_special=parse_special)
        else:
            ids = list(prompt)
        if not ids:
            raise Error(Status.ARGUMENT, "prompt: it has no tokens, and the model adds none")
        return Generation(self, ids, max_tokens, dict(options))

    def close(self) -> None:
        """Frees the model before it returns, or with the last session that is open on it."""
        self._model.close()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._model.closed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        state = " closed" if self.closed else ""
        name = self.info.name or self.info.architecture
        return f"<inlay.Model {name!r} {self.info.parameters} parameters{state}>"


class Generation(Iterator[str]):
    """Text while it comes into being; made by `Model.generate`.

    It has a session of its own, freed when the text ends, at `close`, at the end of a `with` block,
    or when nothing refers to it any more. `cancel` may be called from any thread.
    """

    def __init__(self, model: Model, ids: list[int], max_tokens: int,
                 options: dict[str, Any]) -> None:
        self.tokens: list[int] = []
        """Every token that was drawn, an ending one included."""
        self.finish = Finish.NONE
        """Why the text ended; NONE while it goes on or when it was cancelled."""
        self.logprobs: list[LogProbs] = []
        """Of each of them, if the sampler option `logprobs` asks for them."""
        self._tells_logprobs = bool(options.get("logprobs"))
        self._cancelled = False
        grammar = take_grammar(options, model._model)
        stop = options.pop("stop", None)
        of_session = {k: options.pop(k) for k in _SESSION_OPTIONS & options.keys()}
        self._session = Session(model._model, of_session)
        try:
            self._sequence = self._session.add()
            if stop is not None:
                self._session.set_stop_texts(self._sequence, stop)
            self._session.feed(self._sequence, ids)
            if grammar is not None:
                self._session.constrain(self._sequence, grammar)
            self._session.generate(self._sequence, max_tokens=max_tokens, **options)
        except BaseException:
            self._session.close()
            raise

    def __next__(self) -> str:
        while not self._session.closed:
            try:
                piece = self._step()
            except Error:
                if self._session.closed:
                    break  # by another thread
                raise
            if piece:
                return piece
        raise StopIteration

    def _step(self) -> str:
        """The text of the next token; closes the session with the last."""
        event = self._session.step()
        if event.status == Status.YIELD and not self._cancelled:
            return ""
        if event.status == Status.TOKEN:
            self.tokens.append(event.token)
            self.finish = event.finish
            if self._tells_logprobs:
                self.logprobs.append(self._session.logprobs(self._sequence))
        else:
            self._session.stop(self._sequence)
        piece = self._session.text(self._sequence)
        if self.finish or event.status != Status.TOKEN:
            self._session.close()
        return piece

    def cancel(self) -> None:
        """Ends the text at once; the pieces that were given out stay valid. From any thread."""
        self._cancelled = True
        try:
            self._session.cancel()
        except Error:
            pass  # it has ended by itself

    def close(self) -> None:
        """Frees the session; the text ends here."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()
