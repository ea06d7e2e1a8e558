//! `POST /account/password`.

use serde_json::json;

use crate::{
    ADA, MINUTE, PROGRAM,
    common::{
        BREACHED, EVERY_CLIENT, Kept, Kind, PASSWORD, Registry, WRONG_PASSWORD as WRONG,
        mails::{NOT_ME, PASSWORD_CHANGED, link_to},
    },
};

contract! {
    a_password_is_changed
    a_change_ends_all_other_ways_in
    this_device_stays_known_and_others_do_not
    a_password_that_is_refused_changes_nothing
    new_passwords_are_tried_ten_times_in_one_session
    of_two_changes_at_once_one_counts
}

const NEW: &str = "plum tractor glow";

async fn a_password_is_changed(registry: Registry) {
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let email = format!("ada{n}@example.org");
        let client = registry.confirmed(kind, &email).await;
        registry.wait(60 * MINUTE);
        let before = client.cookie("uuid").unwrap();
        let fields = [("current_password", PASSWORD), ("password", NEW)];
        let answer = client.post("/account/password", &fields).await;
        let page = "/account?notice=password-changed";
        answer.assert_done(kind, "Password changed", page);
        let [session, device] = &answer.set_cookies()[..] else {
            panic!("two cookies: {:?}", answer.set_cookies());
        };
        for (cookie, name, life) in [
            (session, "uuid=", "2592000"),
            (device, "device=", "31536000"),
        ] {
            let attributes = format!("; HttpOnly; SameSite=Lax; Path=/; Max-Age={life}");
            assert!(cookie.starts_with(name), "{cookie}");
            assert!(cookie.ends_with(&attributes), "{cookie}");
        }
        assert_ne!(client.cookie("uuid").unwrap(), before);
        assert!(client.is_logged_in().await);
        let thief = registry.program();
        thief.set_cookie("uuid", &before);
        assert!(!thief.is_logged_in().await);
        if kind == Kind::Browser {
            let told = client.get(page).await;
            let words = "Your password was changed, and all other devices were logged out.";
            assert!(told.body.contains(words), "{}", told.body);
        }
        assert_eq!(registry.program().login(&email, PASSWORD).await.status, 401);
        assert_eq!(registry.program().login(&email, NEW).await.status, 200);

        let mail = registry.mail(&email, PASSWORD_CHANGED).await;
        assert!(link_to(&mail, NOT_ME).is_some(), "{}", mail.text);
        let history = client.facts("/account/history").await;
        assert!(
            history["events"]
                .as_array()
                .unwrap()
                .iter()
                .any(|event| { event["kind"] == json!("password-changed") })
        );
    }
}

async fn a_change_ends_all_other_ways_in(registry: Registry) {
    let ada = registry.confirmed(PROGRAM, ADA).await;
    let (phone, laptop) = (registry.program(), registry.browser());
    phone.login(ADA, PASSWORD).await;
    laptop.login(ADA, PASSWORD).await;
    let link = registry.reset_uuid(ADA).await;
    let fields = [("current_password", PASSWORD), ("password", NEW)];
    assert_eq!(ada.post("/account/password", &fields).await.status, 200);
    assert!(!phone.is_logged_in().await && !laptop.is_logged_in().await);
    assert_eq!(ada.facts("/account").await["sessions"], json!(1));
    let fields = [("uuid", &*link), ("password", "a third one of some words")];
    let answer = registry
        .program()
        .post("/auth/reset-password", &fields)
        .await;
    answer.assert_refused(PROGRAM, 404, "User not found", None);
}

