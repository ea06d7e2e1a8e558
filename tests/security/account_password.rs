//! The password within an account: how it is changed, and how it is asked for again.

use fpm_registry::forms::field::CURRENT_PASSWORD;
use mongodb::bson::{DateTime, Document, doc};

use crate::{
    ADA, RESET, WRONG, at_once, attribute,
    keys::Mailbox,
    mongod::{Mongod, database_name},
    on_mongo,
    socket::{Answer, NEW_PASSWORD, PASSWORD, Registry, Setup, get, login, post},
    tags,
};

const CHANGE: &str = "/account/password";
const ENTER: &str = "Enter your current password";
const NOT_IT: &str = "This is not your current password";
const FIELD: Option<&str> = Some(CURRENT_PASSWORD.name);

/// A change from one password to another.
fn change<'a>(from: &'a str, to: &'a str) -> [(&'a str, &'a str); 2] {
    [("current_password", from), ("password", to)]
}

/// ASVS 6.2.2, 6.2.3, 6.3.7, 7.2.4, 7.4.3: with the current password, and with it alone, a user changes it. All else
/// that got into the account ends, the session goes on under another uuid, and the owner is told.
#[test]
fn a_changed_password_ends_all_that_knew_the_old_one() {
    for setup in [Setup::unlimited(), on_mongo(&database_name())] {
        let registry = setup.start();
        let mailbox = Mailbox::new(&registry);
        let here = mailbox.confirmed(ADA);
        let phone = mailbox.logged_in(ADA, PASSWORD);
        let reset = registry.reset_uuid(ADA);
        let send = |from: &str, to: &str| mailbox.send(CHANGE, &change(from, to), &here);
        send("", NEW_PASSWORD).assert_refused(403, ENTER, FIELD);
        send("wrong horse battery", NEW_PASSWORD).assert_refused(403, NOT_IT, FIELD);
        for easy in ["passwordpassword", ADA, "fpm-registry", "short"] {
            let refused = send(PASSWORD, easy);
            assert_eq!(refused.status, 400, "{easy}: {}", refused.body);
        }
        assert!(mailbox.is_alive(&here) && mailbox.is_alive(&phone));

        let changed = send(PASSWORD, NEW_PASSWORD);
        changed.assert_done("Password changed");
        let now = mailbox.cookies(&changed);
        let alive = [&here, &phone, &now].map(|cookies| mailbox.is_alive(cookies));
        assert_eq!(alive, [false, false, true]);
        let reset = [
            ("uuid", reset.as_str()),
            ("password", "another tractor glow"),
        ];
        mailbox
            .send(RESET, &reset, "")
            .assert_refused(404, "User not found", None);
        registry
            .log_in(ADA, PASSWORD)
            .assert_refused(401, WRONG, None);
        let old_device = login(ADA, NEW_PASSWORD).with("Cookie", &here);
        let answer = registry.send(&old_device);
        assert!(
            answer.cookie("device").is_some(),
            "it is not known any more"
        );
        let told = mailbox.mail(ADA, "Your fpm-registry password was changed");
        assert!(!told.contains("plum") && !told.contains("horse"));
    }
}

/// ASVS 6.2.6, 6.2.7: password managers know the fields of the page.
#[test]
fn the_account_page_is_made_for_password_managers() {
    let registry = Registry::start();
    let session = registry.sign_up(ADA).session();
    let page = registry.send(&get("/account").by_browser().with("Cookie", session));
    let tags = tags(&page.body);
    let inputs = tags.iter().filter(|tag| tag.starts_with("input"));
    let mut passwords = Vec::new();
    for tag in inputs {
        let is_password = attribute(tag, "type") == Some("password");
        assert!(
            !tag.contains("maxlength") && !tag.contains("pattern"),
            "{tag}"
        );
        if is_password {
            passwords.push((
                attribute(tag, "name").unwrap(),
                attribute(tag, "autocomplete").unwrap(),
            ));
            assert!(attribute(tag, "value").is_none_or(str::is_empty), "{tag}");
        }
    }
    let current = ("current_password", "current-password");
    let new = ("password", "new-password");
    assert_eq!(passwords, [current, new, current]);
}

