"""The project's own API, deployed by the real CDK and asked over the wire."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.cdk import ACCESS_KEY, SECRET_KEY
from local.session import LocalAws
from tests.appsync.clients import Answer, Api, Socket
from tests.built_once import REPOSITORY
from tests.sync_backend import STACK

pytestmark = pytest.mark.xdist_group("appsync")
PASSWORD = "Correct-horse-9"  # pragma: allowlist secret
WHEN = "2026-12-01T08:00:00.000Z"
DOCUMENT = REPOSITORY / "docs" / "offline.md"
META = "_version _deleted _lastChangedAt"
SITE = f"id name accessHints address {{ city }} createdAt updatedAt {META}"
ORDER = f"id siteID title status tags scheduledFor {META} site {{ id _deleted }}"
NOTE = f"id workOrderID text owner {META} workOrder {{ id _deleted }}"
SELECTED = {"Site": SITE, "WorkOrder": ORDER, "Note": NOTE}


@dataclass(frozen=True)
class Offline:
    """The deployed API and its people."""

    api: Api
    outputs: dict[str, str]
    tokens: dict[str, dict[str, str]]
    names: dict[str, str]
    """The user names that the pool gave to people, who sign in by e-mail."""

    def user(self, name: str) -> Api:
        """The API as somebody calls it."""
        return self.api.with_headers(authorization=self.tokens[name]["AccessToken"])


def mutate(api: Api, verb: str, model: str, **values: Any) -> Answer:
    kind = f"{verb.capitalize()}{model}Input!"
    return api.ask(
        f"mutation operation($input: {kind}) "
        f"{{ {verb}{model}(input: $input) {{ {SELECTED[model]} }} }}",
        input=values,
    )


def sync(api: Api, models: str, selection: str, last_sync: int | None = None) -> Any:
    return api.ask(
        "query operation($limit: Int, $lastSync: AWSTimestamp) "
        f"{{ sync{models}(limit: $limit, lastSync: $lastSync) "
        f"{{ items {{ {selection} }} nextToken startedAt }} }}",
        limit=1000,
        lastSync=last_sync,
    ).data[f"sync{models}"]


@pytest.fixture(scope="module")
def offline(aws: LocalAws, offline_outputs: dict[str, str]) -> Offline:
    outputs = offline_outputs
    cognito = aws.client("cognito-idp")
    pool = outputs["UserPoolId"]
    client = cognito.create_user_pool_client(
        UserPoolId=pool, ClientName="tests", ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH"]
    )["UserPoolClient"]["ClientId"]
    tokens, names = {}, {}
    for name, groups in (
        ("dora", ["Dispatchers"]),
        ("tim", ["Technicians"]),
        ("tina", ["Technicians"]),
        ("tom", []),
    ):
        mail = f"{name}@work.example"
        made = cognito.admin_create_user(
            UserPoolId=pool,
            Username=mail,
            UserAttributes=[{"Name": "email", "Value": mail}],
            MessageAction="SUPPRESS",
        )
        names[name] = made["User"]["Username"]
        cognito.admin_set_user_password(
            UserPoolId=pool, Username=mail, Password=PASSWORD, Permanent=True
        )
        for group in groups:
            cognito.admin_add_user_to_group(UserPoolId=pool, Username=mail, GroupName=group)
        tokens[name] = cognito.admin_initiate_auth(
            UserPoolId=pool,
            ClientId=client,
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": mail, "PASSWORD": PASSWORD},
        )["AuthenticationResult"]
    key = {"x-api-key": outputs["ApiKeyId"]}
    return Offline(Api(outputs["GraphqlUrl"], key), outputs, tokens, names)


@pytest.fixture
def make(offline: Offline) -> Callable[..., dict[str, Any]]:
    """Create an item with the key."""

    def create(model: str, **values: Any) -> dict[str, Any]:
        defaults = {
            "Site": {"name": "Depot"},
            "WorkOrder": {
                "siteID": "s",
                "title": "Boiler",
                "status": "PLANNED",
                "scheduledFor": "2026-12-01T08:00:00Z",
            },
            "Note": {"workOrderID": "w", "text": "hi", "writtenAt": "2026-12-01T08:00:00Z"},
        }[model]
        answer = mutate(offline.api, "create", model, **{**defaults, **values})
        return dict(answer.data[f"create{model}"])

    return create


def table_of(aws: LocalAws, model: str) -> str:
    """The name of a model's base table."""
    tables = aws.client("dynamodb").list_tables()["TableNames"]
    (table,) = (each for each in tables if each.startswith(f"{STACK}-") and model in each)
    return str(table)


