//! `/auth/not-me`: how the mailbox that a security mail went to takes the account back.

use serde_json::json;

use crate::{
    ADA, DAY, MINUTE, PROGRAM,
    common::{
        Client, EVERY_CLIENT, Kept, Kind, PASSWORD, Registry,
        mails::{CONFIRM, EMAIL_CHANGED, NEW_DEVICE, NOT_ME, PASSWORD_CHANGED, RESET, link_to},
    },
    hidden_field,
};

contract! {
    a_link_opened_often_is_not_consumed
    the_link_that_follows_says_that_the_password_has_ended
    a_link_moves_into_a_cookie
    a_link_that_is_dead
    an_account_is_taken_back
    a_link_works_once_and_for_seven_days
    the_older_mailbox_wins
    later_links_die_and_earlier_ones_stay
    a_former_address_is_held_for_seven_days
    a_former_address_is_unknown_to_login_and_forgot_password
    a_form_holds_on_to_its_link
}

const NEW: &str = "new@example.org";
const THIEF: &str = "plum tractor glow";
const SECURED: &str = "Account secured: a link to choose a new password has been sent";
const SENT: &str = "/auth/reset-password?notice=sent";
const DEAD: &str = "User not found";
const NO_COOKIE: &str = "not-me=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0";

/// A confirmed user, and the uuid in the mail about a login from a new device.
async fn user_with_link<'a>(registry: &'a Registry, email: &str) -> (Client<'a>, String) {
    let owner = registry.confirmed(PROGRAM, email).await;
    registry.program().login(email, PASSWORD).await;
    (owner, registry.mailed_link(email, NOT_ME).await)
}

async fn change_password(client: &Client<'_>) {
    let fields = [("current_password", PASSWORD), ("password", THIEF)];
    let answer = client.post("/account/password", &fields).await;
    answer.assert_done(PROGRAM, "Password changed", "");
}

