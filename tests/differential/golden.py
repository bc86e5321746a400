#!/usr/bin/env python3
"""Every field of every event against what golang dnstap -j and dnstap-read -y said about the same
captures: all of dnstap, the DNS header, the question, EDNS, and each record of each section.

usage: golden.py SPILE DATA [NAME...]    DATA is tests/data; without names, all that have goldens

Records are compared as the bytes that dnspython makes of either text, so that only their meaning
counts (the text itself is compared with ldns, in dns_ldns). Where the other tool is wrong it says
so in ERRORS below, with the reason; each of these must occur, so that the list stays true.
"""

import collections
import functools
import json
import lzma
import pathlib
import re
import subprocess
import sys

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import yaml

SPILE = sys.argv[1]
DATA = pathlib.Path(sys.argv[2])
NAMES = sys.argv[3:] or sorted(
    path.name.split(".")[0] for path in (DATA / "golden").glob("*.dnstap-go.jsonl.xz"))

# Known errors of the other tools: key -> reason. forgive() uses one and counts it.
ERRORS = {
    "class": "golang dnstap writes CLASS1 for IN in front of data of an unknown type (RFC 3597)",
    "port": "golang dnstap leaves out ports that are present and 0",
    "nil": "golang dnstap prints <nil> for a protocol that is absent",
    "protocol": "dnstap-read prints UDP for a protocol that is absent or newer than itself",
}

FORGIVEN = collections.Counter()
COMPARED = collections.Counter()
FAILURES = []


def forgive(key):
    assert key in ERRORS
    FORGIVEN[key] += 1


def check(where, what, ours, theirs):
    COMPARED[what.split(" ")[0]] += 1
    if ours != theirs:
        if isinstance(ours, list) and isinstance(theirs, list):
            ours, theirs = ([item for item in one if item not in other] or one
                            for one, other in ((ours, theirs), (theirs, ours)))
        FAILURES.append(f"{where}: {what}: ours {ours!r}, theirs {theirs!r}"[:800])


@functools.lru_cache(maxsize=100000)
def name_of(text):
    return dns.name.from_text(text).labels


@functools.lru_cache(maxsize=100000)
def rdata_of(class_, type_, text):
    """The bytes of a record's data; of what dnspython cannot read, the words."""
    try:
        return dns.rdata.from_text(
            dns.rdataclass.from_text(class_), dns.rdatatype.from_text(type_), text,
            origin=dns.name.root, relativize=False).to_wire(origin=dns.name.root)
    except (dns.exception.DNSException, ValueError):
        COMPARED["(as text)"] += 1
        return " ".join(text.split())


def record_of(name, ttl, class_, type_, rdata):
    return (name_of(name), int(ttl), class_, type_, rdata_of(class_, type_, rdata))


def our_records(records):
    return [record_of(r["name"], r["ttl"], r["class"], r["type"], r["rdata"]) for r in records]


# What golang dnstap says: JSON with the DNS message as dig would print it.

def nine_digits(time):
    """RFC3339Nano leaves out trailing zeros."""
    if time is None:
        return None
    seconds, _, fraction = time.rstrip("Z").partition(".")
    return f"{seconds}.{fraction:0<9}Z"


def parse_dig(text):
    """Header, flags, EDNS and sections of miekg/dns's text."""
    dig = {"sections": collections.defaultdict(list), "edns": None, "question": None}
    section = None
    for line in text.split("\n"):
        if match := re.match(r";; opcode: (\S+), status: (\S+), id: (\d+)$", line):
            dig["opcode"], dig["status"], dig["id"] = match[1], match[2], int(match[3])
        elif match := re.match(r";; flags:(.*); QUERY: (\d+), ANSWER: (\d+), AUTHORITY: (\d+), "
                               r"ADDITIONAL: (\d+)$", line):
            dig["flags"] = match[1].split()
            dig["counts"] = [int(match[i]) for i in range(2, 6)]
        elif match := re.match(r";; (\w+) (?:PSEUDO)?SECTION:$", line):
            section = match[1]
        elif line and section == "OPT":
            if match := re.match(r"; EDNS: version (\d+); flags:(.*); udp: (\d+)$", line):
                dig["edns"] = {"version": int(match[1]), "flags": match[2].split(),
                               "udp": int(match[3]), "options": []}
            else:
                dig["edns"]["options"].append(line[2:])
        elif line and section == "QUESTION":
            name, class_, type_ = line[1:].split("\t")
            dig["question"] = (name_of(name), class_, type_.strip())
        elif line and section:
            name, ttl, class_, type_, *rdata = line.split("\t")
            if class_ == "CLASS1":
                forgive("class")
                class_ = "IN"
            dig["sections"][section].append(
                record_of(name, ttl, class_, type_, "\t".join(rdata)))
    return dig


