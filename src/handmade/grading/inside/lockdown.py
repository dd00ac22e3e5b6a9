"""What a process gives up before somebody else's code runs in it.

Each layer stands alone, so that a machine that lacks one keeps the others; `lock` returns what is in force. System calls go
through ctypes: the two kernel interfaces need some ninety lines, where pyseccomp (0.1.2) needs libseccomp installed on the system,
which pip cannot bring, and the bindings of Landlock on PyPI are pre-releases; either would be a dependency with
access to everything it is to protect.

Landlock: linux/landlock.h; seccomp: linux/seccomp.h, linux/filter.h; numbers of system calls: asm/unistd_64.h and asm-generic/unistd.h.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import resource
import struct
import sys
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

NOBODY = 65534
LAYERS = (
    "limits",
    "user",
    "files",
    "system calls",
    "network",
)  # by the names under which `lock` reports them

# Of the environment, what a worker may know. The zygote gets no more either: what a process was started with stays in its memory,
# whatever it later deletes, and the secret seed of the hidden cases is among what the grader's own environment holds.
VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")

_LINUX = sys.platform == "linux"
_MACHINE = platform.machine()
_libc = ctypes.CDLL(None, use_errno=True) if _LINUX else None

_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_SET_NO_NEW_PRIVS = 1, 8, 38
_CAP_DAC_READ_SEARCH = 2
_SYS_CAPSET = {"x86_64": 126, "aarch64": 91}
_SYS_LANDLOCK = {"create_ruleset": 444, "add_rule": 445, "restrict_self": 446}  # the same on all machines
_SYS_SECCOMP = {"x86_64": 317, "aarch64": 277}
_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


@dataclass(frozen=True)
class Plan:
    """What a worker may have. `readable` and `writable` are folders and files, `seconds` and the sizes are limits."""

    readable: tuple[str, ...]
    writable: tuple[str, ...]
    seconds: int
    memory: int
    file_size: int


def trees_without(roots: Iterable[str], hidden: Collection[str]) -> list[str]:
    """Return the paths that together hold all that is in the roots, but for what is hidden."""
    secrets = [os.path.realpath(h) for h in hidden]

    def split(path: str) -> Iterator[str]:
        real = os.path.realpath(path)
        if any(real == h or real.startswith(h + os.sep) for h in secrets):
            return
        if any(h.startswith(real.rstrip(os.sep) + os.sep) for h in secrets):
            with contextlib.suppress(OSError):
                for name in sorted(os.listdir(real)):
                    yield from split(os.path.join(real, name))
        elif os.path.exists(real):
            yield real

    return sorted({path for root in roots for path in split(root)})


def python_trees(hidden: Collection[str]) -> list[str]:
    """Return what Python and the installed packages need to be read, but for what is hidden."""
    roots = [p for p in sys.path if os.path.isdir(p)]
    roots += [os.path.join(prefix, "lib") for prefix in {sys.prefix, sys.base_prefix}]
    roots += [
        "/lib",
        "/lib64",
        "/usr/lib",
        "/usr/lib64",
        "/usr/share/zoneinfo",
        "/etc/ld.so.cache",
        "/etc/localtime",
    ]
    roots += ["/dev/null", "/dev/zero", "/dev/urandom", "/dev/random", "/System/Library"]
    return trees_without(roots, hidden)


def ruleset(readable: Iterable[str], writable: Iterable[str]) -> int | None:
    """Return a descriptor of a Landlock ruleset that allows to read and to write these trees, or None where there is no Landlock.

    Made once, and used by every worker: opening the trees takes longer than to be restricted to them.
    """
    if not _LINUX:
        return None
    version = _syscall(_SYS_LANDLOCK["create_ruleset"], None, 0, 1)
    if version < 1:
        return None
    read = 1 << 2 | 1 << 3  # files, folders
    all_of_it = (1 << (13 if version == 1 else 14 if version == 2 else 15 if version < 5 else 16)) - 1
    network = 3 if version >= 4 else 0  # to bind and to connect TCP: nothing is allowed
    scoped = 3 if version >= 6 else 0  # abstract sockets and signals beyond the own domain
    handled = struct.pack("<QQQ", all_of_it, network, scoped)[
        : 8 if version < 4 else 16 if version < 6 else 24
    ]
    rules = _syscall(_SYS_LANDLOCK["create_ruleset"], handled, len(handled), 0)
    if rules < 0:
        return None
    for paths, access in ((readable, read), (writable, all_of_it & ~(1 << 0))):  # 1 << 0: to execute
        for path in paths:
            _allow(rules, path, access)
    return rules


def _allow(rules: int, path: str, access: int) -> None:
    if not os.path.isdir(path):
        access &= 1 << 1 | 1 << 2 | 1 << 14  # what there is to allow of a file: write, read, truncate
    with contextlib.suppress(OSError):
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            _syscall(_SYS_LANDLOCK["add_rule"], rules, 1, struct.pack("<Qi", access, place), 0)
        finally:
            os.close(place)


def lock(plan: Plan, rules: int | None) -> dict[str, str]:
    """Give up what the plan does not allow, for good. Returns what is in force, by layer: "" where nothing is.

    The calling process must have one thread, and only the descriptors that it may keep.
    """
    found = dict.fromkeys(LAYERS, "")
    if _LINUX:
        found["network"] = _no_network()
    found["user"] = _drop_user(can_hide=rules is not None, readable=plan.readable)
    found["limits"] = _limits(plan)
    if _LINUX:
        _prctl(_PR_SET_PDEATHSIG, 9)  # after the change of user, which clears it
        _prctl(_PR_SET_NO_NEW_PRIVS, 1)
        if rules is not None and _syscall(_SYS_LANDLOCK["restrict_self"], rules, 0) == 0:
            found["files"] = "Landlock"
        found["system calls"] = _filter_system_calls()
        if found["system calls"] and not found["network"]:
            found["network"] = "no sockets"
    return found


def _limits(plan: Plan) -> str:
    mine = _address_space()
    for name, most in (
        ("RLIMIT_CPU", plan.seconds + 5),
        ("RLIMIT_AS", mine + plan.memory if mine else 0),
        ("RLIMIT_FSIZE", plan.file_size),
        ("RLIMIT_NOFILE", 64),
        ("RLIMIT_CORE", 0),
        ("RLIMIT_MEMLOCK", 0),
    ):
        kind = getattr(resource, name, None)
        if kind is not None and (most or name in ("RLIMIT_CORE", "RLIMIT_MEMLOCK")):
            with contextlib.suppress(OSError, ValueError):
                _, hard = resource.getrlimit(kind)
                most = most if hard == resource.RLIM_INFINITY else min(most, hard)
                resource.setrlimit(kind, (most, most))
    return "limits of time, memory and file size" if mine else "limits of time and file size"


def _address_space() -> int:
    """Return how many bytes of addresses this process has; torch alone has more than a gigabyte. 0 where it cannot be told."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    return 0


