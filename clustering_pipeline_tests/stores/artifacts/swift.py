"""One-node OpenStack Swift with its S3 API: a real S3 server for the tests.

It lives in a virtual environment of its own, named by ``CLUSTERING_TEST_SWIFT``.
"""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SERVERS = ("proxy", "account", "container", "object")
KEY, SECRET, REGION = "test:tester", "testing", "us-east-1"

_COMMON = """
[DEFAULT]
swift_dir = {folder}
devices = {folder}/dev
mount_check = false
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
log_level = ERROR
fallocate_reserve = 0
disable_fallocate = true
"""

_BACKEND = """
[pipeline:main]
pipeline = {server}-server
[app:{server}-server]
use = egg:swift#{server}
"""

_PROXY = """
[pipeline:main]
pipeline = catch_errors gatekeeper listing_formats s3api tempauth bulk copy slo dlo versioned_writes proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
s3_acl = false
dns_compliant_bucket_names = true
auth_pipeline_check = false
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
[filter:bulk]
use = egg:swift#bulk
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
min_segment_size = 1
[filter:dlo]
use = egg:swift#dlo
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_versioned_writes = true
"""  # noqa: E501 - a pipeline is one line

_SWIFT = """
[swift-hash]
swift_hash_path_prefix = local
swift_hash_path_suffix = local
[storage-policy:0]
name = default
default = yes
"""


def environment() -> Path:
    """The virtual environment that holds Swift."""
    named = os.environ.get("CLUSTERING_TEST_SWIFT")
    if named is None or not (Path(named) / "bin" / "swift-proxy-server").is_file():
        message = (
            "the S3 tests need OpenStack Swift: `make test` installs it, or set "
            "CLUSTERING_TEST_SWIFT to a virtual environment made with "
            "`pip install -c constraints-swift.txt swift`"
        )
        raise RuntimeError(message)
    return Path(named) / "bin"


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Start Swift below ``folder``; yields the endpoint, and ends the four processes after."""
    binaries = environment()
    ports = dict(zip(SERVERS, _free_ports(len(SERVERS)), strict=True))
    _configure(folder, binaries, ports)
    children = [_start(folder, binaries, server) for server in SERVERS]
    try:
        _await_port(ports["proxy"], children)
        yield f"http://127.0.0.1:{ports['proxy']}"
    finally:
        # What they served is deleted next; asked to end, they may wait for idle connections.
        for child in children:
            os.killpg(child.pid, signal.SIGKILL)
        for child in children:
            child.wait()


def _configure(folder: Path, binaries: Path, ports: dict[str, int]) -> None:
    (folder / "dev" / "d1").mkdir(parents=True)
    (folder / "swift.conf").write_text(_SWIFT)
    for server in SERVERS:
        common = _COMMON.format(folder=folder, port=ports[server], user=_user())
        own = _PROXY if server == "proxy" else _BACKEND.format(server=server)
        (folder / f"{server}-server.conf").write_text(common + own)
    rings = [_build_ring(folder, binaries, server, ports[server]) for server in SERVERS[1:]]
    assert all(ring.wait(timeout=30) in {0, 1} for ring in rings)


def _build_ring(folder: Path, binaries: Path, server: str, port: int) -> subprocess.Popen[bytes]:
    build = f"{binaries}/swift-ring-builder {folder}/{server}.builder"
    steps = f"{build} create 4 1 0 && {build} add r1z1-127.0.0.1:{port}/d1 1 && {build} rebalance"
    return subprocess.Popen(["/bin/sh", "-c", steps], stdout=subprocess.DEVNULL)


def _start(folder: Path, binaries: Path, server: str) -> subprocess.Popen[bytes]:
    with (folder / f"{server}.log").open("wb") as log:
        return subprocess.Popen(
            [binaries / f"swift-{server}-server", folder / f"{server}-server.conf"],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _await_port(port: int, children: list[subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and all(child.poll() is None for child in children):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    message = f"Swift did not answer on port {port}"
    raise RuntimeError(message)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listening.getsockname()[1] for listening in sockets]
    for listening in sockets:
        listening.close()
    return ports


def _user() -> str:
    import pwd  # noqa: PLC0415

    return pwd.getpwuid(os.getuid()).pw_name
