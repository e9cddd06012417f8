"""Drives the alerts of deploy/alerts to firing and back: a real Prometheus scrapes a real partywall under load.

drive.py PARTYWALL TOOLS [--picture FILE], with the program and the folder that tests/prometheus/build prints. The two
ports of a server that panics are in the file that PARTYWALL_PANICKING names. .ci/alerts runs it. `drive.py --rules 100`
prints the rules with times that are 100 times as short.

Prometheus scrapes and evaluates each second, and every `for:` and every range of a rule is 60 times as short as in
deploy/alerts: five minutes are five seconds. Nothing else of the rules is changed. Then, one after the other:

- Before there is a server, PartywallDown fires.
- While the server is well and has load, nothing fires.
- Everything is made wrong at once: a certificate that ends within a day, a key that does not belong to it, policies
  with a mistake, an Exemption that ends soon, clients that do not speak TLS, bodies that stall, and large objects. All
  alerts about that fire, and every query of the dashboard has an answer.
- Everything is mended, and nothing fires any more.

partywall's own decisions do not panic, so PartywallPanics is driven by a server of the tests whose decisions do. Where
no API server is, there is nothing to register: PartywallNotRegistered, PartywallRegistrationPaused and
PartywallSnapshotStale are in the case `alerts` of the end-to-end suite.
"""

import copy
import datetime
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path

import picture

ROOT = Path(__file__).resolve().parents[2]
SHORTER = 60
# How long anything may take that must come.
PATIENCE = 60
# Longer than the longest `for:`, shortened.
QUIET = 12
DRIVEN = [
    "CertificateExpiry",
    "CertificatesFaulty",
    "ExemptionEnding",
    "FailOpen",
    "HandshakeFailures",
    "LatencyHigh",
    "Panics",
    "Quarantined",
    "Shedding",
]
POLICIES = """
apiVersion: partywall.dev/v1alpha1
kind: NodePool
metadata: {name: blue}
spec:
  nodeSelector: {node-restriction.kubernetes.io/pool: blue}
  taints: [{key: pool, value: blue, effect: NoSchedule}]
---
apiVersion: partywall.dev/v1alpha1
kind: Tenant
metadata: {name: blue}
spec:
  namespaces: [blue]
  nodePools: {default: blue}
  rules: {tolerations: warn}
---
apiVersion: partywall.dev/v1alpha1
kind: Exemption
metadata: {name: agent}
spec:
  tenant: blue
  namespace: blue
  rules: [pod-security]
  controls: [hostNamespaces]
  target: {kind: Pod, name: agent}
  reason: it watches the network
  expires: 'DAY'
"""
TLS = ssl.create_default_context()
TLS.check_hostname, TLS.verify_mode = False, ssl.CERT_NONE
ENDED = threading.Event()


def say(text):
    print(f"alerts: {time.monotonic() - BEGAN:5.1f} s: {text}", flush=True)


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def until(what, look):
    """Waits until `look` returns nothing that is amiss."""
    end = time.monotonic() + PATIENCE
    while amiss := look():
        if time.monotonic() > end:
            raise SystemExit(f"alerts: not within {PATIENCE} s: {what}: {amiss}")
        time.sleep(0.3)


