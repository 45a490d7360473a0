"""inlay: large language models inside your program.

    import inlay
    for piece in inlay.Model("model.gguf").generate("Once upon a time"):
        print(piece, end="", flush=True)

A `Model` is an open file, shared freely between threads. A `Session` runs it step by step. Nothing
here prints, and every failure is an `Error` that names its cause.
"""

from ._chat import Chat, Message, Prompt, Reply, ToolCall, reply_formats
from ._grammar import Grammar
from ._inlay import Logits, version as __version__
from ._model import Generation, Model, isas, quantize_types
from ._sampler import Candidates, Sampler, guide, top_logprobs
from ._session import Session
from ._tokenizer import TextStream, Tokenizer
from ._types import (Error, Event, Finish, GenerateOptions, Isa, LogProb, LogProbs, MetadataArray,
                     ModelInfo, Plan, SamplerOptions, SessionInfo, SessionOptions, Status, Tensor,
                     TokenizerInfo)

__all__ = [
    "Candidates", "Chat", "Error", "Event", "Finish", "GenerateOptions", "Generation", "Grammar",
    "Isa", "LogProb", "LogProbs", "Logits", "Message", "MetadataArray", "Model", "ModelInfo",
    "Plan", "Prompt", "Reply", "Sampler", "SamplerOptions", "Session", "SessionInfo",
    "SessionOptions", "Status", "Tensor", "TextStream", "Tokenizer", "TokenizerInfo", "ToolCall",
    "__version__", "guide", "isas", "quantize_types", "reply_formats", "top_logprobs",
]