async fn move_to(registry: &Registry, client: &Client<'_>, email: &str) {
    let answer = client.post("/account/email", &[("email", email)]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let uuid = registry.mailed_link(email, CONFIRM).await;
    let answer = client.post(CONFIRM, &[("uuid", &uuid)]).await;
    answer.assert_done(PROGRAM, "Email confirmed", "");
}

async fn link_in(registry: &Registry, email: &str, subject: &str) -> String {
    let mail = registry.mail(email, subject).await;
    link_to(&mail, NOT_ME).expect("a link")
}

async fn secure(registry: &Registry, uuid: &str) {
    let answer = registry.program().post(NOT_ME, &[("uuid", uuid)]).await;
    answer.assert_done(PROGRAM, SECURED, "");
}

async fn status_of(registry: &Registry, uuid: &str) -> u16 {
    let page = registry
        .program()
        .get(&format!("{NOT_ME}?uuid={uuid}"))
        .await;
    page.status.as_u16()
}

async fn a_link_opened_often_is_not_consumed(registry: Registry) {
    let (owner, uuid) = user_with_link(&registry, ADA).await;
    let path = format!("{NOT_ME}?uuid={uuid}");
    for _ in 0..3 {
        let page = registry.program().get(&path).await;
        assert_eq!(page.status, 200);
        for words in [
            "<h1>This was not me</h1>",
            "Every device is logged out",
            "The password no longer works",
            "A login needs no second factor then.",
            "Take my account back",
        ] {
            assert!(page.body.contains(words), "{}", page.body);
        }
        assert!(!page.body.contains(&uuid));
        assert_eq!(page.body.matches("<button").count(), 1, "{}", page.body);
        assert_eq!(registry.program().head(&path).await.status, 200);
        assert_eq!(registry.browser().get(&path).await.status, 303);
    }
    assert!(owner.is_logged_in().await);
    secure(&registry, &uuid).await;
}

async fn the_link_that_follows_says_that_the_password_has_ended(registry: Registry) {
    let (_, uuid) = user_with_link(&registry, ADA).await;
    let before = registry.reset_uuid(ADA).await;
    let page = registry
        .program()
        .get(&format!("{RESET}?uuid={before}"))
        .await;
    assert!(page.body.contains("Keep the old password"), "{}", page.body);
    secure(&registry, &uuid).await;
    let mail = registry.mail(ADA, "Reset your fpm-registry password").await;
    let words = "The fpm-registry account with this email address has no password that works.";
    assert!(mail.text.contains(words), "{}", mail.text);
    assert!(!mail.text.contains("stays as it is"), "{}", mail.text);
    let uuid = link_to(&mail, RESET).expect("a link");
    let page = registry
        .program()
        .get(&format!("{RESET}?uuid={uuid}"))
        .await;
    assert!(page.body.contains(">Not now</a>"), "{}", page.body);
    assert!(!page.body.contains("old password"), "{}", page.body);
}

async fn a_link_moves_into_a_cookie(registry: Registry) {
    let (_, uuid) = user_with_link(&registry, ADA).await;
    let browser = registry.browser();
    let moved = browser.get(&format!("{NOT_ME}?uuid={uuid}")).await;
    moved.assert_leads_to(NOT_ME);
    let [cookie] = &moved.set_cookies()[..] else {
        panic!("one cookie: {:?}", moved.set_cookies());
    };
    let start = format!("not-me={uuid}; HttpOnly; SameSite=Lax; Path=/; Max-Age=");
    assert!(cookie.starts_with(&start), "{cookie}");
    let page = browser.get(NOT_ME).await;
    assert!(page.status == 200 && !page.body.contains(&uuid));
    let (link, token) = (
        hidden_field(&page.body, "link"),
        hidden_field(&page.body, "csrf_token"),
    );
    let fields = [("link", &*link), ("csrf_token", &*token)];
    let answer = browser.post(NOT_ME, &fields).await;
    answer.assert_leads_to(SENT);
    assert_eq!(answer.set_cookies(), [NO_COOKIE]);
    assert_eq!(browser.get(SENT).await.status, 200);
}

async fn a_link_that_is_dead(registry: Registry) {
    let unknown = "936da01f-9abd-4d9d-80c7-02af85c822a8";
    for kind in EVERY_CLIENT {
        for query in [
            "",
            "?uuid=",
            "?uuid=john",
            "?uuid=%ff",
            &format!("?uuid={unknown}"),
        ] {
            let answer = registry.client(kind).get(&format!("{NOT_ME}{query}")).await;
            answer.assert_refused(kind, 404, DEAD, None);
        }
        for fields in [
            &[][..],
            &[("uuid", "")],
            &[("uuid", "john")],
            &[("uuid", unknown)],
        ] {
            let answer = registry.client(kind).post(NOT_ME, fields).await;
            answer.assert_refused(kind, 404, DEAD, None);
        }
    }
    let browser = registry.browser();
    browser.set_cookie("not-me", unknown);
    let page = browser.get(NOT_ME).await;
    page.assert_refused(Kind::Browser, 404, DEAD, None);
    assert_eq!(page.set_cookies(), [NO_COOKIE], "a dead cookie is removed");
}

async fn an_account_is_taken_back(registry: Registry) {
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let email = format!("ada{n}@example.org");
        let owner = registry.confirmed(PROGRAM, &email).await;
        let thief = registry.program();
        thief.login(&email, PASSWORD).await;
        let uuid = link_in(&registry, &email, NEW_DEVICE).await;
        let reset = registry.reset_uuid(&email).await;
        let pending = format!("thief{n}@example.org");
        thief.post("/account/email", &[("email", &pending)]).await;
        let confirmation = registry.mailed_link(&pending, CONFIRM).await;

        // Nobody is logged in, and no script runs.
        let answer = registry.client(kind).post(NOT_ME, &[("uuid", &uuid)]).await;
        answer.assert_done(kind, SECURED, SENT);
        assert!(!owner.is_logged_in().await && !thief.is_logged_in().await);
        let again = registry.client(kind).post(NOT_ME, &[("uuid", &uuid)]).await;
        again.assert_refused(kind, 404, DEAD, None);
        for (page, uuid) in [(RESET, &reset), (CONFIRM, &confirmation), (NOT_ME, &uuid)] {
            let dead = registry.program().get(&format!("{page}?uuid={uuid}")).await;
            assert_eq!(dead.status, 404, "{page}");
        }
        let answer = registry.program().login(&email, PASSWORD).await;
        answer.assert_refused(PROGRAM, 401, "Invalid email or password", None);

        let link = registry.mailed_uuid(&email).await;
        let fields = [("uuid", &*link), ("password", "a third one of some words")];
        let answer = owner.post(RESET, &fields).await;
        answer.assert_done(PROGRAM, "Password reset successful", "");
        owner.login(&email, "a third one of some words").await;
        let facts = owner.facts("/account").await;
        assert_eq!(facts["email"], json!(email));
        assert_eq!(
            (&facts["email_confirmed"], &facts["sessions"]),
            (&json!(true), &json!(1))
        );
        let history = owner.facts("/account/history").await;
        assert_eq!(history["events"][2]["kind"], json!("secured"));
        registry.fail_logins(&email, 10).await;
        for client in [&owner, &thief] {
            let status = client
                .login(&email, "a third one of some words")
                .await
                .status;
            let is_known = std::ptr::eq(client, &owner);
            assert_eq!(status, if is_known { 200 } else { 429 }, "known devices");
        }
    }
}

