//! A right password without a second factor: the owner is told, and cannot be kept out by it.

use fpm_registry::accounts::clock::Timestamp;
use serde_json::Value;

use crate::{
    ADA, DAY, MINUTE, PROGRAM, SECOND_FACTOR,
    common::{
        Answer, Client, Kept, Kind, PASSWORD, Registry,
        authenticator_app::SecondFactor,
        mails::{NOT_ME, link_to},
    },
    refused_codes::{ENTER, NOT_VALID},
    second_step::send_both,
};

contract! {
    a_login_without_a_second_factor_is_told_when_its_time_is_over
    five_wrong_codes_are_told_at_once
    a_program_with_the_password_alone_is_told_of
    a_login_that_is_completed_tells_nothing_extra
    a_known_device_tells_nothing
    three_mails_a_day_tell_of_it
    who_has_only_the_password_keeps_nobody_from_the_second_step
}

const MAIL: &str = "Someone has the password of your fpm-registry account";
const OWNER: &str = "192.0.2.1";
const THIEF: &str = "198.51.100.1";

async fn with_app(registry: &Registry) -> (Client<'_>, SecondFactor) {
    let owner = registry.confirmed(PROGRAM, ADA).await;
    let factor = owner.add_app().await;
    (owner, factor)
}

fn client<'r>(registry: &'r Registry, kind: Kind, address: &str) -> Client<'r> {
    registry.client_at(kind, address.parse().unwrap())
}

/// A browser there that has sent the right password.
async fn waiting<'r>(registry: &'r Registry, address: &str) -> Client<'r> {
    let browser = client(registry, Kind::Browser, address);
    let asked = browser.login(ADA, PASSWORD).await;
    asked.assert_leads_to(SECOND_FACTOR);
    browser
}

async fn send_code(browser: &Client<'_>, code: &str) -> Answer {
    browser.post(SECOND_FACTOR, &[("code", code)]).await
}

/// The events that tell of it, the newest first.
async fn told(owner: &Client<'_>) -> Vec<Value> {
    let facts = owner.facts("/account/history").await;
    let events = facts["events"].as_array().unwrap().iter();
    let told = events.filter(|event| event["kind"] == "second-factor-missing");
    told.cloned().collect()
}

async fn mails(registry: &Registry) -> usize {
    let subjects = registry.subjects_to(ADA).await;
    subjects.iter().filter(|subject| **subject == MAIL).count()
}

async fn a_login_without_a_second_factor_is_told_when_its_time_is_over(registry: Registry) {
    let (owner, _) = with_app(&registry).await;
    let mut thief = client(&registry, Kind::Browser, THIEF);
    thief.user_agent = Some("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0");
    let before = registry.clock.now();
    thief
        .login(ADA, PASSWORD)
        .await
        .assert_leads_to(SECOND_FACTOR);
    let moments = [before, registry.clock.now()];
    registry.wait(9 * MINUTE);
    assert_eq!(registry.do_due().await, 0);
    assert_eq!(told(&owner).await.len(), 0);
    registry.wait(MINUTE);
    assert_eq!(registry.do_due().await, 1);
    let mail = registry.mail(ADA, MAIL).await;
    let is_told = |moment: &Timestamp| mail.text.contains(&moment.in_words());
    assert!(moments.iter().any(is_told), "{}", mail.text);
    for words in ["It calls itself: Firefox on Linux", "no second factor"] {
        assert!(mail.text.contains(words), "{words}: {}", mail.text);
    }
    let [event] = &told(&owner).await[..] else {
        panic!("one event: {:?}", told(&owner).await);
    };
    assert_eq!(
        (&event["network"], &event["device"]),
        (&"198.51.100.0/24".into(), &"Firefox on Linux".into())
    );
    let page = owner.copy(Kind::Browser).get("/account/history").await;
    assert!(page.body.contains("Right password, but no second factor"));
    assert_eq!(registry.do_due().await, 0);
    assert_eq!(mails(&registry).await, 0, "there was one");

    // The way back ends the password.
    let link = link_to(&mail, NOT_ME).unwrap();
    let secured = registry.program().post(NOT_ME, &[("uuid", &link)]).await;
    assert_eq!(secured.status, 200, "{}", secured.body);
    let refused = thief.login(ADA, PASSWORD).await;
    refused.assert_refused(Kind::Browser, 401, "Invalid email or password", None);
}

async fn five_wrong_codes_are_told_at_once(registry: Registry) {
    let (owner, factor) = with_app(&registry).await;
    let thief = waiting(&registry, THIEF).await;
    let wrong = factor.app.wrong_code(&registry);
    for n in 0..5 {
        assert_eq!(told(&owner).await.len(), 0, "{n} wrong codes");
        let refused = send_code(&thief, &wrong).await;
        refused.assert_refused(Kind::Browser, 401, NOT_VALID, Some("code"));
    }
    assert_eq!(told(&owner).await.len(), 1);
    registry.mail(ADA, MAIL).await;
    registry.wait(60 * MINUTE);
    registry.do_due().await;
    assert_eq!((told(&owner).await.len(), mails(&registry).await), (1, 0));
}

