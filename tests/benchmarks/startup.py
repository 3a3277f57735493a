"""How long from the start of the process to the answer to `initialize`, beside a bare pygls server.

    python tests/benchmarks/startup.py [ROUNDS]

Both are started in turn, as an editor starts them, with the parameters that VS Code sends; what the machine does
besides hits both alike. Prints the medians of wall-clock and processor time, and the ratios: codekin is to stay within
1.3 times.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

BARE = [sys.executable, "-c", "from pygls.lsp.server import LanguageServer; LanguageServer('bare', '0').start_io()"]
CODEKIN = [str(Path(sys.executable).with_name("codekin")), "serve"]
CLIENT = Path(__file__).parents[1] / "e2e/clients/code_server_1.139.1.json"


def request() -> bytes:
    """Return an `initialize` request with its header, in bytes, as VS Code sends it."""
    params = json.loads(CLIENT.read_text("utf-8")) | {"processId": os.getpid()}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def start(command: list[str]) -> tuple[float, float]:
    """Start a server, initialize and kill it; return wall-clock and processor seconds to the answer's last byte."""
    began = time.perf_counter()
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    server.stdin.write(request())
    server.stdin.flush()
    length = 0
    while (line := server.stdout.readline()) != b"\r\n":
        if line.startswith(b"Content-Length: "):
            length = int(line.split()[1])
    server.stdout.read(length)
    wall = time.perf_counter() - began
    server.kill()
    _, _, used = os.wait4(server.pid, 0)
    server.returncode = 0
    return wall, used.ru_utime + used.ru_stime


def main() -> None:
    """Measure a bare server and codekin in turn, and print both."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    for command in (BARE, CODEKIN):  # their files are in the system's cache, and compiled, from then on
        start(command)
    bare, codekin = [], []
    for _ in range(rounds):
        bare.append(start(BARE))
        codekin.append(start(CODEKIN))
    print(f"start of the process → answer to initialize; {rounds} rounds in turn; codekin {version('codekin')},")
    print(f"pygls {version('pygls')}, Python {platform.python_version()}, {os.cpu_count()} processors, load", end=" ")
    print(" ".join(f"{load:.1f}" for load in os.getloadavg()))
    for name, i in (("wall clock", 0), ("processor", 1)):
        medians = [statistics.median(run[i] for run in runs) for runs in (bare, codekin)]
        ratio = statistics.median(
            codekin_times[i] / bare_times[i] for codekin_times, bare_times in zip(codekin, bare, strict=True)
        )
        print(f"  {name:10}  bare {medians[0]:.3f} s  codekin {medians[1]:.3f} s  ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
