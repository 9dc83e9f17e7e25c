# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: pbxlink contributors
"""scrape_crowd.py SCRAPERS SECONDS: scrapes the agent's metrics, all at once each half second, and says how often and what was
wrong with the answers."""
import collections
import http.client
import json
import sys
import threading
import time

scrapers, seconds = int(sys.argv[1]), float(sys.argv[2])
answers, faults, lag = collections.Counter(), collections.Counter(), 0.0
lock, barrier = threading.Lock(), threading.Barrier(scrapers)


def scrape():
    global lag
    connection = http.client.HTTPConnection("127.0.0.1", 9470, timeout=10)
    for _ in range(int(2 * seconds)):
        time.sleep(0.5)
        barrier.wait()
        try:
            connection.request("GET", "/metrics")
            answer = connection.getresponse()
            text = answer.read().decode()
        except Exception as error:
            with lock:
                faults[repr(error)] += 1
            connection.close()
            continue
        # The last family that is written: an answer that was cut off lacks it.
        is_whole = 'pbxlink_probe_rtt_seconds_sum{peer="nice",path="wireguard"}' in text and text.endswith("\n")
        late = [line.split()[1] for line in text.splitlines() if line.startswith("pbxlink_timer_lag_seconds ")]
        with lock:
            answers[answer.status] += 1
            if not is_whole:
                faults["not whole"] += 1
            lag = max([lag, *(float(value) for value in late if value != "NaN")])


threads = [threading.Thread(target=scrape) for _ in range(scrapers)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps({"answers": {str(status): count for status, count in answers.items()}, "faults": faults, "lag": lag}))
