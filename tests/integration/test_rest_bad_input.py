# SPDX-License-Identifier: BSD-2-Clause
"""Whatever comes over the socket: a clear answer, nothing changed, and others
are served meanwhile."""

import json
import random
import re
import socket
import time

import pytest

from conftest import topology

MIB = 1024 * 1024


@pytest.fixture
def d(daemon):
    made = daemon(arguments=["--request-timeout", "1"])
    made.apply(topology())
    yield made
    # still there, still what it was
    assert made.process.poll() is None, made.log
    assert [p["name"] for p in made.get("/v1/ports")] == ["a", "b"]
    assert made.get("/v1/status")["revision"] == 1


def raw(d, data, timeout=10, half_close=False):
    """Send bytes, return all that comes until the other side closes."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(timeout)
        s.connect(str(d.socket))
        try:
            s.sendall(data)
            if half_close:
                s.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = b""
        try:
            while chunk := s.recv(65536):
                answer += chunk
        except ConnectionResetError:
            pass
        return answer


def head(method="POST", path="/v1/apply", **headers):
    headers = {"Host": "localhost", "Content-Type": "application/yaml", **headers}
    lines = [f"{method} {path} HTTP/1.1", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def problem(answer, status):
    """The last response in @answer is a problem of this status."""
    top, _, body = answer.partition(b"\r\n\r\n")
    assert top.startswith(b"HTTP/1.1 %d " % status), answer[:300]
    assert b"application/problem+json" in top
    value = json.loads(body)
    assert value["status"] == status and value["detail"]
    return value


GARBAGE = [
    b"\0" * 100, b"\r\n\r\n", b"GET\r\n\r\n", b"hello\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
    b"GET / HTTP/1.1\r\n: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20000 + b"\r\n",
    b"POST /v1/apply HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /v1/apply HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    b"POST /v1/apply HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=range(len(GARBAGE)))
def test_what_is_not_http(d, garbage):
    answer = raw(d, garbage, half_close=True)
    assert b" 200 " not in answer.split(b"\r\n")[0]


def test_random_bytes(d):
    source = random.Random(7)
    for _ in range(50):
        raw(d, source.randbytes(source.randrange(1, 2000)), half_close=True)


def test_a_declared_body_over_the_limit_is_refused_before_it_is_sent(d):
    start = time.monotonic()
    answer = raw(d, head(Content_Length=16 * MIB + 1))
    problem(answer, 413)
    assert time.monotonic() - start < 0.9
    problem(raw(d, head(Content_Length=16 * MIB + 1, Expect="100-continue")), 413)


def test_an_undeclared_body_over_the_limit_is_refused(d):
    chunk = b"100000\r\n" + b"#" * MIB + b"\r\n"
    answer = raw(d, head(Transfer_Encoding="chunked", Connection="close") + chunk * 17 + b"0\r\n\r\n",
                 timeout=30)
    problem(answer, 413)


def test_an_endless_body_is_cut_off(d):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(20)
        s.connect(str(d.socket))
        s.sendall(head(Transfer_Encoding="chunked"))
        chunk = b"100000\r\n" + b"#" * MIB + b"\r\n"
        with pytest.raises(OSError):
            for _ in range(2000):
                s.sendall(chunk)


def test_a_body_at_the_limit_is_read(d):
    text = "# " + "x" * (16 * MIB - 2)
    answer = d.request("POST", "/v1/plan", text, "application/yaml")
    assert answer.status == 422, answer
    answer = d.send("/v1/plan", text)
    assert answer.status == 422, answer


def test_a_slow_body_is_cut_off_and_told(d):
    """Bytes come often enough for any idle limit, but not in time."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(str(d.socket))
        s.sendall(head(Content_Length=1000))
        start = time.monotonic()
        try:
            while time.monotonic() - start < 8:
                s.sendall(b"#")
                time.sleep(0.1)
                assert d.get("/healthz") == {"status": "ok"}
        except OSError:
            pass
        assert time.monotonic() - start < 3
        problem(s.recv(65536), 408)


def test_slow_headers_are_cut_off(d):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(str(d.socket))
        start = time.monotonic()
        with pytest.raises(OSError):
            s.sendall(b"GET /healthz HTTP/1.1\r\nX: ")
            while time.monotonic() - start < 8:
                s.sendall(b"y")
                time.sleep(0.1)
        assert time.monotonic() - start < 3


def test_silent_connections_do_not_keep_others_out(d):
    silent = []
    try:
        for _ in range(300):
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(5)
            s.connect(str(d.socket))
            silent.append(s)
            if len(silent) % 50 == 0:
                time.sleep(0.05)
        # at the latest when they are cut off
        start = time.monotonic()
        assert d.get("/healthz") == {"status": "ok"}
        assert time.monotonic() - start < 6
    finally:
        for s in silent:
            s.close()


def test_half_a_request_then_gone(d):
    for cut in (1, 20, 60, 100):
        data = (head(Content_Length=50) + b"#" * 20)[:cut]
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(d.socket))
            s.sendall(data)


def test_asks_and_never_reads(d):
    d_ports = "/v1/ports"
    with socket.socket(socket.AF_UNIX) as s:
        s.setblocking(False)
        s.connect(str(d.socket))
        try:
            for _ in range(2000):
                s.send(head("GET", d_ports))
        except BlockingIOError:
            pass
        assert d.get("/healthz") == {"status": "ok"}


def test_pipelined_requests_are_answered_in_order(d):
    answer = raw(d, head("GET", "/healthz") + head("GET", "/nothing")
                 + head("GET", "/version", Connection="close"))
    statuses = re.findall(rb"HTTP/1.1 (\d+) ", answer)
    assert statuses == [b"200", b"404", b"200"]


@pytest.mark.parametrize("text,words", [
    ("", "topology"),
    ("[", None),
    ("kind: Topology", "apiVersion"),
    (topology("x").replace("ports:", "prots:"), "prots"),
    (topology("x", "cc", "s7"), "c"),
    (topology("x", "c", "s7", slots=1), "slots"),
    (topology("x", "c", "s7").replace("switch: s7", "switch: s8"), "s8"),
    ("a: &a [*a]", None),
    ("[" * 5000, None),
], ids=range(9))
def test_wrong_topologies_are_findings_with_a_place(d, text, words):
    for path in ("/v1/apply", "/v1/plan"):
        answer = d.send(path, text)
        assert answer.status == 422, answer
        first = answer.json["errors"][0]
        assert first["file"] == "0.yaml" and first["message"]
        assert words is None or words in json.dumps(answer.json["errors"])


def test_two_topologies_cannot_claim_one_object(d):
    answer = d.send("/v1/apply", topology("thief", "ca", "s7"))
    assert answer.status == 409, answer
    error, = answer.json["errors"]
    assert (error["file"], error["line"], error["column"]) == ("0.yaml", 8, 14)
    assert error["path"] == "spec.ports[1].name"
    assert "topology edge" in error["message"]
    # one with another in one request, too
    answer = d.send("/v1/apply", topology("x", "c", "s7"), topology("y", "c", "s8"))
    assert answer.status == 409 and answer.json["errors"][0]["file"] == "1.yaml"


def test_all_of_a_request_or_nothing(d):
    answer = d.send("/v1/apply", topology("good", "c", "s7"), "kind: 7")
    assert answer.status == 422
    assert {e["file"] for e in answer.json["errors"]} == {"1.yaml"}
    answer = d.request("POST", "/v1/delete", {"topologies": ["edge", "none"]})
    assert answer.status == 404 and "none" in answer.json["detail"]