async fn a_link_works_once_and_for_seven_days(registry: Registry) {
    let (_, uuid) = user_with_link(&registry, ADA).await;
    let (_, of_eve) = user_with_link(&registry, "eve@example.org").await;
    let fields = [("uuid", &*of_eve)];
    let clients = [registry.program(), registry.program()];
    let (first, second) = tokio::join!(
        clients[0].post(NOT_ME, &fields),
        clients[1].post(NOT_ME, &fields)
    );
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404]);

    registry.wait(7 * DAY - MINUTE);
    assert_eq!(status_of(&registry, &uuid).await, 200);
    registry.wait(MINUTE);
    assert_eq!(status_of(&registry, &uuid).await, 404);
    let answer = registry.program().post(NOT_ME, &[("uuid", &uuid)]).await;
    answer.assert_refused(PROGRAM, 404, DEAD, None);
    let answer = registry.program().login(ADA, PASSWORD).await;
    answer.assert_done(PROGRAM, "Login successful", "/");
}

/// A thief changes the password and then the address: both mails went to the owner's mailbox.
async fn the_older_mailbox_wins(registry: Registry) {
    for (n, subject) in [PASSWORD_CHANGED, EMAIL_CHANGED].into_iter().enumerate() {
        let [email, new] = ["ada", "thief"].map(|name| format!("{name}{n}@example.org"));
        let thief = registry.confirmed(PROGRAM, &email).await;
        change_password(&thief).await;
        let mut uuid = link_in(&registry, &email, PASSWORD_CHANGED).await;
        registry.wait(MINUTE);
        move_to(&registry, &thief, &new).await;
        if subject == EMAIL_CHANGED {
            uuid = link_in(&registry, &email, EMAIL_CHANGED).await;
        }
        registry.wait(6 * DAY);
        secure(&registry, &uuid).await;
        assert!(!thief.is_logged_in().await);
        for address in [&email, &new] {
            assert_eq!(registry.program().login(address, THIEF).await.status, 401);
        }
        let link = registry.mailed_uuid(&email).await;
        let fields = [("uuid", &*link), ("password", "a third one of some words")];
        assert_eq!(registry.program().post(RESET, &fields).await.status, 200);
        let owner = registry.program();
        owner.login(&email, "a third one of some words").await;
        assert_eq!(owner.facts("/account").await["email"], json!(email));
        let subjects = registry.subjects_to(&new).await;
        assert_eq!(subjects, [""; 0], "the other mailbox gets no way back");
        registry.add_user(&new).await;
    }
}

