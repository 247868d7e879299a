"""A private corner of the network, so that simulated streams are never taken for a lab's."""

import secrets
from pathlib import Path


def private_scope(folder: Path) -> Path:
    """Write an LSL configuration that sees only this machine and a session id of its own.

    Put the path into ``LSLAPICFG`` of the environment before liblsl loads (it reads it once per process).
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "lsl_api.cfg"
    session = f"veridical-{secrets.token_hex(8)}"
    path.write_text(
        f"[multicast]\nResolveScope = machine\n[lab]\nSessionID = {session}\n[log]\nlevel = -2\n", encoding="utf-8"
    )
    return path
