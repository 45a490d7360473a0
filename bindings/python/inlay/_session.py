"""Running a model step by step."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Iterable

from . import _inlay
from ._files import appending, open_source, writer_of
from ._grammar import Grammar, take_grammar
from ._types import DrawOptions, Event, Finish, LogProb, LogProbs, SessionInfo, Status

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Literal

    import numpy
    from numpy.typing import NDArray
    from typing_extensions import Self, Unpack

    from ._files import Source, Target

_ALL_LOGITS = 1
_IGNORE_END = 1
_APPEND = 1
_SHARE = 1

Logits = _inlay.Logits


class Session:
    """Sequences of tokens and the memory that they are computed in.

    Made by `Model.session`. One call at a time, from any thread; a second one is refused with
    Status.STATE. Only `cancel` and `close` may be called beside another call. Other Python threads
    go on while a step computes.

    Whatever a session has computed it finds again by its tokens, in pages of 64 that sequences
    share, also those of sequences that are gone: a chat that feeds its whole history anew pays for
    the new tokens only. The results are the same bits; `info` tells how much was reused.
    """

    def __init__(self, model: _inlay.Model, options: dict[str, Any]) -> None:
        self._model = model
        self._session = _inlay.Session(model, options)

    def add(self) -> int:
        """A new empty sequence."""
        return self._session.add()

    def drop(self, sequence: int) -> None:
        """Ends a sequence. What it computed is remembered until the others need its memory."""
        self._session.drop(sequence)

    def fork(self, sequence: int) -> int:
        """A second sequence with the same tokens, sampler and settings; nothing is computed again.

        It may sample from the logits of the first at once.
        """
        return self._session.fork(sequence)

    def rewind(self, sequence: int, length: int) -> None:
        """Back to the first `length` tokens; what was computed behind is remembered.

        A sampler stays and draws again from there.
        """
        self._session.rewind(sequence, length)

    def set_context_policy(self, sequence: int, policy: Literal["stop", "refuse", "drop"], *,
                           keep: int = 0) -> None:
        """What happens when a sequence has more tokens than the context.

        policy: "stop": a text ends with Finish.CONTEXT, and feeding more is Status.LIMIT; so it is
        until this is called. "refuse": and a text that may not fit is refused when it is asked for.
        "drop": tokens behind the first `keep` are forgotten, at least half of them; the rest moves
        up and is computed again, so that the sequence is what a new one with its tokens would be.
        """
        self._session.set_context_policy(sequence, {"policy": policy, "keep": keep})

    def set_stop(self, sequence: int, ids: Iterable[int], *, ignore_end: bool = False) -> None:
        """Tokens (up to 32) that end a text of this sequence; in place of those set before.

        ignore_end: the model's own ends of text are tokens as others.
        """
        self._session.set_stop(sequence, ids, _IGNORE_END * bool(ignore_end))

    def set_stop_texts(self, sequence: int, texts: Iterable[str]) -> None:
        """Texts that end a text of this sequence, wherever tokens begin and end; replaces others.

        The event then has Finish.TEXT, and `text` has nothing of them.
        """
        self._session.set_stop_texts(sequence, texts)

    def text(self, sequence: int) -> str:
        """What the sequence's latest token added, once a step told of it: whole characters, without
        what may still become a stop text."""
        return self._session.text(sequence)

    def logprobs(self, sequence: int) -> LogProbs:
        """How likely the sequence's latest token was, as the sampler option `logprobs` asked for;
        once a step told of it, until the next call that changes the session."""
        token, top = self._session.logprobs(sequence)
        return LogProbs(LogProb(*token), [LogProb(*pair) for pair in top])

    def feed(self, sequence: int, ids: Iterable[int], *, all_logits: bool = False) -> None:
        """Appends tokens that the next steps will compute; all of them or, on an error, none.

        all_logits: rows of logits for every token of `ids`, not only for the last.
        """
        self._session.feed(sequence, ids, _ALL_LOGITS * bool(all_logits))

    def clear(self, sequence: int) -> None:
        """Forgets what was fed and is not computed yet."""
        self._session.clear(sequence)

    def generate(self, sequence: int, *, max_tokens: int = 0,
                 **options: Unpack[DrawOptions]) -> None:
        """Gives the sequence a sampler: from now on steps draw its tokens and feed them back.

        max_tokens: 0: until the model ends its text or the context is full.
        options: see `SamplerOptions`; and `grammar` or `json_schema` (`TextOptions`), which
        constrain the sequence as `constrain` does.
        """
        draw: dict[str, Any] = dict(options)
        grammar = take_grammar(draw, self._model)
        if grammar is not None:
            self.constrain(sequence, grammar)
        self._session.generate(sequence, draw, max_tokens)

    def constrain(self, sequence: int, grammar: Grammar | None, *, trigger: str = "") -> None:
        """From here on the sequence's tokens, fed and drawn ones, must follow the grammar.

        A text ends with Finish.GRAMMAR where nothing can follow. `fork` copies where the text
        stands, `rewind` goes back in it; a saved sequence comes back without its grammar.

        grammar: what `Model.grammar` made, of this session's model; None: the text is free again.
        trigger: the grammar begins behind the first place where this text comes.
        """
        self._session.constrain(sequence, None if grammar is None else grammar._grammar,
                                trigger.encode())

    def stop(self, sequence: int) -> None:
        """Takes the sampler away: from now on steps leave logits to read."""
        self._session.stop(sequence)

    def step(self, budget_ns: int = 0) -> Event:
        """Computes until there is something to tell.

        budget_ns: nanoseconds after which to stop in the middle (Status.YIELD) and go on with the
        next step; 0: no limit. Results do not depend on it.
        """
        return _event(*self._session.step(budget_ns))

    def step_tiles(self, tiles: int) -> Event:
        """The same with a budget in tiles of work (of some tens of microseconds), exactly.

        What a step does is then the same on every machine. 0 is 1; the draw of a token is none.
        """
        return _event(*self._session.step_tiles(tiles))

    def logits(self, sequence: int) -> NDArray[numpy.float32]:
        """Logits of the sequence's latest pass as a numpy array (rows, vocabulary) of float32.

        The array is a read-only view, nothing is copied: its values hold until the next step, feed
        or drop; take a .copy() to keep them. It stays safe to read afterwards, after close() too,
        whose memory is freed with the last view.
        """
        import numpy

        return numpy.asarray(memoryview(self.logits_buffer(sequence)))

    def logits_buffer(self, sequence: int) -> Logits:
        """The same rows as an object with the buffer protocol (`memoryview`), without numpy.

        Its `position` is the place in the sequence of the token that the first row follows.
        """
        return self._session.logits(sequence)

    def length(self, sequence: int) -> tuple[int, int]:
        """Tokens of the sequence: (computed, fed but not computed yet)."""
        return self._session.length(sequence)

    def tokens(self, sequence: int) -> list[int]:
        """The tokens of the sequence, computed or not."""
        return self._session.tokens(sequence)

    def info(self) -> SessionInfo:
        """What the session is, and what it has done since it was opened."""
        return SessionInfo(**self._session.info())

    def save(self, target: Target, sequence: int | None = None, *, append: bool = False) -> None:
        """Saves a sequence, or all of them: tokens, keys and values, sampler and settings.

        A restored sequence goes on with the same bits, on any machine. Only what is used is
        written. May be called between any two steps.

        target: a path, which is replaced when all is written; a binary file or anything else with
        `write`; or a function that is called with pieces of bytes. What it raises comes through.
        sequence: None: all.
        append: only what came since this sequence was last saved or restored, to be put behind the
        bytes of that time; with a path, at the end of that file, which stays as it was on an error.
        """
        number = 0 if sequence is None else sequence
        flags = _APPEND * bool(append)
        if not isinstance(target, (str, os.PathLike)):
            self._session.save_callable(number, writer_of(target), flags)
        elif append:
            with appending(target) as write:
                self._session.save_callable(number, write, flags)
        else:
            self._session.save_path(number, os.fsencode(target))

    def restore(self, source: Source, *, share: bool = False) -> list[int]:
        """Adds the sequences of a saved file, in its order; all of them or, on an error, none.

        A file that is cut or damaged, or of another model or type of keys and values, is refused.

        source: a path, its content (bytes ...) or a binary file.
        share: what the file holds may serve other sequences too. Only for files that nobody else
        can write: a forged one would change their answers.
        """
        return open_source(source, self._session.restore_path, self._session.restore_memory,
                           self._session.restore_reader, _SHARE * bool(share))

    def write_trace(self, path: str | os.PathLike[str]) -> None:
        """Writes what ran when, as JSON that chrome://tracing and Perfetto open.

        It holds the latest `trace_events` instructions of each thread, a session option.
        """
        self._session.write_trace(os.fsencode(path))

    def write_importance(self, path: str | os.PathLike[str]) -> None:
        """Writes what the inputs of the matrices were so far, for the imatrix of `Model.quantize`.

        The model must have been opened with importance=True, and something must be computed.
        """
        self._session.write_importance(os.fsencode(path))

    def cancel(self) -> None:
        """Asks the running step, or the next one, to return with Status.YIELD. From any thread."""
        self._session.cancel()

    def close(self) -> None:
        """Frees the session before it returns; a second call does nothing.

        A step that runs in another thread is told to stop, and the memory goes when it does.
        """
        self._session.close()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._session.closed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


def _event(status: int, sequence: int, token: int, finish: int, dropped: int,
           stop_text: int) -> Event:
    return Event(Status(status), sequence, token, Finish(finish), dropped, stop_text)