def write(path, text):
    """Replaces a file at once, so that no half of it is read."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(text)
    beside.rename(path)


def shortened(rules, times):
    """The rules with shorter times; how many times there were."""

    def shorter(match):
        seconds = int(match[2]) * {"s": 1, "m": 60, "h": 3600}[match[3]]
        assert seconds % times == 0, match[0]
        return f"{match[1]}{seconds // times}s"

    return re.subn(r"(\bfor: |\[)(\d+)([smh])(?=\]|\n)", shorter, rules)


class Prometheus:
    def __init__(self, tools, folder, targets):
        rules = folder / "rules"
        rules.mkdir()
        for file in sorted((ROOT / "deploy/alerts").glob("*.yaml")):
            text, count = shortened(file.read_text(), SHORTER)
            say(f"{file.name}: {count} times are {SHORTER} times as short")
            (rules / file.name).write_text(text)
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": [f"{rules}/*.yaml"],
            "scrape_configs": [
                {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
                for job, port in targets.items()
            ],
        }
        (folder / "prometheus.yml").write_text(json.dumps(config))
        subprocess.run(
            [tools / "promtool", "check", "config", folder / "prometheus.yml"], check=True, stdout=subprocess.PIPE
        )
        port = free_port()
        self.url = f"http://127.0.0.1:{port}/api/v1/"
        self.log = folder / "prometheus.log"
        self.process = subprocess.Popen(
            [
                tools / "prometheus",
                f"--config.file={folder}/prometheus.yml",
                f"--storage.tsdb.path={folder}/data",
                f"--web.listen-address=127.0.0.1:{port}",
                "--log.level=warn",
            ],
            stdout=self.log.open("w"),
            stderr=subprocess.STDOUT,
        )
        CHILDREN.append(self.process)
        self.began = time.time()
        until("Prometheus answers", self.amiss)

    def amiss(self):
        if self.process.poll() is not None:
            raise SystemExit(f"alerts: prometheus ended:\n{self.log.read_text()}")
        try:
            self.get("status/buildinfo")
        except OSError as error:
            return error
        return None

    def get(self, path, **params):
        with urllib.request.urlopen(self.url + path + "?" + urllib.parse.urlencode(params), timeout=10) as answer:
            return json.load(answer)["data"]

    def alerts(self, states=("firing",)):
        """The alerts by name, without the prefix that all have."""
        found = {}
        for alert in self.get("alerts")["alerts"]:
            if alert["state"] in states:
                found.setdefault(alert["labels"]["alertname"].removeprefix("Partywall"), []).append(alert)
        return found

    def over_time(self, query):
        return self.get("query_range", query=concrete(query), start=self.began, end=time.time(), step=1)["result"]


def concrete(query):
    """A query of the dashboard as Grafana asks it, for the server under test."""
    return query.replace("$__rate_interval", "5s").replace("$job", "partywall").replace("$instance", ".*")


def review(base, name, spec):
    made = copy.deepcopy(base)
    request = made["request"]
    request.update(name=name, namespace="blue")
    request["object"]["metadata"] = {"name": name, "namespace": "blue"}
    request["object"]["spec"].update(spec)
    return json.dumps(made).encode()


class Clients:
    """Threads that ask the server until it is their end."""

    def __init__(self, port):
        self.port, self.threads, self.asked = port, [], 0
        self.well, self.bad = threading.Event(), threading.Event()

    def start(self, going, work, count=1):
        for _ in range(count):
            thread = threading.Thread(target=self.run, args=(going, work), daemon=True)
            thread.start()
            self.threads.append(thread)

    def run(self, going, work):
        while not ENDED.is_set():
            if not going.wait(0.1):
                continue
            try:
                work()
            except (OSError, http.client.HTTPException):
                # What is refused is counted by the server; a client comes again.
                time.sleep(0.1)

    def post(self, bodies, port=None, pause=0.0):
        connection = http.client.HTTPSConnection("127.0.0.1", port or self.port, timeout=20, context=TLS)
        try:
            for path, body in bodies:
                connection.request("POST", path, body, {"content-type": "application/json"})
                connection.getresponse().read()
                self.asked += 1
                time.sleep(pause)
        finally:
            connection.close()

    def stall(self, path, body):
        """Sends the head and half of a body, and waits for what the server says."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as plain:
            with TLS.wrap_socket(plain) as stream:
                head = f"POST {path}?timeout=10s HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n\r\n"
                stream.sendall(head.encode() + body[: len(body) // 2])
                stream.recv(4096)

    def without_tls(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as stream:
            stream.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
            stream.recv(4096)
        time.sleep(0.1)


def certs(program, folder, days):
    subprocess.run(
        [program, "certs", folder, "--ip", "127.0.0.1", "--days", str(days), "--force"],
        check=True,
        stdout=subprocess.PIPE,
    )


def check_dashboard(prometheus):
    """Every query of every panel has an answer with a value."""
    dashboard = json.loads((ROOT / "deploy/dashboards/partywall.json").read_text())
    queries = [(panel["title"], target["expr"]) for panel in dashboard["panels"] for target in panel.get("targets", [])]
    empty = []
    for title, query in queries:
        result = prometheus.get("query", query=concrete(query))["result"]
        if not any(value["value"][1] != "NaN" for value in result):
            empty.append(f"{title}: {query}")
    if empty or len(queries) < 40:
        raise SystemExit("alerts: queries of the dashboard without data:\n" + "\n".join(empty))
    say(f"{len(queries)} queries of the dashboard have data")
    return dashboard


def main(program, tools, drawn, folder):
    policies, pair = folder / "policies.yaml", folder / "certs"
    good = POLICIES.replace("DAY", str(datetime.date.today() + datetime.timedelta(days=300)))
    write(policies, good)
    certs(program, pair, 365)
    port, ops = free_port(), free_port()
    panicking = [int(word) for word in Path(os.environ["PARTYWALL_PANICKING"]).read_text().split()]

    prometheus = Prometheus(tools, folder, {"partywall": ops})
    until("PartywallDown fires before there is a server", lambda: {"Down"} - prometheus.alerts().keys())
    say("without a server, Down fires")
    serve = [
        program,
        "serve",
        "--policies",
        policies,
        "--listen",
        f"127.0.0.1:{port}",
        "--ops-listen",
        f"127.0.0.1:{ops}",
        "--tls-cert",
        pair / "tls.crt",
        "--tls-key",
        pair / "tls.key",
        "--drain",
        "0",
        "--log-format",
        "json",
    ]
    server = subprocess.Popen(serve, stderr=(folder / "partywall.log").open("w"))
    CHILDREN.append(server)

    base = json.loads((ROOT / "tests/fixtures/reviews/validate-create-pods-plain.json").read_text())
    tolerant = {"tolerations": [{"operator": "Exists"}]}
    reviews = [
        (path, review(base, name, spec))
        for path in ("/mutate/tenants", "/validate/tenants")
        for name, spec in (("plain", {}), ("tolerant", tolerant), ("agent", {"hostNetwork": True}))
    ]
    stalling = review(base, "stalled", {})
    many = [
        {"name": f"c-{index}", "image": "registry.example.com/app:1", "env": [{"name": "TEXT", "value": "x" * 200}] * 8}
        for index in range(1500)
    ]
    large = review(base, "large", {"containers": many})
    clients = Clients(port)
    clients.start(clients.well, lambda: clients.post(reviews * 10, pause=0.01), 2)
    clients.start(clients.bad, lambda: clients.stall("/validate/tenants", stalling), 4)
    clients.start(clients.bad, lambda: clients.stall("/validate/templates", stalling), 2)
    clients.start(clients.bad, clients.without_tls)
    clients.start(clients.bad, lambda: clients.post([("/validate/tenants", large)]), 2)
    clients.well.set()

    until("nothing fires once there is a server", lambda: prometheus.alerts())
    until("the load is answered", lambda: clients.asked < 100)
    began = time.monotonic()
    while time.monotonic() - began < QUIET:
        if found := prometheus.alerts(("firing", "pending")):
            raise SystemExit(f"alerts: with a server that is well there are alerts: {found}")
        time.sleep(0.5)
    say(f"with load and nothing amiss, nothing fires for {QUIET} s ({clients.asked} reviews so far)")
    scraped = urllib.request.urlopen(f"http://127.0.0.1:{ops}/metrics", timeout=10).read()
    lint = subprocess.run([tools / "promtool", "check", "metrics"], input=scraped, capture_output=True)
    if lint.returncode or lint.stdout or lint.stderr:
        raise SystemExit(f"alerts: promtool objects to the metrics:\n{lint.stdout.decode()}{lint.stderr.decode()}")
    say(f"promtool has nothing against {scraped.count(b'# TYPE')} metrics")

    # The Exemption and the certificate are read before what is faulty, or they would not be taken.
    soon = datetime.date.today() + datetime.timedelta(days=2)
    write(policies, POLICIES.replace("DAY", str(soon)))
    certs(program, pair, 1)
    clients.bad.set()
    until(
        "the Exemption and the certificate end soon",
        lambda: {"ExemptionEnding", "CertificateExpiry"} - prometheus.alerts(("firing", "pending")).keys(),
    )
    write(policies, POLICIES.replace("DAY", str(soon)) + "  surprise: true\n")
    (folder / "other").mkdir()
    certs(program, folder / "other", 1)
    shutil.copy(folder / "other/tls.key", pair / "tls.key")
    config = json.loads((folder / "prometheus.yml").read_text())
    config["scrape_configs"].append(
        {"job_name": "panicking", "static_configs": [{"targets": [f"127.0.0.1:{panicking[1]}"]}]}
    )
    write(folder / "prometheus.yml", json.dumps(config))
    prometheus.process.send_signal(signal.SIGHUP)
    until(
        "the panicking server is scraped",
        lambda: not prometheus.get("query", query='up{job="panicking"} == 1')["result"],
    )
    clients.post([("/validate", review(base, "plain", {}))] * 3, panicking[0])
    fired = {}

    def not_fired():
        for name, alerts in prometheus.alerts().items():
            fired.setdefault(name, time.monotonic() - BEGAN)
            for text in [text for alert in alerts for text in alert["annotations"].values()]:
                assert "<" not in text and "%!" not in text and text.strip(), f"{name}: {text}"
        return [name for name in DRIVEN if name not in fired]

    until("all alerts fire", not_fired)
    severities = {alert["labels"]["severity"] for alert in prometheus.alerts().get("CertificateExpiry", [])}
    assert severities == {"warning", "critical"}, severities
    say("all fire: " + ", ".join(f"{name} at {at:.0f} s" for name, at in sorted(fired.items(), key=lambda one: one[1])))
    assert fired.keys() == set(DRIVEN), f"these fire too: {fired.keys() - set(DRIVEN)}"
    dashboard = check_dashboard(prometheus)

    clients.bad.clear()
    write(policies, good)
    certs(program, pair, 365)
    until("all alerts end", lambda: prometheus.alerts())
    say("mended, and nothing fires any more")
    assert server.poll() is None, "the server ended"
    if drawn:
        subtitle = (
            "Drawn by tests/prometheus/drive.py from the answers of a Prometheus that scraped one partywall each second, "
            "while its alerts were driven to firing and back. The panics were another server's."
        )
        span = (prometheus.began, time.time())
        drawn.write_text(picture.draw(dashboard, prometheus.over_time, span, subtitle))
        say(f"drew {drawn}, {drawn.stat().st_size // 1024} KiB")


BEGAN = time.monotonic()
CHILDREN = []
if __name__ == "__main__":
    if sys.argv[1:2] == ["--rules"]:
        print(shortened((ROOT / "deploy/alerts/partywall.yaml").read_text(), int(sys.argv[2]))[0], end="")
        sys.exit()
    place = Path(tempfile.mkdtemp(prefix="partywall-alerts-"))
    is_good = False
    # So that the children end with this, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        drawn = Path(sys.argv[4]) if sys.argv[3:4] == ["--picture"] else None
        main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]), drawn, place)
        is_good = True
    finally:
        ENDED.set()
        for child in CHILDREN:
            child.terminate()
        for child in CHILDREN:
            child.wait()
        if is_good:
            shutil.rmtree(place)
        else:
            print(f"alerts: the logs are in {place}", flush=True)
