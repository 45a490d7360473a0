"""Statuses, errors, events and the plain data that models and sessions answer with."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import (TYPE_CHECKING, Any, Callable, Iterable, Literal, Mapping, NamedTuple, TypedDict,
                    Union)

if TYPE_CHECKING:
    from ._grammar import Grammar
    from ._sampler import Candidates

# What a metadata key can hold.
Value = Union[str, int, float, bool, "MetadataArray"]

# What keys and values are kept as; q8_0 and q4_0 take 8.5 and 4.5 bits a number.
KvType = Literal["auto", "f32", "f16", "bf16", "q8_0", "q4_0"]


class Status(enum.IntEnum):
    """What a call says: above 0 flow, below 0 an error. The numbers are those of inlay.h."""

    OK = 0
    YIELD = 1
    """The budget is spent or a cancel was asked for; step again to go on."""
    TOKEN = 2
    """A sequence with a sampler has a new token."""
    LOGITS = 3
    """A sequence without a sampler has logits to read before the next step."""
    DONE = 4
    """Nothing is left to do until something is fed."""
    ARGUMENT = -1
    MEMORY = -2
    IO = -3
    FORMAT = -4
    UNSUPPORTED = -5
    LIMIT = -6
    STATE = -7
    CANCELLED = -8
    INTERNAL = -9


class Finish(enum.IntEnum):
    """Why a token was the last one of its sequence."""

    NONE = 0
    """It was not the last."""
    END = 1
    """The model ended its text: the token is an end-of-generation token."""
    TOKENS = 2
    """max_tokens is reached."""
    CONTEXT = 3
    """The context is full."""
    STOP = 4
    """A token of `Session.set_stop` was drawn."""
    PAGES = 5
    """kv_tokens are spent: other sequences hold all pages."""
    GRAMMAR = 6
    """What constrains the text allows nothing more."""
    TEXT = 7
    """A stop text was completed."""
    CANCELLED = 8
    """The caller ended the text; never in an event."""


class Error(Exception):
    """A call that inlay refused: `status` says what kind, `text` names the culprit in one line."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status, text)
        self.status = Status(status)
        self.text = text

    def __str__(self) -> str:
        return f"{self.text} ({self.status.name.lower()})"


class Event(NamedTuple):
    """What `Session.step` tells."""

    status: Status
    """TOKEN, LOGITS, YIELD or DONE."""
    sequence: int
    """Whom it concerns; 0 for YIELD and DONE."""
    token: int
    """The new token for TOKEN, else -1."""
    finish: Finish
    """For TOKEN: whether and why it is the sequence's last."""
    dropped: int = 0
    """Tokens that the context policy "drop" forgot to make room for this one."""
    stop_text: int = 0
    """For Finish.TEXT: which of the texts of `Session.set_stop_texts`."""


class LogProb(NamedTuple):
    """A token and the natural logarithm of its probability."""

    token: int
    logprob: float


class LogProbs(NamedTuple):
    """How likely a token was that was drawn, and what else might have come."""

    token: LogProb
    top: list[LogProb]
    """The best, best first, lower ids first on a tie; as many as were asked for."""


@dataclass(frozen=True)
class MetadataArray:
    """An array among the metadata: what it holds and how many; the elements stay in the file."""

    type: str
    count: int


@dataclass(frozen=True)
class Tensor:
    """One tensor of the file."""

    name: str
    type: str
    """"F32", "Q4_K" ..."""
    shape: tuple[int, ...]
    """Innermost (contiguous) first, as in the file."""
    offset: int
    """Of the data, from the start of the file, in bytes."""
    bytes: int


@dataclass(frozen=True)
class ModelInfo:
    """What a model is. Sizes in bytes."""

    depth: str
    """How far it was opened: "metadata", "program" or "weights"."""
    architecture: str
    name: str
    isa: str
    """The instruction set in use; "" at depth "metadata"."""
    parameters: int
    weight_bytes: int
    """Of all tensors as stored."""
    token_bytes: int
    """Read to compute one token; 0 at depth "metadata"."""
    context_length: int
    """As trained; 0: not stated."""
    width: int
    layers: int
    vocabulary: int
    """Logits in one row."""
    metadata_count: int
    tensor_count: int


@dataclass(frozen=True)
class TokenizerInfo:
    """What a tokenizer is."""

    size: int
    """Ids are 0 to size - 1."""
    model: str
    bos: int | None
    eos: int | None
    unknown: int | None
    padding: int | None
    adds_bos: bool
    adds_eos: bool


@dataclass(frozen=True)
class Plan:
    """Bytes that a session and its model take, exactly."""

    metadata: int
    weights: int
    state: int
    """Key/value cache and token lists."""
    scratch: int
    """Activations, logits, sampler arrays."""
    total: int
    """The sum of the four above."""
    borrowed: int
    """The part of `weights` used where it lies; total - borrowed is allocated."""


