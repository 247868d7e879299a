"""The local, authenticated channel between a child and the windows that attach to it.

As with a Jupyter kernel, the child listens on loopback and writes a connection file (address, token,
pid; mode 0600). JSON bytes only, never pickle. Windows may come and go; each gets the newest state at once.
"""

import contextlib
import os
import queue
import secrets
import socket
import threading
from dataclasses import dataclass
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener, answer_challenge, deliver_challenge
from pathlib import Path
from typing import Any, get_args

import msgspec

from veridical.domain.errors import ProcessError
from veridical.ipc.messages import PROTOCOL_VERSION, Command, Message, State

# Every one of the union, so that none can be forgotten here.
_TYPES: dict[str, type[Any]] = {t.__name__: t for t in get_args(Message)}

# No message is longer; a stranger's claim of gigabytes is not allocated.
_MAX_BYTES = 1 << 24
# A window gets this long to take the last state.
_GOODBYE_S = 0.5
_ANSWER_TIMEOUT_S = 2.0


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


class _Window:
    """One attached window: a thread hands it the newest state, so that a frozen window holds nobody up.

    States that a slow window did not take in time are passed over: each is whole.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._changed = threading.Condition()
        self._newest: bytes | None = None
        self._is_sending = False
        self.is_open = True
        self._sender = threading.Thread(target=self._send, name="channel-send", daemon=True)
        self._sender.start()

    def offer(self, data: bytes) -> None:
        with self._changed:
            self._newest = data
            self._changed.notify_all()

    def close(self, timeout_s: float) -> None:
        """Wait until the newest state is on its way, at most ``timeout_s``, then hang up."""
        with self._changed:
            self._changed.wait_for(
                lambda: not self.is_open or (self._newest is None and not self._is_sending), timeout_s
            )
            self.is_open = False
            self._changed.notify_all()
        # Hangs up only: the reading thread, which this wakes, owns the descriptor and closes it.
        _hang_up(self._connection)
        self._sender.join(1.0)

    def _send(self) -> None:
        while True:
            with self._changed:
                self._is_sending = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._newest is not None or not self.is_open)
                data, self._newest = self._newest, None
                if data is None or not self.is_open:
                    return
                self._is_sending = True
            try:
                self._connection.send_bytes(data)
            except (OSError, ValueError):
                self.is_open = False


class Server:
    """The child's end: takes commands from any window, sends its state to all of them."""

    def __init__(self, connection_file: Path) -> None:
        self._token = secrets.token_hex(32)
        # Without an authkey here: the handshake runs in a thread per caller, so that one who calls and says
        # nothing keeps nobody else out.
        self._listener = Listener(("127.0.0.1", 0), family="AF_INET")
        self._address = (str(self._listener.address[0]), int(self._listener.address[1]))
        self._path = connection_file
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._windows: list[_Window] = []
        self._newest: bytes | None = None
        self._lock = threading.Lock()
        self._closing = threading.Event()
        ConnectionFile(*self._address, self._token, os.getpid()).write(connection_file)
        self._acceptor = threading.Thread(target=self._accept, name="channel-accept", daemon=True)
        self._acceptor.start()

    def publish(self, state: State) -> None:
        """Hand the state to every attached window; never blocks, whatever the windows do."""
        data = encode(state)
        with self._lock:
            self._newest = data
            self._windows = [w for w in self._windows if w.is_open]
            for window in self._windows:
                window.offer(data)

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

    def close(self, timeout_s: float = _GOODBYE_S) -> None:
        """Let the windows take the newest state (at most ``timeout_s``), hang up, remove the connection file."""
        self._closing.set()
        self._path.unlink(missing_ok=True)
        with self._lock:
            windows, self._windows = self._windows, []
        for window in windows:
            window.close(timeout_s)
        # Closing a socket does not wake a thread that waits in accept(); a call does.
        with contextlib.suppress(OSError):
            socket.create_connection(self._address, 1.0).close()
        self._acceptor.join(1.0)
        self._listener.close()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection = self._listener.accept()
            except OSError:  # a window that died while it knocked must not end the child
                self._closing.wait(0.05)
                continue
            if self._closing.is_set():
                connection.close()
                return
            threading.Thread(target=self._serve, args=(connection,), name="channel-read", daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        """Check the token, hand out the newest state, take commands until the window goes."""
        try:
            deliver_challenge(connection, self._token.encode())
            answer_challenge(connection, self._token.encode())
        except (AuthenticationError, EOFError, OSError):
            connection.close()
            return
        window = _Window(connection)
        with self._lock:
            self._windows.append(window)
            if self._newest is not None:
                window.offer(self._newest)
            came_too_late = self._closing.is_set()  # close() may have hung up on the others before this one stood here
        if came_too_late:
            window.close(_GOODBYE_S)
        with contextlib.suppress(EOFError, OSError):
            while True:
                data = connection.recv_bytes(_MAX_BYTES)
                with contextlib.suppress(ProcessError):  # a window of another version is not obeyed, nor fatal
                    message = decode(data)
                    if isinstance(message, Command):
                        self._commands.put(message)
        window.close(0.0)
        connection.close()


class Attachment:
    """The window's end of one child's channel.

    Parameters
    ----------
    connection_file : Path
        As the child wrote it.

    Raises
    ------
    ProcessError
        If the file is missing, nobody answers within 2 s, or the token is wrong.
    """

    def __init__(self, connection_file: Path) -> None:
        where = ConnectionFile.read(connection_file)
        self._connection = _call(where, connection_file.name)
        self.pid = where.pid
        self._newest: State | None = None
        self._changed = threading.Condition()
        self._sending = threading.Lock()
        self._is_alive = True
        self._reader = threading.Thread(target=self._read, name="channel-window", daemon=True)
        self._reader.start()

    @property
    def is_alive(self) -> bool:
        """Whether the child still holds the channel open."""
        return self._is_alive

    @property
    def state(self) -> State | None:
        """The newest state received; None before the first. It stays after the child has gone."""
        return self._newest

    def send(self, command: Command) -> None:
        """Send a command; ProcessError if the child is gone."""
        try:
            if not self._is_alive:
                raise BrokenPipeError
            with self._sending:
                self._connection.send_bytes(encode(command))
        except OSError as error:
            raise ProcessError("The process has ended and takes no more commands.") from error

    def wait_change(self, timeout_s: float) -> None:
        """Wait until a state arrives or the child goes, at most ``timeout_s`` seconds."""
        with self._changed:
            if self._is_alive:
                self._changed.wait(timeout_s)

    def close(self) -> None:
        """Detach; the child goes on."""
        _hang_up(self._connection)
        self._reader.join(1.0)
        with contextlib.suppress(OSError):
            self._connection.close()

    def _read(self) -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                data = self._connection.recv_bytes(_MAX_BYTES)
                with contextlib.suppress(ProcessError):
                    message = decode(data)
                    if isinstance(message, State):
                        with self._changed:
                            self._newest = message
                            self._changed.notify_all()
        with self._changed:
            self._is_alive = False
            self._changed.notify_all()


def _call(where: ConnectionFile, name: str) -> Connection:
    """Connect and prove the token, both ways; a port that someone else took over meanwhile does not hang us."""
    try:
        connection = Client((where.host, where.port), family="AF_INET")
    except OSError as error:
        raise ProcessError(f"The process of {name} does not answer; it has ended.") from error
    try:
        if not connection.poll(_ANSWER_TIMEOUT_S):
            raise EOFError
        answer_challenge(connection, where.token.encode())
        deliver_challenge(connection, where.token.encode())
    except (AuthenticationError, AssertionError, EOFError, OSError) as error:
        connection.close()
        raise ProcessError(f"The process of {name} does not answer; it has ended.") from error
    return connection


def _hang_up(connection: Connection) -> None:
    """Shut the socket down, which wakes a thread that waits in a read; closing the descriptor would not."""
    with contextlib.suppress(OSError, ValueError):
        line = socket.socket(fileno=connection.fileno())
        try:
            line.shutdown(socket.SHUT_RDWR)
        finally:
            line.detach()
