# SPDX-License-Identifier: BSD-2-Clause
"""The control family in bytes, for cases that are scripts: netlink by hand."""

import contextlib
import errno
import os
import re
import socket
import struct

NETLINK_GENERIC, SOL_NETLINK, CAP_ACK, EXT_ACK, ADD_MEMBERSHIP = 16, 270, 10, 11, 1
REQUEST, MULTI, ACK, DUMP_INTR, DUMP = 1, 2, 4, 0x10, 0x300
ERROR, DONE, GENL_CTRL = 2, 3, 16
NESTED = 0x8000
HEADER = "/kmod/include/uapi/ptnet/control.h"


def constants():
    """The enums of control.h, so that there is one list of numbers."""
    top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    with open(top + HEADER) as file:
        text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.DOTALL)
    found = {}
    for body in re.findall(r"enum\s*\w*\s*{(.*?)}", text, re.DOTALL):
        last = -1
        for item in filter(None, map(str.strip, body.split(","))):
            name, _, value = map(str.strip, item.partition("="))
            last = eval(value, {}, dict(found)) if value else last + 1
            found[name] = last
    return {name: value for name, value in found.items() if name.startswith("PTN_")}


globals().update(constants())


class Refused(OSError):
    """An answer with an error; its sentence is .text."""

    def __init__(self, code, text):
        super().__init__(code, text or os.strerror(code))
        self.text = text


# Attributes


def attr(kind, payload, flags=0):
    data = struct.pack("HH", 4 + len(payload), kind | flags) + payload
    return data + bytes(-len(data) % 4)


def nest(kind, *attrs):
    return attr(kind, b"".join(attrs), NESTED)


def u8(kind, value):
    return attr(kind, struct.pack("B", value))


def u32(kind, value):
    return attr(kind, struct.pack("I", value))


def u64(kind, value):
    return attr(kind, struct.pack("Q", value))


def text(kind, value):
    return attr(kind, value.encode() + b"\0")


def attrs_of(data):
    """[(type, payload)...] of what was received."""
    found = []
    while len(data) >= 4:
        size, kind = struct.unpack_from("HH", data)
        assert size >= 4
        found.append((kind & 0x3FFF, data[4:size]))
        data = data[(size + 3) & ~3:]
    return found


def string(data):
    return data.rstrip(b"\0").decode()


def number(data):
    return int.from_bytes(data, "little")


# Objects as they are told


def switch(name, *more, fdb=64, ageing=1000, owner="t", statics=()):
    return nest(
        PTN_A_SWITCH, text(PTN_SW_NAME, name), text(PTN_SW_OWNER, owner),
        u32(PTN_SW_AGEING_MS, ageing), u32(PTN_SW_FDB_SIZE, fdb),
        *[nest(PTN_SW_STATIC, attr(PTN_FDB_MAC, mac), text(PTN_FDB_PORT, port))
          for mac, port in statics], *more)


def pipe(name, *more, domain="d", owner="t"):
    return nest(PTN_A_PIPE, text(PTN_PI_NAME, name), text(PTN_PI_OWNER, owner),
                text(PTN_PI_DOMAIN, domain), *more)


def port(name, *more, on=None, pipe=None, end=0, device=None, kind=None, queues=1,
         slots=64, buf_size=2048, owner="t"):
    kind = kind or (PTN_PORT_NIC if device else PTN_PORT_HOST)
    place = [text(PTN_PO_SWITCH, on)] if on else []
    if pipe:
        place = [text(PTN_PO_PIPE, pipe), u8(PTN_PO_END, end)]
    if device:
        place.append(text(PTN_PO_NIC, device))
    return nest(PTN_A_PORT, text(PTN_PO_NAME, name), text(PTN_PO_OWNER, owner),
                u32(PTN_PO_KIND, kind), *place, u32(PTN_PO_QUEUES, queues),
                u32(PTN_PO_SLOTS, slots), u32(PTN_PO_BUF_SIZE, buf_size), *more)


KINDS = {
    "switch": (PTN_A_SWITCH, PTN_CMD_SWITCH_GET),
    "pipe": (PTN_A_PIPE, PTN_CMD_PIPE_GET),
    "port": (PTN_A_PORT, PTN_CMD_PORT_GET),
}


