"""The hour that viewers are measured on: seeded, the same signals as XDF at native rates and as FIF at one rate."""

import struct
from pathlib import Path

import numpy as np
from scipy import signal as scipy_signal

from veridical.domain.arrays import FloatArray
from veridical.domain.stream import StreamDescription
from veridical.domain.stream_header import header_xml
from veridical.storage import xdf_format as xdf

EEG_HZ, ECG_HZ, EDA_HZ, N_EEG = 1000, 500, 125, 64
# A picture every 9 s, as in a session.
PICTURE_EVERY_S = 9.0
_BLOCK_S = 60
_FIRST_STAMP_S = 1000.0


def make_hour(folder: Path, seconds: int = 3600) -> tuple[Path, Path]:
    """Write the recording twice unless it is there: ``hour.xdf`` (EEG, ECG, EDA, markers) and ``hour_raw.fif``.

    MNE holds one rate only, so the FIF file has ECG and EDA at 1 kHz.
    """
    folder.mkdir(parents=True, exist_ok=True)
    xdf_file, fif_file = folder / f"hour-{seconds}.xdf", folder / f"hour-{seconds}_raw.fif"
    if not (xdf_file.exists() and fif_file.exists()):
        rng = np.random.default_rng(0)
        n = seconds * EEG_HZ
        eeg = np.lib.format.open_memmap(folder / "eeg.npy", "w+", np.float32, (N_EEG, n))
        _fill_eeg(eeg, rng)
        ecg, eda = _ecg_uv(n, rng), _eda_us(n, rng)
        _write_xdf(xdf_file, eeg, ecg, eda)
        _write_fif(fif_file, eeg, ecg, eda)
        del eeg
        (folder / "eeg.npy").unlink()
    return xdf_file, fif_file


def picture_onsets_s(seconds: float) -> FloatArray:
    """When pictures appear, in seconds from the first sample."""
    return np.arange(min(20.0, seconds / 2), seconds - 5.0, PICTURE_EVERY_S)


