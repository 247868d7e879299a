"""Child processes: started in a group of their own, attached to over their channel, watched until they end."""

import contextlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import psutil

from veridical.domain.errors import ProcessError, StorageError
from veridical.ipc.channel import Attachment, ConnectionFile
from veridical.ipc.messages import Command, State


def spawn(module: str, folder: Path, log: Path, *more: str) -> "subprocess.Popen[bytes]":
    """Start ``python -m module folder more...``; its output goes to ``log``.

    The child is in a process group of its own, so that Ctrl-C in the terminal ends it only when we ask it to.

    Raises
    ------
    StorageError, ProcessError
        If the log cannot be written or the program cannot be started.
    """
    try:
        with log.open("ab") as output:
            # -P: what lies in the working folder must never be imported.
            return subprocess.Popen(
                [sys.executable, "-P", "-m", module, str(folder), *more],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=folder,
                start_new_session=os.name == "posix",
                creationflags=_window_flags(),
            )
    except OSError as error:
        if not os.access(log.parent, os.W_OK):
            raise StorageError(f"{log} cannot be written ({error.strerror}); choose another folder.") from error
        raise ProcessError(f"{module} cannot be started ({error.strerror or error}); reinstall Veridical.") from error


def _window_flags() -> int:
    """On Windows: no console window flashes up, and Ctrl-C stays with the parent."""
    if sys.platform == "win32":
        return subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    return 0


class Child:
    """One child process, whether this window started it or found it.

    Parameters
    ----------
    name : str
        ``presenter``, ``recorder``, ``simulator``.
    connection_file, log : Path
        Where it writes how to reach it, and its output.
    process : Popen or None
        None for a child that another window started.
    """

    def __init__(
        self, name: str, connection_file: Path, log: Path, process: "subprocess.Popen[bytes] | None" = None
    ) -> None:
        self.name = name
        self._connection_file = connection_file
        self._log = log
        self._process = process
        self._attachment: Attachment | None = None
        self._pending: list[Command] = []
        self._lock = threading.Lock()
        self._has_ended = threading.Event()
        self.exit_status: int | None = None
        if process is not None:
            # Waits for the child even after the window let go of it: no zombie, no unfinished Popen.
            threading.Thread(target=self._wait, args=(process,), name=f"{name}-waiter", daemon=True).start()

    @property
    def is_own(self) -> bool:
        """Whether this window started it."""
        return self._process is not None

    @property
    def state(self) -> State | None:
        """Newest state; None before the first. It stays after the child has gone."""
        return None if self._attachment is None else self._attachment.state

    def is_alive(self) -> bool:
        """Whether the process still runs."""
        if self._process is not None:
            return not self._has_ended.is_set()
        return self._attachment is not None and self._attachment.is_alive and psutil.pid_exists(self._attachment.pid)

    def attach(self) -> bool:
        """Attach if that has not been done yet and the child listens by now; True once attached."""
        with self._lock:
            if self._attachment is not None:
                return True
            if not self._connection_file.exists():
                return False
            with contextlib.suppress(ProcessError):
                where = ConnectionFile.read(self._connection_file)
                if self._process is not None and where.pid != self._process.pid and not psutil.pid_exists(where.pid):
                    return False
                self._attachment = Attachment(self._connection_file)
                for command in self._pending:
                    self._attachment.send(command)
                self._pending.clear()
            return self._attachment is not None

    def send(self, command: Command) -> None:
        """Send a command, as soon as the child listens; nothing happens if it has gone."""
        with self._lock:
            if self._attachment is None:
                self._pending.append(command)
                return
        with contextlib.suppress(ProcessError):
            self._attachment.send(command)

    def wait(self, timeout_s: float) -> bool:
        """Wait until the process has ended, at most ``timeout_s`` seconds; True if it has."""
        if self._process is not None:
            return self._has_ended.wait(timeout_s)
        if self._attachment is not None and psutil.pid_exists(self._attachment.pid):
            with contextlib.suppress(psutil.Error):
                psutil.Process(self._attachment.pid).wait(timeout_s)
        return not self.is_alive()

    def kill(self) -> None:
        """End the process at once; only for one that did not follow a command."""
        if self._process is not None and not self._has_ended.is_set():
            self._process.kill()
            self._has_ended.wait(5.0)

    def last_words(self) -> str:
        """Last line of its output, for messages; empty if there is none."""
        try:
            lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1].strip()[:300] if lines else ""

    def words_of_end(self) -> str:
        """How it ended: by which signal or, if it said something, its last words; empty if neither is known."""
        if self.exit_status is not None and self.exit_status < 0:
            return f" (killed by signal {-self.exit_status})"
        words = self.last_words()
        return f" ({words})" if words else ""

    def detach(self) -> None:
        """Close the channel; the child goes on."""
        with self._lock:
            if self._attachment is not None:
                self._attachment.close()

    def _wait(self, process: "subprocess.Popen[bytes]") -> None:
        self.exit_status = process.wait()
        self._has_ended.set()
