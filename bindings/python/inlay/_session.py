"""Running a model step by step."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Iterable

from . import _inlay
from ._types import Event, Finish, SamplerOptions, Status

if TYPE_CHECKING:
    from types import TracebackType

    import numpy
    from numpy.typing import NDArray
    from typing_extensions import Self, Unpack

_ALL_LOGITS = 1

Logits = _inlay.Logits


class Session:
    """Sequences of tokens and the memory that they are computed in.

    Made by `Model.session`. One call at a time, from any thread; a second one is refused with
    Status.STATE. Only `cancel` and `close` may be called beside another call. Other Python threads
    go on while a step computes.
    """

    def __init__(self, model: _inlay.Model, options: dict[str, Any]) -> None:
        self._session = _inlay.Session(model, options)

    def add(self) -> int:
        """A new empty sequence."""
        return self._session.add()

    def drop(self, sequence: int) -> None:
        """Ends a sequence and gives its memory to the others."""
        self._session.drop(sequence)

    def feed(self, sequence: int, ids: Iterable[int], *, all_logits: bool = False) -> None:
        """Appends tokens that the next steps will compute; all of them or, on an error, none.

        all_logits: rows of logits for every token of `ids`, not only for the last.
        """
        self._session.feed(sequence, ids, _ALL_LOGITS * bool(all_logits))

    def clear(self, sequence: int) -> None:
        """Forgets what was fed and is not computed yet."""
        self._session.clear(sequence)

    def generate(self, sequence: int, *, max_tokens: int = 0,
                 **options: Unpack[SamplerOptions]) -> None:
        """Gives the sequence a sampler: from now on steps draw its tokens and feed them back.

        max_tokens: 0: until the model ends its text or the context is full.
        options: see `SamplerOptions`.
        """
        self._session.generate(sequence, dict(options), max_tokens)

    def stop(self, sequence: int) -> None:
        """Takes the sampler away: from now on steps leave logits to read."""
        self._session.stop(sequence)

    def step(self, budget_ns: int = 0) -> Event:
        """Computes until there is something to tell.

        budget_ns: nanoseconds after which to stop in the middle (Status.YIELD) and go on with the
        next step; 0: no limit. Results do not depend on it.
        """
        status, sequence, token, finish = self._session.step(budget_ns)
        return Event(Status(status), sequence, token, Finish(finish))

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
