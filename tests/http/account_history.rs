//! `GET /account/history`: what has happened, and how many logins failed.

use serde_json::{Value, json};

use crate::{
    ADA, DAY, MINUTE, PROGRAM,
    common::{
        Client, Kept, Kind, PASSWORD, Registry, WRONG_PASSWORD as WRONG,
        mails::{CONFIRM, NOT_ME, RESET},
    },
    is_now,
};

contract! {
    an_event_says_what_when_and_where
    every_change_is_an_event_and_the_newest_comes_first
    a_reset_and_an_account_taken_back_are_events
    failed_logins_of_seven_days_are_counted
    what_can_be_repeated_pushes_nothing_else_out
    events_are_kept_for_a_year
    the_page_of_the_history
}

async fn history(client: &Client<'_>) -> (Vec<Value>, Value) {
    let facts = client.facts("/account/history").await;
    assert_eq!(facts.as_object().unwrap().len(), 2, "{facts}");
    let events = facts["events"].as_array().unwrap().clone();
    (events, facts["failed_logins"].clone())
}

async fn kinds(client: &Client<'_>) -> Vec<String> {
    let (events, _) = history(client).await;
    let kinds = events.iter().map(|event| event["kind"].as_str().unwrap());
    kinds.map(str::to_owned).collect()
}

async fn an_event_says_what_when_and_where(registry: Registry) {
    let mut ada = registry.client_at(PROGRAM, "2001:db8:1:2345:3:4:5:6".parse().unwrap());
    ada.user_agent = Some("curl/8.15.0");
    let fields = [("name", "Ada"), ("email", ADA), ("password", PASSWORD)];
    ada.post("/auth/signup", &fields).await;
    let (events, failed) = history(&ada).await;
    assert!(is_now(&registry, &events[0]["at"]), "{events:?}");
    let signed_up = json!({
        "kind": "signed-up",
        "at": events[0]["at"],
        "network": "2001:db8:1::/48",
        "device": "curl",
    });
    assert_eq!((events, failed), (vec![signed_up], json!(0)));
}

async fn every_change_is_an_event_and_the_newest_comes_first(registry: Registry) {
    let ada = registry.confirmed(PROGRAM, ADA).await;
    ada.login(ADA, PASSWORD).await;
    let phone = registry.program();
    phone.login(ADA, PASSWORD).await;
    phone.post("/auth/logout", &[]).await;
    phone.login(ADA, PASSWORD).await;
    ada.post("/account/sessions/end-others", &[]).await;
    ada.post("/account/name", &[("name", "Grace")]).await;
    ada.post("/account/email", &[("email", "new@example.org")])
        .await;
    let uuid = registry.mailed_link("new@example.org", CONFIRM).await;
    ada.post(CONFIRM, &[("uuid", &uuid)]).await;
    let fields = [
        ("current_password", PASSWORD),
        ("password", "plum tractor glow"),
    ];
    ada.post("/account/password", &fields).await;
    let (events, _) = history(&ada).await;
    let times = events.iter().map(|event| event["at"].as_str().unwrap());
    assert!(times.is_sorted_by(|newer, older| newer >= older));
    assert_eq!(
        kinds(&ada).await,
        [
            "password-changed",
            "email-changed",
            "email-asked",
            "name-changed",
            "session-ended",
            "logged-in",
            "logged-out",
            "new-device",
            "logged-in",
            "email-confirmed",
            "signed-up",
        ]
    );
    // What is refused or changes nothing is none.
    ada.post("/account/name", &[]).await;
    ada.post("/account/sessions/end-others", &[]).await;
    ada.post("/account/email", &[("email", "new@example.org")])
        .await;
    assert_eq!(kinds(&ada).await.len(), 11);
}

