//! `POST /account/email`: another address, which counts from when its link is confirmed.

use serde_json::json;

use crate::{
    ADA, DAY, PROGRAM,
    common::{
        Answer, Client, EVERY_CLIENT, Kept, Kind, PASSWORD, Registry,
        mails::{CONFIRM, EMAIL_CHANGED, NOT_ME, RESET, link_to},
    },
};

contract! {
    nothing_changes_until_the_link_is_confirmed
    an_address_with_an_account_gets_the_same_answer_and_its_owner_a_mail
    an_address_that_is_not_confirmed_is_not_told
    the_newest_request_ends_older_ones
    a_bad_address_and_the_own_one_are_refused
    an_address_changes_three_times_in_seven_days
    an_address_that_was_taken_meanwhile_is_refused
    of_two_users_who_confirm_one_address_at_once_one_has_it
    of_two_sessions_that_change_it_at_once_the_last_counts
    a_change_ends_reset_links_and_forgets_strangers
    mails_asked_for_are_limited
}

const EVE: &str = "eve@example.org";
const DONE: &str = "A confirmation link has been sent to the new address";
const PAGE: &str = "/account?notice=email-asked";
const CONFIRMED: &str = "/account?notice=email-confirmed";
const IN_USE: &str = "This address has an fpm-registry account already";
const TAKEN: &str = "A user with this email already exists";

async fn ask(client: &Client<'_>, email: &str) -> Answer {
    client.post("/account/email", &[("email", email)]).await
}

async fn confirm(client: &Client<'_>, uuid: &str) -> Answer {
    client.post(CONFIRM, &[("uuid", uuid)]).await
}

/// Moves an account to another address.
async fn move_to(registry: &Registry, client: &Client<'_>, email: &str) {
    ask(client, email).await.assert_done(PROGRAM, DONE, PAGE);
    let uuid = registry.mailed_link(email, CONFIRM).await;
    confirm(client, &uuid)
        .await
        .assert_done(PROGRAM, "Email confirmed", CONFIRMED);
}

async fn nothing_changes_until_the_link_is_confirmed(registry: Registry) {
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let [old, new] = ["old", "new"].map(|name| format!("{name}{n}@example.org"));
        let client = registry.confirmed(kind, &old).await;
        let typed = format!(" New{n}@Example.ORG ");
        ask(&client, &typed).await.assert_done(kind, DONE, PAGE);
        let before = client.facts("/account").await;
        assert_eq!(
            (&before["email"], &before["email_confirmed"]),
            (&json!(old), &json!(true))
        );
        assert_eq!(registry.program().login(&new, PASSWORD).await.status, 401);
        assert_eq!(registry.program().login(&old, PASSWORD).await.status, 200);
        if kind == Kind::Browser {
            assert!(
                client.get("/account").await.body.contains(&new),
                "what it waits for"
            );
        }

        let mail = registry
            .mail(&new, "Confirm your new email for fpm-registry")
            .await;
        assert!(!mail.raw.contains(&old), "{}", mail.raw);
        let uuid = link_to(&mail, CONFIRM).unwrap();
        confirm(&client, &uuid)
            .await
            .assert_done(kind, "Email confirmed", CONFIRMED);
        let mut after = before;
        after["email"] = json!(new);
        after["sessions"] = json!(2);
        assert_eq!(client.facts("/account").await, after);
        assert_eq!(registry.program().login(&old, PASSWORD).await.status, 401);
        assert_eq!(registry.program().login(&new, PASSWORD).await.status, 200);
        let told = registry.mail(&old, EMAIL_CHANGED).await;
        assert!(link_to(&told, NOT_ME).is_some(), "{}", told.text);
        assert!(!told.raw.contains(&new), "{}", told.raw);
        let again = confirm(&client, &uuid).await;
        again.assert_refused(kind, 404, "User not found", None);
    }
}

