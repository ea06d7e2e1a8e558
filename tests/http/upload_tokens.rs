//! `/account/tokens`, and the forms that make, replace and end upload tokens.

use mongodb::bson::{Document, doc};
use serde_json::{Value, json};

use crate::{
    ADA, DAY, MINUTE, PROGRAM,
    common::{Answer, Client, EVERY_CLIENT, Kept, Kind, PASSWORD, Registry},
    hidden_field, is_now,
};

contract! {
    a_token_is_made_and_listed
    a_browser_is_shown_a_token_once
    only_the_own_token_is_shown
    what_a_token_cannot_be_is_refused
    a_token_needs_a_confirmed_address
    a_token_needs_the_password_given_not_long_ago
    the_row_of_a_token_asks_for_the_password
    a_token_is_replaced_and_works_for_another_day
    a_token_is_ended_by_its_handle
    all_tokens_are_ended
    the_history_tells_of_tokens_by_name
    a_reminder_comes_three_days_before_a_token_expires
    a_reminder_waits_for_no_token_that_was_ended
    tokens_end_with_this_was_not_me
}

pub const PAGE: &str = "/account/tokens";

/// What makes a token for all packages.
const ALL: [(&str, &str); 3] = [("name", "laptop"), ("packages", "*"), ("may", "publish")];

/// Makes a token; its text.
pub async fn make(client: &Client<'_>, packages: &str, may: &str) -> String {
    let fields = [("name", "laptop"), ("packages", packages), ("may", may)];
    text_of(&client.post(PAGE, &fields).await)
}

/// The text of the token in the answer to a program.
fn text_of(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["token"].as_str().expect("a token").to_owned()
}

/// The tokens that a client has, as programs are told.
pub async fn tokens(client: &Client<'_>) -> Vec<Value> {
    let facts = client.facts(PAGE).await;
    assert_eq!(facts.as_object().unwrap().len(), 1, "{facts}");
    facts["tokens"].as_array().unwrap().clone()
}

/// The handle of the newest token of a client.
pub async fn handle(client: &Client<'_>) -> String {
    let tokens = tokens(client).await;
    tokens[0]["handle"].as_str().unwrap().to_owned()
}

/// Whether a token allows to publish.
async fn works(registry: &Registry, text: &str) -> bool {
    let fields = [("token", text), ("package", "stdlib"), ("is_new", "false")];
    let answer = registry.program().post("/auth/token/check", &fields).await;
    answer.status == 200
}

async fn a_token_is_made_and_listed(registry: Registry) {
    let ada = registry.confirmed(PROGRAM, ADA).await;
    assert_eq!(tokens(&ada).await, [""; 0]);
    let fields = [
        ("name", " CI of stdlib "),
        ("packages", "stdlib  json-*"),
        ("may", "publish-update"),
        ("days", "30"),
    ];
    let answer = ada.post(PAGE, &fields).await;
    let text = text_of(&answer);
    let whole = json!({ "message": "Token made", "code": 200, "token": text });
    assert_eq!(answer.json(), whole);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(text.starts_with("fpm_") && text.len() == 42, "{text}");

    registry.wait(MINUTE);
    let second = make(&ada, "*", "publish").await;
    let listed = tokens(&ada).await;
    let days = |token: &Value| {
        let time = |field: &str| {
            let text = token[field].as_str().unwrap();
            assert!(text.len() == 20 && text.ends_with('Z'), "{text}");
            text.to_owned()
        };
        (time("created_at"), time("expires_at"))
    };
    let (made_at, expires_at) = days(&listed[1]);
    let first = json!({
        "handle": listed[1]["handle"],
        "name": "CI of stdlib",
        "packages": ["stdlib", "json-*"],
        "may": "publish-update",
        "last4": &text[38..],
        "created_at": made_at,
        "expires_at": expires_at,
        "used_at": null,
    });
    assert_eq!(listed[1], first);
    assert_eq!(listed[0]["last4"], second[38..]);
    assert!(is_now(&registry, &listed[0]["created_at"]));
    assert_eq!(listed.len(), 2);
    // Nothing that opens anything is told again.
    let page = ada.facts(PAGE).await.to_string();
    assert!(!page.contains(&text) && !page.contains(&text[..20]));

    for (days, left) in [(29, 2), (1, 1), (59, 1), (1, 0)] {
        registry.wait(days * DAY);
        ada.login(ADA, PASSWORD).await;
        assert_eq!(tokens(&ada).await.len(), left);
    }
}

