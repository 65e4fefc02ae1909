"""What Microsoft's SDK reads from the sandbox."""

import pytest
from azure.core.exceptions import ClientAuthenticationError
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.headers_collection import HeadersCollection
from msgraph.generated.directory_objects.get_by_ids.get_by_ids_post_request_body import (
    GetByIdsPostRequestBody,
)
from msgraph.generated.groups.delta.delta_request_builder import (
    DeltaRequestBuilder as GroupDeltaRequestBuilder,
)
from msgraph.generated.groups.groups_request_builder import GroupsRequestBuilder
from msgraph.generated.groups.item.transitive_members.graph_user.graph_user_request_builder import (
    GraphUserRequestBuilder,
)
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.users.count.count_request_builder import CountRequestBuilder
from msgraph.generated.users.delta.delta_request_builder import DeltaRequestBuilder
from msgraph.generated.users.item.user_item_request_builder import UserItemRequestBuilder
from msgraph.generated.users.users_request_builder import UsersRequestBuilder
from msgraph_core import PageIterator

from sandbox import SCOPE, Sandbox, run

Users = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters
Count = CountRequestBuilder.CountRequestBuilderGetQueryParameters
Groups = GroupsRequestBuilder.GroupsRequestBuilderGetQueryParameters
User = UserItemRequestBuilder.UserItemRequestBuilderGetQueryParameters
Members = GraphUserRequestBuilder.GraphUserRequestBuilderGetQueryParameters


def asking(parameters=None, eventual=False, **headers):
    configuration = RequestConfiguration(query_parameters=parameters)
    if eventual:
        headers["ConsistencyLevel"] = "eventual"
    configuration.headers = HeadersCollection()
    for name, value in headers.items():
        configuration.headers.add(name, value)
    return configuration


async def refused(call, status, code):
    """The SDK's error, with what Graph said."""
    with pytest.raises(ODataError) as raised:
        await call
    error = raised.value
    assert (error.response_status_code, error.error.code) == (status, code)
    assert error.error.inner_error.request_id
    return error.error.message


def test_azure_identity_signs_in_and_is_refused_with_a_wrong_secret(company: Sandbox):
    token = company.credential().get_token(SCOPE)
    assert token.token.count(".") == 2
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        company.credential(client_secret="wrong").get_token(SCOPE)
    with pytest.raises(ClientAuthenticationError, match="AADSTS700016"):
        company.credential(client_id="11111111-2222-4333-8444-555555555555").get_token(SCOPE)
    stranger = company.credential(tenant_id="11111111-2222-4333-8444-555555555555")
    with pytest.raises(ClientAuthenticationError, match="Unable to get authority configuration"):
        stranger.get_token(SCOPE)


def test_a_login_host_tells_of_itself(company: Sandbox):
    async def ask():
        async with company.http() as http:
            authorize = f"{company.url}/{company.tenant_id}/oauth2/v2.0/authorize"
            asked = {"api-version": "1.1", "authorization_endpoint": authorize}
            url = f"{company.url}/common/discovery/instance"
            instance = (await http.get(url, params=asked)).json()
            return instance, (await http.get(instance["tenant_discovery_endpoint"])).json()

    instance, configuration = run(ask())
    host = company.url.removeprefix("https://")
    assert instance["metadata"][0]["aliases"] == [host]
    assert configuration["token_endpoint"] == f"{company.url}/{company.tenant_id}/oauth2/v2.0/token"
    assert configuration["issuer"] == f"{company.url}/{company.tenant_id}/v2.0"


def test_pages_lead_to_all_users_once(company: Sandbox):
    async def ask():
        graph = company.graph()
        first = await graph.users.get(asking(Users(select=["id", "displayName"], top=99)))
        seen = []
        iterator = PageIterator(first, graph.request_adapter)
        await iterator.iterate(lambda user: seen.append((user.id, user.display_name)) or True)
        return first, seen

    first, seen = run(ask())
    assert len(first.value) == 99 and first.odata_next_link
    assert len(seen) == len(set(seen)) == 250
    assert all(name for _, name in seen)


