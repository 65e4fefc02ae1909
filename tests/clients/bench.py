"""What a script costs that does the main job with Microsoft's SDK, as most are written.

    target/clients/bin/python tests/clients/bench.py --users 2000
    target/clients/bin/python tests/clients/bench.py --at https://127.0.0.1:8365 --ca certificate.pem

Needs the environment that tests/clients/run makes. Requests for tokens are not counted.

The job: list all users with their licenses, compare each with what a policy wants (whoever is
enabled and holds SPE_E3 has YAMMER_ENTERPRISE off), and assign where it differs: first one user
after the other, then the same, back to all on, in batches of twenty. It ends in a table, or with
--json in JSON, one stage a row; `seatkeeper bench` measures the same of seatkeeper.

A sandbox of its own is started without quotas, so that the script and not the wait is measured;
with --at one that runs already is used, and left changed.
"""

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import httpx
from azure.identity import ClientSecretCredential
from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph.generated.models.assigned_license import AssignedLicense
from msgraph.generated.users.item.assign_license.assign_license_post_request_body import (
    AssignLicensePostRequestBody,
)
from msgraph.generated.users.users_request_builder import UsersRequestBuilder
from msgraph_core import PageIterator
from msgraph_core.requests.batch_request_content import BatchRequestContent

from sandbox import Sandbox, batch_item, graph_client, run

BATCH = 20
CLIENT_ID = "2c9a4d10-7d5b-4c50-8f37-4b8b3f0a7a11"
SECRET = "sandbox-secret"
TENANT_ID = "7f3b2c64-5d0e-4c1a-9b8e-2f6a1d4c9e10"


class Traffic:
    """Counts what goes over the wire, bodies as they were sent."""

    def __init__(self):
        self.requests = self.sent = self.received = self.throttled = 0

    async def request(self, request):
        self.requests += 1
        self.sent += len(request.content)

    async def response(self, response):
        await response.aread()
        self.received += response.num_bytes_downloaded
        self.throttled += response.status_code == 429


class Stages:
    """Measures one stage after the other."""

    def __init__(self, traffic):
        self.traffic, self.rows = traffic, []

    def begin(self):
        self.before = (dict(vars(self.traffic)), time.perf_counter(), time.process_time())

    def end(self, name, changes):
        counts, wall, cpu = self.before
        row = {"stage": name, "changes": changes}
        row |= {key: value - counts[key] for key, value in vars(self.traffic).items()}
        row["seconds"] = round(time.perf_counter() - wall, 2)
        row["cpu_seconds"] = round(time.process_time() - cpu, 2)
        # Of the process up to now: Linux tells kibibytes.
        row["peak_memory_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        self.rows.append(row)


async def list_users(graph):
    parameters = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
        select=["id", "accountEnabled", "assignedLicenses", "licenseAssignmentStates"], top=999
    )
    page = await graph.users.get(RequestConfiguration(query_parameters=parameters))
    users = []
    iterator = PageIterator(page, graph.request_adapter)
    await iterator.iterate(lambda user: users.append(user) or True)
    return users


def wanted(users, sku, off):
    """The users whose direct license has something else switched off."""
    for user in users:
        direct = [
            state
            for state in user.license_assignment_states
            if state.sku_id == sku and state.assigned_by_group is None
        ]
        if user.account_enabled and direct and set(direct[0].disabled_plans) != set(off):
            yield user.id


def body(sku, off):
    license = AssignedLicense(sku_id=sku, disabled_plans=list(off))
    return AssignLicensePostRequestBody(add_licenses=[license], remove_licenses=[])


async def one_by_one(graph, users, sku, off):
    for user in users:
        await graph.users.by_user_id(user).assign_license.post(body(sku, off))


async def in_batches(graph, users, sku, off):
    for start in range(0, len(users), BATCH):
        content = BatchRequestContent()
        for user in users[start : start + BATCH]:
            builder = graph.users.by_user_id(user).assign_license
            request = builder.to_post_request_information(body(sku, off))
            content.add_request(user, batch_item(user, request))
        answers = (await graph.batch.post(content)).get_response_status_codes()
        failed = {user: status for user, status in answers.items() if status != 200}
        if failed:
            raise RuntimeError(f"a batch failed in part: {failed}")


async def measure(credential, url, http, traffic):
    graph = graph_client(credential, url, http)
    stages = Stages(traffic)
    skus = {sku.sku_part_number: sku for sku in (await graph.subscribed_skus.get()).value}
    suite = skus["SPE_E3"]
    plans = {plan.service_plan_name: plan.service_plan_id for plan in suite.service_plans}
    off = [plans["YAMMER_ENTERPRISE"]]
    for name, assign, target in [
        ("one by one", one_by_one, off),
        ("batches of 20", in_batches, []),
    ]:
        stages.begin()
        users = await list_users(graph)
        stages.end(f"list {len(users)} users", 0)
        stages.begin()
        todo = list(wanted(users, suite.sku_id, target))
        await assign(graph, todo, suite.sku_id, target)
        stages.end(f"assign {name}", len(todo))
        if list(wanted(await list_users(graph), suite.sku_id, target)):
            raise RuntimeError("what was assigned is not there")
    await http.aclose()
    return stages.rows


def table(rows):
    names = list(rows[0])
    texts = [[str(row[name]) for name in names] for row in rows]
    widths = [max(map(len, column)) for column in zip(names, *texts)]
    lines = [names, ["-" * width for width in widths], *texts]
    return "\n".join("| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--users", type=int, default=2000, help="people in the tenant")
    parser.add_argument("--seed", type=int, default=1, help="what the tenant follows from")
    parser.add_argument("--at", metavar="URL", help="a sandbox that runs already, over HTTPS")
    parser.add_argument("--ca", metavar="FILE", help="its certificate")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    if bool(args.at) != bool(args.ca):
        parser.error("--at and --ca go together")
    with tempfile.TemporaryDirectory() as directory:
        started = None
        if not args.at:
            os.environ.setdefault("SEATKEEPER", "target/debug/seatkeeper")
            arguments = ["--users", str(args.users), "--seed", str(args.seed)]
            started = Sandbox(Path(directory), *arguments, "--throttle", "off")
        try:
            url, ca = (started.url, started.certificate) if started else (args.at, args.ca)
            credential = ClientSecretCredential(
                TENANT_ID, CLIENT_ID, SECRET, authority=url, disable_instance_discovery=True,
                connection_verify=str(ca),
            )
            traffic = Traffic()
            hooks = {"request": [traffic.request], "response": [traffic.response]}
            context = httpx.create_ssl_context(verify=str(ca))
            http = httpx.AsyncClient(verify=context, timeout=120, event_hooks=hooks)
            rows = run(measure(credential, url.rstrip("/"), http, traffic))
        finally:
            if started:
                started.stop()
    print(json.dumps({"stages": rows}, indent=2) if args.json else table(rows), file=sys.stdout)


if __name__ == "__main__":
    main()
