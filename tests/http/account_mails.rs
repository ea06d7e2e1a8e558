//! What all mails about an account have in common: they hold nothing that a user typed.

use crate::{
    ADA, DAY, PROGRAM,
    common::{
        Client, Kept, PASSWORD, Registry,
        authenticator::Authenticator,
        mails::{CONFIRM, EMAIL_CHANGED, NEW_DEVICE, NOT_ME, PASSWORD_CHANGED, RESET, link_to},
        passkey::END_PASSKEY,
    },
};

contract! {
    mails_hold_nothing_that_a_user_typed
    an_address_that_is_not_confirmed_gets_links_only
    a_signup_counts_as_a_mail_and_is_never_refused_for_it
    changes_of_second_factors_are_told_three_times_a_day
}

const NAME: &str = "Call 555-0100 <b>now</b>";
const AGENT: &str = "curl/8.15.0 https://evil.example/ 555-0199";
const NEW: &str = "fee-5550123@new.example";

async fn mails_hold_nothing_that_a_user_typed(registry: Registry) {
    let mut ada = registry.program();
    ada.user_agent = Some(AGENT);
    let fields = [("name", NAME), ("email", ADA), ("password", PASSWORD)];
    ada.post("/auth/signup", &fields).await;
    let signup = registry.mails_to(ADA).await.remove(0);
    let uuid = link_to(&signup, CONFIRM).unwrap();
    ada.post(CONFIRM, &[("uuid", &uuid)]).await;
    let mut thief = registry.program();
    thief.user_agent = Some(AGENT);
    thief.login(ADA, PASSWORD).await;
    let fields = [
        ("current_password", PASSWORD),
        ("password", "plum tractor glow"),
    ];
    ada.post("/account/password", &fields).await;
    ada.post("/account/email", &[("email", NEW)]).await;
    let change = registry
        .mail(NEW, "Confirm your new email for fpm-registry")
        .await;
    let uuid = link_to(&change, CONFIRM).unwrap();
    ada.post(CONFIRM, &[("uuid", &uuid)]).await;
    let mut sent = registry.mails_to(ADA).await;
    let subjects: Vec<_> = sent.iter().map(|mail| mail.subject).collect();
    assert_eq!(subjects, [NEW_DEVICE, PASSWORD_CHANGED, EMAIL_CHANGED]);
    for mail in &sent {
        assert!(link_to(mail, NOT_ME).is_some(), "{}", mail.text);
    }
    registry.confirmed(PROGRAM, "eve@example.org").await;
    ada.post("/account/email", &[("email", "eve@example.org")])
        .await;
    sent.extend(registry.mails_to("eve@example.org").await);
    ada.post("/auth/forgot-password", &[("email", NEW)]).await;
    sent.push(registry.mail(NEW, "Reset your fpm-registry password").await);
    let fields = [("email", NEW), ("current_password", "plum tractor glow")];
    ada.post("/account/delete", &fields).await;
    sent.push(
        registry
            .mail(NEW, "Your fpm-registry account was deleted")
            .await,
    );
    sent.extend([signup, change]);
    assert_eq!(sent.len(), 8);
    for mail in sent {
        // All that a mail holds but the line that says whom it goes to.
        let told: Vec<_> = mail
            .raw
            .lines()
            .filter(|line| !line.starts_with("To: "))
            .collect();
        let told = told.join("\n").replace("=\n", "");
        for typed in [
            // Longer than what ids, which are random, hold by chance.
            "555-0",
            "5550123",
            "evil",
            "Call",
            "<b>",
            "@new.example",
            "8.15",
            "eve@",
            "ada@",
        ] {
            assert!(!told.contains(typed), "{typed} is in {told}");
        }
    }
}

async fn an_address_that_is_not_confirmed_gets_links_only(registry: Registry) {
    let ada = registry.signed_up(PROGRAM, ADA).await;
    registry.program().login(ADA, PASSWORD).await;
    let fields = [
        ("current_password", PASSWORD),
        ("password", "plum tractor glow"),
    ];
    assert_eq!(ada.post("/account/password", &fields).await.status, 200);
    registry
        .program()
        .post("/auth/forgot-password", &[("email", ADA)])
        .await;
    ada.post("/account/confirm-email", &[]).await;
    let mails = registry.mails_to(ADA).await;
    let leads = mails.iter().map(|mail| match link_to(mail, RESET) {
        Some(_) => RESET,
        None => link_to(mail, CONFIRM).map_or(mail.subject, |_| CONFIRM),
    });
    assert_eq!(leads.collect::<Vec<_>>(), [CONFIRM, RESET, CONFIRM]);
}

