"""A throw-away machine: a copy of this one in which a command may break whatever it likes, and which then is gone.

It has its own files (an overlay: what is written goes to memory), processes, network (a loopback, nothing behind it) and
devices (the harmless ones). Linux, root and util-linux are needed. It holds off the files in attacks/, which want points;
somebody who wants to break out of it may well be able to.
"""

import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

MEMORY = 8 * 2**30  # of addresses, a process; torch alone asks for two
# An address of the world outside stands on the loopback: who sends there believes that it arrived.
NETWORK = """
import fcntl, socket, struct
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    fcntl.ioctl(s, 0x8914, struct.pack("16sH14x", b"lo", 0x41))
    fcntl.ioctl(s, 0x8916, struct.pack("16sHH4s8x", b"lo:1", socket.AF_INET, 0, socket.inet_aton("1.1.1.1")))
"""
# The shell is the first process in there: no signal of the others reaches it, and they all end with it.
SCRIPT = r"""
set -e
mount -t tmpfs -o size=4g tmpfs "$BOX"
machine="$BOX/machine"
mkdir "$machine"
number=0
for place in $PLACES; do
    number=$((number + 1))
    mkdir "$BOX/upper$number" "$BOX/work$number"
    mount -t overlay overlay -o "lowerdir=$place,upperdir=$BOX/upper$number,workdir=$BOX/work$number" "$machine$place"
done
mount -t proc proc "$machine/proc"
mount -t tmpfs tmpfs "$machine/sys"
mount -t tmpfs tmpfs "$machine/dev"
for node in null zero full random urandom; do
    : > "$machine/dev/$node"
    mount --bind "/dev/$node" "$machine/dev/$node"
done
mkdir "$machine/dev/shm"
mount -t tmpfs tmpfs "$machine/dev/shm"
ln -s /proc/self/fd "$machine/dev/fd"
"$PYTHON" -I -c "$NETWORK"
set +e
chroot "$machine" env --chdir="$PLACE" prlimit --as="$MEMORY" --core=0 setpriv \
    --bounding-set=-sys_admin,-sys_chroot,-sys_module,-sys_rawio,-sys_boot,-sys_time,-mknod \
    timeout --signal=KILL "$SECONDS" "$@" > "$OUT/log" 2>&1 < /dev/null
echo $? > "$OUT/code"
sleep "$LINGER"  # what was left behind works on
for file in $KEPT; do
    mkdir -p "$OUT/$(dirname "$file")"
    cp "$machine$PLACE/$file" "$OUT/$file" 2> /dev/null
done
exit 0
"""


def run(
    command: list[str], place: Path, out: Path, kept: list[str], seconds: int, linger: int = 2
) -> tuple[int, str]:
    """Run a command in a copy of the folder `place` and of all else, and return its exit code and what it says.

    The code is 137 where it was killed, from inside or after so many `seconds`. The files `kept`, relative to the
    folder, are copied to `out` where there are any; processes left behind work on for `linger` seconds before that.
    """
    needed = [place, Path(__file__).resolve().parents[2], Path(sys.prefix).resolve(), Path(sys.base_prefix)]
    device = os.stat("/").st_dev
    apart = dict.fromkeys(str(p) for p in needed if p.stat().st_dev != device)
    with tempfile.TemporaryDirectory(prefix="machine-") as box:
        done = subprocess.run(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--net", "--ipc", "--uts", "--propagation=private",
             "sh", "-c", SCRIPT, "sh", *command],
            env=os.environ
            | {
                "BOX": box,
                "PLACES": " ".join(["/", *apart]),
                "PLACE": str(place),
                "OUT": str(out),
                "KEPT": " ".join(kept),
                "MEMORY": str(MEMORY),
                "SECONDS": str(seconds),
                "LINGER": str(linger),
                "PYTHON": sys.executable,
                "NETWORK": NETWORK,
            },
            capture_output=True,
            text=True,
            timeout=seconds + 60,
        )  # fmt: skip
    if done.returncode:
        raise OSError(f"no throw-away machine: {done.stderr.strip()}")
    return int((out / "code").read_text()), (out / "log").read_text(errors="replace")


@cache
def why_not() -> str:
    """Return why there can be no such machine here, or ""."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "needs root on Linux"
    with tempfile.TemporaryDirectory() as folder:
        try:
            code, said = run(["true"], Path(folder), Path(folder), [], seconds=20, linger=0)
        except (OSError, subprocess.SubprocessError) as error:
            return str(error)
        return said if code else ""
