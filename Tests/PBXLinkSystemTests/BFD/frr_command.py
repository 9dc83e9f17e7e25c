# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: pbxlink contributors
"""Asks a daemon of FRR's: frr_command.py SOCKET COMMAND.

A command ends with a zero byte, its answer with three of them and a status.
"""

import socket
import sys


def ask(connection, command):
    connection.sendall(command.encode() + b"\0")
    answer = b""
    while answer[-4:-1] != b"\0\0\0":
        part = connection.recv(65536)
        if not part:
            sys.exit("the daemon has hung up")
        answer += part
    return answer[:-4].decode()


with socket.socket(socket.AF_UNIX) as vty:
    vty.settimeout(5)
    vty.connect(sys.argv[1])
    ask(vty, "enable")
    print(ask(vty, sys.argv[2]))
