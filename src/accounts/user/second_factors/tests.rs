#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::{array, time::Duration};

use totp_rs::Builder;

use super::*;
use crate::accounts::{
    mail::MailKind,
    recovery_code::RecoveryCodeTexts,
    security_event::SecurityEvent::{
        RecoveryCodeUsed, RecoveryCodesMade, TotpAdded, TotpClosed, TotpRemoved,
    },
    token::Token,
    user::{
        event::EventKind,
        tests::{confirmed, day, kinds, mails, origin, passkey, session},
    },
};

pub fn keys() -> SecretKeys {
    SecretKeys::parse(&SecretKeys::random_file_text()).unwrap()
}

fn codes() -> RecoveryCodeTexts {
    array::from_fn(|_| RecoveryCodeText::random())
}

/// What an app with this secret shows so many half minutes after a moment.
pub fn shown(secret: &TotpSecret, at: Timestamp, half_minutes: i64) -> String {
    let app = Builder::new().with_secret(secret.as_bytes().to_vec());
    let seconds = at.millis() / 1000 + 30 * half_minutes;
    let totp = app.build().unwrap();
    totp.generate(seconds.try_into().unwrap()).to_string()
}

fn half_minutes_after(n: u32, half_minutes: u32) -> Origin {
    Origin {
        at: day(n).plus(Duration::from_secs(30) * half_minutes),
        ..origin(n)
    }
}

/// Adds an authenticator app on day `n`, by who has shown the one before; its secret and recovery codes.
pub fn add_app(user: &mut User, keys: &SecretKeys, n: u32) -> (TotpSecret, RecoveryCodeTexts) {
    let (secret, codes, session) = (TotpSecret::random(), codes(), user.sessions[0].clone());
    user.authenticate_by_second_factor(&session.digest, day(n));
    user.begin_totp(&session, None, &secret, keys, day(n));
    let code = shown(&secret, day(n), 0);
    let confirmed = user.confirm_totp(&session, &code, &codes, Some(keys), &origin(n));
    confirmed.unwrap();
    (secret, codes)
}

/// Ada, who added an authenticator app on day 1, with its secret and recovery codes.
pub fn with_app(keys: &SecretKeys) -> (User, TotpSecret, RecoveryCodeTexts) {
    let mut user = confirmed();
    let (secret, codes) = add_app(&mut user, keys, 1);
    (user, secret, codes)
}

#[test]
fn an_app_is_added_by_one_of_its_codes_within_ten_minutes() {
    let (keys, secret, mut user) = (keys(), TotpSecret::random(), confirmed());
    let session = user.sessions[0].clone();
    let confirm = |user: &mut User, code: &str, at: u32| {
        let at = half_minutes_after(1, at);
        user.confirm_totp(&session, code, &codes(), Some(&keys), &at)
    };
    let code = shown(&secret, day(1), 0);
    let early = confirm(&mut user, &code, 0);
    assert!(matches!(early, Err(Error::SetupExpired)));
    user.begin_totp(&session, None, &secret, &keys, day(1));
    let begun = user.clone();
    assert!(!user.has_second_factor());
    for (code, refusal) in [
        ("", CodeRefusal::Required),
        ("12 34", CodeRefusal::Wrong),
        (&shown(&secret, day(1), -4), CodeRefusal::OfOtherMinute),
        (&shown(&secret, day(1), 4), CodeRefusal::Wrong),
        (&codes()[0].reveal(), CodeRefusal::Wrong),
    ] {
        let refused = confirm(&mut user, code, 0);
        assert!(matches!(refused, Err(Error::SetupCode(why)) if why == refusal));
    }
    let late = confirm(&mut user, &shown(&secret, day(1), 20), 20);
    assert!(matches!(late, Err(Error::SetupExpired)));
    assert_eq!(user, begun);
    confirm(&mut user, &shown(&secret, day(1), 19), 19).unwrap();
    assert!(user.has_second_factor() && user.pending_totp.is_none());
    assert_eq!(user.recovery_codes.as_ref().unwrap().codes.len(), 10);
    assert_eq!(
        user.events.last().unwrap().kind,
        EventKind::Security(TotpAdded)
    );
    assert_eq!(mails(&user)[0].0, MailKind::Security(TotpAdded));
    let again = confirm(&mut user, &shown(&secret, day(1), 19), 19);
    assert!(matches!(again, Err(Error::SetupExpired)));
}

