//! What holds on every path of the account area: who is not logged in, and where the address of a form leads.

use crate::{
    ADA, DAY, PROGRAM,
    common::{
        Answer, EVERY_CLIENT, Kept, Kind, PASSWORD, Registry,
        authenticator_app::{CONFIRM_TOTP, TOTP},
        mails::CONFIRM,
        passkey::{BEGIN_PASSKEY, END_PASSKEY, PASSKEYS},
    },
    hidden_field,
};

contract! {
    pages_need_a_login
    forms_need_a_login
    a_session_that_has_ended_is_no_login
    a_login_leads_back_to_the_page_of_the_form
    the_address_of_a_form_leads_to_its_page
    forms_of_buttons_need_no_body
}

const PAGES: [&str; 6] = [
    "/account",
    "/account/security",
    TOTP,
    "/account/sessions",
    "/account/tokens",
    "/account/history",
];

/// Every form for those who are logged in, and its page.
const FORMS: [(&str, &str); 19] = [
    ("/account/name", "/account"),
    ("/account/password", "/account"),
    ("/account/email", "/account"),
    ("/account/confirm-email", "/account"),
    ("/account/delete", "/account"),
    ("/account/sessions/end", "/account/sessions"),
    ("/account/sessions/end-others", "/account/sessions"),
    ("/account/tokens", "/account/tokens"),
    ("/account/tokens/rotate", "/account/tokens"),
    ("/account/tokens/end", "/account/tokens"),
    ("/account/tokens/end-all", "/account/tokens"),
    (TOTP, "/account/security"),
    (CONFIRM_TOTP, TOTP),
    ("/account/totp/end", "/account/security"),
    ("/account/recovery-codes", "/account/security"),
    (BEGIN_PASSKEY, "/account/security"),
    (PASSKEYS, "/account/security"),
    (END_PASSKEY, "/account/security"),
    (CONFIRM, CONFIRM),
];

async fn pages_need_a_login(registry: Registry) {
    for kind in EVERY_CLIENT {
        for (path, page) in PAGES
            .map(|path| (path, path))
            .into_iter()
            .chain([("/account/export", "/account")])
        {
            let answer = registry.client(kind).get(path).await;
            assert_sent_to_log_in(&answer, kind, page);
            assert!(answer.header("vary").contains("Accept"), "{path}");
        }
    }
}

async fn forms_need_a_login(registry: Registry) {
    registry.add_user(ADA).await;
    let fields = [
        ("name", "Eve"),
        ("email", ADA),
        ("password", "plum tractor glow"),
        ("current_password", PASSWORD),
        ("session", "0123456789abcdef"),
        ("uuid", "936da01f-9abd-4d9d-80c7-02af85c822a8"),
    ];
    for kind in EVERY_CLIENT {
        for (path, page) in FORMS {
            let answer = registry.client(kind).post(path, &fields).await;
            assert_sent_to_log_in(&answer, kind, page);
            assert_eq!(answer.set_cookies(), [""; 0], "{path}");
        }
    }
}

async fn a_session_that_has_ended_is_no_login(registry: Registry) {
    let ada = registry.signed_up(PROGRAM, ADA).await;
    let uuid = ada.cookie("uuid").unwrap();
    ada.post("/auth/logout", &[]).await;
    let expired = registry.signed_up(PROGRAM, "eve@example.org").await;
    registry.wait(14 * DAY);
    for uuid in [uuid, expired.cookie("uuid").unwrap(), "john".to_owned()] {
        for kind in EVERY_CLIENT {
            let client = registry.client(kind);
            client.set_cookie("uuid", &uuid);
            assert_sent_to_log_in(&client.get("/account").await, kind, "/account");
            let answer = client.post("/account/name", &[("name", "Eve")]).await;
            assert_sent_to_log_in(&answer, kind, "/account");
        }
    }
}

async fn a_login_leads_back_to_the_page_of_the_form(registry: Registry) {
    registry.add_user(ADA).await;
    let browser = registry.browser();
    let sent = browser.post("/account/sessions/end-others", &[]).await;
    let page = browser.get(sent.header("location")).await;
    let next = hidden_field(&page.body, "next");
    let fields = [("email", ADA), ("password", PASSWORD), ("next", &*next)];
    let answer = browser.post("/auth/login", &fields).await;
    answer.assert_leads_to("/account/sessions");
    assert_eq!(browser.get("/account/sessions").await.status, 200);
}

async fn the_address_of_a_form_leads_to_its_page(registry: Registry) {
    let ada = registry.signed_up(PROGRAM, ADA).await;
    for kind in EVERY_CLIENT {
        let client = registry.client(kind);
        client.set_cookie("uuid", &ada.cookie("uuid").unwrap());
        for (path, page) in FORMS.into_iter().filter(|(path, page)| path != page) {
            client.get(path).await.assert_leads_to(page);
            client.head(path).await.assert_leads_to(page);
        }
    }
}

async fn forms_of_buttons_need_no_body(registry: Registry) {
    for kind in EVERY_CLIENT {
        let email = format!("{}@example.org", uuid::Uuid::new_v4().simple());
        let client = registry.signed_up(kind, &email).await;
        let answer = client.post_nothing("/account/confirm-email").await;
        let page = "/account?notice=confirmation-sent";
        answer.assert_done(kind, "A confirmation link has been sent", page);
    }
}

fn assert_sent_to_log_in(answer: &Answer, kind: Kind, page: &str) {
    match kind {
        Kind::Browser => answer.assert_leads_to(&format!("/auth/login?next={page}")),
        _ => answer.assert_refused(kind, 401, "Log in first", None),
    }
}
