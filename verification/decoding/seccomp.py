"""A seccomp filter without a library: what a decoder may ask of the kernel, and nothing else.

Allow-list, default EPERM (an unforeseen call fails like any denied one; the job is refused and the
child lives). A child that decodes in several threads may start threads, by the one set of flags that the C
library starts them with, and no process. Written as classic BPF through `prctl`, as in the kernel's
seccomp_filter.rst. Only Linux on x86-64 is covered, because only there could it be tested; elsewhere
`confine` says False and the caller's rlimits stand alone.
"""

from __future__ import annotations

import ctypes
import platform
import struct
import sys

_ALLOWED = {
    "read": 0, "write": 1, "lseek": 8, "fstat": 5, "mmap": 9, "mprotect": 10, "munmap": 11, "brk": 12,
    "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15, "sched_yield": 24, "mremap": 25,
    "madvise": 28, "nanosleep": 35, "getpid": 39, "exit": 60, "getrusage": 98, "gettimeofday": 96,
    "sigaltstack": 131, "gettid": 186, "futex": 202, "restart_syscall": 219, "clock_gettime": 228,
    "clock_nanosleep": 230, "exit_group": 231, "getrandom": 318, "readv": 19, "writev": 20,
    "sched_getaffinity": 204,
}  # fmt: skip
_OF_THREADS = {"set_robust_list": 273, "rseq": 334}
_PRLIMIT64, _CLONE, _CLONE3 = 302, 56, 435
_THREAD = (
    0x3D0F00  # VM FS FILES SIGHAND THREAD SYSVSEM SETTLS PARENT_SETTID CHILD_CLEARTID: pthread_create(3)
)
_RLIMIT_CPU = 0
_AUDIT_ARCH_X86_64 = 0xC000003E
_LOAD, _JEQ, _JGE, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _EPERM, _ENOSYS, _KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000
_NUMBER, _ARCH, _ARG0_LOW, _ARG1_LOW = 0, 4, 16, 24  # offsets in struct seccomp_data
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _MODE_FILTER = 38, 22, 2


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def _instructions(threads: bool) -> list[tuple[int, int, int, int]]:
    """(code, jump if true, jump if false, operand) a line; jumps count from the next line."""
    calls = sorted([*_ALLOWED.values(), *(_OF_THREADS.values() if threads else ())])
    lines = [
        (_LOAD, 0, 0, _ARCH),
        (_JEQ, 1, 0, _AUDIT_ARCH_X86_64),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_JGE, 0, 1, 0x40000000),  # the x32 calling convention
        (_RETURN, 0, 0, _EPERM),
    ]
    lines += [line for call in calls for line in ((_JEQ, 0, 1, call), (_RETURN, 0, 0, _ALLOW))]
    if threads:
        lines += _only(_CLONE, (_ARG0_LOW, _THREAD))
        # Its flags lie behind a pointer; the C library takes clone where this is not there.
        lines += [(_JEQ, 0, 1, _CLONE3), (_RETURN, 0, 0, _ENOSYS)]
    # Of all limits only this process's own CPU seconds, which each job renews.
    lines += _only(_PRLIMIT64, (_ARG0_LOW, 0), (_ARG0_LOW + 4, 0), (_ARG1_LOW, _RLIMIT_CPU))
    return [*lines, (_RETURN, 0, 0, _EPERM)]


def _only(call: int, *wanted: tuple[int, int]) -> list[tuple[int, int, int, int]]:
    """A call that is allowed where words at offsets have these values, and denied with any other."""
    size = 2 * len(wanted) + 2
    lines = [(_JEQ, 0, size, call)]
    for k, (offset, value) in enumerate(wanted):
        lines += [(_LOAD, 0, 0, offset), (_JEQ, 0, size - 2 * k - 3, value)]
    return [*lines, (_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _EPERM)]


def confine(*, threads: bool = False) -> bool:
    """Locks this process in for good; with `threads` it may start threads.

    False where the filter cannot be had (it never half applies).
    """
    if sys.platform != "linux" or platform.machine() != "x86_64" or sys.maxsize < 2**32:
        return False
    code = b"".join(struct.pack("=HBBI", *line) for line in _instructions(threads))
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    address = ctypes.addressof(program)
    return bool(libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, address, 0, 0) == 0)
