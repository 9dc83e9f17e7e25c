#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: pbxlink contributors
"""A STAMP peer whose packets are built and read by scapy.

  stamp_peer.py send INTERFACE LOCAL PEER PORT     sends some packets, prints what the answers say
  stamp_peer.py reflect INTERFACE LOCAL PORT N     answers N packets as RFC 8762 has it, without RFC 8972;
                                                   prints what the packets say
"""
import json
import socket
import sys
import time

from scapy.contrib.stamp import (
    STAMPSessionReflectorTestUnauthenticated as Answer,
    STAMPSessionSenderTestUnauthenticated as Packet,
    STAMPTestTLV as TLV,
)


def now():
    return time.time() + 2208988800


def open_socket(interface, local, port):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 200)
    sock.bind((local, port))
    sock.settimeout(10)
    return sock


def tlvs(packet):
    return [[int(t.flags), t.type, bytes(t.value).hex()] for t in packet.tlv_objects]


def tlv(kind, value):
    # U is set by who sends (RFC 8972 section 4); scapy does not work the length out.
    return TLV(flags=0x80, type=kind, len=len(value), value=value)


def send(interface, local, peer, port):
    sock = open_socket(interface, local, 0)
    counts = tlv(5, (3).to_bytes(4, "big") + bytes(8))
    padding = tlv(1, bytes(8))
    unknown = tlv(200, b"abcd")
    packets = [
        bytes(Packet(seq=7, ts=now(), ssid=9)),
        bytes(Packet(seq=8, ts=now()))[:14],
        bytes(Packet(seq=9, ts=now(), tlv_objects=[padding, unknown, counts])),
    ]
    for packet in packets:
        sock.sendto(packet, (peer, int(port)))
        data = sock.recv(2048)
        answer = Answer(data)
        print(json.dumps({
            "length": len(data), "sequence": answer.seq, "sender_sequence": answer.seq_sender,
            "sender_ttl": answer.ttl_sender, "tlvs": tlvs(answer),
            "is_now": abs(answer.ts_rx - now()) < 5 and abs(answer.ts - now()) < 5,
            "sender_timestamp": data[28:36] == packet[4:12],
        }))


def reflect(interface, local, port, number):
    sock = open_socket(interface, local, int(port))
    print("ready", flush=True)
    for sequence in range(int(number)):
        data, source = sock.recvfrom(2048)
        received = now()
        packet = Packet(data)
        # Who does not know RFC 8972 sends back what follows the base packet as it came.
        answer = bytes(Answer(
            seq=sequence, ts=now(), ts_rx=received, seq_sender=packet.seq, ttl_sender=255))
        sock.sendto(answer[:28] + data[4:14] + answer[38:44] + data[44:], source)
        print(json.dumps({
            "length": len(data), "sequence": packet.seq, "is_now": abs(packet.ts - received) < 5,
            "tlvs": tlvs(packet), "error": [int(packet.err_estimate.S), int(packet.err_estimate.Z)],
        }), flush=True)


{"send": send, "reflect": reflect}[sys.argv[1]](*sys.argv[2:])
