"""A video on the graphics card: every frame is there before its trial begins, so that no flip waits for a decoder."""

import ctypes
from collections.abc import Iterator
from typing import Any

import numpy as np

from veridical.storage.clip_decoding import ByteArray, VideoFrame

# Graphics memory that a clip may take; integrated graphics share the computer's memory. 30 s of 640 x 480 at 25 Hz are
# 691 MB.
LARGEST_BYTES = 768_000_000
_BYTES_PER_PIXEL = 3


def largest_frame(width_px: int, height_px: int, n_frames: int) -> tuple[int, int]:
    """Return the frame size in pixels, at most the given one, at which so many frames fit the card."""
    share = LARGEST_BYTES / max(1, n_frames * width_px * height_px * _BYTES_PER_PIXEL)
    factor = min(1.0, share**0.5)
    return max(2, int(width_px * factor)), max(2, int(height_px * factor))


class Film:
    """Frames of one video as textures.

    PsychoPy's image stimulus keeps floats, four times the memory, and takes 50 ms for a frame of 1280 x 720 where this
    takes 2 ms (measured under a software renderer); its movie stimulus decodes while it plays.

    Parameters
    ----------
    box : tuple of float
        Left, bottom, right, top in pixels from the window's middle.
    """

    def __init__(self, stimulus_id: str, box: tuple[float, float, float, float]) -> None:
        from pyglet import gl  # type: ignore[import-untyped]

        self.stimulus_id = stimulus_id
        self._gl = gl
        self._box = box
        self._textures: list[Any] = []
        self._at_s: list[float] = []
        self._last = 0

    def take(self, frames: Iterator[VideoFrame], window: Any) -> Iterator[None]:
        """Upload frames; yields after each, and raises what decoding raises."""
        for frame in frames:
            self._textures.append(self._upload(frame.pixels))
            self._at_s.append(frame.at_s)
            # Drawn once and wiped: only then is it on the card, and its first flip no later than the others (35 ms were
            # measured).
            self._draw_texture(window, self._textures[-1])
            window.clearBuffer()
            yield

    def frame_at(self, elapsed_s: float) -> int:
        """Number of the frame that is due so many seconds after the first one's flip; the last one stays."""
        return max(0, int(np.searchsorted(self._at_s, elapsed_s, side="right")) - 1)

    def draw(self, window: Any, elapsed_s: float) -> None:
        """Draw the frame that is due into PsychoPy's window."""
        self._last = self.frame_at(elapsed_s)
        self._draw_texture(window, self._textures[self._last])

    def _draw_texture(self, window: Any, texture: Any) -> None:
        gl = self._gl
        left, bottom, right, top = self._box
        gl.glPushMatrix()
        window.setScale("pix")
        gl.glUseProgram(0)
        gl.glActiveTexture(gl.GL_TEXTURE0)
        gl.glEnable(gl.GL_TEXTURE_2D)
        gl.glBindTexture(gl.GL_TEXTURE_2D, texture)
        gl.glColor4f(1.0, 1.0, 1.0, 1.0)
        gl.glBegin(gl.GL_QUADS)
        # The first row of a frame is its top.
        for x, y, s, t in ((left, bottom, 0, 1), (right, bottom, 1, 1), (right, top, 1, 0), (left, top, 0, 0)):
            gl.glTexCoord2f(s, t)
            gl.glVertex2f(x, y)
        gl.glEnd()
        gl.glBindTexture(gl.GL_TEXTURE_2D, 0)
        gl.glDisable(gl.GL_TEXTURE_2D)
        gl.glPopMatrix()

    def is_due(self, elapsed_s: float) -> bool:
        """Whether another frame than the one drawn last is due."""
        return self.frame_at(elapsed_s) != self._last

    def close(self) -> None:
        """Free the card."""
        for texture in self._textures:
            self._gl.glDeleteTextures(1, ctypes.byref(texture))
        self._textures.clear()

    def _upload(self, pixels: ByteArray) -> Any:
        gl = self._gl
        texture = gl.GLuint()
        gl.glGenTextures(1, ctypes.byref(texture))
        gl.glBindTexture(gl.GL_TEXTURE_2D, texture)
        for name, value in (
            (gl.GL_TEXTURE_MIN_FILTER, gl.GL_LINEAR),
            (gl.GL_TEXTURE_MAG_FILTER, gl.GL_LINEAR),
            (gl.GL_TEXTURE_WRAP_S, gl.GL_CLAMP_TO_EDGE),
            (gl.GL_TEXTURE_WRAP_T, gl.GL_CLAMP_TO_EDGE),
        ):
            gl.glTexParameteri(gl.GL_TEXTURE_2D, name, value)
        height, width, _ = pixels.shape
        rows = np.ascontiguousarray(pixels)
        gl.glPixelStorei(gl.GL_UNPACK_ALIGNMENT, 1)
        gl.glTexImage2D(
            gl.GL_TEXTURE_2D, 0, gl.GL_RGB8, width, height, 0, gl.GL_RGB, gl.GL_UNSIGNED_BYTE,
            rows.ctypes.data_as(ctypes.POINTER(gl.GLubyte)),
        )  # fmt: skip
        gl.glBindTexture(gl.GL_TEXTURE_2D, 0)
        return texture