def option_as_go(option):
    """Our option as miekg/dns writes it."""
    data = option["data"]
    if option["name"] == "ECS":
        address, bits, scope = data.split("/")
        return f"SUBNET: {f'[{address}]' if ':' in address else address}/{bits}/{scope}"
    if option["name"] == "EDE":
        code, _, text = data.partition(": ")
        # Their registry of errors has no spaces in "Other Error".
        return f"EDE: {code.replace('Other Error', 'Other')}: ({text})"
    if option["name"] == "PADDING":
        length, _, shown = data.rstrip(")").partition(" (")
        return "PADDING: " + (shown or "00" * int(length))
    return f"{option['name'].upper()}: {data.replace(' ', '')}"


def check_go_message(where, event, text):
    dig = parse_dig(text)
    check(where, "id", event["id"], dig["id"])
    check(where, "opcode", event["opcode"], dig["opcode"])
    status = event["edns"]["rcode"] if event["edns"] else event["rcode"]
    check(where, "rcode", status, dig["status"])
    check(where, "flags", event["flags"], dig["flags"])
    check(where, "counts", [event[f"{s}count"] for s in ("qd", "an", "ns", "ar")], dig["counts"])
    ours = event["qname"] and (name_of(event["qname"]), event["class"], event["rrtype"])
    check(where, "question", ours, dig["question"])
    for ours, theirs in (("answers", "ANSWER"), ("authority", "AUTHORITY"),
                         ("additional", "ADDITIONAL")):
        check(where, ours, our_records(event[ours]), dig["sections"][theirs])
    edns = event["edns"]
    check(where, "edns", edns and (edns["version"], ["do"] if edns["do"] else [], edns["udp-size"]),
          dig["edns"] and (dig["edns"]["version"], dig["edns"]["flags"], dig["edns"]["udp"]))
    if edns:
        check(where, "options", [option_as_go(o) for o in edns["options"]],
              dig["edns"]["options"])


def check_go(where, event, golden):
    message = golden["message"]
    check(where, "identity", event["identity"], golden.get("identity"))
    check(where, "version", event["version"], golden.get("version"))
    check(where, "message", event["message"], message["type"])
    for key, theirs in (("family", "socket_family"), ("protocol", "socket_protocol"),
                        ("query-ip", "query_address"), ("response-ip", "response_address"),
                        ("query-port", "query_port"), ("response-port", "response_port"),
                        ("query-zone", "query_zone")):
        value = message.get(theirs)
        if value == "<nil>":
            forgive("nil")
            value = None
        if key.endswith("port") and value is None and event[key] == 0:
            forgive("port")
            value = 0
        check(where, key, event[key], value)
    for key in ("query", "response"):
        check(where, f"{key}-time", event[f"{key}-time"], nine_digits(message.get(f"{key}_time")))
        check(where, f"{key}-message-length", event[f"{key}-message-length"] is None,
              message.get(f"{key}_message") is None)
    own = "query" if event["type"] == "query" else "response"
    check(where, "datetime", event["datetime"], nine_digits(message.get(f"{own}_time")))
    text = message.get(f"{own}_message")
    if text is not None:
        check_go_message(where, event, text)


# What dnstap-read says: YAML with the DNS message in parts.

SECTIONS = {"answers": ("ANSWER_SECTION", "PREREQ_SECTION"),
            "authority": ("AUTHORITY_SECTION", "UPDATE_SECTION"),
            "additional": ("ADDITIONAL_SECTION",)}
COUNTS = (("QUESTION", "ZONE"), ("ANSWER", "PREREQ"), ("AUTHORITY", "UPDATE"), ("ADDITIONAL",))


def first_of(mapping, keys, default=None):
    return next((mapping[key] for key in keys if key in mapping), default)


def read_records(lines):
    """'owner ttl class type rdata': BIND writes one space, and rdata on one line."""
    return [record_of(*re.match(r"(\S+) (\d+) (\S+) (\S+) ?(.*)$", line, re.S).groups())
            for line in lines]


def check_read_edns(where, event, opt):
    edns = event["edns"]
    theirs = opt and opt["EDNS"]
    check(where, "edns", edns and (edns["version"], edns["do"], edns["udp-size"]),
          theirs and (theirs["version"], theirs["flags"] == "do", theirs["udp"]))
    if not edns:
        return
    for option in edns["options"]:
        if option["name"] == "COOKIE":
            check(where, "cookie", option["data"].replace(" ", ""), str(theirs["COOKIE"]))
        elif option["name"] == "ECS":
            check(where, "subnet", option["data"], theirs["CLIENT-SUBNET"])