async fn a_browser_is_shown_a_token_once(registry: Registry) {
    for (n, kind) in [Kind::Browser, Kind::HydratedForm].into_iter().enumerate() {
        let ada = registry
            .confirmed(kind, &format!("ada{n}@example.org"))
            .await;
        let answer = ada.post(PAGE, &ALL).await;
        match kind {
            Kind::Browser => answer.assert_leads_to("/account/tokens?notice=token-made"),
            _ => assert_eq!(
                answer.header("location"),
                "/account/tokens?notice=token-made"
            ),
        }
        let cookie = &answer.set_cookies()[0];
        let (pair, attributes) = cookie.split_once("; ").unwrap();
        let text = pair.strip_prefix("shown=").expect("the text").to_owned();
        assert_eq!(attributes, "HttpOnly; SameSite=Lax; Path=/; Max-Age=60");

        // One that only looks, and a program, take nothing away.
        ada.head(PAGE).await;
        assert_eq!(ada.cookie("shown").as_ref(), Some(&text));
        let browser = registry.browser();
        for name in ["uuid", "shown"] {
            browser.set_cookie(name, &ada.cookie(name).unwrap());
        }
        let page = browser.get("/account/tokens?notice=token-made").await;
        assert!(page.body.contains("The token was made."));
        assert!(page.body.contains(&format!("fpm publish --token {text}")));
        assert!(page.body.contains("Copy it now: it is not shown again."));
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(browser.cookie("shown"), None);
        let again = browser.get("/account/tokens?notice=token-made").await;
        assert!(!again.body.contains(&text));
        assert!(again.body.contains(&text[38..]));
        assert_eq!(tokens(&ada).await.len(), 1);
        assert!(works(&registry, &text).await);
    }
}

async fn only_the_own_token_is_shown(registry: Registry) {
    let eve = registry.confirmed(PROGRAM, "eve@example.org").await;
    let text = make(&eve, "*", "publish").await;
    let ada = registry.confirmed(Kind::Browser, ADA).await;
    for planted in [text.as_str(), "fpm_x", "<script>alert(1)</script>"] {
        ada.set_cookie("shown", planted);
        let page = ada.get(PAGE).await;
        assert_eq!(page.status, 200);
        assert!(!page.body.contains(planted));
        assert_eq!(ada.cookie("shown"), None);
    }
}

async fn what_a_token_cannot_be_is_refused(registry: Registry) {
    const NAMES: &str = "A package name has only lower-case letters, digits, - and _, at most 100, \
                         and perhaps * at its end";
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let ada = registry
            .confirmed(kind, &format!("ada{n}@example.org"))
            .await;
        for (field, value, sentence) in [
            ("name", "", "Name is required"),
            (
                "packages",
                " ",
                "Packages are required: names with spaces between, or * for all",
            ),
            ("packages", "Stdlib", NAMES),
            ("packages", "../stdlib", NAMES),
            ("may", "", "Choose what the token may do"),
            (
                "may",
                "everything",
                "A token may publish, publish-new, publish-update or first-publish",
            ),
            ("days", "never", "Choose 7, 30, 90 or 365 days"),
            ("days", "0", "Choose 7, 30, 90 or 365 days"),
        ] {
            let fields: Vec<_> = [ALL.to_vec(), vec![("days", "7")]].concat();
            let fields: Vec<_> = fields
                .into_iter()
                .map(|(name, text)| (name, if name == field { value } else { text }))
                .collect();
            let answer = ada.post(PAGE, &fields).await;
            answer.assert_refused(kind, 400, sentence, Some(field));
        }
        let several = [("name", "x"), ("packages", "a b"), ("may", "first-publish")];
        let answer = ada.post(PAGE, &several).await;
        let sentence = "A token for a first publication is for one package, named in full";
        answer.assert_refused(kind, 400, sentence, Some("packages"));
        if kind == Kind::Browser {
            assert!(
                answer.body.contains("value=\"first-publish\" selected"),
                "{}",
                answer.body
            );
        }
        assert_eq!(tokens(&ada).await, [""; 0]);
    }
}

async fn a_token_needs_a_confirmed_address(registry: Registry) {
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let ada = registry
            .signed_up(kind, &format!("ada{n}@example.org"))
            .await;
        let answer = ada.post(PAGE, &ALL).await;
        match kind {
            Kind::Browser => assert_eq!(answer.status, 403),
            _ => answer.assert_refused(kind, 403, "Confirm your email first", None),
        }
        assert!(answer.body.contains("Confirm your email first"));
        assert_eq!(answer.set_cookies(), [""; 0]);
    }
}

async fn a_token_needs_the_password_given_not_long_ago(registry: Registry) {
    const ENTER: &str = "Enter your current password";
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let email = format!("ada{n}@example.org");
        let ada = registry.confirmed(kind, &email).await;
        registry.wait(16 * MINUTE);
        let answer = ada.post(PAGE, &ALL).await;
        answer.assert_refused(kind, 403, ENTER, Some("current_password"));
        let fields = [&ALL[..], &[("current_password", PASSWORD)]].concat();
        let answer = ada.post(PAGE, &fields).await;
        assert!(answer.status == 200 || answer.status == 303);
        assert_eq!(tokens(&ada).await.len(), 1);
    }
}