def is_root() -> bool:
    """Return whether this process may do everything; never on Windows, which has no such user."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _drop_user(can_hide: bool, readable: Iterable[str]) -> str:
    """Become nobody, where this process may. Where nobody could read Python's own files, the right to read stays if `can_hide`.

    Python lies under /root in some containers. What may be read is then decided by Landlock alone.
    """
    if not is_root():
        return "already unprivileged" if hasattr(os, "geteuid") else ""
    reads = all(_readable_by_all(path) for path in readable)
    keep = _LINUX and _MACHINE in _SYS_CAPSET and can_hide and not reads
    if not reads and not keep:
        return ""  # the submission's imports would fail
    try:
        if keep:
            _prctl(_PR_SET_KEEPCAPS, 1)
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    except OSError:
        return ""
    if keep:
        capability = 1 << _CAP_DAC_READ_SEARCH
        header = struct.pack("<Ii", 0x20080522, 0)
        _syscall(_SYS_CAPSET[_MACHINE], header, struct.pack("<6I", capability, capability, 0, 0, 0, 0))
    return "nobody"


def _readable_by_all(path: str) -> bool:
    """Return whether all folders above a path let everybody through."""
    with contextlib.suppress(OSError):
        return all(os.stat(p).st_mode & 0o001 for p in Path(path).parents)
    return False


def _no_network() -> str:
    """Move into a network of one's own, which holds nothing, where this process may."""
    if hasattr(_libc, "unshare") and is_root():
        assert _libc is not None
        if _libc.unshare(0x40000000) == 0:  # CLONE_NEWNET
            return "a network of its own"
    return ""


# ---------------------------------------------------------------- seccomp