def check_read_message(where, event, data):
    check(where, "id", event["id"], data["id"])
    check(where, "opcode", event["opcode"], data["opcode"])
    status = event["edns"]["rcode"] if event["edns"] else event["rcode"]
    check(where, "rcode", status, data["status"])
    check(where, "flags", event["flags"], (data["flags"] or "").split())
    check(where, "counts", [event[f"{s}count"] for s in ("qd", "an", "ns", "ar")],
          [first_of(data, keys) for keys in COUNTS])
    question = first_of(data, ("QUESTION_SECTION", "ZONE_SECTION"), [None])[0]
    ours = event["qname"] and (name_of(event["qname"]), event["class"], event["rrtype"])
    name, class_, type_ = question.rsplit(" ", 2) if question else (None, None, None)
    check(where, "question", ours, question and (name_of(name), class_, type_))
    for ours, theirs in SECTIONS.items():
        # BIND gathers the records of one name and type, so their order means nothing.
        check(where, ours, sorted(our_records(event[ours]), key=repr),
              sorted(read_records(first_of(data, theirs, [])), key=repr))
    check_read_edns(where, event, data.get("OPT_PSEUDOSECTION"))


def check_read(where, event, golden):
    message = golden["message"]
    check(where, "identity", event["identity"], golden.get("identity"))
    check(where, "version", event["version"], golden.get("version"))
    check(where, "message", event["message"], message["type"])
    check(where, "length", f"{event['length']}b", message["message_size"])
    for key, theirs in (("family", "socket_family"), ("protocol", "socket_protocol"),
                        ("query-ip", "query_address"), ("response-ip", "response_address"),
                        ("query-port", "query_port"), ("response-port", "response_port"),
                        ("query-zone", "query_zone")):
        value = message.get(theirs)
        if key == "protocol" and event[key] in (None, "DOT", "DOH") and value == "UDP":
            forgive("protocol")
            value = event[key]
        check(where, key, event[key], value)
    own = "query" if event["type"] == "query" else "response"
    time = message.get(f"{own}_time")
    check(where, "datetime", event["datetime"][:19], f"{time:%Y-%m-%dT%H:%M:%S}")
    check_read_message(where, event, message[f"{own}_message_data"])


# Both.

def read_golden(name, kind):
    with lzma.open(DATA / "golden" / f"{name}.{kind}.xz", "rt", encoding="utf-8",
                   errors="surrogateescape") as file:
        return file.read()


def our_events(name):
    capture = DATA / "captures" / f"{name}.fstrm.xz"
    done = subprocess.run([SPILE, "read", "-o", "json", str(capture)], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


ASKED = "CLIENT_", "AUTH_", "UPDATE_"  # what servers say of questions that they were asked


def check_own(where, event):
    """What our own fields say about each other."""
    check(where, "malformed", event["malformed"], None)
    check(where, "unknown", event["unknown"], None)
    check(where, "direction", event["message"].lower().endswith(event["type"]), True)
    check(where, "side", event["side"], "client" if event["message"].startswith(ASKED) else "upstream")
    own = event["query-message-length" if event["type"] == "query" else "response-message-length"]
    check(where, "length", event["length"], own)


def main():
    for name in NAMES:
        events = our_events(name)
        go = [json.loads(line) for line in read_golden(name, "dnstap-go.jsonl").splitlines()]
        read = re.split(r"^---\n", read_golden(name, "dnstap-read.yaml"), flags=re.M)
        check(name, "events", len(events), len(go))
        check(name, "events", len(events), len(read))
        for i, (event, line, document) in enumerate(zip(events, go, read), 1):
            check_own(f"{name} {i}", event)
            check_go(f"{name} {i} (golang dnstap)", event, line)
            check_read(f"{name} {i} (dnstap-read)", event,
                       yaml.load(document, Loader=yaml.CSafeLoader))
    print(", ".join(f"{count} {what}" for what, count in COMPARED.items()))
    for key, reason in ERRORS.items():
        print(f"{FORGIVEN[key]} times: {reason}")
        if FORGIVEN[key] == 0 and not sys.argv[3:]:
            FAILURES.append(f"never seen: {reason}")
    for failure in FAILURES[:20]:
        print(failure)
    sys.exit(f"{len(FAILURES)} differences" if FAILURES else 0)


main()
