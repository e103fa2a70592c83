"""What a child process does to itself before it reads a file that may be hostile.

Everything here happens inside the child, before a byte of the file is touched, and cannot be undone by it:

* resource limits (setrlimit): memory, processor time, open files, no new processes, no file may grow;
* a system call filter (seccomp, Linux on x86-64 and arm64): no sockets, no new programs or processes, no
  signals to others, no opening for writing, no tracing, no mounting;
* a rule set for files (Landlock, Linux 5.13 and later): only Python's own folders can be read;
* an audit hook in Python: the same refusals where the kernel offers neither of the two. A hook stops Python
  code, not machine code that took over the process.

Each needs no privilege. What a machine lacks is left out and not told as done: `confine` returns what holds.

Sources: setrlimit(2), seccomp(2), landlock(7), prctl(2), PEP 578; system call numbers of the Linux kernel's
tables for x86-64 (arch/x86/entry/syscalls/syscall_64.tbl) and arm64 (include/uapi/asm-generic/unistd.h).
"""

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Iterable

__all__ = ["confine"]

_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER_MODE = 38, 22, 2
_ARCHES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

# (x86-64, arm64); None where the architecture has no such call.
_REFUSED: tuple[tuple[int | None, int | None], ...] = (
    *((41, 198), (42, 203), (43, 202), (44, 206), (46, 211), (49, 200), (50, 201), (53, 199), (288, 242)),
    (307, 269),  # the network: socket, connect, accept, sendto, sendmsg, bind, listen, socketpair, accept4, sendmmsg
    *((56, 220), (57, None), (58, None), (59, 221), (322, 281), (435, 435)),  # clone, fork, vfork, execve(at), clone3
    *((62, 129), (200, 130), (234, 131), (129, 138), (297, 240)),  # kill, tkill, tgkill, sigqueueinfo
    *((424, 424), (434, 434), (438, 438), (440, 440)),  # pidfd_send_signal, open, getfd; process_madvise
    *((101, 117), (310, 270), (311, 271)),  # ptrace, process_vm_readv, process_vm_writev
    *((425, 425), (426, 426), (427, 427)),  # io_uring
    *((272, 97), (308, 268), (165, 40), (166, 39), (155, 41), (161, 51)),  # namespaces, mounts, roots
    *((428, 428), (429, 429), (430, 430), (431, 431), (432, 432), (442, 442)),  # mounts of newer kinds
    *((321, 280), (298, 241), (323, 282), (248, 217), (249, 218), (250, 219)),  # bpf, perf, userfaultfd, keys
    *((303, 264), (304, 265), (437, 437), (85, None)),  # handles, openat2, creat
    *((87, None), (263, 35), (82, None), (264, 38), (316, 276), (83, None), (258, 34), (84, None)),
    *((86, None), (265, 37), (88, None), (266, 36), (76, 45), (77, 46)),  # unlink, rename, mkdir, link, truncate
    *((90, None), (91, 52), (268, 53), (92, None), (93, 55), (94, None), (260, 54)),  # chmod, chown
    *((188, 5), (189, 6), (190, 7), (133, None), (259, 33), (280, 88)),  # extended attributes, devices, times
)  # fmt: skip
_OPEN = (2, None)
_OPENAT = (257, 56)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def confine(*, memory: int, cpu_s: int) -> tuple[str, ...]:
    """Give up what reading a file does not need; see above.

    Args:
        memory: bytes of address space.
        cpu_s: seconds of processor time, after which the kernel ends the process.

    Returns:
        what holds from now on, out of `limits`, `system calls`, `files` and `audit`.
    """
    held = []
    if _limits(memory, cpu_s):
        held.append("limits")
    if _landlock(_readable_folders()):
        held.append("files")
    if _seccomp():
        held.append("system calls")
    sys.addaudithook(_refuse)
    held.append("audit")
    return tuple(held)


def _limits(memory: int, cpu_s: int) -> bool:
    try:
        import resource
    except ImportError:  # Windows
        return False
    wanted = (
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 32),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_AS, memory),
    )
    try:
        for kind, limit in wanted:
            resource.setrlimit(kind, (limit, limit))
    except (OSError, ValueError):  # macOS refuses a limit on address space
        return False
    return True


