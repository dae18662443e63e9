"""Claims on URLs: normalised as servers do, first pattern wins, nothing of an unknown URL is told."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quivive.connectors.mapping.leaf import Place
from quivive.connectors.weblog.settings import url_map
from quivive.connectors.weblog.url_patterns import split_target
from quivive.model.access import Action
from quivive.model.errors import ConfigurationError

DOCUMENT = {
    "base": "/crm",
    "ignore": ["/static/**"],
    "patterns": [
        {"path": "/customers/search", "table": "public.customer", "action": "list",
         "search": [{"column": "customer.last_name", "term": "q", "as": "contains"}]},
        {"path": "/customers/export.{kind:word}", "table": "public.customer", "action": "export"},
        {"path": "/customers/{id:int}", "records": ["public.customer:{id}"], "changed": ["customer.phone"]},
        {"path": "/customers/by-phone/{phone}", "table": "public.customer", "identities": {"phone": "{phone}"}, "action": "read"},
        {"path": "/customers/{id:int}/orders/{order}", "records": ["public.customer:{id}", "public.orders:{order}"]},
        {"path": "/print", "query": {"ids": "{id*:int}"}, "records": ["public.customer:{id}"], "action": "export"},
        {"path": "/index.php", "query": {"module": "Contacts", "record": "{id}", "call": "{call}"},
         "records": ["public.customer:{id}"], "contact": "{call}"},
        {"path": "/lines/{order}/{line}", "records": ["public.order_line:{order},{line}"]},
        {"path": "/customers", "table": "public.customer"},
    ],
}  # fmt: skip


def urls(**change):
    return url_map({**DOCUMENT, **change}, Place(file="x.yml", key="urls", renamed={}))


MAP = urls()


def records(target, method="GET", of=MAP):
    page = of.page(method, target)
    return None if page is None else page.records


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/crm/customers/5", ("public.customer:5",)),
        ("//crm///customers//5/", ("public.customer:5",)),
        ("/crm/./customers/9/../5", ("public.customer:5",)),
        ("/crm/%63ustomers/%35", ("public.customer:5",)),
        ("/crm/x/%2e%2e/customers/5", ("public.customer:5",)),
        ("/crm/customers/5;jsessionid=AB12", ("public.customer:5",)),
        ("https://crm.example/crm/customers/5?tab=2#top", ("public.customer:5",)),
        ("/crm/customers/007", ("public.customer:7",)),
        ("/crm/customers/5/orders/CMD-9", ("public.customer:5", "public.orders:CMD-9")),
        ("/crm/print?ids=3,4&ids=5", ("public.customer:3", "public.customer:4", "public.customer:5")),
        ("/crm/lines/12/1", ("public.order_line:12,1",)),
        ("/customers/5", None),
        ("/crmx/customers/5", None),
        ("/crm/customers/5/6", None),
        ("/crm/customers/five", None),
        ("*", None),
        ("", None),
    ],
)
def test_records_of_a_url(target, expected):
    """Double slashes, dots, escapes, session parameters and foreign bases."""
    assert records(target) == expected


def test_an_escaped_slash_is_part_of_a_key():
    """`%2F` separates nothing."""
    assert records("/crm/customers/5/orders/A%2F9") == ("public.customer:5", "public.orders:A%2F9")


def test_actions_by_method():
    """GET reads, PUT changes, DELETE deletes; a listing lists."""
    actions = {m: MAP.page(m, "/crm/customers/5").action for m in ("GET", "PUT", "PATCH", "DELETE")}
    assert actions == {
        "GET": Action.READ,
        "PUT": Action.UPDATE,
        "PATCH": Action.UPDATE,
        "DELETE": Action.DELETE,
    }
    assert MAP.page("GET", "/crm/customers").action is Action.LIST
    assert MAP.page("GET", "/crm/customers/export.xlsx").action is Action.EXPORT
    assert MAP.page("PURGE", "/crm/customers/5") is None


def test_a_search_tells_its_form_and_no_text():
    """Class and fixed characters only."""
    page = MAP.page("GET", "/crm/customers/search?q=Mar%25")
    assert page.patterns == ({"column": "customer.last_name", "class": "contains", "fixed_chars": 3},)
    assert MAP.page("GET", "/crm/customers/search?q=***").patterns[0]["class"] == "all"
    assert MAP.page("GET", "/crm/customers/search").patterns == ()
    assert "Mar" not in repr(page)


def test_one_value_declared_two_given():
    """Nobody knows which one the page showed: the URL is unknown."""
    assert records("/crm/index.php?module=Contacts&record=1&record=2&call=A") is None


def test_contact_and_alternate_key():
    """The call on the screen and the number searched for."""
    assert MAP.page("GET", "/crm/index.php?module=Contacts&record=1&call=A-9").contact == "A-9"
    assert MAP.page("GET", "/crm/customers/by-phone/+33199000001").identities == (("phone", "+33199000001"),)


def test_static_files_are_ignored_by_name():
    """An ignored path has its reason."""
    assert MAP.page("GET", "/crm/static/app.js").ignored == "ignored"


def test_old_applications_write_latin_letters():
    """`%E9` alone is é; `%C3%A9` is the same."""
    one, two = split_target("/a/%E9va"), split_target("/a/%C3%A9va")
    assert one == two == ("/a/éva", {})


def test_classes_hold_words_of_the_patterns_only():
    """What a URL says of a person never gets into its class."""
    assert MAP.class_of("GET", "/crm/customers/martin.dupont/42") == "GET /crm/customers/{text}/{number}"
    assert MAP.class_of("GET", "/x/6f9619ff-8b86-d011-b42d-00c04fc964ff/logo.png?name=dupont&ids=3") == (
        "GET /{text}/{uuid}/{file}.png?ids"
    )


SHOWN = re.compile(
    r"GET /(?:(?:\{text\}|\{number\}|\{uuid\}|\{file\}\.[a-z0-9]{2,5}|customers|print|search|lines|orders)/?)*"
)


@given(st.text(st.characters(codec="utf-8"), max_size=40).filter(lambda t: not any(c in t for c in "?#")))
def test_no_unknown_word_is_ever_shown(secret):
    """Whatever stands in an unknown URL, its class is made of kinds and of the patterns' words."""
    assert SHOWN.fullmatch(MAP.class_of("GET", f"/zz/{secret}"))


