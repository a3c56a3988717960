"""Put on PYTHONPATH by a test: every connection to another machine is refused and noted in the file OFFLINE_LOG.

MLflow swallows the errors of its telemetry, so that a notebook which runs without a network may still have tried.
"""

import errno
import ipaddress
import os
import socket

_connect, _getaddrinfo = socket.socket.connect, socket.getaddrinfo


def _refuse(host):
    with open(os.environ["OFFLINE_LOG"], "a", encoding="utf-8") as log:
        log.write(f"{host}\n")
    raise OSError(errno.ENETUNREACH, "Network is unreachable")


def _is_local(host):
    if host in (None, "", "localhost", b"localhost", socket.gethostname()):
        return True
    try:
        return ipaddress.ip_address(host if isinstance(host, str) else host.decode()).is_loopback
    except ValueError:
        return False


def connect(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_local(address[0]):
        _refuse(address[0])
    return _connect(self, address)


def getaddrinfo(host, *args, **kwargs):
    if not _is_local(host) and host not in ("0.0.0.0", "::"):
        _refuse(host)
    return _getaddrinfo(host, *args, **kwargs)


socket.socket.connect, socket.getaddrinfo = connect, getaddrinfo
