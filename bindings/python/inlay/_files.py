"""Where bytes come from and where they go: paths, buffers, Python files."""

from __future__ import annotations

import io
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Callable, Iterator, TypeVar, Union

if TYPE_CHECKING:
    from typing import Protocol

    from typing_extensions import Buffer

    class Reader(Protocol):
        """A file opened for reading bytes, or anything that reads like one."""

        def seek(self, offset: int, whence: int = 0, /) -> Any: ...
        def tell(self) -> int: ...
        def read(self, size: int, /) -> bytes: ...

    class Writer(Protocol):
        """A file opened for writing bytes, or anything that writes like one."""

        def write(self, data: bytes, /) -> Any: ...

    Source = Union[str, os.PathLike[str], Buffer, Reader]
    Target = Union[str, os.PathLike[str], Writer, Callable[[bytes], object]]

T = TypeVar("T")


def open_source(source: Source, by_path: Callable[..., T], by_memory: Callable[..., T],
                by_reader: Callable[..., T], *arguments: Any) -> T:
    """Gives a source, and the arguments behind it, to the function for its kind."""
    if isinstance(source, (str, os.PathLike)):
        return by_path(os.fsencode(source), *arguments)
    try:
        memoryview(source)  # type: ignore[arg-type]
    except TypeError:
        pass
    else:
        return by_memory(source, *arguments)
    file: Any = source
    if not all(hasattr(file, name) for name in ("seek", "tell", "read")):
        raise TypeError("source: expected a path, a buffer or a binary file, not "
                        + type(source).__name__)
    file.seek(0, os.SEEK_END)
    return by_reader(file, file.tell(), str(getattr(file, "name", "")), *arguments)


def writer_of(target: Target) -> Callable[[bytes], object]:
    """The function that takes the bytes for a target that is no path."""
    if hasattr(target, "write"):
        return lambda data: _write_all(target, data)
    if not callable(target):
        raise TypeError("target: expected a path, a binary file or a function, not "
                        + type(target).__name__)
    return target


@contextmanager
def appending(path: str | os.PathLike[str]) -> Iterator[Callable[[bytes], object]]:
    """A function that writes behind the end of a file; on an exception the file is as before."""
    with open(path, "r+b", buffering=0) as file:
        end = file.seek(0, os.SEEK_END)
        try:
            yield lambda data: _write_all(file, data)
        except BaseException:
            file.truncate(end)
            raise


def _write_all(file: Any, data: bytes) -> None:
    """Writes until all is taken: a file without a buffer may take a part and say how much."""
    while data:
        count = file.write(data)
        if count is None and isinstance(file, io.RawIOBase):
            count = 0  # it would have to wait
        if not isinstance(count, int) or isinstance(count, bool):
            return  # it takes all, or raises
        if count <= 0:
            raise OSError("write: the file takes no more bytes")
        data = data[count:]
