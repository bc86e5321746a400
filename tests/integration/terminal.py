"""A terminal for programs that draw on one: a pseudo terminal, and an emulator that knows its screen."""
import fcntl
import os
import pathlib
import struct
import sys
import termios

from harness import Skip, Spile, readable, wait_for

sys.path.append("/usr/lib/python3/dist-packages")  # where Debian puts pyte, for a python3 of another make
try:
    import pyte
except ImportError:
    pyte = None

LEFT, RIGHT, UP, DOWN = "\x1bOD", "\x1bOC", "\x1bOA", "\x1bOB"  # as a terminal in application mode sends them


# The first terminal that the leader of a new session opens is the one that controls it.
CONTROLLED = ["sh", "-c", ': <"$0"; exec "$@"']


class Terminal:
    """The program under test on a terminal of `width` by `height`."""

    def __init__(self, t, *args, width=80, height=24, name="top", environment=None, term="screen-256color",
                 stdin=None):
        if not pyte:
            raise Skip("python3-pyte is not installed")
        self.master, slave = os.openpty()
        self.raw = b""
        self.screen = pyte.Screen(width, height)
        self.stream = pyte.ByteStream(self.screen)
        self.set_size(width, height)
        words = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "SPILE_API_KEY")}
        words.update({"TERM": term, "LC_ALL": "C.UTF-8", **(environment or {})})
        self.process = t.start([*CONTROLLED, os.ttyname(slave), t.spile_path, *args], name=name, kind=Spile,
                               stdin=slave if stdin is None else stdin, stdout=slave, env=words)
        os.close(slave)

    def set_size(self, width, height):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def resize(self, width, height):
        self.screen.resize(height, width)
        self.set_size(width, height)

    def press(self, keys):
        os.write(self.master, keys.encode())

    def read(self, seconds=0.0):
        """Takes what has come; False at the end."""
        while readable([self.master], seconds):
            try:
                got = os.read(self.master, 65536)
            except OSError:  # the other side is closed
                return False
            if not got:
                return False
            self.raw += got
            self.stream.feed(got)
            seconds = 0.0
        return True

    def is_drawing(self):
        """Its main thread, which draws, is at work (proc(5)); else it sleeps until there is something to draw."""
        try:
            text = pathlib.Path(f"/proc/{self.process.child.pid}/stat").read_text()
        except OSError:
            return False
        return text.rpartition(")")[2].split()[0] in "RD"

    def lines(self):
        """What is shown between two drawings: in the midst of one, rows may be those of before."""
        for _ in range(100):
            done, before = not self.is_drawing(), len(self.raw)
            self.read(0.02)
            if done and len(self.raw) == before:
                break
        return [line.rstrip() for line in self.screen.display]

    def text(self):
        return "\n".join(self.lines())

    def wait(self, *texts, seconds=10.0):
        """Waits until the screen shows all texts; returns its lines."""
        def shown():
            lines = self.lines()
            return lines if all(text in "\n".join(lines) for text in texts) else None
        try:
            return wait_for(f"on the screen: {texts}", shown, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.text()}\n{self.process.err[-1000:]}") from None

    def wait_gone(self, text, seconds=10.0):
        wait_for(f"no longer on the screen: {text}", lambda: text not in self.text(), seconds)

    def end(self, seconds=10.0):
        """Waits until the program has ended; its exit status."""
        wait_for("the program ends", lambda: not self.read(0.02) or not self.process.running(), seconds)
        status = self.process.wait()
        self.read()  # what it wrote between the last look and its end
        return status

    def quit(self):
        self.press("q")
        return self.end()
