"""The local, authenticated channel between a child and the windows that attach to it.

As with a Jupyter kernel, the child listens on loopback and writes a connection file (address, token,
pid; mode 0600). JSON bytes only, never pickle. Windows may come and go; each gets the newest state at once.
"""

import contextlib
import os
import queue
import secrets
import threading
from dataclasses import dataclass
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from veridical.domain.errors import ProcessError
from veridical.ipc import messages
from veridical.ipc.messages import PROTOCOL_VERSION, Command, Message, State

_TYPES: dict[str, type[Any]] = {
    t.__name__: t
    for t in (
        messages.Start, messages.Pause, messages.Resume, messages.Abort, messages.Note, messages.Stop,
        messages.PresenterState, messages.RecorderState, messages.SimulatorState,
    )
}  # fmt: skip

AnyState = TypeVar("AnyState", bound=State)


class _Envelope(msgspec.Struct):
    version: int
    type: str
    body: msgspec.Raw


def encode(message: Message) -> bytes:
    """Write a message as JSON bytes."""
    body = msgspec.Raw(msgspec.json.encode(message))
    return msgspec.json.encode(_Envelope(PROTOCOL_VERSION, type(message).__name__, body))


def decode(data: bytes) -> Message:
    """Read a message; ProcessError if it is of another version or no message at all."""
    try:
        envelope = msgspec.json.decode(data, type=_Envelope)
        if envelope.version != PROTOCOL_VERSION:
            raise ProcessError(
                f"A child speaks version {envelope.version} of the channel and this window {PROTOCOL_VERSION}; "
                "end the session with the version that started it."
            )
        message: Message = msgspec.json.decode(envelope.body, type=_TYPES[envelope.type])
    except (msgspec.MsgspecError, KeyError) as error:
        raise ProcessError(f"A child sent something that is no message: {error}") from error
    return message


@dataclass(frozen=True)
class ConnectionFile:
    """Where a child listens, and the token that lets a window in."""

    host: str
    port: int
    token: str
    pid: int

    def write(self, path: Path) -> None:
        """Write atomically with mode 0600."""
        temporary = path.with_suffix(".tmp")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(self))
        temporary.replace(path)

    @classmethod
    def read(cls, path: Path) -> "ConnectionFile":
        """Read; ProcessError if the file is missing or damaged."""
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except (OSError, msgspec.MsgspecError) as error:
            raise ProcessError(f"{path.name} cannot be read; the process it belongs to is not running.") from error


class Server:
    """The child's end: takes commands from any window, sends its state to all of them."""

    def __init__(self, connection_file: Path) -> None:
        token = secrets.token_hex(32)
        self._listener = Listener(("127.0.0.1", 0), family="AF_INET", authkey=token.encode())
        host, port = self._listener.address
        self._path = connection_file
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._clients: list[Connection] = []
        self._newest: bytes | None = None
        self._lock = threading.Lock()
        self._is_open = True
        ConnectionFile(str(host), int(port), token, os.getpid()).write(connection_file)
        threading.Thread(target=self._accept, name="channel-accept", daemon=True).start()

    def publish(self, state: State) -> None:
        """Send the state to every attached window; never blocks on one that is gone."""
        data = encode(state)
        with self._lock:
            self._newest = data
            for client in list(self._clients):
                self._send(client, data)

    def poll(self) -> list[Command]:
        """Take the commands that have arrived; does not block."""
        taken: list[Command] = []
        with contextlib.suppress(queue.Empty):
            while True:
                taken.append(self._commands.get_nowait())
        return taken

    def wait(self, timeout_s: float) -> Command | None:
        """Wait for the next command at most ``timeout_s`` seconds."""
        try:
            return self._commands.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def close(self) -> None:
        """Close the channel and remove the connection file."""
        self._is_open = False
        self._path.unlink(missing_ok=True)
        with self._lock:
            for client in self._clients:
                client.close()
            self._clients.clear()
        self._listener.close()

    def _send(self, client: Connection, data: bytes) -> None:
        try:
            client.send_bytes(data)
        except (OSError, ValueError):
            self._clients.remove(client)

    def _accept(self) -> None:
        while self._is_open:
            try:
                client = self._listener.accept()
            except Exception:  # a wrong token or a window that died while it knocked must not end the child
                if not self._is_open:
                    return
                continue
            with self._lock:
                self._clients.append(client)
                if self._newest is not None:
                    self._send(client, self._newest)
            threading.Thread(target=self._read, args=(client,), name="channel-read", daemon=True).start()

    def _read(self, client: Connection) -> None:
        with contextlib.suppress(EOFError, OSError, ProcessError):
            while True:
                message = decode(client.recv_bytes())
                if isinstance(message, Command):
                    self._commands.put(message)


class Attachment:
    """The window's end of one child's channel."""

    def __init__(self, connection_file: Path) -> None:
        where = ConnectionFile.read(connection_file)
        try:
            self._connection = Client((where.host, where.port), family="AF_INET", authkey=where.token.encode())
        except Exception as error:
            raise ProcessError(f"The process of {connection_file.name} does not answer; it has ended.") from error
        self.pid = where.pid
        self._newest: State | None = None
        self._changed = threading.Condition()
        self._is_alive = True
        threading.Thread(target=self._read, name="channel-window", daemon=True).start()

    @property
    def is_alive(self) -> bool:
        """Whether the child still holds the channel open."""
        return self._is_alive

    @property
    def state(self) -> State | None:
        """The newest state received; None before the first."""
        return self._newest

    def send(self, command: Command) -> None:
        """Send a command; ProcessError if the child is gone."""
        try:
            self._connection.send_bytes(encode(command))
        except OSError as error:
            raise ProcessError("The process has ended and takes no more commands.") from error

    def wait_change(self, timeout_s: float) -> None:
        """Wait until a state arrives or the child goes, at most ``timeout_s`` seconds."""
        with self._changed:
            self._changed.wait(timeout_s)

    def close(self) -> None:
        """Detach; the child goes on."""
        self._connection.close()

    def _read(self) -> None:
        with contextlib.suppress(EOFError, OSError, ProcessError):
            while True:
                message = decode(self._connection.recv_bytes())
                if isinstance(message, State):
                    with self._changed:
                        self._newest = message
                        self._changed.notify_all()
        with self._changed:
            self._is_alive = False
            self._changed.notify_all()
