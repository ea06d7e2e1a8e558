#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::{array, time::Duration};

use totp_rs::Builder;

use super::*;
use crate::accounts::{
    recovery_code::RecoveryCodeTexts,
    token::Token,
    user::tests::{confirmed, day, device, kinds, mails, origin, passkey, session},
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

/// Adds an authenticator app on day `n`; its secret and recovery codes.
pub fn add_app(user: &mut User, keys: &SecretKeys, n: u32) -> (TotpSecret, RecoveryCodeTexts) {
    let (secret, codes, session) = (TotpSecret::random(), codes(), user.sessions[0].clone());
    user.begin_totp(&session, &secret, keys, day(n));
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
    user.begin_totp(&session, &secret, &keys, day(1));
    let begun = user.clone();
    assert!(!user.has_second_factor());
    for (code, refusal) in [
        ("", CodeRefusal::Required),
        ("12 34", CodeRefusal::Wrong),
        (&shown(&secret, day(1), 4), CodeRefusal::OfOtherMinute),
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
    assert_eq!(user.events.last().unwrap().kind, EventKind::TotpAdded);
    assert_eq!(mails(&user)[0].0, MailKind::TotpAdded);
    let again = confirm(&mut user, &shown(&secret, day(1), 19), 19);
    assert!(matches!(again, Err(Error::SetupExpired)));
}

#[test]
fn another_session_does_not_confirm_an_app() {
    let (keys, secret, mut user) = (keys(), TotpSecret::random(), confirmed());
    let (own, other) = (user.sessions[0].clone(), session(0, 30));
    user.log_in(other.clone(), None, None);
    user.begin_totp(&own, &secret, &keys, day(1));
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
        user.use_code(&code, Some(&keys), &at)
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
    assert_eq!(used(9, 4), Err(CodeRefusal::OfOtherMinute));
    assert_eq!(used(400, 4), Err(CodeRefusal::Wrong));
    assert_eq!(used(4, 5), Ok(()), "a clock may be half a minute behind");
}

#[test]
fn a_code_is_typed_with_spaces_and_dashes_or_without() {
    let keys = keys();
    let (mut user, secret, recovery) = with_app(&keys);
    let code = shown(&secret, day(1), 2);
    let spaced = format!(" {} {}\n", &code[..3], &code[3..]);
    let at = half_minutes_after(1, 2);
    assert_eq!(user.use_code(&spaced, Some(&keys), &at), Ok(()));
    let typed = recovery[3].reveal().to_lowercase().replace('-', " ");
    assert_eq!(user.use_code(&typed, None, &at), Ok(()));
    for wrong in ["1", "1234567", "十二三四五六", &"0".repeat(16), "٠١٢٣٤٥"] {
        let refused = user.use_code(wrong, Some(&keys), &at);
        assert_eq!(refused, Err(CodeRefusal::Wrong), "{wrong}");
    }
    assert_eq!(user.use_code(" - ", None, &at), Err(CodeRefusal::Required));
}

#[test]
fn a_recovery_code_works_once_and_without_the_key_of_the_app() {
    let (mut user, _, recovery) = with_app(&keys());
    user.notices.clear();
    let lost = self::keys();
    for code in &recovery {
        assert_eq!(
            user.use_code(&code.reveal(), Some(&lost), &origin(2)),
            Ok(())
        );
        let again = user.use_code(&code.reveal(), Some(&lost), &origin(2));
        assert_eq!(again, Err(CodeRefusal::Wrong));
    }
    assert_eq!(user.recovery_codes.as_ref().unwrap().codes, []);
    assert_eq!(mails(&user).len(), 10);
    assert_eq!(
        user.events.last().unwrap().kind,
        EventKind::RecoveryCodeUsed
    );
    let with_lost_key = user.use_code("123456", Some(&lost), &origin(2));
    assert_eq!(with_lost_key, Err(CodeRefusal::Unreadable));
    let without_key = user.use_code("123456", None, &origin(2));
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
    assert_eq!(user.use_code(&code, Some(&keys), &at), Ok(()));
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
    let use_it =
        |user: &mut User, code: &RecoveryCodeText| user.use_code(&code.reveal(), None, &origin(2));
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
            EventKind::TotpRemoved,
            EventKind::RecoveryCodeUsed,
            EventKind::RecoveryCodesMade
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
fn a_pending_login_is_of_one_browser_ten_minutes_and_one_password() {
    let (mut user, _, _) = with_app(&keys());
    let (login, here) = (Token::random().digest(), Token::random().digest());
    user.begin_pending_login(login, Some(here), day(2));
    let waits = |user: &User, form: Option<&Digest>, half_minutes: u32| {
        let now = half_minutes_after(2, half_minutes).at;
        user.has_pending_login(&login, form, now)
    };
    assert!(waits(&user, Some(&here), 0) && waits(&user, Some(&here), 19));
    assert!(!waits(&user, Some(&here), 20), "it has expired");
    assert!(!waits(&user, None, 0), "another browser");
    assert!(!waits(&user, Some(&Token::random().digest()), 0));
    let password = crate::accounts::password::PasswordHash::from_stored("second".to_owned());
    let changed = User {
        password: password.clone(),
        ..user.clone()
    };
    assert!(!waits(&changed, Some(&here), 0));
    let mut disabled = user.clone();
    disabled.disable(&origin(2));
    assert_eq!(disabled.pending_logins, []);
    let session = user.sessions[0].digest;
    user.change_password(&session, here, password, device(2), &origin(2));
    assert_eq!(user.pending_logins, []);
}

#[test]
fn five_wrong_codes_end_a_pending_login_and_a_right_one_too() {
    let keys = keys();
    let (mut user, secret, _) = with_app(&keys);
    let login = Token::random().digest();
    let waits = |user: &User| user.has_pending_login(&login, None, day(2));
    let use_it = |user: &mut User, code: &str| {
        user.use_code_for_login(&login, code, Some(&keys), &origin(2))
    };
    user.begin_pending_login(login, None, day(2));
    for n in 0..5 {
        assert!(waits(&user), "{n} wrong codes");
        assert_eq!(use_it(&mut user, "0000 0000"), Err(CodeRefusal::Wrong));
    }
    assert!(!waits(&user));
    user.begin_pending_login(login, None, day(2));
    assert_eq!(use_it(&mut user, &shown(&secret, day(2), 0)), Ok(()));
    assert!(!waits(&user));
}

#[test]
fn many_pending_logins_take_the_place_of_the_oldest() {
    let (mut user, _, _) = with_app(&keys());
    let logins: Vec<_> = (0..20).map(|_| Token::random().digest()).collect();
    for login in &logins {
        user.begin_pending_login(*login, None, day(2));
    }
    let kept: Vec<_> = user
        .pending_logins
        .iter()
        .map(|login| login.digest)
        .collect();
    assert_eq!(kept, logins[10..]);
    user.begin_pending_login(logins[0], None, day(3));
    assert_eq!(user.pending_logins.len(), 1, "the others have expired");
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
