"""APPSYNC_JS: what resolvers can do, and what they cannot.

https://docs.aws.amazon.com/appsync/latest/devguide/resolver-reference-overview-js.html
"""

from __future__ import annotations

from typing import Any

import pytest

from local.appsync.code_rules import CodeError
from local.appsync.javascript import Outcome, code
from tests.appsync.clients import Api

HOST = {"now": 1_700_000_000_123, "authType": "API Key Authorization"}
IMPORTS = """
import { util, runtime, extensions } from '@aws-appsync/utils';
import * as ddb from '@aws-appsync/utils/dynamodb';
"""


def run(body: str, **context: Any) -> Outcome:
    """The outcome of a request handler with this body."""
    source = f"{IMPORTS}\nexport function request(ctx) {{ {body} }}"
    return code(source).run("request", {"arguments": {}, "stash": {}, **context}, HOST)


def value(expression: str, **context: Any) -> Any:
    outcome = run(f"return {expression};", **context)
    assert outcome.error is None, outcome.logs
    return outcome.result


@pytest.mark.parametrize(
    "statement",
    [
        "try { } catch (e) { }",
        "throw 'x';",
        "while (false) { }",
        "do { } while (false);",
        "for (let i = 0; i < 1; i += 1) { }",
        "for (const x of []) { continue; }",
        "const pattern = /x/;",
        "let i = 0; i++;",
        "const i = ~1;",
        "const has = 'a' in {};",
        "class A { }",
        "const f = async () => 1;",
        "const g = function* () { };",
        "return this;",
        "const is = [] instanceof Array;",
        "outer: for (const x of [1]) { break outer; }",
        "const a = 1; one : switch (a) { case 1: break one; }",
    ],
)
def test_what_the_runtime_does_not_have_is_refused(statement: str) -> None:
    with pytest.raises(CodeError, match=r"The code contains one or more errors: \d+:\d+"):
        run(statement)


@pytest.mark.parametrize(
    "expression",
    [
        "fetch('http://127.0.0.1')",
        "setTimeout(() => 1, 1)",
        "new Date()",
        "new Promise(() => 1)",
        "new Map()",
        "eval('1')",
        "(() => 1).constructor('return 1')()",
        "request.call(null)",
        "[1].toReversed()",
        "Object.getPrototypeOf({})",
        "globalThis.__host.load",
        "Math.sin(1)",
        "'a'.padStart(3)",
    ],
)
def test_what_the_runtime_does_not_have_fails(expression: str) -> None:
    outcome = run(f"return {expression};")
    assert outcome.error is not None
    assert (outcome.error["type"], outcome.error["message"]) == ("Code", "Runtime Error")


@pytest.mark.parametrize(
    "statement",
    [
        "const text = 'try catch /x/ this ++ in';",
        "const half = 4 / 2 / 1; // while (true) { throw this }",
        "/* class A { } */ const nested = `a ${`b ${4 / 2} this`} while`;",
        "const o = { catch: 1, this: 2, continue: 3 }; const c = o.catch;",
        "for (const name in { a: 1 }) { util.time.nowEpochSeconds(); }",
        "const s = ctx.args?.x ?? `${1}`; const t = { ...{}, s };",
        "switch (1) { case 1: break; default: }",
        "switch (1) { case 'a': case 1: for (const x of [1]) { } }",
        "switch (1) { default: for (const x of [1]) { } }",
        "const o = { instanceof: 1, label: 2, for: 3 }; delete o.label;",
    ],
)
def test_what_only_looks_forbidden_is_not(statement: str) -> None:
    assert run(f"{statement}\nreturn 1;").result == 1


@pytest.mark.parametrize("module", ["fs", "lodash", "@aws-appsync/utils/rds"])
def test_other_modules_are_refused(module: str) -> None:
    with pytest.raises(CodeError, match=f"cannot import {module}"):
        code(f"import {{ x }} from '{module}';\nexport const request = () => 1;")


def test_code_is_only_so_long() -> None:
    handler = "export const request = () => 1;\n//"
    assert code(handler.ljust(32_768, "-")).handlers == {"request"}
    with pytest.raises(CodeError, match="has 32769 characters"):
        code(handler.ljust(32_769, "-"))


def test_code_must_export_a_handler() -> None:
    with pytest.raises(CodeError, match="must export"):
        code("const request = () => 1;")
    with pytest.raises(CodeError, match="contains one or more errors"):
        code("export const request = () => {;")


def test_exports_of_a_bundler_are_understood() -> None:
    source = (
        "function r(ctx) { return 1; }\nconst p = () => 2;\nexport { r as request, p as response };"
    )
    assert code(source).run("response", {"arguments": {}, "stash": {}}, HOST).result == 2


def test_an_endless_recursion_ends() -> None:
    outcome = run("const f = (n) => f(n + 1) + 1; return f(0);")
    assert outcome.error is not None