async fn the_row_of_a_token_asks_for_the_password(registry: Registry) {
    let ada = registry.confirmed(Kind::Browser, ADA).await;
    ada.post(PAGE, &ALL).await;
    ada.post(PAGE, &ALL).await;
    let handle = handle(&ada).await;
    registry.wait(16 * MINUTE);
    let answer = ada
        .post("/account/tokens/rotate", &[("token", &handle)])
        .await;
    let field = Some("current_password");
    answer.assert_refused(Kind::Browser, 403, "Enter your current password", field);
    let alerts = answer.body.matches("<p role=\"alert\"").count();
    assert_eq!(alerts, 0, "it is said at the field alone");
    let (_, form) = answer
        .body
        .split_once(">Enter your current password<")
        .unwrap();
    assert_eq!(hidden_field(form, "token"), handle);
    let fields = [("token", handle.as_str()), ("current_password", PASSWORD)];
    let answer = ada.post("/account/tokens/rotate", &fields).await;
    answer.assert_leads_to("/account/tokens?notice=token-replaced");
    let text = ada.cookie("shown").expect("the new text");
    let page = ada.get("/account/tokens?notice=token-replaced").await;
    assert!(page.body.contains(&text));
    assert!(page.body.contains("Replaced, works until"));
}

async fn a_token_is_replaced_and_works_for_another_day(registry: Registry) {
    let ada = registry.confirmed(PROGRAM, ADA).await;
    let old = make(&ada, "stdlib", "publish-update").await;
    let handle = handle(&ada).await;
    let rotate = async || {
        ada.post("/account/tokens/rotate", &[("token", &handle)])
            .await
    };
    let answer = rotate().await;
    let new = text_of(&answer);
    let whole = json!({ "message": "Token replaced", "code": 200, "token": new });
    assert_eq!(answer.json(), whole);
    assert_ne!(new, old);
    let again = rotate().await;
    again.assert_refused(PROGRAM, 400, "This token was already replaced", None);
    assert!(works(&registry, &old).await && works(&registry, &new).await);
    registry.wait(DAY - MINUTE);
    assert!(works(&registry, &old).await);
    registry.wait(MINUTE);
    assert!(!works(&registry, &old).await && works(&registry, &new).await);
    ada.login(ADA, PASSWORD).await;
    rotate()
        .await
        .assert_refused(PROGRAM, 404, "Not found", None);
    let listed = tokens(&ada).await;
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (&listed[0]["packages"], &listed[0]["may"]),
        (&json!(["stdlib"]), &json!("publish-update"))
    );
}

async fn a_token_is_ended_by_its_handle(registry: Registry) {
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let email = format!("ada{n}@example.org");
        let program = registry.confirmed(PROGRAM, &email).await;
        let eve = registry
            .signed_up(kind, &format!("eve{n}@example.org"))
            .await;
        let text = make(&program, "*", "publish").await;
        let handle = handle(&program).await;
        let ada = registry.client(kind);
        ada.login(&email, PASSWORD).await;
        for (client, handle) in [(&eve, handle.as_str()), (&ada, "0123456789abcdef")] {
            let refused = client
                .post("/account/tokens/end", &[("token", handle)])
                .await;
            refused.assert_refused(kind, 404, "Not found", None);
        }
        assert!(works(&registry, &text).await);
        let end = async || ada.post("/account/tokens/end", &[("token", &handle)]).await;
        end()
            .await
            .assert_done(kind, "Token ended", "/account/tokens?notice=token-ended");
        assert!(!works(&registry, &text).await);
        end().await.assert_refused(kind, 404, "Not found", None);
    }
}

async fn all_tokens_are_ended(registry: Registry) {
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let email = format!("ada{n}@example.org");
        let program = registry.confirmed(PROGRAM, &email).await;
        let texts = [
            make(&program, "*", "publish").await,
            make(&program, "stdlib", "first-publish").await,
        ];
        let ada = registry.client(kind);
        ada.login(&email, PASSWORD).await;
        for ended in [2, 0] {
            let answer = ada.post_nothing("/account/tokens/end-all").await;
            match kind {
                Kind::Browser => answer.assert_leads_to("/account/tokens?notice=tokens-ended"),
                _ => {
                    let whole = json!({"message": "All tokens ended", "code": 200, "ended": ended});
                    assert_eq!(answer.json(), whole);
                }
            }
        }
        for text in &texts {
            assert!(!works(&registry, text).await);
        }
    }
}