#[test]
fn another_session_does_not_confirm_an_app() {
    let (keys, secret, mut user) = (keys(), TotpSecret::random(), confirmed());
    let (own, other) = (user.sessions[0].clone(), session(0, 30));
    user.log_in(other.clone(), None, None);
    user.begin_totp(&own, None, &secret, &keys, day(1));
    let code = shown(&secret, day(1), 0);
    assert!(user.pending_secret(&other, Some(&keys), day(1)).is_none());
    let refused = user.confirm_totp(&other, &code, &codes(), Some(&keys), &origin(1));
    assert!(matches!(refused, Err(Error::SetupExpired)));
    assert_eq!(user.pending_secret(&own, Some(&keys), day(1)), Some(secret));
}

#[test]
fn no_code_of_an_app_works_twice_nor_an_earlier_one() {
    let keys = keys();
    let (mut user, secret, _) = with_app(&keys);
    let mut used = |half_minutes: i64, at: u32| {
        let (code, at) = (
            shown(&secret, day(1), half_minutes),
            half_minutes_after(1, at),
        );
        user.use_code(&code, false, Some(&keys), &at)
    };
    assert_eq!(
        used(0, 0),
        Err(CodeRefusal::Used),
        "it has confirmed the app"
    );
    assert_eq!(used(1, 0), Ok(()), "a clock may be half a minute ahead");
    assert_eq!(used(1, 1), Err(CodeRefusal::Used));
    assert_eq!(used(3, 2), Ok(()));
    assert_eq!(used(2, 2), Err(CodeRefusal::Used), "an older one");
    assert_eq!(used(-5, 4), Err(CodeRefusal::OfOtherMinute));
    assert_eq!(used(9, 4), Err(CodeRefusal::Wrong), "it becomes valid");
    assert_eq!(used(400, 4), Err(CodeRefusal::Wrong));
    assert_eq!(used(4, 5), Ok(()), "a clock may be half a minute behind");
}

#[test]
fn after_a_hundred_wrong_codes_only_another_factor_counts() {
    let keys = keys();
    let (mut user, secret, recovery) = with_app(&keys);
    user.notices.clear();
    let wrong = |user: &mut User| user.use_code("000 000", false, Some(&keys), &origin(400));
    for _ in 0..99 {
        assert_eq!(wrong(&mut user), Err(CodeRefusal::Wrong));
    }
    let right = shown(&secret, day(400), 0);
    let mut other = user.clone();
    assert_eq!(
        other.use_code(&right, false, Some(&keys), &origin(400)),
        Ok(())
    );
    assert_eq!(
        wrong(&mut other),
        Err(CodeRefusal::Wrong),
        "they were forgotten"
    );
    assert_eq!(wrong(&mut user), Err(CodeRefusal::Wrong));
    assert_eq!(
        mails(&user),
        [(MailKind::Security(TotpClosed), &user.email)]
    );
    assert_eq!(
        user.events.last().unwrap().kind,
        EventKind::Security(TotpClosed)
    );
    let closed = user.use_code(&right, false, Some(&keys), &origin(400));
    assert_eq!(closed, Err(CodeRefusal::Closed));
    let mut on_known = user.clone();
    let used = on_known.use_code(&right, true, Some(&keys), &origin(400));
    assert_eq!(used, Ok(()), "strangers close it for strangers");
    let typed = recovery[0].reveal();
    assert_eq!(
        user.use_code(&typed, false, Some(&keys), &origin(400)),
        Ok(())
    );
    let session = session(400, 430);
    user.log_in_with_second_factor(session, None, None);
    assert_eq!(
        user.use_code(&right, false, Some(&keys), &origin(400)),
        Ok(())
    );
}