/// ASVS 6.3.1, 7.5.1, CS-Auth: whoever has a session guesses the password no faster than at the login, with many
/// requests at once or without the device, and the owner sees how many failed.
#[test]
fn a_session_gives_no_more_guesses_at_the_password() {
    let registry = Setup::new().start();
    let mailbox = Mailbox::new(&registry);
    let session = registry.sign_up(ADA).session();
    let owner = mailbox.logged_in(ADA, PASSWORD);
    let guess = |cookies: &str| {
        let fields = [("email", ADA), ("current_password", "wrong horse battery")];
        mailbox.send("/account/delete", &fields, cookies).status
    };
    let rounds = (0..8).flat_map(|_| at_once(6, |_| guess(&session)));
    let compared = rounds.filter(|status| *status == 403).count();
    // Ten of the session's own, and the ten that the account allows to strangers.
    assert_eq!(compared, 20);
    assert_eq!(guess(&session), 429);
    assert_eq!(registry.log_in(ADA, PASSWORD).status, 429);
    let failed = mailbox.facts("/account/history", &owner)["failed_logins"].take();
    assert_eq!(failed, 20);
    // The owner's device is not refused for them.
    let fields = change(PASSWORD, NEW_PASSWORD);
    mailbox
        .send(CHANGE, &fields, &owner)
        .assert_done("Password changed");
    assert!(!mailbox.is_alive(&session));
}

/// ASVS 7.5.1, 7.5.3: a session that was begun long ago changes no address without the password. A browser without
/// scripts gets the form again, with what was typed and one field more, and ends there what it began.
#[tokio::test]
async fn an_old_session_alone_changes_no_address() {
    let name = database_name();
    let registry = on_mongo(&name).start();
    let mailbox = Mailbox::new(&registry);
    let session = mailbox.confirmed(ADA);
    let client = mongodb::Client::with_uri_str(Mongod::shared().uri()).await;
    let users = client
        .unwrap()
        .database(&name)
        .collection::<Document>("users");
    let long_ago = doc! { "$set": { "sessions.0.authenticatedAt": DateTime::from_millis(0) } };
    let aged = users.update_one(doc! { "email": ADA }, long_ago).await;
    assert_eq!(aged.unwrap().modified_count, 1);

    let new = [("email", "new@example.org")];
    let send = |fields: &[(&str, &str)]| mailbox.send("/account/email", fields, &session);
    send(&new).assert_refused(403, ENTER, FIELD);
    let sent = post("/account/email", &new).with("Cookie", &session);
    let page = registry.send(&sent.by_browser());
    page.assert_page(403, ENTER);
    assert!(page.body.contains("value=\"new@example.org\""));
    let wrong = [new[0], ("current_password", "wrong horse battery")];
    send(&wrong).assert_refused(403, NOT_IT, FIELD);
    let page = post("/account/email", &wrong).with("Cookie", &session);
    let page = registry.send(&page.by_browser());
    page.assert_page(403, NOT_IT);
    assert!(!page.body.contains("wrong horse"));
    assert_eq!(mailbox.count("new@example.org", ""), 0);
    let asked = "A confirmation link has been sent to the new address";
    send(&[new[0], ("current_password", PASSWORD)]).assert_done(asked);
    send(&new).assert_done(asked);
}

/// ASVS 2.4.1, 6.3.7: who knows the password cannot change it to and fro until its owner is flooded with mails.
#[test]
fn a_password_changes_ten_times_in_a_quarter_of_an_hour() {
    let registry = Setup::new().start();
    let mailbox = Mailbox::new(&registry);
    let mut cookies = mailbox.confirmed(ADA);
    let password = |n: usize| format!("{PASSWORD} {n}");
    let mut current = PASSWORD.to_owned();
    let mut change_to = |n: usize| -> Answer {
        let answer = mailbox.send(CHANGE, &change(&current, &password(n)), &cookies);
        if answer.status == 200 {
            cookies = mailbox.cookies(&answer);
            current = password(n);
        }
        answer
    };
    for n in 0..10 {
        change_to(n).assert_done("Password changed");
    }
    for n in 10..13 {
        assert_eq!(change_to(n).status, 429);
    }
    let told = mailbox.count(ADA, "Your fpm-registry password was changed");
    assert_eq!(told, 10);
}

/// ASVS 6.3.5: a login from a device that is not known is told by mail, three times a day, and stays in the history
/// however often somebody logs in.
#[test]
fn a_new_device_is_told_of_and_cannot_be_pushed_out() {
    let registry = Registry::start();
    let mailbox = Mailbox::new(&registry);
    mailbox.confirmed(ADA);
    let subject = "New device logged in";
    let mut known = mailbox.logged_in(ADA, PASSWORD);
    assert_eq!(mailbox.count(ADA, subject), 1);
    for _ in 0..60 {
        let device = known.split("; ").last().unwrap().to_owned();
        let answer = registry.send(&login(ADA, PASSWORD).with("Cookie", &device));
        known = format!("{}; {device}", answer.session());
    }
    let history = mailbox.history(&known);
    assert!(history.contains(&"new-device".to_owned()), "{history:?}");
    assert!(history.contains(&"signed-up".to_owned()), "{history:?}");
    for _ in 0..5 {
        mailbox.logged_in(ADA, PASSWORD);
    }
    assert_eq!(mailbox.count(ADA, subject), 3);
}