class Control:
    """A socket of the family."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
        self.socket.bind((0, 0))
        self.socket.settimeout(20)
        self.socket.setsockopt(SOL_NETLINK, EXT_ACK, 1)
        self.socket.setsockopt(SOL_NETLINK, CAP_ACK, 1)
        self.seq = 0
        self.interrupted = False
        try:
            found = self.call(3, text(2, "ptnet"), family=GENL_CTRL)[0]
        except BaseException:
            self.close()
            raise
        fields = dict(found[1])
        self.family = number(fields[1])
        groups = [dict(attrs_of(g)) for _, g in attrs_of(fields.get(7, b""))]
        self.groups = {string(g[1]): number(g[2]) for g in groups}

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def message(self, cmd, *attrs, flags=0, version=1, family=None, reserved=0):
        self.seq += 1
        body = struct.pack("BBH", cmd, version, reserved) + b"".join(attrs)
        return struct.pack("IHHII", 16 + len(body), family or self.family,
                           REQUEST | flags, self.seq, 0) + body

    def receive(self):
        """Of one datagram: [(type, flags, seq, payload)...]"""
        data = self.socket.recv(1 << 20)
        found = []
        while data:
            size, kind, flags, seq, _ = struct.unpack_from("IHHII", data)
            found.append((kind, flags, seq, data[16:size]))
            data = data[(size + 3) & ~3:]
        return found

    def error(self, flags, payload):
        """0, or raise what an error message says."""
        code = -struct.unpack_from("i", payload)[0]
        if not code:
            return
        said = dict(attrs_of(payload[20:])) if flags & 0x200 else {}
        raise Refused(code, string(said.get(1, b"")))

    def answers(self):
        """What comes to the last message, up to its end: [(cmd, attrs)...]"""
        found = []
        while True:
            for kind, flags, seq, payload in self.receive():
                self.interrupted |= bool(flags & DUMP_INTR)
                if seq != self.seq:
                    continue
                if kind == ERROR:
                    self.error(flags, payload)
                    return found
                if kind == DONE:
                    return found
                found.append((payload[0], attrs_of(payload[4:])))

    def call(self, cmd, *attrs, flags=ACK, **more):
        self.socket.send(self.message(cmd, *attrs, flags=flags, **more))
        return self.answers()

    def dump(self, kind):
        """Objects of a kind, as {name: {type: payload}}."""
        which, cmd = KINDS[kind]
        self.interrupted = False
        found = self.call(cmd, flags=DUMP)
        objects = [dict(attrs_of(dict(fields)[which])) for _, fields in found]
        return {string(o[1]): o for o in objects}

    def everything(self):
        return {kind: self.dump(kind) for kind in KINDS}

    def one(self, kind, name):
        which, cmd = KINDS[kind]
        found = self.call(cmd, nest(which, text(1, name)))
        return dict(attrs_of(dict(found[0][1])[which]))

    def info(self):
        fields = dict(self.call(PTN_CMD_INFO_GET)[0][1])
        return {"revision": number(fields[PTN_A_REVISION]),
                "instance": number(fields[PTN_A_INSTANCE]),
                "features": number(fields[PTN_A_FEATURES])}

    def census(self):
        fields = dict(self.call(PTN_CMD_CENSUS_GET)[0][1])
        return {kind: number(value) for kind, value in attrs_of(fields[PTN_A_CENSUS])}

    def begin(self, revision=1):
        self.call(PTN_CMD_TXN_BEGIN, u64(PTN_A_REVISION, revision))

    def commit(self):
        self.call(PTN_CMD_TXN_COMMIT)

    def apply(self, revision, *changes):
        """One transaction of (cmd, attribute) pairs, sent at once."""
        self.begin(revision)
        for cmd, what in changes:
            self.socket.send(self.message(cmd, what))
        self.commit()

    def clear(self):
        """Delete all that is managed; the revision is 0 then."""
        ports = [n for n, p in self.dump("port").items() if PTN_PO_FOREIGN not in p]
        pipes = [n for n, p in self.dump("pipe").items() if PTN_PI_FOREIGN not in p]
        switches = [n for n, s in self.dump("switch").items()
                    if PTN_SW_FOREIGN not in s]
        self.apply(0, *[(PTN_CMD_PORT_DEL, nest(PTN_A_PORT, text(1, n))) for n in ports],
                   *[(PTN_CMD_PIPE_DEL, nest(PTN_A_PIPE, text(1, n))) for n in pipes],
                   *[(PTN_CMD_SWITCH_DEL, nest(PTN_A_SWITCH, text(1, n)))
                     for n in switches])

    def listen(self):
        self.socket.setsockopt(SOL_NETLINK, ADD_MEMBERSHIP, self.groups["events"])
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 1 << 22)  # SO_RCVBUFFORCE

    def event(self, timeout=20):
        """(type, fields) of the next one."""
        self.socket.settimeout(timeout)
        (_, _, _, payload), = self.receive()
        assert payload[0] == PTN_CMD_EVENT
        fields = dict(attrs_of(payload[4:]))
        inside = dict(attrs_of(fields[PTN_A_EVENT]))
        return number(inside[PTN_EV_TYPE]), {
            "revision": number(fields[PTN_A_REVISION]) if PTN_A_REVISION in fields
            else None,
            "name": string(inside.get(PTN_EV_NAME, b"")),
            "pid": number(inside.get(PTN_EV_PID, b"")),
            "switch": string(inside.get(PTN_EV_SWITCH, b"")),
            "rate": number(inside.get(PTN_EV_RATE, b"")),
        }


@contextlib.contextmanager
def cleared():
    """A socket; what was declared by it or others is gone afterwards."""
    with Control() as c:
        try:
            yield c
        finally:
            with Control() as other:
                other.clear()


def says(code, words, function, *arguments, **options):
    """It is refused with this errno, in a sentence with these words."""
    try:
        function(*arguments, **options)
    except Refused as refusal:
        assert refusal.errno == code, (errno.errorcode[refusal.errno], refusal.text)
        assert words in refusal.text, refusal.text
        return
    raise AssertionError(f"{arguments} is not refused")


__all__ = [name for name in globals() if not name.startswith("_")]