#[test]
fn known_devices_have_a_hundred_wrong_codes_of_their_own() {
    let keys = keys();
    let (mut user, secret, _) = with_app(&keys);
    let right = shown(&secret, day(400), 0);
    for _ in 0..100 {
        let wrong = user.use_code("000000", true, Some(&keys), &origin(400));
        assert_eq!(wrong, Err(CodeRefusal::Wrong));
    }
    let closed = user.use_code(&right, true, Some(&keys), &origin(400));
    assert_eq!(closed, Err(CodeRefusal::Closed));
    let used = user.use_code(&right, false, Some(&keys), &origin(400));
    assert_eq!(used, Ok(()));
}

#[test]
fn other_sessions_show_a_second_factor_anew_once_one_has_changed() {
    let mut user = confirmed();
    user.passkeys.push(passkey(1));
    user.sessions.push(session(1, 31));
    let [own, other] = [0, 1].map(|n| user.sessions[n].digest);
    for session in [own, other] {
        assert!(user.authenticate_by_second_factor(&session, day(2)));
    }
    user.forget_factors_shown_elsewhere(&own);
    let [own, other] = [0, 1].map(|n| user.is_recent(&user.sessions[n], day(2)));
    assert_eq!((own, other), (true, false));
}

#[test]
fn what_was_begun_before_the_first_factor_is_not_finished_without_it() {
    let (keys, secret, mut user) = (keys(), TotpSecret::random(), confirmed());
    let (thief, owner) = (user.sessions[0].clone(), session(1, 31));
    user.log_in(owner.clone(), None, None);
    user.begin_totp(&thief, None, &secret, &keys, day(1));
    user.passkeys.push(passkey(1));
    user.authenticate_by_second_factor(&owner.digest, day(1));
    let code = shown(&secret, day(1), 0);
    let refused = user.confirm_totp(&thief, &code, &codes(), Some(&keys), &origin(1));
    assert!(matches!(refused, Err(Error::SetupExpired)));
    let name = crate::accounts::name::Name::parse("thief").unwrap();
    let credential = serde_json::from_value("[]".into()).unwrap();
    let added = user.add_passkey(&thief.digest, &name, credential, &origin(1));
    assert!(matches!(added, Err(Error::ChallengeExpired)));
    user.begin_totp(&owner, None, &secret, &keys, day(1));
    let confirmed = user.confirm_totp(&owner, &code, &codes(), Some(&keys), &origin(1));
    confirmed.unwrap();
}

#[test]
fn a_code_is_typed_with_spaces_and_dashes_or_without() {
    let keys = keys();
    let (mut user, secret, recovery) = with_app(&keys);
    let code = shown(&secret, day(1), 2);
    let spaced = format!(" {} {}\n", &code[..3], &code[3..]);
    let at = half_minutes_after(1, 2);
    assert_eq!(user.use_code(&spaced, false, Some(&keys), &at), Ok(()));
    let typed = recovery[3].reveal().to_lowercase().replace('-', " ");
    assert_eq!(user.use_code(&typed, false, None, &at), Ok(()));
    for wrong in ["1", "1234567", "十二三四五六", &"0".repeat(16), "٠١٢٣٤٥"] {
        let refused = user.use_code(wrong, false, Some(&keys), &at);
        assert_eq!(refused, Err(CodeRefusal::Wrong), "{wrong}");
    }
    assert_eq!(
        user.use_code(" - ", false, None, &at),
        Err(CodeRefusal::Required)
    );
}

#[test]
fn a_recovery_code_works_once_and_without_the_key_of_the_app() {
    let (mut user, _, recovery) = with_app(&keys());
    user.notices.clear();
    let lost = self::keys();
    for code in &recovery {
        assert_eq!(
            user.use_code(&code.reveal(), false, Some(&lost), &origin(2)),
            Ok(())
        );
        let again = user.use_code(&code.reveal(), false, Some(&lost), &origin(2));
        assert_eq!(again, Err(CodeRefusal::Wrong));
    }
    assert_eq!(user.recovery_codes.as_ref().unwrap().codes, []);
    assert_eq!(mails(&user).len(), 10);
    assert_eq!(
        user.events.last().unwrap().kind,
        EventKind::Security(RecoveryCodeUsed)
    );
    let with_lost_key = user.use_code("123456", false, Some(&lost), &origin(2));
    assert_eq!(with_lost_key, Err(CodeRefusal::Unreadable));
    let without_key = user.use_code("123456", false, None, &origin(2));
    assert_eq!(without_key, Err(CodeRefusal::Unreadable));
}