/// All mails to one address share a counter.
async fn a_signup_counts_as_a_mail_and_is_never_refused_for_it(registry: Registry) {
    let forgot = async || {
        let fields = [("email", ADA)];
        registry
            .program()
            .post("/auth/forgot-password", &fields)
            .await
    };
    for _ in 0..3 {
        assert_eq!(forgot().await.status, 200);
    }
    // Who a link is for is looked up when it is sent.
    assert_eq!(registry.subjects_to(ADA).await, [""; 0], "no such user yet");
    let ada = registry.signed_up(PROGRAM, ADA).await;
    assert_eq!(
        registry.subjects_to(ADA).await,
        [""; 0],
        "nobody uses up the owner's"
    );
    ada.post("/account/confirm-email", &[])
        .await
        .assert_wait(PROGRAM, 900);
    registry.wait(DAY);
    ada.login(ADA, PASSWORD).await;
    assert_eq!(ada.post("/account/confirm-email", &[]).await.status, 200);
    for _ in 0..2 {
        assert_eq!(forgot().await.status, 200);
    }
    forgot().await.assert_wait(PROGRAM, 900);
    ada.post("/account/confirm-email", &[])
        .await
        .assert_wait(PROGRAM, 900);
}

async fn changes_of_second_factors_are_told_three_times_a_day(registry: Registry) {
    const TOLD: [(&str, &str); 6] = [
        (
            "passkey-added",
            "Passkey added to your fpm-registry account",
        ),
        (
            "passkey-removed",
            "Passkey removed from your fpm-registry account",
        ),
        (
            "passkey-refused",
            "Passkey of your fpm-registry account refused",
        ),
        (
            "totp-added",
            "Authenticator app added to your fpm-registry account",
        ),
        (
            "totp-removed",
            "Authenticator app removed from your fpm-registry account",
        ),
        (
            "recovery-codes-made",
            "New recovery codes for your fpm-registry account",
        ),
    ];
    let ada = registry.confirmed(PROGRAM, ADA).await;
    let mut copied = ada.add_passkey("Phone").await;
    ada.use_passkey(&mut copied, "login").await;
    for _ in 0..5 {
        change_second_factors(&ada, &mut copied).await;
    }
    let facts = ada.facts("/account/history").await;
    let events = facts["events"].as_array().unwrap();
    let subjects = registry.subjects_to(ADA).await;
    for (kind, subject) in TOLD {
        let noted = events.iter().filter(|event| event["kind"] == kind);
        let mailed = subjects.iter().filter(|other| **other == subject);
        let more = usize::from(kind == "passkey-added");
        assert_eq!((noted.count(), mailed.count()), (5 + more, 3), "{kind}");
    }
    registry.wait(DAY);
    copied.counter = Some(100);
    let shown = ada.use_passkey(&mut copied, "recent").await;
    assert_eq!(shown.status, 200, "{}", shown.body);
    change_second_factors(&ada, &mut copied).await;
    let subjects = registry.subjects_to(ADA).await;
    for (kind, subject) in TOLD {
        assert!(subjects.contains(&subject), "{kind}");
    }
}

/// Adds and removes another passkey and an app, makes recovery codes, and sends a passkey that looks copied.
async fn change_second_factors(ada: &Client<'_>, copied: &mut Authenticator) {
    ada.add_passkey("Laptop").await;
    let facts = ada.facts("/account/security").await;
    let laptop = facts["passkeys"][1]["handle"].as_str().unwrap();
    let ended = ada.post(END_PASSKEY, &[("passkey", laptop)]).await;
    copied.counter = Some(0);
    let refused = ada.use_passkey(copied, "login").await;
    ada.add_app().await;
    let removed = ada.post("/account/totp/end", &[]).await;
    let made = ada.post("/account/recovery-codes", &[]).await;
    let statuses = [ended, refused, removed, made].map(|answer| answer.status.as_u16());
    assert_eq!(statuses, [200, 401, 200, 200]);
}
