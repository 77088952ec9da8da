"""Send calls to the workers of an executor; results come back in order, each one checked."""

from __future__ import annotations

import copy
import hashlib
import pickle
import traceback
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np

from stochnet._version import __version__
from stochnet.errors import InvalidInputError, StochnetError, WorkerError
from stochnet.kernels.threads import limited
from stochnet.workers.pool import Workers, workers_of

TRIES = 3
TASK_BYTES = 1 << 23
TASKS_PER_WORKER = 4


@dataclass(frozen=True, slots=True)
class Call:
    """What a worker is sent.

    Attributes
    ----------
    function : callable
        Of a module that the workers can import.
    arguments : tuple
        All that it needs, and no more.
    what : str
        What it works on, for messages: "nodes 0 to 63".
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    what: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a worker sends back: a value and its digest, or the error that it ended with."""

    value: Any = None
    digest: str = ""
    error: Exception | None = None


@dataclass(slots=True)
class _Sent:
    """A call on its way."""

    call: Call
    future: Future[Answer]
    failures: int = 0


def nodes_per_task(n_nodes: int, node_bytes: int, executor: Executor) -> int:
    """Return how many nodes a task has: a few tasks for each worker, of 8 MiB at the most."""
    fair = -(-n_nodes // (TASKS_PER_WORKER * workers_of(executor)))
    return max(1, min(fair, TASK_BYTES // max(1, node_bytes)))


def block_results(
    function: Callable[..., Any],
    arguments: Callable[[int, int], tuple[Any, ...]],
    blocks: Sequence[tuple[int, int]],
    executor: Executor,
    threads: int = 1,
) -> Iterator[tuple[int, int, Any]]:
    """Yield (first, last, ``function(*arguments(first, last))``) of blocks of nodes, in order.

    The workers of an executor do them, as in `results`.
    """
    calls = (Call(function, arguments(a, b), f"nodes {a} to {b - 1}") for a, b in blocks)
    for (first, last), found in zip(blocks, results(calls, executor, threads), strict=True):
        yield first, last, found


def results(calls: Iterable[Call], executor: Executor, threads: int = 1) -> Iterator[Any]:
    """Yield the result of every call, in order.

    Two calls for each worker are under way at a time; a call is built when it is sent. A call whose
    worker dies, or whose result does not have the digest that the worker gave it, is sent again.

    Parameters
    ----------
    calls : iterable of Call
    executor : concurrent.futures.Executor
        A process pool that breaks is replaced by one of our own, with a warning.
    threads : int, default 1
        Threads that a worker may use for a call.

    Raises
    ------
    WorkerError
        A call failed three times for reasons that lie in the workers.
    Exception
        What a call itself raised, unchanged.
    """
    waiting = iter(calls)
    with ExitStack() as stack:
        pool = _Pool(executor, threads, stack)
        under_way: deque[_Sent] = deque()
        stack.callback(lambda: [sent.future.cancel() for sent in under_way])
        while True:
            while len(under_way) < 2 * pool.n_workers and (call := next(waiting, None)) is not None:
                under_way.append(_Sent(call, pool.send(call)))
            if not under_way:
                return
            yield _receive(under_way[0], pool)
            under_way.popleft()


class _Pool:
    """The executor in use: the one given, or its replacement once it is broken."""

    def __init__(self, executor: Executor, threads: int, stack: ExitStack) -> None:
        self.executor, self.threads, self._stack = executor, threads, stack
        self.n_workers = workers_of(executor)

    def send(self, call: Call) -> Future[Answer]:
        """Submit a call; that nothing can be submitted is the outcome of the call."""
        arguments = (__version__, self.threads, call.function, call.arguments)
        try:
            return self._submit(arguments)
        except Exception as error:  # noqa: BLE001 - any executor, so any error; it is handled below
            failed: Future[Answer] = Future()
            failed.set_exception(error)
            return failed

    def _submit(self, arguments: tuple[Any, ...]) -> Future[Answer]:
        try:
            return self.executor.submit(work, *arguments)
        except BrokenExecutor as error:
            if not isinstance(self.executor, ProcessPoolExecutor):
                raise
            warnings.warn(
                f"the process pool is broken ({error}); the work goes on in a new one of "
                f"{self.n_workers} processes",
                RuntimeWarning,
                stacklevel=2,
            )
            self.executor = self._stack.enter_context(Workers(self.n_workers))
            return self.executor.submit(work, *arguments)


def _receive(sent: _Sent, pool: _Pool) -> Any:
    """Wait for a result, and send the call again where it was lost."""
    while True:
        try:
            answer = sent.future.result()
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            # What a call raises is part of its answer, so this was raised while it was packed.
            raise InvalidInputError(
                f"this cannot be sent to workers ({_line(error)}); define the functions of a "
                "process in a module that the workers can import"
            ) from error
        except Exception as error:  # noqa: BLE001 - executors have errors of their own
            reason = f"was lost ({_line(error)}); the log or the memory of the workers says why"
            cause: Exception | None = error
        else:
            if answer.error is not None:
                raise answer.error
            if fingerprint(answer.value) == answer.digest:
                return answer.value
            reason = "came back damaged; check the memory and the network of the workers"
            cause = None
        sent.failures += 1
        if sent.failures >= TRIES:
            raise WorkerError(f"{sent.call.what}: each of {TRIES} tries {reason}") from cause
        sent.future = pool.send(sent.call)


def work(version: str, threads: int, function: Callable[..., Any], arguments: Any) -> Answer:
    """Do a call in a worker.

    What it raises is returned, so that an error that comes through the executor itself means that
    the worker or the way to it failed.
    """
    if version != __version__:
        return Answer(
            error=WorkerError(
                f"a worker has stochnet {__version__} and this is stochnet {version}: install the "
                "same version everywhere"
            )
        )
    try:
        with limited(threads):
            value = function(*arguments)
        return Answer(value, fingerprint(value))
    except StochnetError as error:
        return Answer(error=_portable(error))
    except Exception as error:  # noqa: BLE001 - it is raised where the call came from
        error.add_note(f"On the worker:\n{traceback.format_exc()}")
        return Answer(error=_portable(error))


def _portable(error: Exception) -> Exception:
    """Return an error that survives the way back."""
    error = error.with_traceback(None)
    error.__cause__ = error.__context__ = None
    try:
        pickle.dumps(error)
        copy.copy(error)
    except Exception:  # noqa: BLE001 - exceptions of other libraries fail in many ways
        return WorkerError(f"a worker failed: {_line(error)}")
    return error


def _line(error: BaseException) -> str:
    """Return the kind of an error and the first line of its message."""
    text = str(error).strip().partition("\n")[0].rstrip(".")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def fingerprint(value: Any) -> str:
    """Return the SHA-256 of a value made of arrays, numbers, text and records of these.

    Parameters
    ----------
    value : object
        Arrays, numbers, text, None, and sequences, mappings and dataclasses of them. An object
        with a method ``__fingerprint__()`` says by itself what stands for it.

    Raises
    ------
    InvalidInputError
        There is something else in it.
    """
    total = hashlib.sha256()
    for piece in _pieces(value):
        total.update(piece)
    return total.hexdigest()


def _pieces(value: Any) -> Iterator[bytes | memoryview]:
    """Yield what is hashed: a header, which says what and how much follows, then the content."""
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.ascontiguousarray(value)
        yield f"array {array.dtype.str} {np.shape(value)}\n".encode()
        yield array.reshape(-1).view(np.uint8).data
    elif value is None or isinstance(value, (bool, int, float, str)):
        yield f"{type(value).__name__} {value!r}\n".encode()
    elif hasattr(value, "__fingerprint__"):
        yield value.__fingerprint__().encode()
    elif isinstance(value, Mapping):
        yield f"mapping {len(value)}\n".encode()
        for key in sorted(value):
            yield from _pieces(key)
            yield from _pieces(value[key])
    elif isinstance(value, Sequence):
        yield f"sequence {len(value)}\n".encode()
        for one in value:
            yield from _pieces(one)
    elif is_dataclass(value):
        yield f"record {type(value).__name__}\n".encode()
        for one in fields(value):
            yield from _pieces(getattr(value, one.name))
    else:
        raise InvalidInputError(
            f"{type(value).__name__} has no fingerprint: return arrays, numbers, text and "
            "dataclasses of these"
        )