def test_users_are_filtered_counted_searched_and_put_in_order(company: Sandbox):
    async def ask():
        graph = company.graph()
        enabled = await graph.users.get(
            asking(Users(filter="accountEnabled eq true", count=True, top=5), eventual=True)
        )
        disabled = await graph.users.count.get(
            asking(Count(filter="accountEnabled eq false"), eventual=True)
        )
        names = Users(select=["displayName"], orderby=["displayName desc"], top=999)
        ordered = await graph.users.get(asking(names))
        word = ordered.value[0].display_name.split()[0]
        searched = await graph.users.get(
            asking(Users(search=f'"displayName:{word}"', count=True), eventual=True)
        )
        plain = await graph.users.get(asking(Users(filter="startsWith(displayName,'a')")))
        await refused(
            graph.users.get(asking(Users(search=f'"displayName:{word}"'))),
            400,
            "Request_UnsupportedQuery",
        )
        many = ",".join(f"'{number}'" for number in range(16))
        message = await refused(
            graph.users.get(asking(Users(filter=f"displayName in ({many})"))),
            400,
            "Request_UnsupportedQuery",
        )
        assert message.endswith("Max allowed: 15.")
        await refused(
            graph.users.get(asking(Users(select=["shoeSize"]))), 400, "BadRequest"
        )
        return enabled, disabled, ordered.value, searched, word, plain.value

    enabled, disabled, ordered, searched, word, plain = run(ask())
    assert len(enabled.value) == 5
    assert enabled.odata_count + disabled == 250 and disabled > 0
    names = [user.display_name.lower() for user in ordered]
    assert names == sorted(names, reverse=True)
    assert searched.odata_count == len(searched.value) > 0
    for user in searched.value:
        assert word.lower() in user.display_name.lower()
    assert plain and all(user.display_name.lower().startswith("a") for user in plain)


def test_one_user_shows_with_licenses_and_their_sources(company: Sandbox):
    wanted = ["id", "assignedLicenses", "licenseAssignmentStates", "usageLocation", "memberOf"]

    async def ask():
        graph = company.graph()
        everybody = await graph.users.get(asking(Users(select=wanted[:3], top=999)))
        user = next(
            user
            for user in everybody.value
            if any(state.assigned_by_group for state in user.license_assignment_states)
            and user.assigned_licenses
        )
        again = await graph.users.by_user_id(user.id).get(asking(User(select=wanted[:4])))
        details = await graph.users.by_user_id(user.id).license_details.get()
        groups = await graph.users.by_user_id(user.id).member_of.get()
        expanded = await graph.users.by_user_id(user.id).get(
            asking(User(select=["id"], expand=["memberOf($select=id)"]))
        )
        missing = graph.users.by_user_id("nobody@contoso.com").get()
        message = await refused(missing, 404, "Request_ResourceNotFound")
        assert message.startswith("Resource 'nobody@contoso.com' does not exist")
        return user, again, details.value, groups.value, expanded

    user, again, details, groups, expanded = run(ask())
    skus = {license.sku_id for license in again.assigned_licenses}
    assert skus == {license.sku_id for license in user.assigned_licenses}
    assert skus == {detail.sku_id for detail in details}
    assert all(plan.provisioning_status for detail in details for plan in detail.service_plans)
    states = again.license_assignment_states
    assert {state.assigned_by_group for state in states} - {None} <= {group.id for group in groups}
    assert {group.id for group in expanded.member_of} == {group.id for group in groups}


