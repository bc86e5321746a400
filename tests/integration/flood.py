#!/usr/bin/env python3
"""flood.py PATH: connects and leaves, as fast as it can, without waiting for an answer, until its
standard input ends; not before it has been a flood. A process of its own, since that is what a unix
socket's peer is known by.
"""
import socket
import sys
import threading
import time

A_FLOOD = 1000  # connections

over = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
rounds = 0
while not over.is_set() or rounds < A_FLOOD:
    with socket.socket(socket.AF_UNIX) as sock:
        try:
            sock.connect(sys.argv[1])
            rounds += 1
        except OSError:
            time.sleep(0.001)
    if rounds == A_FLOOD // 10:
        print("begun", flush=True)