async fn later_links_die_and_earlier_ones_stay(registry: Registry) {
    let thief = registry.confirmed(PROGRAM, ADA).await;
    let mut links = Vec::new();
    registry.program().login(ADA, PASSWORD).await;
    links.push(link_in(&registry, ADA, NEW_DEVICE).await);
    registry.wait(MINUTE);
    change_password(&thief).await;
    links.push(link_in(&registry, ADA, PASSWORD_CHANGED).await);
    registry.wait(MINUTE);
    move_to(&registry, &thief, NEW).await;
    links.push(link_in(&registry, ADA, EMAIL_CHANGED).await);
    registry.wait(MINUTE);
    registry.program().login(NEW, THIEF).await;
    links.push(link_in(&registry, NEW, NEW_DEVICE).await);
    for uuid in &links {
        assert_eq!(status_of(&registry, uuid).await, 200);
    }

    // The mailbox of the new address is the younger one.
    secure(&registry, &links[3]).await;
    registry.mailed_uuid(NEW).await;
    secure(&registry, &links[1]).await;
    registry.mailed_uuid(ADA).await;
    let mut alive = Vec::new();
    for uuid in &links {
        alive.push(status_of(&registry, uuid).await);
    }
    assert_eq!(alive, [200, 404, 404, 404]);
    secure(&registry, &links[0]).await;
    registry.mailed_uuid(ADA).await;
}

async fn a_former_address_is_held_for_seven_days(registry: Registry) {
    let ada = registry.confirmed(PROGRAM, ADA).await;
    let eve = registry.confirmed(PROGRAM, "eve@example.org").await;
    registry.mails_to(ADA).await;
    move_to(&registry, &ada, NEW).await;
    registry.mail(ADA, EMAIL_CHANGED).await;
    let fields = [("name", "Eve"), ("email", ADA), ("password", PASSWORD)];
    for days in [0, 6] {
        registry.wait(days * DAY + MINUTE);
        for kind in EVERY_CLIENT {
            let answer = registry.client(kind).post("/auth/signup", &fields).await;
            let taken = "A user with this email already exists";
            answer.assert_refused(kind, 400, taken, Some("email"));
        }
        eve.login("eve@example.org", PASSWORD).await;
        let answer = eve.post("/account/email", &[("email", ADA)]).await;
        let sent = "A confirmation link has been sent to the new address";
        answer.assert_done(PROGRAM, sent, "");
        assert_eq!(registry.subjects_to(ADA).await, [""; 0], "no link to it");
    }
    registry.wait(DAY);
    let answer = registry.program().post("/auth/signup", &fields).await;
    answer.assert_done(PROGRAM, "Signup successful", "/");
    // Its user can take it again before that, as can anybody after.
    eve.login("eve@example.org", PASSWORD).await;
    move_to(&registry, &eve, "eve@new.example").await;
    move_to(&registry, &eve, "eve@example.org").await;
}

async fn a_former_address_is_unknown_to_login_and_forgot_password(registry: Registry) {
    let ada = registry.confirmed(PROGRAM, ADA).await;
    let device = ada.cookie("device").unwrap();
    move_to(&registry, &ada, NEW).await;
    registry.mail(ADA, EMAIL_CHANGED).await;
    for kind in EVERY_CLIENT {
        let client = registry.client(kind);
        client.set_cookie("device", &device);
        let answer = client.login(ADA, PASSWORD).await;
        answer.assert_refused(kind, 401, "Invalid email or password", None);
    }
    let answer = registry
        .program()
        .post("/auth/forgot-password", &[("email", ADA)])
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(registry.subjects_to(ADA).await, [""; 0]);
    assert!(ada.is_logged_in().await);
}

/// A link opened in another tab does not change which account the button of this one takes back.
async fn a_form_holds_on_to_its_link(registry: Registry) {
    let (_, of_ada) = user_with_link(&registry, ADA).await;
    let (eve, of_eve) = user_with_link(&registry, "eve@example.org").await;
    let browser = registry.browser();
    browser.set_cookie("not-me", &of_ada);
    let link = hidden_field(&browser.get(NOT_ME).await.body, "link");
    browser.set_cookie("not-me", &of_eve);
    let answer = browser.post(NOT_ME, &[("link", &link)]).await;
    answer.assert_refused(Kind::Browser, 404, DEAD, None);
    assert_eq!(browser.cookie("not-me"), Some(of_eve.clone()));
    assert!(eve.is_logged_in().await);
    for uuid in [&of_ada, &of_eve] {
        assert_eq!(status_of(&registry, uuid).await, 200);
    }
}
