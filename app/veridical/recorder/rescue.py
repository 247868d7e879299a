"""Saves what a file held that was removed while it was being written."""

import os
import threading
from pathlib import Path

from veridical.storage.xdf_writer import XdfWriter


class Rescue:
    """Copies what an open but removed file holds, in a thread of its own, to the first place that takes it."""

    def __init__(self, writer: XdfWriter, targets: tuple[Path, ...]) -> None:
        self.writer = writer
        self.saved: Path | None = None
        self.words = f"What {writer.path.name} held is being saved to {targets[0]}."
        self._targets = targets
        self._thread = threading.Thread(target=self._run, name="rescue", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait until all is copied (blocks)."""
        self._thread.join()

    def _run(self) -> None:
        self.writer.complete()
        reason = ""
        for target in self._targets:
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                with open(target, "xb") as file:
                    for piece in self.writer.contents():
                        file.write(piece)
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                reason = error.strerror or str(error)
                continue
            self.saved = target
            self.words = f"What {self.writer.path.name} held is saved in {target}: keep every file of the recording."
            return
        self.words = (
            f"What {self.writer.path} held could not be saved ({reason}): look for it in the trash before anything "
            "else is written to that disk."
        )
