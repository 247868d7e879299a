"""A private corner of the network, so that simulated streams are never taken for a lab's."""

import secrets
from pathlib import Path

# Below the ephemeral ports of Linux (from 32768), macOS and Windows (from 49152).
_FIRST_PORT, _LAST_PORT = 20000, 32000
_N_PORTS = 64


def private_scope(folder: Path) -> Path:
    """Write an LSL configuration that sees only this machine, on ports and with a session id of its own.

    Put the path into ``LSLAPICFG`` of the environment before liblsl loads (it reads it once per process).

    A session id alone is not enough. Within one machine a query goes to a port that all LSL processes share and
    reaches only some of them: beside other LSL programs 2 of 4 streams were never found [measured]. With ports of
    their own and this machine as a known peer, all 4 were found in 0.5 s, every time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "lsl_api.cfg"
    port = _FIRST_PORT + secrets.randbelow((_LAST_PORT - _FIRST_PORT) // (_N_PORTS + 1)) * (_N_PORTS + 1)
    path.write_text(
        f"[ports]\nMulticastPort = {port}\nBasePort = {port + 1}\nPortRange = {_N_PORTS}\n"
        "[multicast]\nResolveScope = machine\n"
        f"[lab]\nKnownPeers = {{127.0.0.1}}\nSessionID = veridical-{secrets.token_hex(8)}\n"
        "[log]\nlevel = -2\n",
        encoding="utf-8",
    )
    return path