async fn a_program_with_the_password_alone_is_told_of(registry: Registry) {
    let (owner, factor) = with_app(&registry).await;
    let wrong = factor.app.wrong_code(&registry);
    for (code, sentence, address) in [
        ("", ENTER, "198.51.100.1"),
        (&*wrong, NOT_VALID, "203.0.113.1"),
    ] {
        for _ in 0..3 {
            let thief = client(&registry, PROGRAM, address);
            let refused = send_both(&thief, ADA, code).await;
            refused.assert_refused(PROGRAM, 401, sentence, Some("code"));
            assert_eq!(refused.set_cookies(), [""; 0]);
        }
    }
    registry.wait(10 * MINUTE);
    registry.do_due().await;
    let networks = told(&owner)
        .await
        .into_iter()
        .map(|event| event["network"].clone());
    let networks: Vec<_> = networks.collect();
    assert_eq!(networks, ["203.0.113.0/24", "198.51.100.0/24"]);
    assert_eq!(mails(&registry).await, 2);
}

async fn a_login_that_is_completed_tells_nothing_extra(registry: Registry) {
    let (owner, factor) = with_app(&registry).await;
    // A program asks first, and then sends the code.
    let program = client(&registry, PROGRAM, OWNER);
    let asked = program.login(ADA, PASSWORD).await;
    asked.assert_refused(PROGRAM, 401, ENTER, Some("code"));
    let done = send_both(&program, ADA, &registry.next_code(&factor.app)).await;
    done.assert_done(PROGRAM, "Login successful", "/");
    // A page that was left, and another one after it.
    waiting(&registry, OWNER).await;
    let browser = waiting(&registry, OWNER).await;
    let wrong = factor.app.wrong_code(&registry);
    send_code(&browser, &wrong).await;
    let done = send_code(&browser, &registry.next_code(&factor.app)).await;
    done.assert_leads_to("/");
    // One browser whose network is another one meanwhile.
    let here = client(&registry, Kind::Browser, THIEF);
    here.get("/auth/login").await;
    here.login(ADA, PASSWORD)
        .await
        .assert_leads_to(SECOND_FACTOR);
    let there = client(&registry, Kind::Browser, "203.0.113.1");
    there.set_cookie("form", &here.cookie("form").unwrap());
    there
        .login(ADA, PASSWORD)
        .await
        .assert_leads_to(SECOND_FACTOR);
    let done = send_code(&there, &registry.next_code(&factor.app)).await;
    done.assert_leads_to("/");

    registry.wait(DAY);
    assert_eq!(registry.do_due().await, 0);
    assert_eq!((told(&owner).await.len(), mails(&registry).await), (0, 0));
}

async fn a_known_device_tells_nothing(registry: Registry) {
    let (owner, factor) = with_app(&registry).await;
    let browser = owner.copy(Kind::Browser);
    browser
        .login(ADA, PASSWORD)
        .await
        .assert_leads_to(SECOND_FACTOR);
    for _ in 0..5 {
        send_code(&browser, &factor.app.wrong_code(&registry)).await;
    }
    let browser = owner.copy(Kind::Browser);
    browser
        .login(ADA, PASSWORD)
        .await
        .assert_leads_to(SECOND_FACTOR);
    let refused = owner.login(ADA, PASSWORD).await;
    refused.assert_refused(PROGRAM, 401, ENTER, Some("code"));
    registry.wait(DAY);
    assert_eq!(registry.do_due().await, 0);
    assert_eq!((told(&owner).await.len(), mails(&registry).await), (0, 0));
}

async fn three_mails_a_day_tell_of_it(registry: Registry) {
    let (owner, _) = with_app(&registry).await;
    for n in 1..=20 {
        waiting(&registry, &format!("198.51.{n}.1")).await;
    }
    registry.wait(10 * MINUTE);
    registry.do_due().await;
    assert_eq!((told(&owner).await.len(), mails(&registry).await), (20, 3));
    registry.wait(DAY);
    waiting(&registry, THIEF).await;
    registry.wait(10 * MINUTE);
    registry.do_due().await;
    assert_eq!((told(&owner).await.len(), mails(&registry).await), (21, 1));
}

async fn who_has_only_the_password_keeps_nobody_from_the_second_step(registry: Registry) {
    let (owner, factor) = with_app(&registry).await;
    // On a device that the account knows, and on a new one.
    let known = owner.copy(Kind::Browser);
    known
        .login(ADA, PASSWORD)
        .await
        .assert_leads_to(SECOND_FACTOR);
    let new = waiting(&registry, OWNER).await;
    for _ in 0..30 {
        waiting(&registry, THIEF).await;
    }
    let done = send_code(&new, &registry.next_code(&factor.app)).await;
    done.assert_leads_to("/");
    for n in 1..=30 {
        waiting(&registry, &format!("198.51.{n}.1")).await;
    }
    let done = send_code(&known, &registry.next_code(&factor.app)).await;
    done.assert_leads_to("/");
}
