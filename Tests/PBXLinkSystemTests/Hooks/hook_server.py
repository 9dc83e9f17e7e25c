# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: pbxlink contributors
"""hook_server.py PORT FILE: takes posts. /STATUS is answered with that status, /hang never; bodies go into the file."""
import http.server
import sys
import time


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        with open(sys.argv[2], "a") as file:
            file.write(f"{self.path} {self.headers['content-type']} {body}\n")
        if self.path == "/hang":
            time.sleep(60)
        self.send_response(int(self.path.rsplit("/", 1)[1]))
        self.send_header("location", "/200")
        self.end_headers()

    def do_GET(self):
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