class TestUtilities:
    """https://docs.aws.amazon.com/appsync/latest/devguide/built-in-util-js.html ."""

    @pytest.mark.parametrize(
        ("expression", "expected"),
        [
            ("util.time.nowISO8601()", "2023-11-14T22:13:20.123Z"),
            ("util.time.nowEpochMilliSeconds()", 1_700_000_000_123),
            ("util.time.parseISO8601ToEpochMilliSeconds('1970-01-01T00:00:01.5Z')", 1_500),
            ("util.time.epochMilliSecondsToISO8601(0)", "1970-01-01T00:00:00.000Z"),
            ("util.time.nowFormatted('yyyy-MM-dd HH:mm', '+02:00')", "2023-11-15 00:13"),
            ("util.base64Decode(util.base64Encode('hé€'))", "hé€"),
            ("util.urlDecode(util.urlEncode('a b&ü'))", "a b&ü"),
            ("util.matches('a[0-9]+', 'a12')", True),
            ("util.authType()", "API Key Authorization"),
            ("JSON.parse('{')", ""),
            ("util.str.toUpper('a')", "A"),
            ("util.dynamodb.toDynamoDB([1, 'a', null, {b: true}])",
             {"L": [{"N": "1"}, {"S": "a"}, {"NULL": True}, {"M": {"b": {"BOOL": True}}}]}),
            ("util.dynamodb.toStringSet(['a'])", {"SS": ["a"]}),
            ("util.dynamodb.toMapValuesJson({a: 1})", '{"a":{"N":"1"}}'),
        ],
    )  # fmt: skip
    def test_values(self, expression: str, expected: Any) -> None:
        assert value(expression) == expected

    def test_ids_differ(self) -> None:
        ids = value("[util.autoId(), util.autoId(), util.autoUlid()]")
        assert len(set(ids)) == 3
        assert ids[0][14] == "4"
        assert [len(each) for each in ids] == [36, 36, 26]

    def test_what_is_logged(self) -> None:
        assert run("console.log('a', {b: 1}); console.error('c');").logs == [
            'INFO: a {"b":1}',
            "ERROR: c",
        ]


class TestTransformations:
    """Expressions and filters from filter objects."""

    def test_a_filter_expression(self) -> None:
        made = value(
            "JSON.parse(util.transform.toDynamoDBFilterExpression("
            "{ title: { ne: 'hi' }, or: [{ a: { gt: 1 } }, { b: { attributeExists: false } }] }))"
        )
        assert made == {
            "expression": "(#f_title <> :f_1) AND ((#f_a > :f_2) OR (attribute_not_exists(#f_b)))",
            "expressionNames": {"#f_title": "title", "#f_a": "a", "#f_b": "b"},
            "expressionValues": {":f_1": {"S": "hi"}, ":f_2": {"N": "1"}},
        }

    def test_one_condition_has_no_parentheses(self) -> None:
        made = value(
            "JSON.parse(util.transform.toDynamoDBFilterExpression({ and: [{ a: { eq: 1 } }] }))"
        )
        assert made["expression"] == "#f_a = :f_1"

    @pytest.mark.parametrize(
        ("more", "groups"),
        [
            (
                "",
                [
                    "percentageUp lte, title ne, downvotes gt, author eq",
                    "percentageUp lte, title ne, downvotes gt, isPublished eq",
                    "percentageUp gte, title ne, downvotes gt, author eq",
                    "percentageUp gte, title ne, downvotes gt, isPublished eq",
                ],
            ),
            (", ['percentageUp', 'author']", ["title ne, downvotes gt, isPublished eq"]),
            (
                ", ['percentageUp', 'author'], {upvotes: {gte: 250}, author: {eq: 'Person1'}}",
                [
                    "title ne, downvotes gt, isPublished eq, upvotes gte",
                    "title ne, downvotes gt, isPublished eq, author eq",
                ],
            ),
            (", ['percentageUp', 'author'], {}", ["title ne, downvotes gt, isPublished eq"]),
        ],
    )
    def test_a_subscription_filter_is_as_documented(self, more: str, groups: list[str]) -> None:
        """The examples of transformation-helpers-in-utils-transform-js.html ."""
        made = value(
            "util.transform.toSubscriptionFilter({percentageUp: {lte: 50, gte: 20}, "
            "and: [{title: {ne: 'Book1'}}, {downvotes: {gt: 2000}}], "
            f"or: [{{author: {{eq: 'Admin'}}}}, {{isPublished: {{eq: false}}}}]}}{more})"
        )
        assert groups == [
            ", ".join(f"{each['fieldName']} {each['operator']}" for each in group["filters"])
            for group in made["filterGroup"]
        ]

    def test_an_update(self) -> None:
        made = value(
            "ddb.update({ key: { id: '1' }, update: { a: 1, b: ddb.operations.increment(2), "
            "c: ddb.operations.remove(), d: ddb.operations.append([1]) }, _version: 3 })"
        )
        assert made["operation"] == "UpdateItem"
        assert made["_version"] == 3
        assert made["update"]["expression"] == (
            "SET #u_a = :u_1, #u_b = if_not_exists(#u_b, :u_2) + :u_3, "
            "#u_d = list_append(if_not_exists(#u_d, :u_4), :u_5) REMOVE #u_c"
        )


@pytest.mark.xdist_group("appsync")
class TestPipelines:
    """Before, functions, after."""

    def test_the_functions_run_in_turn_and_share_the_stash(self, api: Api) -> None:
        assert api.ask("{ piped(start: 1) }").data["piped"] == ["One got 1", "Two got 2", "end 3"]

    def test_an_early_return_ends_the_pipeline(self, api: Api) -> None:
        assert api.ask("{ piped(start: 99) }").data["piped"] == ["One got 99", "end early"]
