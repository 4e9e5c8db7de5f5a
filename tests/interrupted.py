"""A run of `tidegate` in a process of its own that is interrupted as by Ctrl-C."""

import os
import signal
import subprocess
import sys

# A test run in the background inherits an ignored SIGINT; a terminal's programs do not.
START = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
{before}
from tidegate import cli
sys.exit(cli.main(sys.argv[1:]))
"""


def interrupted_run(arguments, folder, *, until, stream, before=""):
    """Interrupt `tidegate *arguments` once `until` stands in its "stdout" or "stderr".

    Returns exit status and the text of both, which must hold no traceback.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", START.format(before=before), *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    shown = b""
    try:
        while until.encode() not in shown:
            part = os.read(getattr(process, stream).fileno(), 4096)
            assert part, shown
            shown += part
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert b"Traceback" not in err
    texts = {"stdout": out, "stderr": err}
    texts[stream] = shown + texts[stream]
    return process.returncode, texts["stdout"].decode(), texts["stderr"].decode()
