"""Frames: the messages between convlint and its worker server, and the sealed record a job's process leaves.

Both sides use it, so nothing here knows torch, a job or a fact. A body is bytes; its length is bounded.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

MAX_BODY = 64 * 1024 * 1024
"""Bytes of the largest body: facts beyond it are refused."""

TOKEN_BYTES = 16

_HEADER = struct.Struct(">BIQ")  # kind, job number, length of the body
_LENGTH = struct.Struct(">Q")


class FrameKind(IntEnum):
    READY = 1  # server: everything is imported
    FAILED = 2  # server: it cannot start; the body says why
    JOB = 3  # convlint: run this job
    STARTED = 4  # server: the job's process runs; the body is its process id
    FACTS = 5  # server: the job is done; the body is FileFacts as JSON
    ENDED = 6  # server: the job's process ended without facts; the body is an Ending as JSON
    BEGIN = 7  # convlint: load torch, for there will be jobs


class Frame(NamedTuple):
    kind: FrameKind
    number: int = 0
    body: bytes = b""


class FrameError(ValueError):
    """Bytes that are no frame."""


def pack(frame: Frame) -> bytes:
    """The frame as bytes."""
    return _HEADER.pack(frame.kind, frame.number, len(frame.body)) + frame.body


class Unpacker:
    """Cuts a stream of bytes into frames."""

    def __init__(self, max_body: int = MAX_BODY) -> None:
        self._pending = bytearray()
        self._max_body = max_body

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Add what was read; yield every frame that is complete by now."""
        self._pending += data
        while len(self._pending) >= _HEADER.size:
            kind, number, length = _HEADER.unpack_from(self._pending)
            if kind not in FrameKind.__members__.values() or length > self._max_body:
                raise FrameError(f"kind {kind}, {length} bytes")
            end = _HEADER.size + length
            if len(self._pending) < end:
                return
            body = bytes(memoryview(self._pending)[_HEADER.size : end])
            del self._pending[:end]
            yield Frame(FrameKind(kind), number, body)


def seal(token: bytes, payload: bytes) -> bytes:
    """The completion record of a job: only the whole of it counts as success."""
    return token + _LENGTH.pack(len(payload)) + payload


def unseal(token: bytes, record: bytes | bytearray) -> bytes | None:
    """The payload, or None when the record is cut short, forged or followed by anything."""
    start = TOKEN_BYTES + _LENGTH.size
    if len(record) < start or record[:TOKEN_BYTES] != token:
        return None
    (length,) = _LENGTH.unpack_from(record, TOKEN_BYTES)
    return bytes(memoryview(record)[start:]) if len(record) == start + length else None