def _fill_eeg(eeg: FloatArray, rng: np.random.Generator) -> None:
    """Background like pink noise, alpha that waxes and wanes, blinks, muscle bursts and drift; microvolts."""
    n = eeg.shape[1]
    blinks, bursts = np.zeros(n, np.float32), np.zeros(n, np.float32)
    bump = np.exp(-0.5 * (np.arange(-250, 251) / 70.0) ** 2).astype(np.float32)
    for at in (np.cumsum(rng.exponential(4, n // EEG_HZ)) * EEG_HZ).astype(int):
        if 250 < at < n - 251:
            blinks[at - 250 : at + 251] += bump * rng.uniform(80, 160)
    for at in (np.cumsum(rng.exponential(60, n // EEG_HZ)) * EEG_HZ).astype(int):
        if at < n:
            bursts[at : at + int(rng.uniform(0.5, 3) * EEG_HZ)] = rng.uniform(15, 40)
    for channel in range(N_EEG):
        state = np.zeros(1)
        for first in range(0, n, _BLOCK_S * EEG_HZ):
            part = slice(first, min(first + _BLOCK_S * EEG_HZ, n))
            t = np.arange(part.start, part.stop) / EEG_HZ
            white = rng.standard_normal((2, len(t)))
            slow, state = scipy_signal.lfilter([1.0], [1.0, -0.97], white[0], zi=state)
            alpha = 6 * (1 + np.sin(2 * np.pi * 0.07 * t)) * np.sin(2 * np.pi * (9.5 + 0.01 * channel) * t + channel)
            values = 2.2 * slow + 1.5 * white[1] + (0.3 if channel < 32 else 1.0) * alpha
            values += blinks[part] * max(0.0, 1 - channel / 20)
            values += bursts[part] * white[1] * (1.0 if channel % 3 == 0 else 0.3)
            values += 20 * np.sin(2 * np.pi * 0.003 * t + channel)
            eeg[channel, part] = values


def _ecg_uv(n: int, rng: np.random.Generator) -> FloatArray:
    ecg = 15 * rng.standard_normal(n)
    spike = 1000 * np.exp(-0.5 * (np.arange(-30, 31) / 8.0) ** 2)
    for at in (np.cumsum(rng.normal(0.85, 0.05, int(n / EEG_HZ / 0.8))) * EEG_HZ).astype(int):
        if 31 < at < n - 31:
            ecg[at - 30 : at + 31] += spike
    return ecg.astype(np.float32)


def _eda_us(n: int, rng: np.random.Generator) -> FloatArray:
    t = np.arange(n) / EEG_HZ
    eda = 5 + np.sin(2 * np.pi * t / 900)
    tail = np.arange(0, 15, 1 / EEG_HZ)
    response = np.exp(-tail / 2.5) - np.exp(-tail / 0.7)
    for onset_s in picture_onsets_s(n / EEG_HZ):
        at = int((onset_s + rng.uniform(1, 3)) * EEG_HZ)
        if at + len(response) < n and rng.random() < 0.6:
            eda[at : at + len(response)] += rng.uniform(0.1, 0.8) * response
    return eda.astype(np.float32)


def eeg_labels() -> tuple[str, ...]:
    """The 64 names of BioSemi's cap."""
    import mne

    return tuple(mne.channels.make_standard_montage("biosemi64").ch_names)


def _write_xdf(path: Path, eeg: FloatArray, ecg: FloatArray, eda: FloatArray) -> None:
    """Chunks of a tenth of a second with every stamp written out, in turn, as our recorder writes them."""
    streams = (
        (1, "EEG", eeg, EEG_HZ, eeg_labels(), "microvolts"),
        (2, "ECG", ecg[None, :: EEG_HZ // ECG_HZ], ECG_HZ, ("ECG",), "microvolts"),
        (3, "EDA", eda[None, :: EEG_HZ // EDA_HZ], EDA_HZ, ("EDA",), "microsiemens"),
    )
    seconds = eeg.shape[1] // EEG_HZ
    with path.open("wb") as file:
        file.write(xdf.MAGIC + xdf.encode_chunk(xdf.FILE_HEADER, b"<info><version>1.0</version></info>"))
        for number, name, values, hz, labels, unit in streams:
            description = StreamDescription(
                name, name, name, name, "h", len(values), float(hz), "float32", labels, (name,) * len(labels),
                (unit,) * len(labels),
            )  # fmt: skip
            header = struct.pack("<I", number) + header_xml(description).encode()
            file.write(xdf.encode_chunk(xdf.STREAM_HEADER, header))
        markers = StreamDescription("veridical-markers", "Markers", "m", "m", "h", 1, 0.0, "string")
        file.write(xdf.encode_chunk(xdf.STREAM_HEADER, struct.pack("<I", 4) + header_xml(markers).encode()))
        for second in range(seconds):
            for number, _, values, hz, _, _ in streams:
                block = np.ascontiguousarray(values[:, second * hz : (second + 1) * hz].T, dtype="<f4")
                rows = np.zeros(hz, dtype=[("n", "u1"), ("stamp", "<f8"), ("values", "<f4", (block.shape[1],))])
                rows["n"], rows["values"] = 8, block
                rows["stamp"] = _FIRST_STAMP_S + second + np.arange(hz) / hz
                for part in np.array_split(rows, 10):
                    body = struct.pack("<IBI", number, 4, len(part)) + part.tobytes()
                    file.write(xdf.encode_chunk(xdf.SAMPLES, body))
        for k, onset_s in enumerate(picture_onsets_s(seconds)):
            text = f"picture/neutral id=demo{k % 40 + 1:02d} trial={k + 1} block=1".encode()
            body = struct.pack("<IBBBd", 4, 1, 1, 8, _FIRST_STAMP_S + onset_s) + bytes([1, len(text)]) + text
            file.write(xdf.encode_chunk(xdf.SAMPLES, body))
        for number, _, values, hz, _, _ in streams:
            footer = (
                f"<?xml version='1.0'?><info><first_timestamp>{_FIRST_STAMP_S}</first_timestamp>"
                f"<last_timestamp>{_FIRST_STAMP_S + seconds - 1 / hz}</last_timestamp>"
                f"<sample_count>{values.shape[1]}</sample_count><clock_offsets></clock_offsets></info>"
            )
            file.write(xdf.encode_chunk(xdf.STREAM_FOOTER, struct.pack("<I", number) + footer.encode()))


def _write_fif(path: Path, eeg: FloatArray, ecg: FloatArray, eda: FloatArray) -> None:
    import mne

    labels = eeg_labels()
    info = mne.create_info([*labels, "ECG", "EDA"], EEG_HZ, ["eeg"] * N_EEG + ["ecg", "misc"])
    samples = np.empty((N_EEG + 2, eeg.shape[1]), np.float32)
    np.multiply(eeg, np.float32(1e-6), out=samples[:N_EEG])
    samples[N_EEG], samples[N_EEG + 1] = ecg * np.float32(1e-6), eda
    raw = mne.io.RawArray(samples, info, verbose="error")
    onsets_s = picture_onsets_s(eeg.shape[1] / EEG_HZ)
    raw.set_annotations(mne.Annotations(onsets_s, np.zeros(len(onsets_s)), ["picture"] * len(onsets_s)))
    raw.save(path, overwrite=True, verbose="error")
