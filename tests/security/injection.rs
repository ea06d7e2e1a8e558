//! Injection: operators for the database, and markup for a page.

use fpm_registry::{
    forms::{FORMS, form::Form},
    server::PAGES,
};

use crate::{
    ADA, EVE, MADE_UP, NO_EMAIL, RESET, WRONG,
    forms::{fields_of, forms_with},
    keys::Keys,
    mongod::database_name,
    on_mongo,
    socket::{
        FORM, JSON, NEW_PASSWORD, PARTS, PASSWORD, Registry, Setup, encode, get, post, post_as,
    },
};

/// ASVS 1.2.4, 15.3.3, 15.3.5, CS-NoSQL, F8: an operator of a database is text or refused, and extra fields
/// change nothing, on both stores.
#[test]
fn operators_and_extra_fields_reach_no_store() {
    for setup in [Setup::unlimited(), on_mongo(&database_name())] {
        let registry = setup.start();
        registry.sign_up(ADA);
        for (content_type, body) in [
            (JSON, r#"{"email":{"$gt":""},"password":{"$gt":""}}"#),
            (JSON, r#"{"email":"ada@example.org","password":{"$ne":""}}"#),
            (
                JSON,
                r#"{"email":"ada@example.org","password":{"$regex":".*"}}"#,
            ),
            (
                JSON,
                r#"{"email":["ada@example.org"],"password":["$where"]}"#,
            ),
        ] {
            for form in forms_with("password") {
                let body = body.replacen('{', "{\"name\":\"Ada\",", 1);
                let sent = post_as(content_type, form.path, &[]).with_body(body);
                registry
                    .send(&sent)
                    .assert_refused(400, "A field is not text", None);
            }
        }
        for content_type in [FORM, PARTS, JSON] {
            for name in ["email[$ne]", "email[]", "email.$gt", "$where", "EMAIL"] {
                let fields = [(name, ADA), ("password[$ne]", "x"), ("password", "x")];
                let answer = registry.send(&post_as(content_type, "/auth/login", &fields));
                answer.assert_refused(400, NO_EMAIL, Some("email"));
            }
            for email in [
                r#"{"$gt":""}"#,
                "' || '1'=='1",
                "$where",
                "ada@example.org'--",
                ".*",
            ] {
                let fields = [("email", email), ("password", PASSWORD)];
                let answer = registry.send(&post_as(content_type, "/auth/login", &fields));
                answer.assert_refused(401, WRONG, None);
            }
            for uuid in [r#"{"$ne":null}"#, "", "*", "null", "[object Object]"] {
                let fields = [("uuid", uuid), ("password", NEW_PASSWORD)];
                let answer = registry.send(&post_as(content_type, RESET, &fields));
                answer.assert_refused(404, "User not found", None);
            }
        }
        let extra = [
            ("name", "Eve"),
            ("email", "eve@example.org"),
            ("password", PASSWORD),
            ("_id", "1"),
            ("role", "admin"),
            ("verified", "true"),
            ("sessions", MADE_UP),
            ("uuid", MADE_UP),
        ];
        registry
            .send(&post_as(JSON, "/auth/signup", &extra))
            .assert_done("Signup successful");
        assert!(!registry.is_logged_in(format!("uuid={MADE_UP}")));
        assert!(!registry.is_logged_in("uuid={\"$ne\":1}"));
        assert_eq!(registry.log_in(ADA, PASSWORD).status, 200);
    }
}

/// ASVS 1.2.1, 1.3.1: what was typed is shown as text and never as markup.
#[test]
fn what_was_typed_is_shown_as_text() {
    let registry = Registry::start();
    let script = "\"><script>alert(1)</script><!--";
    let keys = Keys::of_a_user(&registry, EVE);
    for form in FORMS.iter().filter(|form| gives_text_back(form)) {
        let fields = fields_of(form).into_iter();
        let fields = fields.map(|(name, text)| match name {
            "password" => (name, text),
            _ => (name, script),
        });
        let fields: Vec<_> = fields.collect();
        let sent = post(form.path, &fields).with("Cookie", &keys.session);
        let mut page = registry.send(&sent.by_browser());
        if page.status == 303 {
            // A name may be any text.
            page = registry.send(&keys.open(form.page.unwrap()).by_browser());
        }
        assert!(page.body.contains("&lt;script&gt;"), "{}", page.body);
        assert!(!page.body.contains("<script>alert"), "{}", page.body);
    }
    let fields = [("name", script), ("email", ADA), ("password", PASSWORD)];
    let session = registry.send(&post("/auth/signup", &fields)).session();
    let page = registry.send(&get("/").with("Cookie", session));
    assert!(page.body.contains("&lt;script&gt;"), "{}", page.body);
    assert!(!page.body.contains("<script>alert"), "{}", page.body);
    let name = post("/account/name", &[("name", "Eve")]).with("Cookie", &keys.session);
    registry.send(&name).assert_done("Name changed");
    let query = encode(
        FORM,
        &[("notice", script), ("next", script), ("__err", script)],
    );
    for page in PAGES {
        let path = page.path;
        let sent = get(&format!("{path}?{query}")).with("Cookie", keys.for_page(path));
        let page = registry.send(&sent.by_browser());
        assert!(!page.body.contains("alert(1)"), "{}", page.body);
    }
}

/// Whether a page shows what was typed in the form, if it is refused.
fn gives_text_back(form: &Form) -> bool {
    let mut fields = form.fields.iter();
    fields.any(|field| !field.readonly && !field.is_secret())
}
