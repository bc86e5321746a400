"""A network (and process) namespace for tests, so that they can have port 53 and many addresses, nothing
of the machine is touched, and no process outlives them."""
import os
import shutil
import subprocess
import sys

INSIDE = "SPILE_TESTS_NAMESPACE"
WHOLE = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
# Root; root in a chroot or a container; anybody, where the kernel lets users have namespaces.
WAYS_IN = [WHOLE, ["unshare", "--net"], [*WHOLE, "--map-root-user"]]


def enter():
    """Starts the program over in a namespace; returns why not, where that cannot be, "" inside."""
    if INSIDE in os.environ:
        return os.environ[INSIDE]
    for tool in ("unshare", "ip"):
        if not shutil.which(tool):
            os.environ[INSIDE] = f"{tool} is not installed"
            return os.environ[INSIDE]
    for command in WAYS_IN:
        done = subprocess.run([*command, "ip", "link", "set", "lo", "up"], capture_output=True, check=False)
        if done.returncode == 0:
            os.environ[INSIDE] = ""
            sys.stdout.flush()
            os.execvp(command[0], [*command, sys.executable, *sys.argv])
    os.environ[INSIDE] = "no network namespace (not root?): " + done.stderr.decode().strip()
    return os.environ[INSIDE]