# The kernel's own rules --------------------------------------------------------------------------


def _seccomp() -> bool:
    machine = platform.machine()
    if sys.platform != "linux" or machine not in _ARCHES:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    program = _program(_ARCHES[machine], 0 if machine == "x86_64" else 1)
    held = ctypes.create_string_buffer(program, len(program))

    class Fprog(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    fprog = Fprog(len(program) // 8, ctypes.addressof(held))
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return False
    return bool(libc.prctl(_SET_SECCOMP, _FILTER_MODE, ctypes.byref(fprog), 0, 0) == 0)


def _program(arch: int, column: int) -> bytes:
    """A filter in classic BPF: another architecture ends the process, a refused call gets EPERM."""
    load, equal, at_least, any_bit, answer = 0x20, 0x15, 0x35, 0x45, 0x06
    kill, refuse, allow = 0x80000000, 0x00050001, 0x7FFF0000

    def op(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
        return struct.pack("HBBI", code, yes, no, value)

    lines = [op(load, 4), op(equal, arch, 1, 0), op(answer, kill), op(load, 0)]
    if column == 0:  # the x32 calls of x86-64 are the same ones under other numbers
        lines += [op(at_least, 0x40000000, 0, 1), op(answer, refuse)]
    for pair in _REFUSED:
        if (number := pair[column]) is not None:
            lines += [op(equal, number, 0, 1), op(answer, refuse)]
    for pair, flags_at in ((_OPEN, 24), (_OPENAT, 32)):  # the low half of the argument that holds the flags
        if (number := pair[column]) is not None:
            lines += [
                op(equal, number, 0, 4),
                op(load, flags_at),
                op(any_bit, _WRITING, 0, 1),
                op(answer, refuse),
                op(answer, allow),
            ]
    return b"".join([*lines, op(answer, allow)])


def _readable_folders() -> list[str]:
    """Where Python finds modules and codecs that it loads late."""
    return sorted({os.path.realpath(p) for p in sys.path if p and os.path.isdir(p)})


def _landlock(readable: Iterable[str]) -> bool:
    if sys.platform != "linux":
        return False
    create, add, restrict = 444, 445, 446
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(create, None, ctypes.c_size_t(0), ctypes.c_uint(1))
    if version < 1:
        return False
    rights = (1 << 13) - 1  # every right of the first version; later ones add renaming and truncating
    rights |= (1 << 13 if version >= 2 else 0) | (1 << 14 if version >= 3 else 0)
    rules = libc.syscall(create, ctypes.byref(ctypes.c_uint64(rights)), ctypes.c_size_t(8), ctypes.c_uint(0))
    if rules < 0:
        return False
    for folder in readable:
        at = os.open(folder, os.O_PATH | os.O_CLOEXEC)
        beneath = ctypes.create_string_buffer(struct.pack("=Qi", (1 << 2) | (1 << 3), at))  # read, list
        libc.syscall(add, rules, ctypes.c_int(1), beneath, ctypes.c_uint(0))
        os.close(at)
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return False
    done = libc.syscall(restrict, rules, ctypes.c_uint(0)) == 0
    os.close(rules)
    return bool(done)


# Python's own rules ------------------------------------------------------------------------------

_REFUSED_EVENTS = (
    *("socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.kill"),
    *("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod"),
    *("os.chown", "os.putenv", "shutil.", "ctypes.", "tempfile.", "urllib.", "http.", "ftplib.", "smtplib."),
    *("webbrowser.", "pty.", "mmap."),
)


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if event.startswith(_REFUSED_EVENTS):
        raise PermissionError(f"a file that is being read asked for {event}")
    if event == "open":
        mode, flags = arguments[1], arguments[2]
        writes = isinstance(mode, str) and not set("wax+").isdisjoint(mode)
        if writes or (isinstance(flags, int) and flags & _WRITING):
            raise PermissionError("a file that is being read asked to write a file")