async fn an_address_with_an_account_gets_the_same_answer_and_its_owner_a_mail(registry: Registry) {
    registry.confirmed(PROGRAM, EVE).await;
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        registry.wait(DAY);
        let email = format!("ada{n}@example.org");
        let client = registry.signed_up(kind, &email).await;
        let known = ask(&client, EVE).await;
        let facts = client.facts("/account").await;
        let told = registry.mail(EVE, IN_USE).await;
        assert_eq!(told.link(), Some("http://localhost:9090/auth/login"));
        assert!(!told.raw.contains(&email), "{}", told.raw);
        let unknown = ask(&client, &format!("free{n}@example.org")).await;
        known.assert_done(kind, DONE, PAGE);
        known.assert_like(&unknown);
        assert_eq!(client.facts("/account").await, facts);
    }
    assert_eq!(registry.subjects_to(EVE).await, [""; 0], "no link");
}

async fn an_address_that_is_not_confirmed_is_not_told(registry: Registry) {
    registry.signed_up(PROGRAM, EVE).await;
    registry.mailed_link(EVE, CONFIRM).await;
    let ada = registry.confirmed(PROGRAM, ADA).await;
    ask(&ada, EVE).await.assert_done(PROGRAM, DONE, PAGE);
    assert_eq!(registry.subjects_to(EVE).await, [""; 0]);
    // Nor is the old address of a change told, if nobody has confirmed it.
    let bob = registry.signed_up(PROGRAM, "bob@example.org").await;
    registry.mailed_link("bob@example.org", CONFIRM).await;
    move_to(&registry, &bob, "bob@new.example").await;
    assert_eq!(registry.subjects_to("bob@example.org").await, [""; 0]);
    registry.add_user("bob@example.org").await;
}

async fn the_newest_request_ends_older_ones(registry: Registry) {
    let ada = registry.confirmed(PROGRAM, ADA).await;
    ask(&ada, "first@example.org").await;
    let first = registry.mailed_link("first@example.org", CONFIRM).await;
    ask(&ada, "second@example.org").await;
    let second = registry.mailed_link("second@example.org", CONFIRM).await;
    let answer = confirm(&ada, &first).await;
    answer.assert_refused(PROGRAM, 404, "User not found", None);
    let page = registry
        .program()
        .get(&format!("{CONFIRM}?uuid={first}"))
        .await;
    page.assert_refused(PROGRAM, 404, "User not found", None);
    confirm(&ada, &second)
        .await
        .assert_done(PROGRAM, "Email confirmed", CONFIRMED);
    assert_eq!(
        ada.facts("/account").await["email"],
        json!("second@example.org")
    );
}

async fn a_bad_address_and_the_own_one_are_refused(registry: Registry) {
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let own = format!("ada{n}@example.org");
        let client = registry.confirmed(kind, &own).await;
        for (email, message) in [
            ("", "Email is required"),
            ("ada", "Enter a valid email address"),
            (
                "ada@example.org\r\nBcc: eve@example.org",
                "Enter a valid email address",
            ),
            (&*own, "This is already your email"),
            (&own.to_uppercase(), "This is already your email"),
        ] {
            let answer = ask(&client, email).await;
            answer.assert_refused(kind, 400, message, Some("email"));
        }
        assert_eq!(registry.subjects_to(&own).await, [""; 0]);
    }
}

async fn an_address_changes_three_times_in_seven_days(registry: Registry) {
    let ada = registry.confirmed(PROGRAM, ADA).await;
    for n in 0..3 {
        move_to(&registry, &ada, &format!("ada{n}@example.org")).await;
    }
    for kind in EVERY_CLIENT {
        let client = registry.client(kind);
        client.set_cookie("uuid", &ada.cookie("uuid").unwrap());
        let answer = ask(&client, "ada3@example.org").await;
        let message = "Too many attempts, try again in 7 days";
        answer.assert_refused(kind, 429, message, None);
        let wait: u64 = answer.header("retry-after").parse().unwrap();
        assert!(
            (7 * 24 * 3600 - 60..=7 * 24 * 3600).contains(&wait),
            "{wait}"
        );
    }
    assert_eq!(registry.subjects_to("ada3@example.org").await, [""; 0]);
    registry.wait(7 * DAY);
    ada.login("ada2@example.org", PASSWORD).await;
    move_to(&registry, &ada, "ada3@example.org").await;
}