@pytest.fixture(autouse=True)
def no_faults(aws: LocalAws) -> Iterator[None]:
    yield
    aws.control("appsync/reset")


def test_a_site_is_merged(offline: Offline, make: Any) -> None:
    site = make("Site", accessHints=["ring"], address={"city": "Bern"})
    fresh = mutate(
        offline.api, "update", "Site", id=site["id"], accessHints=["ring", "key"], _version=1
    )
    assert fresh.data["updateSite"]["accessHints"] == ["ring", "key"]
    stale = mutate(
        offline.api, "update", "Site", id=site["id"], name="Old", accessHints=["dog"], _version=1
    ).data["updateSite"]
    assert stale["accessHints"] == ["ring", "key", "dog"]
    assert (stale["name"], stale["_version"]) == ("Depot", 3)
    # By the letter of the rule: the server's value of a scalar stays, this one included.
    assert stale["updatedAt"] == fresh.data["updateSite"]["updatedAt"]


def test_a_work_order_is_decided_by_the_function(offline: Offline, make: Any) -> None:
    order = make("WorkOrder")
    started = mutate(
        offline.api, "update", "WorkOrder", id=order["id"], status="IN_PROGRESS", _version=1
    ).data["updateWorkOrder"]
    assert started["_version"] == 2
    done = mutate(offline.api, "update", "WorkOrder", id=order["id"], status="DONE", _version=1)
    assert done.data["updateWorkOrder"]["status"] == "DONE"
    assert done.data["updateWorkOrder"]["_version"] == 3


def test_a_note_is_rejected_with_what_the_server_has(offline: Offline, make: Any) -> None:
    note = make("Note")
    current = mutate(offline.api, "update", "Note", id=note["id"], text="b", _version=1)
    error = mutate(offline.api, "update", "Note", id=note["id"], text="c", _version=1).error
    assert error["errorType"] == "ConflictUnhandled"
    expected = {**current.data["updateNote"], "workOrder": None}
    assert error["data"] == expected


def test_null_removes_an_attribute(offline: Offline, make: Any, aws: LocalAws) -> None:
    site = make("Site", phone="+41 31 000 00 00")
    mutate(offline.api, "update", "Site", id=site["id"], phone=None, _version=1)
    table = table_of(aws, "Site")
    row = aws.client("dynamodb").get_item(TableName=table, Key={"id": {"S": site["id"]}})["Item"]
    assert "phone" not in row


def test_sync_follows_the_delta_and_then_its_end(
    offline: Offline, make: Any, aws: LocalAws
) -> None:
    site = make("Site")
    page = sync(offline.api, "Sites", SITE)
    assert site["id"] in {each["id"] for each in page["items"]}
    mutate(offline.api, "delete", "Site", id=site["id"], _version=1)
    later = sync(offline.api, "Sites", SITE, page["startedAt"])
    assert [each["_deleted"] for each in later["items"] if each["id"] == site["id"]][-1] is True
    aws.control("appsync/clock", offset_seconds=400 * 86400)
    # The delta and the tombstone are over: the base table has never heard of it.
    again = sync(offline.api, "Sites", SITE, page["startedAt"])
    assert site["id"] not in {each["id"] for each in again["items"]}


def test_a_relation_by_other_names(offline: Offline, make: Any) -> None:
    order = make("WorkOrder", title="Boiler")
    note = make("Note", workOrderID=order["id"])
    asked = "query Q($id: ID!) { getNote(id: $id) { workOrder { %s } } }"
    for selected, wanted in (
        ("id: title", {"id": "Boiler"}),
        ("key: id", {"key": order["id"]}),
        ("id _deleted", {"id": order["id"], "_deleted": None}),
    ):
        answer = offline.api.ask(asked % selected, id=note["id"])
        assert answer.data["getNote"]["workOrder"] == wanted