#[test]
fn a_secret_is_encrypted_anew_when_its_key_is_not_the_first_any_more() {
    let old = SecretKeys::random_file_text();
    let (mut user, secret, _) = with_app(&SecretKeys::parse(&old).unwrap());
    let sealed = user.totp.clone().unwrap().secret;
    let both = [&SecretKeys::random_file_text(), &*old].concat();
    let keys = SecretKeys::parse(&both).unwrap();
    let at = half_minutes_after(1, 3);
    let code = shown(&secret, day(1), 3);
    assert_eq!(user.use_code(&code, false, Some(&keys), &at), Ok(()));
    let sealed_anew = user.totp.clone().unwrap().secret;
    assert_ne!(sealed_anew, sealed);
    assert!(keys.open(&user.id, &sealed_anew).unwrap().is_current);
}

#[test]
fn new_recovery_codes_end_the_older_ones_and_are_for_who_needs_them() {
    let (mut user, new) = (confirmed(), codes());
    let refused = user.make_recovery_codes(&new, &origin(1));
    assert!(matches!(refused, Err(Error::NoSecondFactor)));
    let (mut user, _, old) = with_app(&keys());
    user.make_recovery_codes(&new, &origin(2)).unwrap();
    let use_it = |user: &mut User, code: &RecoveryCodeText| {
        user.use_code(&code.reveal(), false, None, &origin(2))
    };
    assert_eq!(use_it(&mut user, &old[0]), Err(CodeRefusal::Wrong));
    assert_eq!(use_it(&mut user, &new[0]), Ok(()));
    assert!(user.end_totp(&origin(3)));
    assert!(!user.end_totp(&origin(3)));
    assert_eq!(use_it(&mut user, &new[1]), Err(CodeRefusal::Wrong));
    assert_eq!(user.recovery_codes, None);
    let last: Vec<_> = kinds(&user.events).into_iter().rev().take(3).collect();
    assert_eq!(
        last,
        [
            EventKind::Security(TotpRemoved),
            EventKind::Security(RecoveryCodeUsed),
            EventKind::Security(RecoveryCodesMade)
        ]
    );
}

#[test]
fn who_has_a_second_factor_shows_it_and_not_the_password_again() {
    let keys = keys();
    let (mut user, _, _) = with_app(&keys);
    let this = user.sessions[0].clone();
    assert!(
        user.is_recent(&this, day(1)),
        "the app was shown by its code"
    );
    let minutes = |n: u64| day(1).plus(Duration::from_secs(60 * n));
    assert!(user.is_recent(&this, minutes(14)) && !user.is_recent(&this, minutes(15)));
    let digest = this.digest;
    assert!(user.authenticate(&digest, minutes(20)));
    let this = user.session(&digest).unwrap().clone();
    assert!(!user.is_recent(&this, minutes(20)));
    assert!(user.authenticate_by_second_factor(&digest, minutes(20)));
    let this = user.session(&digest).unwrap().clone();
    assert!(user.is_recent(&this, minutes(34)));
    assert!(!user.authenticate_by_second_factor(&Token::random().digest(), day(1)));
}

#[test]
fn the_mailbox_removes_the_factors_that_were_added_since_and_no_earlier_one() {
    let (user, _, _) = with_app(&keys());
    let since = |at: u32| {
        let mut user = User {
            passkeys: vec![passkey(0), passkey(3)],
            ..user.clone()
        };
        user.drop_second_factors_since(day(at), day(4));
        (
            user.totp.is_some(),
            user.passkeys.len(),
            user.recovery_codes.is_some(),
        )
    };
    assert_eq!(since(4), (true, 2, true));
    assert_eq!(since(2), (true, 1, true));
    assert_eq!(
        since(1),
        (false, 1, false),
        "what its mail tells of goes too"
    );
    assert_eq!(since(0), (false, 0, false));
}
