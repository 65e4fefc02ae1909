"""How Microsoft's SDK meets throttling, faults and tokens that are no longer good."""

import pytest
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.users.users_request_builder import UsersRequestBuilder
from msgraph_core import PageIterator

from sandbox import Sandbox, run
from test_reading import asking, refused

Users = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters


async def control(sandbox, method, **body):
    async with sandbox.http() as http:
        return await http.request(method, f"{sandbox.url}/sandbox/faults", **body)


def test_faults_are_set_and_taken_away_while_it_runs(start):
    async def ask():
        sandbox = start("--users", "50", "--seed", "4")
        assert (await control(sandbox, "GET")).json() == {"seed": 4, "faults": []}
        rule = {"kind": "forbidden", "rate": 1, "path": "/users"}
        put = await control(sandbox, "PUT", json={"faults": [rule]})
        assert put.json() == {"seed": 4, "faults": [{**rule, "rate": 1.0}]}
        graph = sandbox.graph()
        await refused(graph.users.get(), 403, "Authorization_RequestDenied")
        wrong = await control(sandbox, "PUT", content="faults:\n  - {kind: frobidden, rate: 1}\n")
        assert wrong.status_code == 400 and "did you mean `forbidden`?" in wrong.text
        # A list that is refused changes nothing.
        await refused(graph.users.get(), 403, "Authorization_RequestDenied")
        assert (await control(sandbox, "DELETE")).json()["faults"] == []
        assert (await graph.users.get()).value

    run(ask())


def test_faults_come_from_a_file(start, tmp_path):
    path = tmp_path / "faults.yaml"
    path.write_text("faults:\n  - kind: error\n    requests: [3]\n    methods: [GET]\n")

    async def ask():
        graph = start("--users", "50", "--faults", str(path)).graph()
        await refused(graph.users.get(), 500, "InternalServerError")
        assert (await graph.users.get()).value

    run(ask())


def test_the_sdk_waits_where_it_is_throttled(start):
    async def ask():
        # The third request is the first for users: before it, the SDK signs in with two.
        sandbox = start("--users", "50", "--fault", "throttle-fraction=#3")
        page = await sandbox.graph().users.get()
        assert page.value

    run(ask())


def test_the_quota_is_kept_and_told(start):
    async def ask():
        sandbox = start("--users", "50")
        refusals = []

        async def note(response):
            if response.status_code == 429:
                refusals.append(response.headers)

        http = sandbox.http(event_hooks={"response": [note]})
        headers = {"Authorization": f"Bearer {sandbox.credential().get_token('https://graph.microsoft.com/.default').token}"}
        # 5,000 units in ten seconds is what an app may read in a tenant of this size; members of all
        # levels cost 5.
        groups = (await http.get(f"{sandbox.url}/v1.0/groups", headers=headers)).json()["value"]
        url = f"/groups/{groups[0]['id']}/transitiveMembers"
        batch = {
            "requests": [{"id": str(n), "method": "GET", "url": url} for n in range(20)]
        }
        throttled = 0
        for _ in range(60):
            answer = await http.post(f"{sandbox.url}/v1.0/$batch", json=batch, headers=headers)
            for item in answer.json()["responses"]:
                if item["status"] == 429:
                    throttled += 1
                    assert int(item["headers"]["Retry-After"]) >= 1
                    assert "/" in item["headers"]["x-ms-throttle-scope"]
        assert throttled > 0
        await http.aclose()

    run(ask())


def test_a_token_that_expired_is_refused_and_a_fresh_one_is_not(start):
    async def ask():
        sandbox = start("--users", "50", "--token-lifetime", "1h", "--fault", "expired=#4")
        graph = sandbox.graph()
        assert (await graph.users.get()).value
        message = await refused(graph.users.get(), 401, "InvalidAuthenticationToken")
        assert message == "Access token has expired or is not yet valid."
        assert (await graph.users.get()).value

    run(ask())


def test_a_claims_challenge_is_met_with_a_new_token(start):
    async def ask():
        sandbox = start("--users", "50", "--fault", "claims=#3")
        credential = sandbox.credential()
        claims = []
        ask_token = credential.get_token

        def noting(*scopes, **options):
            claims.append(options.get("claims"))
            return ask_token(*scopes, **options)

        credential.get_token = noting
        assert (await sandbox.graph(credential).users.get()).value
        return claims

    claims = run(ask())
    assert claims[0] is None and '"nbf"' in claims[-1]


@pytest.mark.parametrize(
    "fault, code",
    [
        ("page-token-lost", "DirectoryPageTokenNotFoundException"),
        ("page-token-expired", "Directory_ExpiredPageToken"),
    ],
)
def test_a_page_that_is_lost_ends_the_list_with_an_error(start, fault, code):
    async def ask():
        graph = start("--users", "50", "--fault", f"{fault}=1").graph()
        first = await graph.users.get(asking(Users(top=20)))
        iterator = PageIterator(
            first, graph.request_adapter, error_mapping={"XXX": ODataError}
        )
        seen = []
        await refused(iterator.iterate(lambda user: seen.append(user.id) or True), 400, code)
        assert len(seen) == 20

    run(ask())


def test_a_page_asked_for_twice_leads_nowhere_where_the_sandbox_is_strict(start):
    async def ask():
        graph = start("--users", "60", "--forget-retried-pages").graph()
        first = await graph.users.get(asking(Users(top=20)))
        again = [await graph.users.with_url(first.odata_next_link).get() for _ in range(2)]
        assert again[0].value[0].id == again[1].value[0].id
        assert (await graph.users.with_url(again[0].odata_next_link).get()).value
        lost = graph.users.with_url(again[1].odata_next_link).get()
        await refused(lost, 400, "DirectoryPageTokenNotFoundException")

    run(ask())


def test_reads_lag_each_by_its_own_time(start):
    from msgraph.generated.models.user import User

    async def ask():
        graph = start("--users", "50", "--lag", "index=1h").graph()
        user = (await graph.users.get(asking(Users(top=1)))).value[0].id
        await graph.users.by_user_id(user).patch(User(usage_location="IS"))
        find = Users(filter=f"id eq '{user}'", select=["usageLocation"], count=True)
        plain = (await graph.users.get(asking(find))).value[0].usage_location
        index = (await graph.users.get(asking(find, eventual=True))).value[0].usage_location
        assert plain == "IS" and index != "IS"

    run(ask())