def test_relations_and_index_queries(offline: Offline, make: Any) -> None:
    site = make("Site")
    for day in ("2026-12-02", "2026-12-01", "2027-01-01"):
        make("WorkOrder", siteID=site["id"], title=day, scheduledFor=f"{day}T08:00:00Z")
    answer = offline.api.ask(
        "query Q($id: ID!) { getSite(id: $id) {"
        ' name workOrders(filter: {title: {beginsWith: "2026"}})'
        " { items { title site { name } } } }"
        ' workOrdersBySite(siteID: $id, sortDirection: DESC, scheduledFor: {ge: "2026-12-02"})'
        " { items { title } } }",
        id=site["id"],
    )
    orders = answer.data["getSite"]["workOrders"]["items"]
    assert orders == [
        {"title": "2026-12-01", "site": {"name": "Depot"}},
        {"title": "2026-12-02", "site": {"name": "Depot"}},
    ]
    assert [each["title"] for each in answer.data["workOrdersBySite"]["items"]] == [
        "2027-01-01",
        "2026-12-02",
    ]


@pytest.mark.parametrize(
    ("document", "status", "kind", "said"),
    [
        (f"{{ syncSites(lastSync: {10**18}) {{ nextToken }} }}", 200, "BadRequest", "not a time"),
        (
            'mutation { createSite(input: {name: "x", address: {latitude: 1e400}}) { id } }',
            200,
            None,
            "Validation error of type WrongType",
        ),
        (
            'mutation { createSite(input: {name: "\ud800"}) { name } }',
            400,
            "MalformedHttpRequestException",
            "Invalid JSON payload",
        ),
    ],
)
def test_what_cannot_be_stored_is_refused_in_words(
    offline: Offline, document: str, status: int, kind: str | None, said: str
) -> None:
    answer = offline.api.ask(document)
    error = answer.body["errors"][0]
    assert (answer.status, error.get("errorType")) == (status, kind)
    assert said in error["message"]


def test_pitfall_21_a_change_without_a_version_is_no_overwrite(offline: Offline, make: Any) -> None:
    note = make("Note", text="seen by nobody")
    for verb in ("update", "delete"):
        error = mutate(offline.api, verb, "Note", id=note["id"]).error
        assert error["errorType"] == "ConflictUnhandled"
        assert error["data"]["text"] == "seen by nobody"
    site = make("Site", name="Depot")
    merged = mutate(offline.api, "update", "Site", id=site["id"], name="x", phone="+41 31 000")
    assert (merged.data["updateSite"]["name"], merged.data["updateSite"]["_version"]) == (
        "Depot",
        2,
    )


def test_pitfall_21_a_mutation_gives_a_version_to_an_item_from_before(
    offline: Offline, aws: LocalAws
) -> None:
    dynamodb, table = aws.client("dynamodb"), table_of(aws, "Site")
    row = {"id": "before", "name": "Depot", "createdAt": WHEN, "updatedAt": WHEN}
    dynamodb.put_item(TableName=table, Item={name: {"S": each} for name, each in row.items()})
    asked = '{ getSite(id: "before") { name _version } }'
    assert (
        "non-nullable type: 'Int' within parent 'Site'" in offline.api.ask(asked).error["message"]
    )
    began = sync(offline.api, "Sites", "id")["startedAt"]
    touched = mutate(offline.api, "update", "Site", id="before", name="Depot", _version=0)
    assert touched.data["updateSite"]["_version"] == 1
    (change,) = sync(offline.api, "Sites", SITE, began)["items"]
    assert change["id"] == "before"
    mutate(offline.api, "delete", "Site", id="before", _version=1)


