"""The channel: every message survives it, strangers are kept out, and no window can hold a child up."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from veridical.domain.errors import ProcessError
from veridical.domain.view import View
from veridical.ipc.channel import Attachment, ConnectionFile, Server, decode, encode
from veridical.ipc.messages import (
    Abort,
    Decide,
    Linger,
    Mark,
    Message,
    Note,
    Observe,
    Pause,
    PresenterState,
    RecordedStream,
    RecorderState,
    Resume,
    SimulatorState,
    Start,
    Stop,
    TrialProgress,
)

_STREAM = RecordedStream("EEG", "EEG", "s1", "u1", 32, 500.0, 499.9, 1000, "caution", "no data for 3 s")


def _wait_for(condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
    end = time.monotonic() + timeout_s
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < end, "nothing happened in time"
        pause.wait(0.005)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    child = Server(tmp_path / "presenter.json")
    yield child
    child.close()


@pytest.mark.parametrize(
    "message",
    [
        Start(),
        Pause(),
        Resume(),
        Abort("the cap slipped: µV"),
        Note("lacht"),
        Observe("laughs"),
        Mark("door opens"),
        Linger(is_on=False),
        Decide("enough"),
        Stop(),
        PresenterState(
            "running",
            "block 2",
            3,
            72,
            View("rating", scale_id="valence", selected=6, corner=True),
            (TrialProgress(1, 0, "positive", ("answered", "timed_out"), True),),
            ((1, 6.0, None),),
            61.5,
        ),
        RecorderState("recording", (_STREAM,), 12.5, 1 << 20, 3.5, "The disk is full", True, "done"),
        SimulatorState("streaming"),
    ],
)
def test_every_message_survives_the_channel(message: Message) -> None:
    assert decode(encode(message)) == message


def test_another_version_is_refused_in_words() -> None:
    data = json.loads(encode(Start()))
    data["version"] = 99
    with pytest.raises(ProcessError, match="version 99"):
        decode(json.dumps(data).encode())
    with pytest.raises(ProcessError, match="no message"):
        decode(b"hello")


def test_commands_arrive_in_order_and_a_late_window_gets_the_newest_state(server: Server, tmp_path: Path) -> None:
    server.publish(SimulatorState("starting"))
    server.publish(SimulatorState("streaming"))
    window = Attachment(tmp_path / "presenter.json")
    _wait_for(lambda: window.state == SimulatorState("streaming"))
    for k in range(20):
        window.send(Note(str(k)))
    taken = [server.wait(2.0) for _ in range(20)]
    assert taken == [Note(str(k)) for k in range(20)]
    assert server.poll() == []
    window.close()


def test_the_connection_file_is_private_and_goes_with_the_child(tmp_path: Path) -> None:
    server = Server(tmp_path / "r.json")
    if os.name == "posix":
        assert (tmp_path / "r.json").stat().st_mode & 0o777 == 0o600
    assert ConnectionFile.read(tmp_path / "r.json").pid == os.getpid()
    server.close()
    assert not (tmp_path / "r.json").exists()
    with pytest.raises(ProcessError):
        Attachment(tmp_path / "r.json")


def test_a_wrong_token_is_kept_out_and_the_child_goes_on(server: Server, tmp_path: Path) -> None:
    where = ConnectionFile.read(tmp_path / "presenter.json")
    ConnectionFile(where.host, where.port, "0" * 64, where.pid).write(tmp_path / "forged.json")
    with pytest.raises(ProcessError):
        Attachment(tmp_path / "forged.json")
    window = Attachment(tmp_path / "presenter.json")
    window.send(Start())
    assert server.wait(2.0) == Start()
    window.close()


def test_a_caller_who_says_nothing_keeps_nobody_out(server: Server, tmp_path: Path) -> None:
    where = ConnectionFile.read(tmp_path / "presenter.json")
    with socket.create_connection((where.host, where.port)):
        window = Attachment(tmp_path / "presenter.json")
        window.send(Start())
        assert server.wait(2.0) == Start()
        window.close()


def test_a_port_taken_over_by_a_silent_stranger_does_not_hang_the_window(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        ConnectionFile("127.0.0.1", stranger.getsockname()[1], "0" * 64, 1).write(tmp_path / "old.json")
        with pytest.raises(ProcessError, match="does not answer"):
            Attachment(tmp_path / "old.json")


_FROZEN_WINDOW = """
import sys, os
from pathlib import Path
from veridical.ipc.channel import _call, ConnectionFile
where = ConnectionFile.read(Path(sys.argv[1]))
connection = _call(where, "presenter.json")
print("in", flush=True)
sys.stdin.read()
"""


def test_a_frozen_window_does_not_hold_the_child_up(server: Server, tmp_path: Path) -> None:
    state = RecorderState("recording", (_STREAM,) * 500)
    with subprocess.Popen(
        [sys.executable, "-c", _FROZEN_WINDOW, str(tmp_path / "presenter.json")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as frozen:
        assert frozen.stdout is not None
        assert frozen.stdout.readline().strip() == b"in"
        begun = time.monotonic()
        for _ in range(100):
            server.publish(state)  # 8 MB in all: far more than a socket buffer holds
        assert time.monotonic() - begun < 2.0
        window = Attachment(tmp_path / "presenter.json")
        _wait_for(lambda: window.state == state)
        window.close()
        frozen.communicate()


def test_the_last_state_reaches_the_window_before_the_child_hangs_up(tmp_path: Path) -> None:
    server = Server(tmp_path / "r.json")
    window = Attachment(tmp_path / "r.json")
    server.publish(RecorderState("ended", is_verified=True))
    server.close()
    _wait_for(lambda: not window.is_alive)
    assert window.state == RecorderState("ended", is_verified=True)
    with pytest.raises(ProcessError):
        window.send(Stop())
    window.close()


def test_no_thread_outlives_the_channel(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    server = Server(tmp_path / "r.json")
    windows = [Attachment(tmp_path / "r.json") for _ in range(3)]
    server.publish(SimulatorState("streaming"))
    for window in windows:
        window.close()
    server.close()
    _wait_for(lambda: not any(t.name.startswith("channel") for t in set(threading.enumerate()) - before))
