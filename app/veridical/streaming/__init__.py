"""Lab Streaming Layer: the only importer of pylsl.

Chunks arrive as LSL has them, ``(n_samples, n_channels)``, and leave here as ``(n_channels, n_times)``.
"""
