#!/usr/bin/env python3
"""crowd.py USER ADDRESS COUNT MANNER [SOURCE...]: opens COUNT connections, which stay until its standard
input ends, and says "full" when all are open.

USER is a number, or - for whoever starts it; ADDRESS is a path or HOST:PORT (the last colon counts). MANNER says what each brings: "silent" says
START, "mute" nothing at all, "frame" START and one frame, "junk" START and one that is no dnstap. Connections come from the sources in turn;
"{}" in one stands for a hexadecimal number that counts up. A process of its own, since that is what a
unix socket's peer is known by.
"""
import os
import resource
import socket
import sys
import time

import fstrm

IPV6_FREEBIND = 78  # an address that is routed to us will do


def connect(address, source):
    path = "/" in address
    host, _, port = address.rpartition(":")
    family = socket.AF_UNIX if path else socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        sock = socket.socket(family)
        if source and family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
        if source:
            sock.bind((source, 0))
        try:
            sock.connect(address if path else (host.strip("[]"), int(port)))
            return sock
        except (BlockingIOError, InterruptedError):
            sock.close()
            time.sleep(0.005)  # the queue is full


def main(user, address, count, manner, *sources):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if user != "-":
        os.setgroups([])
        os.setgid(int(user))
        os.setuid(int(user))
    words = {"mute": b"", "silent": fstrm.control(fstrm.START, fstrm.DNSTAP)}
    words["junk"] = words["silent"] + fstrm.data(b"x")
    words["frame"] = words["silent"] + fstrm.data(fstrm.message(b"\0" * 12))
    held = []
    for i in range(int(count)):
        source = sources[i % len(sources)].replace("{}", f"{i:x}") if sources else None
        held.append(connect(address, source))
        try:
            held[-1].sendall(words[manner])
        except OSError:
            pass  # refused
    print("full", flush=True)
    sys.stdin.read()


main(*sys.argv[1:])