def test_the_company_shows_its_products_and_domains(company: Sandbox):
    async def ask():
        graph = company.graph()
        skus = (await graph.subscribed_skus.get()).value
        one = await graph.subscribed_skus.by_subscribed_sku_id(skus[0].id).get()
        subscriptions = (await graph.directory.subscriptions.get()).value
        organization = (await graph.organization.get()).value
        domains = (await graph.domains.get()).value
        return skus, one, subscriptions, organization, domains

    skus, one, subscriptions, organization, domains = run(ask())
    assert one.sku_part_number == skus[0].sku_part_number
    assert one.prepaid_units.enabled == skus[0].prepaid_units.enabled
    assert {sku.sku_part_number for sku in skus} == {of.sku_part_number for of in subscriptions}
    assert all(of.next_lifecycle_date_time for of in subscriptions)
    assert [one.id for one in organization] == [company.tenant_id]
    verified = {domain.name for domain in organization[0].verified_domains}
    assert verified == {domain.id for domain in domains}


def test_groups_show_members_of_all_levels(company: Sandbox):
    async def ask():
        graph = company.graph()
        found = await graph.groups.get(asking(Groups(filter="displayName eq 'Engineering'")))
        group = graph.groups.by_group_id(found.value[0].id)
        direct = await graph.groups.by_group_id(found.value[0].id).members.get()
        users = await group.transitive_members.graph_user.get(
            asking(Members(select=["id"], top=999, count=True), eventual=True)
        )
        uncast = await group.transitive_members.get()
        await refused(
            group.transitive_members.graph_user.get(), 400, "Request_UnsupportedQuery"
        )
        carriers = await graph.groups.get(
            asking(
                Groups(filter="assignedLicenses/$count ne 0", count=True, select=["id", "assignedLicenses"]),
                eventual=True,
            )
        )
        expanded = await graph.groups.get(asking(Groups(expand=["members"], top=5)))
        return direct.value, users, uncast.value, carriers, expanded.value

    direct, users, uncast, carriers, expanded = run(ask())
    kinds = {member.odata_type for member in direct}
    assert kinds == {"#microsoft.graph.user", "#microsoft.graph.group"}
    assert users.odata_count == len(users.value) > len(direct) - 2
    assert {user.id for user in users.value} >= {
        member.id for member in direct if member.odata_type == "#microsoft.graph.user"
    }
    assert len({member.id for member in uncast}) == len(uncast)
    assert carriers.odata_count == 2 and all(group.assigned_licenses for group in carriers.value)
    assert any(group.members for group in expanded)
    assert all(len(group.members) <= 20 for group in expanded)


def test_administrative_units_show_their_members(company: Sandbox):
    async def ask():
        graph = company.graph()
        units = (await graph.directory.administrative_units.get()).value
        unit = graph.directory.administrative_units.by_administrative_unit_id(units[0].id)
        one = await unit.get()
        members = (await unit.members.get()).value
        users = (await unit.members.graph_user.get(asking(eventual=True))).value
        return units, one, members, users

    units, one, members, users = run(ask())
    assert [unit.display_name for unit in units].count(one.display_name) == 1
    assert {member.id for member in members} == {user.id for user in users}
    assert all(user.user_principal_name for user in users)


def test_objects_are_found_by_id(company: Sandbox):
    async def ask():
        graph = company.graph()
        users = (await graph.users.get(asking(Users(top=2)))).value
        groups = (await graph.groups.get(asking(Groups(top=1)))).value
        unknown = "11111111-2222-4333-8444-555555555555"
        ids = [one.id for one in [*users, *groups]]
        body = GetByIdsPostRequestBody(ids=[*ids, unknown], types=["user", "group"])
        found = (await graph.directory_objects.get_by_ids.post(body)).value
        return ids, found

    ids, found = run(ask())
    assert {one.id for one in found} == set(ids)
    assert sorted(one.odata_type for one in found)[0] == "#microsoft.graph.group"


