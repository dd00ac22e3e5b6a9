"""What tests need besides Python, and whether this machine has it."""

import glob
import shutil

from grading import machine

# By the marker of the tests: any one of these programs, and Debian's package.
NEEDED = {
    "browser": (("chromium", "chromium-browser", "google-chrome"), "chromium"),
    "postgres": (("postgres",), "postgresql"),
}


def program(name: str) -> str | None:
    """Return where a program is; Debian's PostgreSQL is on nobody's path."""
    return shutil.which(name) or next(iter(sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))), None)


def absent() -> dict[str, str]:
    """Return, by marker, what is missing."""
    missing = {
        marker: f"no {programs[0]} here; Debian: apt-get install {package}"
        for marker, (programs, package) in NEEDED.items()
        if not any(map(program, programs))
    }
    return missing | ({"throwaway": machine.why_not()} if machine.why_not() else {})