async fn a_reset_and_an_account_taken_back_are_events(registry: Registry) {
    let ada = registry.confirmed(PROGRAM, ADA).await;
    ada.post("/account/email", &[("email", "new@example.org")])
        .await;
    let uuid = registry.mailed_link("new@example.org", CONFIRM).await;
    ada.post(CONFIRM, &[("uuid", &uuid)]).await;
    let uuid = registry.mailed_link(ADA, NOT_ME).await;
    let owner = registry.program();
    assert_eq!(owner.post(NOT_ME, &[("uuid", &uuid)]).await.status, 200);
    let uuid = registry.mailed_uuid(ADA).await;
    let fields = [("uuid", &*uuid), ("password", "plum tractor glow")];
    assert_eq!(owner.post(RESET, &fields).await.status, 200);
    owner.login(ADA, "plum tractor glow").await;
    assert_eq!(
        kinds(&owner).await[..5],
        [
            "logged-in",
            "password-reset",
            "secured",
            "email-undone",
            "email-changed"
        ]
    );
}

async fn failed_logins_of_seven_days_are_counted(registry: Registry) {
    let ada = registry.signed_up(PROGRAM, ADA).await;
    registry.fail_logins(ADA, 3).await;
    registry.fail_logins("eve@example.org", 2).await;
    registry.program().login(ADA, PASSWORD).await;
    assert_eq!(history(&ada).await.1, json!(3));
    registry.wait(15 * MINUTE);
    let fields = [("email", "new@example.org"), ("current_password", WRONG)];
    assert_eq!(ada.post("/account/email", &fields).await.status, 403);
    ada.login(ADA, WRONG).await;
    assert_eq!(history(&ada).await.1, json!(5));
    // What is refused unheard is no attempt.
    registry.fail_logins(ADA, 7).await;
    registry
        .program()
        .login(ADA, WRONG)
        .await
        .assert_wait(PROGRAM, 30);
    assert_eq!(history(&ada).await.1, json!(12));
    let (events, _) = history(&ada).await;
    assert_eq!(events.len(), 2, "none is written down: {events:?}");
    registry.wait(6 * DAY - 15 * MINUTE);
    assert_eq!(history(&ada).await.1, json!(12));
    registry.wait(DAY + 15 * MINUTE);
    assert_eq!(history(&ada).await.1, json!(0));
}

async fn what_can_be_repeated_pushes_nothing_else_out(registry: Registry) {
    let ada = registry.confirmed(PROGRAM, ADA).await;
    for _ in 0..60 {
        ada.post("/account/name", &[("name", "Grace")]).await;
    }
    registry.program().login(ADA, PASSWORD).await;
    let mut expected = vec!["new-device"];
    expected.extend(["name-changed"; 49]);
    expected.extend(["email-confirmed", "signed-up"]);
    assert_eq!(kinds(&ada).await, expected);
}

async fn events_are_kept_for_a_year(registry: Registry) {
    let ada = registry.signed_up(PROGRAM, ADA).await;
    registry.wait(364 * DAY);
    ada.login(ADA, PASSWORD).await;
    assert_eq!(kinds(&ada).await, ["logged-in", "signed-up"]);
    registry.wait(DAY);
    ada.login(ADA, PASSWORD).await;
    assert_eq!(kinds(&ada).await.last().unwrap(), "logged-in");
}

async fn the_page_of_the_history(registry: Registry) {
    let browser = registry.signed_up(Kind::Browser, ADA).await;
    let page = browser.get("/account/history").await;
    assert!(page.body.contains("No login failed in the last 7 days."));
    registry.fail_logins(ADA, 1).await;
    let page = browser.get("/account/history").await;
    assert!(page.body.contains("One login failed in the last 7 days."));
    registry.fail_logins(ADA, 1).await;
    browser.post("/account/name", &[("name", "Grace")]).await;
    let page = browser.get("/account/history").await;
    assert!(page.body.contains("2 logins failed in the last 7 days."));
    let newer = page.body.find("Name changed").expect("the change");
    assert!(newer < page.body.find("Signed up").expect("the signup"));
    for event in history(&browser).await.0 {
        for fact in ["at", "network", "device"] {
            assert!(page.body.contains(event[fact].as_str().unwrap()), "{fact}");
        }
    }
}