async fn this_device_stays_known_and_others_do_not(registry: Registry) {
    let ada = registry.confirmed(PROGRAM, ADA).await;
    let phone = registry.program();
    phone.login(ADA, PASSWORD).await;
    let before = ada.cookie("device").unwrap();
    let fields = [("current_password", PASSWORD), ("password", NEW)];
    assert_eq!(ada.post("/account/password", &fields).await.status, 200);
    let after = ada.cookie("device").unwrap();
    assert_ne!(before, after);
    registry.fail_logins(ADA, 10).await;
    for (device, is_known) in [
        (before, false),
        (phone.cookie("device").unwrap(), false),
        (after, true),
    ] {
        let client = registry.program();
        client.set_cookie("device", &device);
        let answer = client.login(ADA, NEW).await;
        match is_known {
            true => answer.assert_done(PROGRAM, "Login successful", "/"),
            false => answer.assert_wait(PROGRAM, 30),
        }
    }
}

async fn a_password_that_is_refused_changes_nothing(registry: Registry) {
    let long = "x".repeat(257);
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let email = format!("ada{n}@example.org");
        let client = registry.signed_up(kind, &email).await;
        let before = client.facts("/account").await;
        let (enter, not_it) = (
            "Enter your current password",
            "This is not your current password",
        );
        for (current, password, code, message, field) in [
            ("", "", 403, enter, "current_password"),
            ("", NEW, 403, enter, "current_password"),
            (WRONG, NEW, 403, not_it, "current_password"),
            (WRONG, "", 403, not_it, "current_password"),
            (PASSWORD, "", 400, "Password is required", "password"),
            (
                PASSWORD,
                "short",
                400,
                "Password must be at least 8 characters",
                "password",
            ),
            (
                PASSWORD,
                &long,
                400,
                "Password must be at most 256 characters",
                "password",
            ),
            (
                PASSWORD,
                "password",
                400,
                "Password is too easy to guess: it is one of the most common passwords",
                "password",
            ),
            (PASSWORD, BREACHED.0, 400, BREACHED.1, "password"),
        ] {
            let fields = [("current_password", current), ("password", password)];
            let answer = client.post("/account/password", &fields).await;
            answer.assert_refused(kind, code, message, Some(field));
            if password == BREACHED.0 && kind == PROGRAM {
                assert_eq!(answer.header("x-reason"), "breached");
            }
            assert_eq!(answer.set_cookies(), [""; 0]);
            for typed in [PASSWORD, WRONG, NEW] {
                assert!(!answer.body.contains(typed), "a password is given back");
            }
        }
        assert_eq!(client.facts("/account").await, before);
        assert_eq!(registry.program().login(&email, PASSWORD).await.status, 200);
    }
}

async fn new_passwords_are_tried_ten_times_in_one_session(registry: Registry) {
    let ada = registry.signed_up(PROGRAM, ADA).await;
    for _ in 0..10 {
        let fields = [("current_password", PASSWORD), ("password", "ada lovelace")];
        assert_eq!(ada.post("/account/password", &fields).await.status, 400);
    }
    let fields = [("current_password", PASSWORD), ("password", NEW)];
    let answer = ada.post("/account/password", &fields).await;
    answer.assert_wait(PROGRAM, 900);
    registry.wait(15 * MINUTE);
    let answer = ada.post("/account/password", &fields).await;
    answer.assert_done(PROGRAM, "Password changed", "");
}

async fn of_two_changes_at_once_one_counts(registry: Registry) {
    registry.add_user(ADA).await;
    let clients = [registry.program(), registry.program()];
    for client in &clients {
        client.login(ADA, PASSWORD).await;
    }
    let news = [NEW, "a third one of some words"];
    let change = async |n: usize| {
        let fields = [("current_password", PASSWORD), ("password", news[n])];
        clients[n].post("/account/password", &fields).await
    };
    let (first, second) = tokio::join!(change(0), change(1));
    let done = [first, second].map(|answer| answer.status == 200);
    let winner = done
        .iter()
        .position(|done| *done)
        .expect("one of them counts");
    assert!(!done[1 - winner], "the other session has ended by then");
    for (n, status) in [(winner, 200), (1 - winner, 401)] {
        assert_eq!(clients[n].get("/account").await.status, status);
        assert_eq!(registry.program().login(ADA, news[n]).await.status, status);
    }
}
