"""Drawing from logits that a program has or has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterable

from . import _inlay
from ._types import LogProb, SamplerOptions

if TYPE_CHECKING:
    from typing_extensions import Buffer, Unpack

    from ._model import Model

Candidates = _inlay.Candidates


class Sampler:
    """A sampler without a session; options: see `SamplerOptions`. One thread at a time."""

    def __init__(self, model: Model, **options: Unpack[SamplerOptions]) -> None:
        given: dict[str, Any] = dict(options)
        self._sampler = _inlay.Sampler(model._model, given)

    def draw(self, logits: Buffer, tokens: Iterable[int], position: int) -> int:
        """The token at `position` that follows `tokens`.

        logits: one row of float32, such as `session.logits(sequence)[-1]`.
        tokens: those of the sequence, oldest first; repetition looks at them.
        position: with seed and stream it decides the draw.
        """
        return self._sampler.draw(logits, tokens, position)


def top_logprobs(logits: Buffer, count: int) -> list[LogProb]:
    """The `count` best of a row of float32, best first, with ln p of the softmax over the row."""
    return [LogProb(*pair) for pair in _inlay.top_logprobs(logits, count)]


def guide(logits: Buffer, negative: Buffer, scale: float) -> memoryview:
    """Classifier-free guidance (arXiv:2306.17806): u + scale (c - u), as a row of float32.

    c and u: the log-softmax of `logits` (with what is wanted in the prompt) and of `negative`.
    """
    return memoryview(_inlay.guide(logits, negative, scale)).cast("f")