@given(st.text(max_size=300), st.sampled_from(["GET", "POST", "DELETE"]))
def test_any_target_is_read_or_unknown(target, method):
    """No text breaks the reader."""
    MAP.page(method, target)
    MAP.class_of(method, target)


def test_a_hostile_url_is_no_work():
    """Long and deep targets are refused, not tried."""
    assert split_target("/" + "a/" * 5_000) is None
    assert split_target("/" + "a" * 9_000) is None


def test_ignore_case():
    """Windows servers do not tell letters apart."""
    assert records("/CRM/Customers/5", of=urls(ignore_case=True)) == ("public.customer:5",)


@pytest.mark.parametrize(
    ("pattern", "key"),
    [
        ({"path": "/a/{id}", "records": ["customer:{other}"]}, "records"),
        ({"path": "/a/{id}", "records": ["{id}"]}, "records"),
        ({"path": "/a/{id}"}, "patterns.0"),
        ({"path": "/a/{id:float}", "table": "customer"}, "path"),
        ({"path": "/a/{id}/{id}", "table": "customer"}, "patterns.0"),
        ({"path": "/a", "table": "customer", "acton": "read"}, "acton"),
        ({"path": "/a/{b}{c}{d}{e}", "table": "customer"}, "patterns.0"),
        ({"path": "/a", "table": "Customer Table"}, "tables"),
        ({"path": "/a", "table": "customer", "action": "look"}, "action"),
    ],
)
def test_wrong_patterns_are_named(pattern, key):
    """A configuration error names the place before the first line is read."""
    with pytest.raises(ConfigurationError) as caught:
        urls(patterns=[pattern])
    assert key in caught.value.key
