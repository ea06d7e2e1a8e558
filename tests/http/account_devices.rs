//! The mail about a login from a device that the account does not know.

use crate::{
    ADA, DAY, MINUTE, PROGRAM,
    common::{
        EVERY_CLIENT, Kept, PASSWORD, Registry,
        mails::{NEW_DEVICE, NOT_ME, link_to},
    },
};

contract! {
    a_login_from_a_new_device_is_told_to_the_owner
    an_address_that_is_not_confirmed_is_told_nothing
    new_devices_are_told_three_times_a_day
}

async fn a_login_from_a_new_device_is_told_to_the_owner(registry: Registry) {
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let email = format!("ada{n}@example.org");
        let known = registry.confirmed(kind, &email).await;
        known.post("/auth/logout", &[]).await;
        known.login(&email, PASSWORD).await;
        assert_eq!(registry.subjects_to(&email).await, [""; 0], "it is known");

        let mut new = registry.client(kind);
        new.user_agent = Some("Firefox/145.0 on Linux, call 555-0100");
        new.login(&email, PASSWORD).await;
        let mail = registry.mail(&email, NEW_DEVICE).await;
        assert!(mail.text.contains("Firefox on Linux"), "{}", mail.text);
        let moment = registry.clock.now();
        let moments = [moment, moment.minus(MINUTE)].map(|moment| moment.in_words());
        assert!(
            moments.iter().any(|moment| mail.text.contains(moment)),
            "{}",
            mail.text
        );
        assert!(!mail.raw.contains("555-0100"), "{}", mail.raw);
        assert!(link_to(&mail, NOT_ME).is_some(), "{}", mail.text);
        new.post("/auth/logout", &[]).await;
        new.login(&email, PASSWORD).await;
        assert_eq!(
            registry.subjects_to(&email).await,
            [""; 0],
            "now it is known"
        );
    }
}

async fn an_address_that_is_not_confirmed_is_told_nothing(registry: Registry) {
    registry.add_user(ADA).await;
    registry.program().login(ADA, PASSWORD).await;
    let subjects = registry.subjects_to(ADA).await;
    assert_eq!(subjects, ["Confirm your email for fpm-registry"]);
}

async fn new_devices_are_told_three_times_a_day(registry: Registry) {
    registry.confirmed(PROGRAM, ADA).await;
    for _ in 0..2 {
        for _ in 0..5 {
            let answer = registry.program().login(ADA, PASSWORD).await;
            answer.assert_done(PROGRAM, "Login successful", "/");
        }
        assert_eq!(registry.subjects_to(ADA).await, [NEW_DEVICE; 3]);
        registry.wait(DAY);
    }
}
