# SPDX-License-Identifier: BSD-2-Clause
"""netmap ports and network devices, for cases that are scripts."""

import contextlib
import ctypes
import errno
import fcntl
import mmap
import os
import select
import socket
import struct
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

NIOCCTRL, NIOCTXSYNC, NIOCRXSYNC = 0xC0586997, 0x6994, 0x6995
NIOCREGIF = 0xC03C6992
OLD_POLLING_ON, OLD_POLLING_OFF = 10, 11
REGISTER, INFO, ATTACH, DETACH = 1, 2, 3, 4
NEWIF, DELIF, POLLING_ON, POLLING_OFF = 8, 9, 10, 11
ALL_NIC, SW, NIC_SW, ONE_NIC, ONE_SW = 1, 2, 3, 4, 8
NR_EXCLUSIVE = 0x800
NI_PRIV_MEM = 1
NR_MONITOR_TX, NR_MONITOR_RX, NR_ZCOPY_MON = 0x100, 0x200, 0x400
NS_FORWARD, NS_MOREFRAG, NR_FORWARD = 0x4, 0x20, 0x4
CLONE_NEWNET = 0x40000000
MODULE = "/sys/module/ptnetmap"
libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def meanwhile(work, *args):
    """work(ended, *args) in a thread, until the block ends; what it raises is raised
    after the block."""
    ended = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(work, ended, *args)
        try:
            yield
        finally:
            ended.set()
    result.result()


def request(fd, kind, name, body=None, option=None):
    """NIOCCTRL; the body as it came back."""
    body = ctypes.create_string_buffer(body, len(body)) if body else None
    option = ctypes.create_string_buffer(option, len(option)) if option else None
    header = struct.pack(
        "HHI64sQQ", 14, kind, 0, name.encode(),
        ctypes.addressof(option) if option else 0,
        ctypes.addressof(body) if body else 0,
    )
    fcntl.ioctl(fd, NIOCCTRL, bytearray(header))
    return body.raw if body else b""


def ask(kind, name, body=None):
    """One request by a descriptor of its own."""
    fd = os.open("/dev/netmap", os.O_RDWR)
    try:
        return request(fd, kind, name, body)
    finally:
        os.close(fd)


def ask_the_old_way(command, name, ring=0, arg1=0, flags=0):
    """NIOCREGIF"""
    fd = os.open("/dev/netmap", os.O_RDWR)
    try:
        fcntl.ioctl(fd, NIOCREGIF, bytearray(struct.pack(
            "16s5I6H3I", name.encode(), 14, 0, 0, 0, 0, 0, 0, ring, command, arg1, 0,
            0, flags, 0)))
    finally:
        os.close(fd)


def register_body(mode=ALL_NIC, ring=0, flags=0, host_rings=0, mem_id=0):
    return struct.pack("QQIIHHHHHHIIIQ", 0, 0, 0, 0, 0, 0, host_rings,
                       host_rings, mem_id, ring, mode, 0, 0, flags)


def offsets(greatest, initial, bits=16, align=0, gap=0):
    """NETMAP_REQ_OPT_OFFSETS"""
    return struct.pack("QIIQQQIIQ", 0, 5, 0, 0, greatest, initial, bits, align, gap)


def attach(name, host=False):
    ask(ATTACH, name, register_body(NIC_SW if host else ALL_NIC) + bytes(8))


def detach(name):
    ask(DETACH, name, bytes(8))


def refused(code, function, *arguments, **options):
    """It fails, and with this errno."""
    try:
        function(*arguments, **options)
    except OSError as error:
        assert error.errno == code, error
        return
    raise AssertionError(f"{function.__name__}{arguments} is not refused")


