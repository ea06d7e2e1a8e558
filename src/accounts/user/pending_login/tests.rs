#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::time::Duration;

use super::*;
use crate::accounts::{
    device_name::DeviceName,
    mail::MailKind,
    password::PasswordHash,
    recovery_code::RecoveryCodeText,
    security_event::SecurityEvent::SecondFactorMissing,
    token::Token,
    user::{
        event::EventKind,
        second_factors::tests::{keys, with_app},
        tests::{confirmed, day, device, mails, origin, passkey, session},
    },
};

const HERE: &str = "192.0.2.0/24";

/// From this network, so many minutes after the second day began.
fn at(network: &str, minutes: u64) -> Origin {
    Origin {
        at: day(2).plus(Duration::from_secs(60 * minutes)),
        network: network.to_owned(),
        ..origin(2)
    }
}

/// Ada, who has a passkey and these recovery codes.
fn with_passkey() -> (User, Vec<RecoveryCodeText>) {
    let mut user = User {
        passkeys: vec![passkey(1)],
        ..confirmed()
    };
    let codes: Vec<_> = (0..10).map(|_| RecoveryCodeText::random()).collect();
    user.make_recovery_codes(&codes, &origin(1)).unwrap();
    user.notices.clear();
    (user, codes)
}

/// Begins a login of a device that is not known.
fn begin(user: &mut User, origin: &Origin) -> Digest {
    let digest = Token::random().digest();
    user.begin_pending_login(digest, None, false, origin);
    digest
}

fn digests(user: &User) -> Vec<Digest> {
    let logins = user.pending_logins.iter();
    logins.map(|login| login.digest).collect()
}

/// When and from where the user was told of logins that were not completed.
fn told(user: &User) -> Vec<(Timestamp, &str)> {
    let events = user.events.iter();
    let events = events.filter(|event| event.kind == EventKind::Security(SecondFactorMissing));
    events.map(|event| (event.at, &*event.network)).collect()
}

#[test]
fn a_pending_login_is_of_one_browser_ten_minutes_and_one_password() {
    let (mut user, _) = with_passkey();
    let (login, here) = (Token::random().digest(), Token::random().digest());
    user.begin_pending_login(login, Some(here), false, &at(HERE, 0));
    let waits = |user: &User, form: Option<&Digest>, minutes: u64| {
        user.has_pending_login(&login, form, at(HERE, minutes).at)
    };
    assert!(waits(&user, Some(&here), 0) && waits(&user, Some(&here), 9));
    assert!(!waits(&user, Some(&here), 10), "it has expired");
    assert!(!waits(&user, None, 0), "another browser");
    assert!(!waits(&user, Some(&Token::random().digest()), 0));
    let password = PasswordHash::from_stored("second".to_owned());
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
    let (mut user, codes) = with_passkey();
    let login = begin(&mut user, &at(HERE, 0));
    let waits = |user: &User, login| user.has_pending_login(&login, None, at(HERE, 1).at);
    let use_it = |user: &mut User, login, code: &str| {
        user.use_code_for_login(&login, code, None, &at(HERE, 1))
    };
    for n in 0..5 {
        assert!(waits(&user, login), "{n} wrong codes");
        assert_eq!(told(&user), []);
        let used = use_it(&mut user, login, "0000 0000");
        assert_eq!(used, Err(CodeRefusal::Wrong));
    }
    assert!(!waits(&user, login));
    assert_eq!(told(&user), [(day(2), HERE)]);
    user.totp = Some(with_app(&keys()).0.totp.unwrap());
    let login_of_lost_key = begin(&mut user, &at(HERE, 1));
    for _ in 0..5 {
        let used = use_it(&mut user, login_of_lost_key, "000000");
        assert_eq!(used, Err(CodeRefusal::Unreadable));
    }
    assert!(waits(&user, login_of_lost_key));
    user.end_pending_login(&login_of_lost_key);
    let login = begin(&mut user, &at(HERE, 1));
    let used = use_it(&mut user, login, &codes[0].reveal());
    assert_eq!(used, Ok(()));
    assert!(!waits(&user, login));
    user.do_due(&at(HERE, 60));
    assert_eq!(told(&user), [(day(2), HERE)]);
}

