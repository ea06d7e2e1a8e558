//! Redirects: where a login leads.

use crate::{
    ADA,
    socket::{FORM, PASSWORD, Registry, encode, get, post},
};

/// ASVS 3.7.2, CS-Redirects, F15: a login leads nowhere but to a path of this site.
#[test]
fn next_leads_to_no_other_site() {
    let registry = Registry::start();
    let session = registry.sign_up(ADA).session();
    let long = format!("/{}", "a".repeat(8 * 1024));
    for next in [
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https:evil.example",
        "https://evil.example",
        "//evil.example/%2f..",
        "%2f%2fevil.example",
        "/%2fevil.example",
        "/%09/evil.example",
        "/\t/evil.example",
        "/%5cevil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "/..//evil.example",
        "/a/../../evil.example",
        "@evil.example",
        "/a\r\nSet-Cookie: uuid=x",
        "/a%0d%0aSet-Cookie:uuid=x",
        "/\0/evil.example",
        " //evil.example",
        "registry.example.org@evil.example",
        ".evil.example",
        &long,
    ] {
        let fields = [("email", ADA), ("password", PASSWORD), ("next", next)];
        let answer = registry.send(&post("/auth/login", &fields).by_browser());
        answer.assert_leads_to("/");
        let query = encode(FORM, &[("next", next)]);
        for page in ["/auth/login", "/auth/signup"] {
            let page = get(&format!("{page}?{query}")).by_browser();
            registry
                .send(&page.clone().with("Cookie", &session))
                .assert_leads_to("/");
            let shown = registry.send(&page);
            shown.assert_page(200, "type=\"hidden\" name=\"next\" value=\"/\"");
            assert!(!shown.body.contains("evil"), "{}", shown.body);
        }
    }
    let fields = [
        ("email", ADA),
        ("password", PASSWORD),
        ("next", "/packages?q=a%20b"),
    ];
    let answer = registry.send(&post("/auth/login", &fields).by_browser());
    answer.assert_leads_to("/packages?q=a%20b");
}