def test_a_hidden_group_shows_its_members_to_whom_it_may(start):
    async def ask(sandbox):
        graph = sandbox.graph()
        found = await graph.groups.get(asking(Groups(filter="displayName eq 'Works Council'")))
        return (await graph.groups.by_group_id(found.value[0].id).members.get()).value

    open_to_see = start("--users", "250", "--roles", "GroupMember.Read.All,Member.Read.Hidden")
    members = run(ask(open_to_see))
    assert members
    # Without permission for users they are there, and say nothing of themselves.
    assert all(member.id and member.display_name is None for member in members)
    assert run(ask(start("--users", "250", "--roles", "GroupMember.Read.All"))) == []


def test_what_the_app_may_not_do_is_refused(start):
    async def ask():
        graph = start("--users", "50", "--roles", "Domain.Read.All").graph()
        await graph.domains.get()
        await refused(graph.users.get(), 403, "Authorization_RequestDenied")

    run(ask())


def test_delta_is_followed_to_its_link_and_on(small: Sandbox):
    selected = ["displayName", "usageLocation", "assignedLicenses"]

    async def follow(builder, page):
        seen = list(page.value)
        while page.odata_next_link:
            page = await builder.with_url(page.odata_next_link).get()
            seen += page.value
        return seen, page.odata_delta_link

    async def ask():
        graph = small.graph()
        parameters = DeltaRequestBuilder.DeltaRequestBuilderGetQueryParameters(select=selected)
        users = graph.users.delta
        first, link = await follow(users, await users.get(asking(parameters)))
        nothing, link = await follow(users, await users.with_url(link).get())
        from msgraph.generated.models.user import User as UserBody

        await graph.users.by_user_id("chi@contoso.com").patch(UserBody(usage_location="IT"))
        minimal = asking(Prefer="return=minimal")
        changed, link = await follow(users, await users.with_url(link).get(minimal))
        parameters = GroupDeltaRequestBuilder.DeltaRequestBuilderGetQueryParameters(
            select=["displayName", "members"]
        )
        groups = graph.groups.delta
        groups_seen, _ = await follow(groups, await groups.get(asking(parameters)))
        await refused(users.with_url(link + "x").get(), 400, "Request_BadRequest")
        return first, nothing, changed, groups_seen

    first, nothing, changed, groups = run(ask())
    assert len(first) == 7 and nothing == []
    assert [(user.usage_location, user.display_name) for user in changed] == [("IT", None)]
    members = {group.display_name: group.additional_data.get("members@delta") for group in groups}
    assert members["LIC-Visio"]


@pytest.mark.parametrize(
    "fault, status, code",
    [
        ("delta-gone", 410, "syncStateNotFound"),
        ("sync-state-not-found", 404, "syncStateNotFound"),
        ("resync-required", 400, "resyncRequired"),
    ],
)
def test_a_delta_link_that_is_void_says_to_begin_anew(start, fault, status, code):
    async def ask():
        graph = start("--users", "50", "--fault", f"{fault}=1@deltatoken").graph()
        users = graph.users.delta
        page = await users.get()
        await refused(users.with_url(page.odata_delta_link).get(), status, code)
        assert (await users.get()).value

    run(ask())


@pytest.mark.parametrize("arguments, told", [((), True), (("--delta-without-licenses",), False)])
def test_delta_may_or_may_not_tell_of_licenses(start, arguments, told):
    from test_writing import change

    async def ask():
        graph = start("--users", "60", "--roles", "all", *arguments).graph()
        users = graph.users.delta
        parameters = DeltaRequestBuilder.DeltaRequestBuilderGetQueryParameters(
            select=["assignedLicenses"]
        )
        page = await users.get(asking(parameters))
        assert not page.odata_next_link, "60 users fit a page"
        user = next(user for user in page.value if user.assigned_licenses)
        sku = user.assigned_licenses[0].sku_id
        body = change(remove=[sku])
        try:
            await graph.users.by_user_id(user.id).assign_license.post(body)
        except ODataError:
            pytest.fail("the first user's license is direct in this company")
        return (await users.with_url(page.odata_delta_link).get()).value

    assert bool(run(ask())) == told
