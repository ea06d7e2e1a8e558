//! `GET /account` and `POST /account/name`.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::{
    ADA, DAY, MINUTE, PROGRAM,
    common::{EVERY_CLIENT, Kept, Kind, PASSWORD, Registry, mails::CONFIRM},
    is_now,
};

contract! {
    the_facts_of_an_account
    the_page_of_an_account
    a_name_is_changed
    a_bad_name_is_refused
}

async fn the_facts_of_an_account(registry: Registry) {
    let ada = registry.signed_up(PROGRAM, ADA).await;
    let answer = ada.get("/account").await;
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(answer.header("vary").contains("Accept"));
    let facts = answer.json();
    let signed_up_at = &facts["created_at"];
    assert!(is_now(&registry, signed_up_at), "{facts}");
    let fresh = json!({
        "name": "Ada Lovelace",
        "email": ADA,
        "email_confirmed": false,
        "created_at": signed_up_at,
        "password_changed_at": signed_up_at,
        "sessions": 1,
    });
    assert_eq!(facts, fresh);

    registry.wait(60 * MINUTE);
    let uuid = registry.mailed_link(ADA, CONFIRM).await;
    ada.post(CONFIRM, &[("uuid", &uuid)]).await;
    registry.program().login(ADA, PASSWORD).await;
    let fields = [
        ("current_password", PASSWORD),
        ("password", "plum tractor glow"),
    ];
    assert_eq!(ada.post("/account/password", &fields).await.status, 200);
    registry.program().login(ADA, "plum tractor glow").await;
    let facts = ada.facts("/account").await;
    assert!(is_now(&registry, &facts["password_changed_at"]), "{facts}");
    let mut now = fresh.clone();
    now["email_confirmed"] = true.into();
    now["password_changed_at"] = facts["password_changed_at"].clone();
    now["sessions"] = 2.into();
    assert_eq!(facts, now);
    assert_eq!(ada.head("/account").await.body, "");
}

async fn the_page_of_an_account(registry: Registry) {
    let fields = [
        ("name", "Ada <b>Lovelace</b>"),
        ("email", ADA),
        ("password", PASSWORD),
    ];
    let browser = registry.browser();
    browser.post("/auth/signup", &fields).await;
    let page = browser.get("/account").await;
    assert_eq!(page.status, 200);
    for part in [
        "<h1>Account settings</h1>",
        "Ada &lt;b&gt;Lovelace",
        ADA,
        "not confirmed yet",
        "This one only",
        &registry.clock.now().day_in_words(),
        "href=\"/account/sessions\"",
        "href=\"/account/history\"",
        "href=\"/account/export\"",
        "action=\"/account/name\"",
        "action=\"/account/password\"",
        "action=\"/account/email\"",
        "action=\"/account/confirm-email\"",
        "action=\"/account/delete\"",
    ] {
        assert!(page.body.contains(part), "{part} is not in {}", page.body);
    }
    let ids: Vec<&str> = page.body.split(" id=\"").skip(1).collect();
    let distinct: HashSet<_> = ids.iter().map(|rest| rest.split('"').next()).collect();
    assert_eq!(
        distinct.len(),
        ids.len(),
        "an id comes twice: {}",
        page.body
    );
    let uuid = registry.mailed_link(ADA, CONFIRM).await;
    let answer = browser.post(CONFIRM, &[("uuid", &uuid)]).await;
    let page = browser.get(answer.header("location")).await;
    assert!(page.body.contains("Your email is confirmed."));
    assert!(!page.body.contains("not confirmed yet"), "{}", page.body);
    assert!(!page.body.contains("action=\"/account/confirm-email\""));
    let home = browser.get("/").await;
    assert!(home.body.contains("href=\"/account\""), "the way there");
}

async fn a_name_is_changed(registry: Registry) {
    let ada = registry.signed_up(PROGRAM, ADA).await;
    let uuid = ada.cookie("uuid").unwrap();
    registry.wait(DAY);
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let client = registry.client(kind);
        client.set_cookie("uuid", &uuid);
        let name = format!("Grace \u{1F986} {n}");
        let typed = format!(" {name} ");
        let answer = client.post("/account/name", &[("name", &typed)]).await;
        answer.assert_done(kind, "Name changed", "/account?notice=name-changed");
        assert_eq!(answer.set_cookies(), [""; 0]);
        assert_eq!(ada.facts("/account").await["name"], Value::from(name));
        if kind == Kind::Browser {
            let page = client.get(answer.header("location")).await;
            assert!(page.body.contains("Your name was changed."));
        }
    }
}

async fn a_bad_name_is_refused(registry: Registry) {
    let long = "x".repeat(1000);
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let client = registry
            .signed_up(kind, &format!("ada{n}@example.org"))
            .await;
        let before = client.facts("/account").await;
        for (fields, message) in [
            (&[][..], "Name is required"),
            (&[("name", " ")], "Name is required"),
            (
                &[("name", "Ada\nLovelace")],
                "Name must not contain line breaks or control characters",
            ),
        ] {
            let answer = client.post("/account/name", fields).await;
            answer.assert_refused(kind, 400, message, Some("name"));
        }
        let answer = client.post("/account/name", &[("name", &long)]).await;
        assert_eq!(answer.status, 400);
        if kind == Kind::Browser {
            assert!(answer.body.contains("<h1>Account settings</h1>"));
            assert!(
                answer.body.contains(&format!("value=\"{long}\"")),
                "it is kept"
            );
        }
        assert_eq!(client.facts("/account").await, before);
    }
}

/// Whoever was there before passwords had a date.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_of_unknown_age_has_no_date() {
    let registry = Registry::start(Kept::Mongo).await;
    let ada = registry.signed_up(PROGRAM, ADA).await;
    let users = registry.database.as_ref().unwrap();
    let users = users.collection::<mongodb::bson::Document>("users");
    let forget = mongodb::bson::doc! { "$unset": { "passwordChangedAt": 1 } };
    let ada_only = mongodb::bson::doc! { "email": ADA };
    users.update_one(ada_only, forget).await.unwrap();
    let facts = ada.facts("/account").await;
    assert_eq!(facts.get("password_changed_at"), Some(&Value::Null));
    let browser = registry.browser();
    browser.set_cookie("uuid", &ada.cookie("uuid").unwrap());
    assert!(browser.get("/account").await.body.contains("not known"));
}