class Ring:
    def __init__(self, port, offset, is_rx):
        self.port, self.at, self.is_rx = port, offset, is_rx
        self.buf_ofs, self.slots, self.buf_size = port.unpack("qII", offset)
        self.mask = port.unpack("Q", offset + 56)[0]

    def field(self, offset):
        return self.port.unpack("I", self.at + offset)[0]

    def put(self, offset, value):
        self.port.pack("I", self.at + offset, value)

    head = property(lambda self: self.field(20))
    tail = property(lambda self: self.field(28))
    flags = property(lambda self: self.field(32), lambda self, v: self.put(32, v))

    @property
    def space(self):
        return (self.tail - self.head) % self.slots

    def move(self, head):
        self.put(24, head % self.slots)
        self.put(20, head % self.slots)

    def slot(self, i):
        return self.at + 256 + 16 * (i % self.slots)

    def buffer(self, index):
        return self.at + self.buf_ofs + index * self.buf_size

    def frames(self, flags=0):
        """Take what is there; every slot gets these flags."""
        found = []
        head = self.head
        while head != self.tail:
            index, length, _, ptr = self.port.unpack("IHHQ", self.slot(head))
            at = self.buffer(index) + (ptr & self.mask)
            found.append(self.port.memory[at:at + length])
            self.port.pack("H", self.slot(head) + 6, flags)
            head = (head + 1) % self.slots
        self.move(head)
        return found

    def add(self, frame):
        head = self.head
        index, _, ptr = self.port.unpack("IIQ", self.slot(head))
        at = self.buffer(index) + (ptr & self.mask)
        self.port.memory[at:at + len(frame)] = frame
        self.port.pack("HH", self.slot(head) + 4, len(frame), 0)
        self.move(head + 1)


class Port:
    """A port that this program has open."""

    def __init__(self, name, mode=ALL_NIC, option=None, **wishes):
        self.fd = os.open("/dev/netmap", os.O_RDWR)
        try:
            self.bind(name, register_body(mode, **wishes), option)
        except BaseException:
            os.close(self.fd)
            raise

    def bind(self, name, body, option):
        reply = request(self.fd, REGISTER, name, body, option)
        (self.offset, size, self.tx_slots, self.rx_slots, tx, rx, host_tx,
         host_rx, self.mem_id) = struct.unpack_from("QQIIHHHHH", reply)
        self.memory = mmap.mmap(self.fd, size)
        self.host_rings = host_tx
        rings = tx + host_tx + rx + host_rx
        places = self.unpack(f"{rings}q", self.offset + 56)
        found = [Ring(self, self.offset + at, i >= tx + host_tx) if at else None
                 for i, at in enumerate(places)]
        self.tx, self.host_tx = found[:tx], found[tx:tx + host_tx]
        found = found[tx + host_tx:]
        self.rx, self.host_rx = found[:rx], found[rx:]

    def unpack(self, form, at):
        return struct.unpack_from(form, self.memory, at)

    def pack(self, form, at, *values):
        struct.pack_into(form, self.memory, at, *values)

    def sync_tx(self):
        fcntl.ioctl(self.fd, NIOCTXSYNC)

    def sync_rx(self):
        fcntl.ioctl(self.fd, NIOCRXSYNC)

    def wait(self, events, timeout):
        poll = select.poll()
        poll.register(self.fd, events)
        return dict(poll.poll(timeout * 1000)).get(self.fd, 0)

    def send(self, frames, ring=None, timeout=10):
        """All of them are handed over and done with, or it is an error."""
        ring = ring or self.tx[0]
        frames = list(frames)
        deadline = time.monotonic() + timeout
        while frames or ring.space < ring.slots - 1:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(frames)} not sent, room for {ring.space}")
            for frame in frames[:ring.space]:
                ring.add(frame)
                frames.pop(0)
            self.sync_tx()
            if frames or ring.space < ring.slots - 1:
                self.wait(select.POLLOUT, 0.01)

    def receive(self, n, ring=None, timeout=10, wanted=lambda frame: True, flags=0):
        """At least @n of these frames; slots are left with these flags."""
        found = []
        deadline = time.monotonic() + timeout
        while len(found) < n:
            left = deadline - time.monotonic()
            if left < 0:
                raise TimeoutError(f"{len(found)} of {n} frames came")
            self.wait(select.POLLIN, left)
            for r in [ring] if ring else filter(None, self.rx):
                found += filter(wanted, r.frames(flags))
        return found

    def close(self):
        self.memory.close()
        os.close(self.fd)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


# Network devices


def run(*words, check=True):
    return subprocess.run(list(map(str, words)), check=check, text=True,
                          capture_output=not check).returncode


def ip(*words):
    run("ip", *words)


