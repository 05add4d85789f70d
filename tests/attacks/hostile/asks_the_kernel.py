"""Asks the kernel for what would lead out: traces, mounts, namespaces, devices, typed input."""

import ctypes
import fcntl
import os
import termios
from pathlib import Path

from attempts import attempt, call, system_call

NEW_USER, NEW_NAMESPACE, NEW_NETWORK = 0x10000000, 0x00020000, 0x40000000


def type_ahead() -> str:
    """Put words into the terminal of whoever started this."""
    for path in ("/dev/tty", "/dev/console", "/proc/self/fd/0", "/proc/self/fd/2"):
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        except OSError:
            continue
        for letter in "id\n":
            fcntl.ioctl(descriptor, termios.TIOCSTI, letter.encode())
        return path
    raise OSError("no terminal")


def own_terminal() -> None:
    """The same in a terminal of its own making."""
    _, inner = os.openpty()
    fcntl.ioctl(inner, termios.TIOCSCTTY, 0)
    fcntl.ioctl(inner, termios.TIOCSTI, b"x")


def peek(pid: int) -> None:
    """Read the memory of another process."""
    text = ctypes.create_string_buffer(8)

    class Vector(ctypes.Structure):
        _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))

    mine = Vector(ctypes.addressof(text), 8)
    address = 0x400000
    line = Path("/proc/self/maps").read_text().splitlines()[0]
    address = int(line.split("-")[0], 16)
    theirs = Vector(address, 8)
    call("process_vm_readv", pid, ctypes.byref(mine), 1, ctypes.byref(theirs), 1, 0)


def device() -> None:
    """The disk, made once more."""
    os.mknod("/tmp/disk", 0o60600, os.makedev(254, 0))


attempt("trace the first", lambda: call("ptrace", 16, 1, 0, 0))
attempt("seize the first", lambda: call("ptrace", 0x4206, 1, 0, 0))
attempt("memory of the first", lambda: peek(1))
attempt("a descriptor of the first", lambda: system_call("pidfd_getfd", os.pidfd_open(1), 10, 0))
attempt(
    "limits of the first",
    lambda: call("prlimit", 1, 7, ctypes.byref((ctypes.c_ulong * 2)(3, 3)), None),
)
attempt("priority of all", lambda: os.setpriority(os.PRIO_USER, 0, 19))
attempt("processors of the first", lambda: os.sched_setaffinity(1, {0}))
attempt("class of the first", lambda: os.sched_setscheduler(1, os.SCHED_IDLE, os.sched_param(0)))
attempt("priority of the first", lambda: os.setpriority(os.PRIO_PROCESS, 1, 19))
attempt("mount", lambda: call("mount", b"none", b"/tmp", b"tmpfs", 0, None))
attempt("remount", lambda: call("mount", None, b"/usr", None, 0x1000 | 0x20, None))
attempt("unmount", lambda: call("umount2", b"/usr", 2))
attempt("unmask", lambda: call("umount2", b"/proc/sys", 2))
attempt("chroot", lambda: os.chroot("/tmp"))
attempt("new user namespace", lambda: call("unshare", NEW_USER))
attempt("new mount namespace", lambda: call("unshare", NEW_NAMESPACE))
attempt("new network", lambda: call("unshare", NEW_NETWORK))
attempt("namespace of the first", lambda: os.open("/proc/1/ns/mnt", os.O_RDONLY))
attempt("be root", lambda: os.setuid(0))
attempt("be another", lambda: os.setgroups([0]))
attempt("device", device)
attempt("type ahead", type_ahead)
attempt("type into an own terminal", own_terminal)
attempt("host name", lambda: call("sethostname", b"forged", 6))
attempt("the clock", lambda: call("settimeofday", ctypes.byref((ctypes.c_long * 2)(0, 0)), None))
attempt("reboot", lambda: call("reboot", 0x89ABCDEF))
attempt("kernel module", lambda: system_call("finit_module", -1, b"", 0))
attempt("kernel program", lambda: system_call("bpf", 5, None, 0))
attempt("performance counters", lambda: system_call("perf_event_open", None, 0, -1, -1, 0))
attempt("keyring", lambda: system_call("keyctl", 0, -3, 0))
attempt("key", lambda: system_call("add_key", b"user", b"x", b"y", 1, -3))
attempt("memory outside of all files", lambda: system_call("memfd_create", b"x", 0))
attempt("shared memory of the system", lambda: system_call("shmget", 0, 4096, 0o1600))
attempt("rings", lambda: system_call("io_uring_setup", 4, ctypes.create_string_buffer(120)))
attempt("faults of its own", lambda: system_call("userfaultfd", 0))
attempt(
    "file by handle",
    lambda: system_call("open_by_handle_at", -100, ctypes.create_string_buffer(16), 0),
)
attempt("swap", lambda: call("swapoff", b"/dev/vda"))
attempt("the scheduler", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50)))
attempt("better priority", lambda: os.setpriority(os.PRIO_PROCESS, 0, -20))