@dataclass(frozen=True)
class SessionInfo:
    """What a session is, and what it has done since it was opened. Times in nanoseconds."""

    context: int
    """Tokens of one sequence."""
    sequences: int
    alive: int
    """Sequences that exist now."""
    pages: int
    """Of 64 tokens."""
    pages_used: int
    """By sequences, each counted once."""
    pages_cached: int
    """Remembered prefixes of nobody; free for use."""
    page_bytes: int
    passes: int
    """Over the weights."""
    tokens_computed: int
    tokens_reused: int
    """Found instead of computed."""
    tokens_drawn: int
    tokens_dropped: int
    """By the context policy "drop"."""
    prefill_ns: int
    """Of prompts."""
    decode_ns: int
    """Of sequences that waited for one token."""
    sample_ns: int
    weight_bytes_read: int
    """Each weight once a pass."""
    kv_bytes_read: int
    """By attention."""


class Isa(NamedTuple):
    """An instruction set compiled into the library. Every one gives the same bits."""

    name: str
    usable: bool
    """Whether this processor can run it."""


class SessionOptions(TypedDict, total=False):
    """Keyword arguments of `Model.session`, `plan` and `explain`; each may be left out."""

    context: int
    """Tokens that one sequence can hold; 0: as trained, at most 4096."""
    sequences: int
    """How many at once; 1."""
    chunk: int
    """Most tokens computed in one pass over the weights; 256."""
    logits_rows: int
    """Most rows of logits in one pass; 0: one for each sequence."""
    kv_type: KvType
    """Type of the key/value cache; "auto": f32 for a model of F32 weights, else f16."""
    value_type: KvType
    """Type of the values, kv_type is then of the keys; "auto": one type for both."""
    threads: int
    """0: one for each physical core, as far as affinity and a container's quota allow."""
    reuse: bool
    """Find what is computed again by its tokens; the results are the same bits; True."""
    kv_tokens: int
    """Tokens whose keys and values are kept; 0: a full context for every sequence."""
    trace_events: int
    """Entries that each thread keeps for `Session.write_trace`; 0: no trace."""


class SamplerOptions(TypedDict, total=False):
    """Keyword arguments that choose how tokens are drawn; each may be left out.

    docs/samplers.md has the stages, their order and formulas.
    """

    temperature: float
    """0: always the most likely token; 0.8."""
    top_k: int
    """0: off; 40."""
    top_p: float
    """(0, 1], 1: off; 0.95."""
    min_p: float
    """[0, 1], 0: off; 0.05."""
    repeat_penalty: float
    """Above 0, 1: off; 1."""
    frequency_penalty: float
    """Subtracted for each occurrence; 0."""
    presence_penalty: float
    """Subtracted once from a token that occurred; 0."""
    penalty_window: int
    """How many of the latest tokens the penalties look at; 64."""
    seed: int
    """The same seed gives the same text; 0."""
    stream: int
    """Sets sequences of one seed apart; 0."""
    bias: Mapping[int, float]
    """Token to what is added to its logit; -math.inf forbids it."""
    typical_p: float
    """(0, 1], 1: off; 1."""
    top_n_sigma: float
    """0: off; 0."""
    xtc_probability: float
    """[0, 1], 0: off; 0."""
    xtc_threshold: float
    """[0, 1], over 0.5: off; 0.1."""
    dry_multiplier: float
    """0: off; 0."""
    dry_base: float
    """At least 1; 1.75."""
    dry_allowed_length: int
    """At least 1; 2."""
    dry_window: int
    """At most 8192; 1024."""
    dry_breakers: Iterable[str]
    """Texts that a repetition does not reach across; newline, colon, quotation mark, asterisk."""
    dynatemp_range: float
    """0: off; 0."""
    dynatemp_exponent: float
    """1."""
    mirostat: int
    """0: off; 1 or 2: that version; 0."""
    mirostat_tau: float
    """Surprise that is aimed at, in bits; 5."""
    mirostat_eta: float
    """0.1."""
    adaptive_target: float
    """[0, 1], under 0: off; -1."""
    adaptive_decay: float
    """[0, 0.99]; 0.9."""
    infill: bool
    """For filling a gap in a text; False."""
    stages: Iterable[str]
    """The order of the stages by their names in docs/samplers.md; those left out do not run."""
    host_stages: Iterable[Callable[["Candidates"], object]]
    """Functions of the stage "custom": they may change the logits of `Candidates`. At most 8."""
    logprobs: int
    """How many of the best are listed with each token, at most 64; 0: none; 0."""
    logprobs_of: Literal["model", "candidates"]
    """Of the model's own distribution, or of what was drawn from; "model"."""


class TextOptions(TypedDict, total=False):
    """Keyword arguments that say what a text may be: one of them, or neither.

    Whatever is drawn then follows it, and a text that `max_tokens` or the context ends is whole too
    where there was room for the shortest one. docs/constrained-output.md has the languages.
    """

    grammar: Union[str, "Grammar"]
    """GBNF, or what `Model.grammar` compiled."""
    json_schema: Union[Mapping[str, Any], bool, str]
    """A JSON schema, as a dict or as JSON."""


class StopOptions(TypedDict, total=False):
    """Keyword arguments that say what ends a text, beside the model's own end."""

    stop: Iterable[str]
    """Texts that end it, wherever tokens begin and end; nothing of them is told."""


class DrawOptions(SamplerOptions, TextOptions, total=False):
    """Keyword arguments of `Session.generate`: of a sampler, and what the text may be."""


class GenerateOptions(SessionOptions, DrawOptions, StopOptions, total=False):
    """Keyword arguments of `Model.generate`: those of a session and of `Session.generate`, `stop`."""