#[test]
fn of_many_pending_logins_the_oldest_of_the_same_network_goes_and_none_of_a_known_device() {
    let (mut user, _) = with_passkey();
    let (known, of_other) = (Token::random().digest(), "198.51.100.0/24");
    user.begin_pending_login(known, None, true, &at(HERE, 0));
    let of_owner = begin(&mut user, &at(HERE, 0));
    let of_thief: Vec<_> = (0..2 * MAX_PENDING_LOGINS)
        .map(|_| begin(&mut user, &at(of_other, 1)))
        .collect();
    let gone = MAX_PENDING_LOGINS + 1;
    assert_eq!(
        digests(&user),
        [&[known, of_owner], &of_thief[gone..]].concat()
    );
    let third = begin(&mut user, &at("203.0.113.0/24", 1));
    assert_eq!(
        digests(&user),
        [&[known], &of_thief[gone..], &[third]].concat(),
        "the oldest of all, where the network has none"
    );
    assert_eq!(
        told(&user).len(),
        50,
        "all that the history keeps of those that went"
    );
    for _ in 0..2 * MAX_PENDING_LOGINS {
        user.begin_pending_login(Token::random().digest(), None, true, &at(HERE, 1));
    }
    assert_eq!(user.pending_logins.len(), 2 * MAX_PENDING_LOGINS);
    assert_eq!(told(&user).len(), 50, "a known device is not told of");
    begin(&mut user, &at(HERE, 11));
    assert_eq!(user.pending_logins.len(), 1, "the others have expired");
}

#[test]
fn a_right_password_without_a_second_factor_is_told_when_its_time_is_over() {
    let (mut user, _) = with_passkey();
    let curl = DeviceName::of_user_agent("curl/8");
    user.begin_pending_login(Token::random().digest(), None, true, &at(HERE, 0));
    assert_eq!(user.due_at, None, "the device is known");
    begin(&mut user, &at(HERE, 1));
    assert_eq!(user.due_at, Some(at(HERE, 11).at));
    user.do_due(&at("", 10));
    assert_eq!((told(&user), user.pending_logins.len()), (vec![], 1));
    user.do_due(&at("", 11));
    assert_eq!(told(&user), [(at(HERE, 1).at, HERE)]);
    assert_eq!((&user.pending_logins, user.due_at), (&vec![], None));
    let [mail] = &user.notices[..] else {
        panic!("one mail: {:?}", user.notices);
    };
    assert_eq!(
        (mail.kind, mail.queued_at, mail.device),
        (
            MailKind::Security(SecondFactorMissing),
            at(HERE, 1).at,
            Some(curl)
        )
    );
}

#[test]
fn of_one_kind_three_mails_a_day_are_sent() {
    let (mut user, _) = with_passkey();
    for minutes in [0, 60, 120, 180, 240] {
        begin(&mut user, &at(HERE, minutes));
        user.do_due(&at("", minutes + 10));
    }
    assert_eq!(told(&user).len(), 5);
    assert_eq!(mails(&user).len(), 3);
    begin(&mut user, &at(HERE, 24 * 60 + 130));
    user.do_due(&at("", 24 * 60 + 140));
    assert_eq!(mails(&user).len(), 4);
}

#[test]
fn a_login_by_a_second_factor_takes_what_waits_in_its_network_for_its_own() {
    let (mut user, _) = with_passkey();
    user.note_password_alone(Token::random().digest(), &at(HERE, 0));
    user.note_password_alone(Token::random().digest(), &at(HERE, 1));
    assert_eq!(user.pending_logins.len(), 1, "one is enough");
    let elsewhere = begin(&mut user, &at("198.51.100.0/24", 2));
    user.log_in_with_second_factor(session(2, 9), Some(device(2)), None);
    assert_eq!(digests(&user), [elsewhere]);
    assert_eq!(user.due_at, Some(at(HERE, 12).at));
    user.do_due(&at("", 60));
    assert_eq!(told(&user), [(at("", 2).at, "198.51.100.0/24")]);
}

#[test]
fn a_browser_that_completes_a_login_leaves_none_that_it_has_begun_elsewhere() {
    let (mut user, codes) = with_passkey();
    let (here, other) = (Token::random().digest(), Token::random().digest());
    let mut begin = |form: Option<Digest>, network| {
        let digest = Token::random().digest();
        user.begin_pending_login(digest, form, false, &at(network, 0));
        digest
    };
    begin(Some(here), "198.51.100.0/24");
    let of_other = begin(Some(other), "198.51.100.0/24");
    let of_nobody = begin(None, "198.51.100.0/24");
    let login = begin(Some(here), HERE);
    let used = user.use_code_for_login(&login, &codes[0].reveal(), None, &at(HERE, 1));
    assert_eq!(used, Ok(()));
    assert_eq!(digests(&user), [of_other, of_nobody]);
}