async fn an_address_that_was_taken_meanwhile_is_refused(registry: Registry) {
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let [old, new] = ["old", "new"].map(|name| format!("{name}{n}@example.org"));
        let client = registry.confirmed(kind, &old).await;
        ask(&client, &new).await;
        let uuid = registry.mailed_link(&new, CONFIRM).await;
        registry.add_user(&new).await;
        let answer = confirm(&client, &uuid).await;
        // The page has no field for it.
        let field = (kind != Kind::Browser).then_some("email");
        answer.assert_refused(kind, 400, TAKEN, field);
        assert_eq!(client.facts("/account").await["email"], json!(old));
    }
}

async fn of_two_users_who_confirm_one_address_at_once_one_has_it(registry: Registry) {
    let ada = registry.confirmed(PROGRAM, ADA).await;
    let eve = registry.confirmed(PROGRAM, EVE).await;
    let new = "new@example.org";
    let mut links = Vec::new();
    for client in [&ada, &eve] {
        ask(client, new).await.assert_done(PROGRAM, DONE, PAGE);
        links.push(registry.mailed_link(new, CONFIRM).await);
    }
    let (first, second) = tokio::join!(confirm(&ada, &links[0]), confirm(&eve, &links[1]));
    let (winner, loser) = match first.status.as_u16() {
        200 => (first, second),
        _ => (second, first),
    };
    winner.assert_done(PROGRAM, "Email confirmed", CONFIRMED);
    loser.assert_refused(PROGRAM, 400, TAKEN, Some("email"));
    let mut emails = Vec::new();
    for client in [&ada, &eve] {
        emails.push(client.facts("/account").await["email"].clone());
    }
    assert_eq!(emails.iter().filter(|email| **email == new).count(), 1);
}

async fn of_two_sessions_that_change_it_at_once_the_last_counts(registry: Registry) {
    let phone = registry.confirmed(PROGRAM, ADA).await;
    let laptop = registry.program();
    laptop.login(ADA, PASSWORD).await;
    let news = ["phone@example.org", "laptop@example.org"];
    let (first, second) = tokio::join!(ask(&phone, news[0]), ask(&laptop, news[1]));
    first.assert_done(PROGRAM, DONE, PAGE);
    second.assert_done(PROGRAM, DONE, PAGE);
    let mut living = Vec::new();
    for new in news {
        for mail in registry.mails_to(new).await {
            let uuid = link_to(&mail, CONFIRM).unwrap();
            let page = registry
                .program()
                .get(&format!("{CONFIRM}?uuid={uuid}"))
                .await;
            if page.status == 200 {
                living.push((new, uuid));
            }
        }
    }
    let [(new, uuid)] = &living[..] else {
        panic!("one link lives: {living:?}");
    };
    confirm(&phone, uuid)
        .await
        .assert_done(PROGRAM, "Email confirmed", CONFIRMED);
    for client in [&phone, &laptop] {
        assert_eq!(client.facts("/account").await["email"], json!(new));
    }
}

async fn a_change_ends_reset_links_and_forgets_strangers(registry: Registry) {
    let ada = registry.confirmed(PROGRAM, ADA).await;
    let link = registry.reset_uuid(ADA).await;
    registry.fail_logins("new@example.org", 10).await;
    move_to(&registry, &ada, "new@example.org").await;
    let page = registry
        .program()
        .get(&format!("{RESET}?uuid={link}"))
        .await;
    page.assert_refused(PROGRAM, 404, "User not found", None);
    let answer = registry.program().login("new@example.org", PASSWORD).await;
    answer.assert_done(PROGRAM, "Login successful", "/");
    assert!(ada.is_logged_in().await, "sessions go on");
}

async fn mails_asked_for_are_limited(registry: Registry) {
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let client = registry
            .signed_up(kind, &format!("ada{n}@example.org"))
            .await;
        let new = format!("new{n}@example.org");
        for _ in 0..3 {
            ask(&client, &new).await.assert_done(kind, DONE, PAGE);
        }
        ask(&client, &new).await.assert_wait(kind, 900);
        // One counter for all mails to an address.
        let answer = registry
            .client(kind)
            .post("/auth/forgot-password", &[("email", &new)])
            .await;
        answer.assert_wait(kind, 900);
    }
}