# Calls that fail with EPERM, by name: (x86_64, aarch64).
_DENIED = {
    "socket": (41, 198), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201), "accept": (43, 202), "accept4": (288, 242),
    "execve": (59, 221), "execveat": (322, 281), "fork": (57, None), "vfork": (58, None), "ptrace": (101, 117),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272), "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438), "pidfd_send_signal": (424, 424), "tkill": (200, 130), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "unshare": (272, 97), "setns": (308, 268), "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "kexec_load": (246, 104), "reboot": (169, 142), "swapon": (167, 224), "swapoff": (168, 225),
    "syslog": (103, 116), "acct": (163, 89), "quotactl": (179, 60), "settimeofday": (164, 170), "clock_settime": (227, 112),
    "adjtimex": (159, 171), "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "shmget": (29, 194), "shmat": (30, 196), "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "setpriority": (141, 140), "sched_setaffinity": (203, 122),
    "setrlimit": (160, 164), "personality": (135, 92), "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53),
    "chown": (92, None), "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54), "setxattr": (188, 5),
    "lsetxattr": (189, 6), "fsetxattr": (190, 7),
}  # fmt: skip
_UNKNOWN = 452  # fchmodat2, and what came after it: none of these calls exists, and libc does without
# clone is allowed with CLONE_THREAD alone; clone3, whose flags lie in memory, says that it does not exist, and libc uses clone.
# kill and tgkill are allowed to the process itself, prlimit64 without new limits.
_CLONE, _CLONE3 = {"x86_64": 56, "aarch64": 220}, 435
_KILL, _TGKILL = {"x86_64": 62, "aarch64": 129}, {"x86_64": 234, "aarch64": 131}
_PRLIMIT = {"x86_64": 302, "aarch64": 261}
_CLONE_THREAD = 0x10000

_LOAD, _JUMP_EQUAL, _JUMP_FROM, _JUMP_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _EPERM, _ENOSYS, _KILL_PROCESS = 0x7FFF0000, 0x00050000 | 1, 0x00050000 | 38, 0x80000000


def _filter_system_calls() -> str:
    if _MACHINE not in _AUDIT_ARCH or _libc is None:
        return ""
    program = b"".join(_program(os.getpid()))
    held = ctypes.create_string_buffer(program)
    fprog = struct.pack(
        "HxxxxxxP" if struct.calcsize("P") == 8 else "HxxP", len(program) // 8, ctypes.addressof(held)
    )
    tsync = 1  # all threads
    return "seccomp" if _syscall(_SYS_SECCOMP[_MACHINE], 1, tsync, fprog) == 0 else ""


def _program(me: int) -> Iterator[bytes]:
    """Yield the filter's instructions: (code, jump if true, jump if false, value), each jump counted from the next one."""

    def step(code: int, yes: int, no: int, value: int) -> bytes:
        return struct.pack("<HBBI", code, yes, no, value)

    def argument(n: int) -> int:
        return 16 + 8 * n  # its lower half

    yield step(_LOAD, 0, 0, 4)
    yield step(_JUMP_EQUAL, 1, 0, _AUDIT_ARCH[_MACHINE])
    yield step(_RETURN, 0, 0, _KILL_PROCESS)  # another machine's calls have other numbers
    yield step(_LOAD, 0, 0, 0)
    if _MACHINE == "x86_64":
        yield step(_JUMP_FROM, 0, 1, 0x40000000)  # x32's calls: from here on
        yield step(_RETURN, 0, 0, _EPERM)
    yield step(_JUMP_FROM, 0, 1, _UNKNOWN)
    yield step(_RETURN, 0, 0, _ENOSYS)
    column = ("x86_64", "aarch64").index(_MACHINE)
    for number in sorted(n for numbers in _DENIED.values() if (n := numbers[column]) is not None):
        yield step(_JUMP_EQUAL, 0, 1, number)
        yield step(_RETURN, 0, 0, _EPERM)
    yield step(_JUMP_EQUAL, 0, 1, _CLONE3)
    yield step(_RETURN, 0, 0, _ENOSYS)
    yield step(_JUMP_EQUAL, 0, 4, _CLONE[_MACHINE])
    yield step(_LOAD, 0, 0, argument(0))
    yield step(_JUMP_BITS, 0, 1, _CLONE_THREAD)
    yield step(_RETURN, 0, 0, _ALLOW)
    yield step(_RETURN, 0, 0, _EPERM)
    for number in (_KILL[_MACHINE], _TGKILL[_MACHINE]):
        yield step(_JUMP_EQUAL, 0, 4, number)
        yield step(_LOAD, 0, 0, argument(0))
        yield step(_JUMP_EQUAL, 0, 1, me)
        yield step(_RETURN, 0, 0, _ALLOW)
        yield step(_RETURN, 0, 0, _EPERM)
    yield step(_JUMP_EQUAL, 0, 4, _PRLIMIT[_MACHINE])
    yield step(_LOAD, 0, 0, argument(2))
    yield step(_JUMP_EQUAL, 0, 1, 0)
    yield step(_RETURN, 0, 0, _ALLOW)
    yield step(_RETURN, 0, 0, _EPERM)
    yield step(_RETURN, 0, 0, _ALLOW)


def _prctl(option: int, value: int) -> None:
    if _libc is not None:
        _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0)


def _syscall(number: int, *args: int | bytes | None) -> int:
    """Return what a system call returns, -1 where it fails."""
    if _libc is None:
        return -1
    passed = [ctypes.c_char_p(a) if isinstance(a, bytes) else ctypes.c_long(a or 0) for a in args]
    return int(_libc.syscall(ctypes.c_long(number), *passed))