def test_pitfall_23_the_documented_program_writes_by_a_mutation(
    offline: Offline, make: Any, aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Versioned, in the delta, and told to subscribers; a write to the table is none of it."""
    order = make("WorkOrder")
    (program,) = (
        block
        for block in re.findall(r"```python\n(.+?)```", DOCUMENT.read_text(), re.DOTALL)
        if "updateWorkOrder(input" in block
    )
    began = sync(offline.api, "WorkOrders", "id")["startedAt"]
    row = {"TableName": table_of(aws, "WorkOrder"), "Key": {"id": {"S": order["id"]}}}
    aws.client("dynamodb").update_item(
        **row, UpdateExpression="SET title = :t", ExpressionAttributeValues={":t": {"S": "around"}}
    )
    assert sync(offline.api, "WorkOrders", "id", began)["items"] == []

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    url, region = offline.outputs["GraphqlUrl"], aws.record().region
    monkeypatch.setenv("no_proxy", str(urlsplit(url).hostname))
    realtime = url.replace("http", "ws", 1) + "/realtime"
    key = {"host": urlsplit(realtime).netloc, "x-api-key": offline.outputs["ApiKeyId"]}
    with Socket(realtime, key) as socket:
        socket.begin()
        socket.start("1", "subscription { onUpdateWorkOrder { id status _version } }", key)
        exec(program, {"graphql_url": url, "region": region, "id": order["id"], "version": 1})
        heard = socket.hear()["payload"]["data"]["onUpdateWorkOrder"]
    assert heard == {"id": order["id"], "status": "DONE", "_version": 2}
    (change,) = sync(offline.api, "WorkOrders", "id status _version", began)["items"]
    assert change == heard


class TestAccess:
    """Owners and groups."""

    def test_a_technician_reads_sites_and_changes_none(self, offline: Offline, make: Any) -> None:
        site = make("Site")
        tim = offline.user("tim")
        assert site["id"] in {each["id"] for each in sync(tim, "Sites", SITE)["items"]}
        error = mutate(tim, "update", "Site", id=site["id"], name="x", _version=1).error
        assert error["errorType"] == "Unauthorized"
        assert error["data"] is None

    def test_an_author_owns_a_note_and_others_do_not_see_it(self, offline: Offline) -> None:
        tim, tom, dora = (offline.user(name) for name in ("tim", "tom", "dora"))
        note = mutate(
            tim, "create", "Note", workOrderID="w", text="t", writtenAt="2026-12-01T08:00:00Z"
        ).data["createNote"]
        assert note["owner"] == offline.names["tim"]

        def sees(api: Api) -> bool:
            return note["id"] in {each["id"] for each in sync(api, "Notes", NOTE)["items"]}

        assert (sees(tim), sees(tom), sees(dora)) == (True, False, True)
        stolen = mutate(tom, "update", "Note", id=note["id"], text="x", _version=1).error
        assert (stolen["errorType"], stolen["data"]) == ("Unauthorized", None)

    def test_who_has_no_group_reaches_no_work_orders(self, offline: Offline) -> None:
        answer = offline.user("tom").ask("{ syncWorkOrders { nextToken } }")
        assert answer.error["errorType"] == "Unauthorized"

    def test_credentials_of_the_identity_pool_are_no_way_around(
        self, offline: Offline, aws: LocalAws
    ) -> None:
        pool = offline.outputs["UserPoolId"]
        identities = aws.client("cognito-identity")
        login = {f"cognito-idp.eu-west-1.amazonaws.com/{pool}": offline.tokens["tom"]["IdToken"]}
        identity = identities.get_id(
            IdentityPoolId=offline.outputs["IdentityPoolId"], Logins=login
        )["IdentityId"]
        given = identities.get_credentials_for_identity(IdentityId=identity, Logins=login)
        found = given["Credentials"]
        credentials = Credentials(found["AccessKeyId"], found["SecretKey"], found["SessionToken"])
        body = b'{"query": "{ syncSites { nextToken } }"}'
        request = AWSRequest("POST", offline.api.url, {}, body)
        SigV4Auth(credentials, "appsync", "eu-west-1").add_auth(request)
        headers = {name.lower(): value for name, value in request.headers.items()}
        answer = offline.api.with_headers(**headers).send(body)
        assert answer.error["errorType"] == "Unauthorized"


class TestSubscriptions:
    """What is pushed to whom."""

    def test_an_owner_hears_of_their_own_notes_only(self, offline: Offline) -> None:
        url = offline.outputs["GraphqlUrl"].replace("http", "ws", 1) + "/realtime"
        tim, tom = offline.user("tim"), offline.user("tom")
        authorization = {
            "host": urlsplit(url).netloc,
            "Authorization": offline.tokens["tim"]["AccessToken"],
        }
        with Socket(url, authorization) as socket:
            socket.begin()
            query = "subscription operation($owner: String) { onCreateNote(owner: $owner) { %s } }"
            mine = {"owner": offline.names["tim"]}
            assert socket.start("n", query % NOTE, authorization, **mine)["type"] == "start_ack"
            given = {"workOrderID": "w", "text": "t", "writtenAt": "2026-12-01T08:00:00Z"}
            mutate(tom, "create", "Note", **given)
            note = mutate(tim, "create", "Note", **given).data["createNote"]
            heard = socket.hear()["payload"]["data"]["onCreateNote"]
            assert (heard["id"], heard["_version"]) == (note["id"], 1)
            refused = socket.start("x", query % NOTE, authorization, owner=offline.names["tom"])
            assert refused["payload"]["errors"][0]["errorType"] == "Unauthorized"

    def test_nobody_hears_through_a_relation_what_they_could_not_read(
        self, offline: Offline, make: Any
    ) -> None:
        """The mutation's author may read the note that it selects; subscribers are not asked."""
        url = offline.outputs["GraphqlUrl"].replace("http", "ws", 1) + "/realtime"
        site = make("Site")
        order = make("WorkOrder", siteID=site["id"])
        given = {"workOrderID": order["id"], "text": "t", "writtenAt": "2026-12-01T08:00:00Z"}
        mutate(offline.user("tim"), "create", "Note", **given).data["createNote"]
        notes = "notes { items { text owner } }"
        update = "mutation($input: Update%sInput!) { update%s(input: $input) { %s } }"

        def hears(name: str, subscription: str, model: str, selected: str, author: str) -> Any:
            token = offline.tokens[name]["AccessToken"]
            authorization = {"host": urlsplit(url).netloc, "Authorization": token}
            item = site if model == "Site" else order
            item["_version"] += 1
            change = {"id": item["id"], "_version": item["_version"] - 1}
            with Socket(url, authorization) as socket:
                socket.begin()
                started = socket.start("1", f"subscription {{ {subscription} }}", authorization)
                assert started["type"] == "start_ack"
                answer = offline.user(author).ask(update % (model, model, selected), input=change)
                pushed = socket.hear()["payload"]
                assert pushed == {"data": {f"onUpdate{model}": answer.data[f"update{model}"]}}
                return pushed["data"][f"onUpdate{model}"]

        for author in ("dora", "tim"):
            selected = f"id {notes} site {{ name workOrders {{ items {{ {notes} }} }} }}"
            heard = hears(
                "tina", f"onUpdateWorkOrder {{ {selected} }}", "WorkOrder", selected, author
            )
            assert heard["notes"] is None
            assert heard["site"] == {"name": "Depot", "workOrders": None}
        selected = f"id workOrders {{ items {{ title {notes} }} }}"
        heard = hears("tom", f"onUpdateSite {{ {selected} }}", "Site", selected, "dora")
        assert heard == {"id": site["id"], "workOrders": None}
        asked = f'{{ getWorkOrder(id: "{order["id"]}") {{ {notes} }} }}'
        (read,) = offline.user("dora").ask(asked).data["getWorkOrder"]["notes"]["items"]
        assert read["text"] == "t"

    def test_a_client_filter_is_applied_on_the_server(self, offline: Offline, make: Any) -> None:
        url = offline.outputs["GraphqlUrl"].replace("http", "ws", 1) + "/realtime"
        key = {"host": urlsplit(url).netloc, "x-api-key": offline.outputs["ApiKeyId"]}
        with Socket(url, key) as socket:
            socket.begin()
            query = (
                "subscription operation($filter: ModelSubscriptionSiteFilterInput) "
                f"{{ onCreateSite(filter: $filter) {{ {SITE} }} }}"
            )
            socket.start("s", query, key, filter={"name": {"beginsWith": "Harbour"}})
            make("Site", name="Depot")
            harbour = make("Site", name="Harbour 3")
            assert socket.hear()["payload"]["data"]["onCreateSite"]["id"] == harbour["id"]
            six = {"name": {"in": list("abcdef")}}
            refused = socket.start("six", query, key, filter=six)
            assert refused["type"] == "error"
            assert "at most 5 values" in refused["payload"]["errors"][0]["message"]

    def test_no_filter_reaches_around_the_owner(self, offline: Offline) -> None:
        url = offline.outputs["GraphqlUrl"].replace("http", "ws", 1) + "/realtime"
        token = offline.tokens["tina"]["AccessToken"]
        authorization = {"host": urlsplit(url).netloc, "Authorization": token}
        given = {"workOrderID": "w", "text": "t", "writtenAt": "2026-12-01T08:00:00Z"}
        anybody = [{"id": {"eq": "1"}}, {"id": {"ne": "1"}}]
        filters = ({"or": anybody}, {"text": {"ge": "", "le": "z"}}, {"and": []}, {"or": []})
        query = (
            "subscription operation($filter: ModelSubscriptionNoteFilterInput) "
            f"{{ onCreateNote(filter: $filter) {{ {NOTE} }} }}"
        )
        with Socket(url, authorization) as socket:
            socket.begin()
            for number, each in enumerate(filters):
                started = socket.start(str(number), query, authorization, filter=each)
                assert started["type"] == "start_ack"
            mutate(offline.user("tim"), "create", "Note", **given)
            note = mutate(offline.user("tina"), "create", "Note", **given).data["createNote"]
            for _ in filters:
                assert socket.hear()["payload"]["data"]["onCreateNote"]["id"] == note["id"]