async fn the_history_tells_of_tokens_by_name(registry: Registry) {
    let ada = registry.confirmed(PROGRAM, ADA).await;
    let text = make(&ada, "stdlib", "first-publish").await;
    let fields = [("token", text.as_str()), ("package", "stdlib")];
    registry.program().post("/auth/token/used", &fields).await;
    let history = ada.facts("/account/history").await;
    let events = history["events"].as_array().unwrap();
    let told = |event: &Value| (event["kind"].clone(), event["about"].clone());
    assert_eq!(
        told(&events[0]),
        (json!("upload-token-used-up"), json!("laptop"))
    );
    assert_eq!(
        told(&events[1]),
        (json!("upload-token-made"), json!("laptop"))
    );
    assert!(events[2].get("about").is_none());
    assert!(!history.to_string().contains(&text[4..]));
    let browser = registry.browser();
    browser.login(ADA, PASSWORD).await;
    let page = browser.get("/account/history").await;
    assert!(page.body.contains("Upload token made"));
}

const EXPIRES: &str = "An upload token of your fpm-registry account expires soon";

async fn a_reminder_comes_three_days_before_a_token_expires(registry: Registry) {
    let ada = registry.confirmed(PROGRAM, ADA).await;
    let text = make(&ada, "*", "publish").await;
    registry.wait(87 * DAY - MINUTE);
    assert_eq!(registry.do_due().await, 0);
    registry.wait(MINUTE);
    assert_eq!(registry.do_due().await, 1);
    let mail = registry.mail(ADA, EXPIRES).await;
    assert!(
        mail.text
            .contains(&format!("ends in {} expires on", &text[38..])),
        "{}",
        mail.text
    );
    assert!(mail.text.contains("http://localhost:9090/account/tokens"));
    assert!(!mail.text.contains(&text));
    registry.wait(DAY);
    assert_eq!(registry.do_due().await, 0);
    assert!(works(&registry, &text).await);
}

async fn a_reminder_waits_for_no_token_that_was_ended(registry: Registry) {
    let ada = registry.confirmed(PROGRAM, ADA).await;
    make(&ada, "*", "publish").await;
    let handle = handle(&ada).await;
    ada.post("/account/tokens/end", &[("token", &handle)]).await;
    registry.wait(88 * DAY);
    registry.do_due().await;
    let subjects = registry.subjects_to(ADA).await;
    assert!(!subjects.contains(&EXPIRES), "{subjects:?}");
}

async fn tokens_end_with_this_was_not_me(registry: Registry) {
    let ada = registry.confirmed(PROGRAM, ADA).await;
    let text = make(&ada, "*", "publish").await;
    registry.program().login(ADA, PASSWORD).await;
    assert!(works(&registry, &text).await);
    let link = registry.mailed_link(ADA, "/auth/not-me").await;
    let answer = registry
        .program()
        .post("/auth/not-me", &[("uuid", &link)])
        .await;
    assert_eq!(answer.status, 200);
    assert!(!works(&registry, &text).await);
}

/// As by a version without tokens, or by hand.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_disabled_in_the_database_has_no_token_and_no_session() {
    let registry = Registry::start(Kept::Mongo).await;
    let ada = registry.confirmed(PROGRAM, ADA).await;
    let text = make(&ada, "*", "publish").await;
    let users = registry.database.as_ref().unwrap();
    let users = users.collection::<Document>("users");
    let now = mongodb::bson::DateTime::now();
    let disable = doc! { "$set": { "disabledAt": now } };
    users
        .update_one(doc! { "email": ADA }, disable)
        .await
        .unwrap();
    let bearer = format!("Bearer {text}");
    let by_token = registry.program();
    let answer = by_token
        .get_with("/auth/whoami", "authorization", &bearer)
        .await;
    assert_eq!(answer.status, 401);
    for path in ["/auth/whoami", "/auth/forward", "/account", PAGE] {
        assert_eq!(ada.get(path).await.status, 401, "{path}");
    }
    assert!(!works(&registry, &text).await && !ada.is_logged_in().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reminder_waits_for_no_record_that_cannot_be_read() {
    let registry = Registry::start(Kept::Mongo).await;
    let ada = registry.confirmed(PROGRAM, ADA).await;
    make(&ada, "*", "publish").await;
    let users = registry.database.as_ref().unwrap();
    let users = users.collection::<Document>("users");
    let due_at = mongodb::bson::DateTime::from_millis(1);
    let odd = (0..250).map(|_| doc! { "email": 1, "dueAt": due_at });
    users.insert_many(odd).await.unwrap();
    registry.wait(87 * DAY);
    assert_eq!(registry.do_due().await, 1);
    registry.mail(ADA, EXPIRES).await;
}
