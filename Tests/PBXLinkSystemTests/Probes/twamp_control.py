# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: pbxlink contributors
"""Puts a TWAMP-Control session in front of the probes of a capture: twamp_control.py IN OUT PORT.

Wireshark takes UDP for TWAMP-Test, whose packets STAMP's are (RFC 8762 section 4.6), only where it has seen a control
session (RFC 5357 section 3) agree on the ports.
"""

import socket
import struct
import sys

from scapy.all import IP, TCP, UDP, Ether, rdpcap, wrpcap

path, target, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
packets = rdpcap(path)
sender = next(packet for packet in packets if UDP in packet and packet[UDP].dport == port)
client, server = sender[IP].src, sender[IP].dst


def request(source_port):
    ports = struct.pack("!HH", source_port, port)
    addresses = b"".join(socket.inet_aton(address) + bytes(12) for address in (client, server))
    return bytes([5, 4]) + bytes(10) + ports + addresses + bytes(64)


def accept():
    return struct.pack("!BBH", 0, 0, port) + bytes(44)


session = [
    (server, bytes(12) + struct.pack("!I", 1) + bytes(48)),  # Server-Greeting: unauthenticated
    (client, struct.pack("!I", 1) + bytes(160)),  # Set-Up-Response
    (server, bytes(48)),  # Server-Start
    (client, request(sender[UDP].sport)),  # Request-TW-Session
    (server, accept()),  # Accept-Session
    (client, bytes([2]) + bytes(31)),  # Start-Sessions
    (server, bytes(32)),  # Start-Ack
]
ports = {client: 50000, server: 862}
sent = {client: 1, server: 1}
control = []
for number, (source, data) in enumerate(session):
    peer = server if source == client else client
    segment = (
        Ether()
        / IP(src=source, dst=peer)
        / TCP(sport=ports[source], dport=ports[peer], flags="PA", seq=sent[source], ack=sent[peer])
        / data
    )
    segment.time = sender.time - 1 + number / 100
    sent[source] += len(data)
    control.append(segment)
wrpcap(target, control + list(packets))