@contextlib.contextmanager
def inside(namespace):
    """The calling thread is in that namespace meanwhile."""
    if not namespace:
        yield
        return
    with open("/proc/self/ns/net") as old, open(f"/run/netns/{namespace}") as new:
        if libc.setns(new.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        try:
            yield
        finally:
            libc.setns(old.fileno(), CLONE_NEWNET)


@contextlib.contextmanager
def namespace(name):
    ip("netns", "add", name)
    try:
        ip("-n", name, "link", "set", "lo", "up")
        yield name
    finally:
        run("ip", "netns", "del", name, check=False)


def quiet(device, where=None):
    """Nothing of its own accord: no IPv6 on it."""
    with inside(where):
        run("sysctl", "-qw", f"net.ipv6.conf.{device}.disable_ipv6=1", check=False)


@contextlib.contextmanager
def veth(a, b, where=None, up=True):
    """A pair: @a here, @b in that namespace."""
    more = ["netns", where] if where else []
    ip("link", "add", a, "type", "veth", "peer", "name", b, *more)
    try:
        quiet(a)
        quiet(b, where)
        if up:
            ip("link", "set", a, "up")
            ip(*(["-n", where] if where else []), "link", "set", b, "up")
        yield
    finally:
        run("ip", "link", "del", a, check=False)


def raw(device, where=None):
    """A packet socket on it, for whole frames."""
    with inside(where):
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        s.bind((device, 0))
    s.setsockopt(socket.SOL_SOCKET, 33, 1 << 22)  # SO_RCVBUFFORCE
    s.settimeout(10)
    return s


def come(s, n, wanted=lambda frame: True):
    """At least @n of these frames at a packet socket."""
    found = []
    while len(found) < n:
        frame = s.recv(65536)
        if wanted(frame):
            found.append(frame)
    return found


def sysfs(device, name, where=None):
    with inside(where):
        # /sys shows the namespace of who mounted it
        run("mount", "-t", "sysfs", "sys", "/mnt") if where else None
        try:
            base = "/mnt" if where else "/sys"
            with open(f"{base}/class/net/{device}/{name}") as file:
                return file.read().strip()
        finally:
            run("umount", "/mnt") if where else None


FEATURES = {"rx": 0x14, "tx": 0x16, "sg": 0x18, "tso": 0x1E, "gso": 0x23, "gro": 0x2B}
SIOCETHTOOL = 0x8946


def features(device):
    """What ethtool -k shows of the offloads that it has short names for."""
    found = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for name, command in FEATURES.items():
            value = ctypes.create_string_buffer(struct.pack("II", command, 0))
            ifreq = struct.pack("16sQ8x", device.encode(), ctypes.addressof(value))
            fcntl.ioctl(s, SIOCETHTOOL, bytearray(ifreq + bytes(8)))
            found[name] = struct.unpack("II", value.raw[:8])[1]
    return found


def mtu(device, n, where=None):
    return run("ip", *(["-n", where] if where else []), "link", "set", device,
               "mtu", n, check=False)


# Frames


def frame(number, size=60, src=1, dst=0xFF):
    """One that is told from others by its number."""
    head = bytes([2 if dst != 0xFF else 0xFF, *[dst] * 5, 2, *[src] * 5]) + b"\x88\xb5"
    return (head + struct.pack(">I", number)).ljust(size, b"\x5a")


def is_ours(found):
    return found[12:14] == b"\x88\xb5"


def number(found):
    return struct.unpack_from(">I", found, 14)[0]


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def udp_is_whole(found):
    """An IPv4 UDP packet whose length and both checksums are right."""
    ip_header, length = found[14:34], struct.unpack_from(">H", found, 16)[0]
    packet = found[34:14 + length]
    pseudo = ip_header[12:20] + struct.pack(">BBH", 0, 17, len(packet))
    return (found[12:14] == b"\x08\x00" and checksum(ip_header) == 0
            and struct.unpack_from(">H", packet, 4)[0] == len(packet)
            and packet[6:8] != b"\0\0" and checksum(pseudo + packet) == 0)


def one_cpu():
    """Frames that one CPU sends after another one's have no order."""
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])


def eventually(check, timeout=10):
    deadline = time.monotonic() + timeout
    while not check():
        assert time.monotonic() < deadline, "it does not come true"
        time.sleep(0.02)


__all__ = [name for name in dir() if not name.startswith("_")]
