#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::time::Duration;

use super::*;
use crate::accounts::{
    email::Email,
    mail::{MailId, MailKind},
    record::Unknown,
    security_event::SecurityEvent::{EndOfSecondFactorsAsked, NewDevice, SecondFactorsEnded},
    token::{Digest, Token},
    token_scope::WantedToken,
    upload_token_text::UploadTokenText,
    user::{
        NotMeLink, RecoveryCodes,
        tests::{ada, confirmed, day, device, email, kinds, mails, origin, passkey, session},
    },
};

/// Ada, who has had a passkey and recovery codes since day 1.
fn with_passkey() -> User {
    User {
        passkeys: vec![passkey(1)],
        recovery_codes: Some(RecoveryCodes {
            made_at: day(1),
            codes: Vec::new(),
            unknown: Unknown::new(),
        }),
        ..confirmed()
    }
}

fn operator(n: u32) -> Origin {
    Origin::of_operator(day(n))
}

/// Ada, whose second factors end on day 3, as an operator asked on day 2.
fn losing() -> User {
    let mut user = with_passkey();
    let end = user.ask_for_end_of_second_factors(&operator(2));
    assert_eq!(end, Ok(day(3)));
    user
}

/// The link of a security mail that tells of something on day `n`.
fn link(user: &mut User, n: u32) -> Digest {
    let link = NotMeLink {
        digest: Token::random().digest(),
        mail: MailId::random(),
        email: user.email.clone(),
        event_at: day(n),
        expires_at: day(n + 7),
        keeps_second_factors: false,
        unknown: Unknown::new(),
    };
    assert!(user.issue_not_me(link.clone(), SecurityEvent::NewDevice, day(n)));
    link.digest
}

/// What has happened since an operator asked.
fn since_asked(user: &User) -> Vec<EventKind> {
    let kinds = kinds(&user.events).into_iter();
    let rest = kinds.skip_while(|kind| *kind != EventKind::Security(EndOfSecondFactorsAsked));
    rest.skip(1).collect()
}

/// Second factors stay for good, and the history says why.
#[track_caller]
fn assert_kept(mut user: User, happened: &[EventKind]) {
    assert_eq!(user.second_factors_end_at, None);
    assert_eq!(since_asked(&user), happened);
    user.do_due(&origin(9));
    assert!(user.has_second_factor() && user.recovery_codes.is_some());
    assert_eq!(since_asked(&user), happened);
}

#[test]
fn they_end_a_day_after_an_operator_asked_and_the_owner_is_told_twice() {
    let mut user = losing();
    let own: Email = email("ada@example.org");
    assert_eq!(
        mails(&user),
        [(MailKind::Security(EndOfSecondFactorsAsked), &own)]
    );
    assert_eq!(user.due_at, Some(day(3)));
    let just_before = Origin {
        at: day(3).minus(Duration::from_millis(1)),
        ..origin(3)
    };
    user.begin_pending_login(Token::random().digest(), None, false, &just_before);
    let before = user.clone();
    user.do_due(&just_before);
    assert_eq!(user, before);

    user.notices.clear();
    user.do_due(&origin(3));
    assert!(!user.has_second_factor());
    assert_eq!((&user.recovery_codes, user.due_at), (&None, None));
    assert_eq!(user.pending_logins, []);
    assert_eq!(
        mails(&user),
        [(MailKind::Security(SecondFactorsEnded), &own)]
    );
    assert_eq!(
        since_asked(&user),
        [EventKind::Security(SecondFactorsEnded)]
    );
    let event = user.events.last().unwrap();
    assert_eq!(event.device, operator(3).device);
    assert_eq!(user.sessions, before.sessions, "nobody is logged out");
    let done = user.clone();
    user.do_due(&origin(4));
    assert_eq!(user, done, "it is done once");
}

#[test]
fn they_do_not_end_where_nobody_could_object() {
    let refusal = |mut user: User| {
        let before = user.clone();
        let refusal = user.ask_for_end_of_second_factors(&operator(2));
        assert_eq!(user, before);
        refusal.unwrap_err()
    };
    assert_eq!(refusal(confirmed()), CannotEnd::NoSecondFactor);
    let unconfirmed = User {
        passkeys: vec![passkey(1)],
        ..ada()
    };
    assert_eq!(refusal(unconfirmed), CannotEnd::EmailNotConfirmed);
    let mut disabled = with_passkey();
    disabled.disable(&operator(1));
    assert_eq!(refusal(disabled), CannotEnd::Disabled);
    assert_eq!(refusal(losing()), CannotEnd::EndsAlready(day(3)));
}

#[test]
fn they_stay_if_the_owner_objects_by_any_mail() {
    for link_of in [2, 1, 3] {
        let mut user = with_passkey();
        user.passkeys[0].added_at = day(0);
        user.recovery_codes
            .iter_mut()
            .for_each(|codes| codes.made_at = day(0));
        user.ask_for_end_of_second_factors(&operator(2)).unwrap();
        let link = link(&mut user, link_of);
        user.secure(&link, &origin(3)).unwrap();
        let happened = [EventKind::EndOfSecondFactorsStopped, EventKind::Secured];
        assert_kept(user, &happened);
    }
}

#[test]
fn they_stay_if_the_owner_shows_to_have_one() {
    let mut user = losing();
    user.log_in(session(2, 9), Some(device(2)), None);
    assert!(user.second_factors_end_at.is_some(), "not by a password");
    let last = user.sessions.last().unwrap().digest;
    let mut by_login = user.clone();
    assert!(user.authenticate_by_second_factor(&last, day(2)));
    let (new, stopped) = (
        EventKind::Security(NewDevice),
        EventKind::EndOfSecondFactorsStopped,
    );
    let event = user.events.last().unwrap();
    assert_eq!((event.at, &*event.network), (day(2), "192.0.2.0/24"));
    assert_kept(user, &[new, stopped]);
    by_login.log_in_with_second_factor(session(2, 9), Some(device(2)), None);
    assert_kept(by_login, &[new, stopped, new]);
}

#[test]
fn a_new_password_does_not_decide_about_them() {
    let mut user = losing();
    let reset = Token::random().digest();
    assert!(user.issue_reset(&user.email.clone(), reset, day(2)));
    let password = user.password.clone();
    assert!(user.use_reset(&reset, password, device(2), &origin(2)));
    assert_eq!(user.second_factors_end_at, Some(day(3)));
    assert!(user.has_second_factor());
}

#[test]
fn an_operator_stops_it_too() {
    let mut user = losing();
    assert!(user.keep_second_factors(&operator(2)));
    let before = user.clone();
    assert!(!user.keep_second_factors(&operator(2)));
    assert_eq!(user, before);
    assert_kept(user, &[EventKind::EndOfSecondFactorsStopped]);
}

#[test]
fn they_stay_with_who_is_disabled_or_gets_the_account_back() {
    let stopped = EventKind::EndOfSecondFactorsStopped;
    let mut disabled = losing();
    disabled.disable(&operator(2));
    disabled.enable(&operator(2));
    let happened = [stopped, EventKind::Disabled, EventKind::Enabled];
    assert_kept(disabled, &happened);
    let mut recovered = losing();
    recovered.recover(&email("ada@new.example"), None, &operator(2));
    assert_kept(recovered, &[stopped, EventKind::Recovered]);
}

/// As by hand, or by a program that does not know that they are about to end.
#[test]
fn they_stay_if_the_owner_cannot_object_any_more() {
    let disabled = User {
        disabled_at: Some(day(2)),
        ..losing()
    };
    let unconfirmed = User {
        confirmed_at: None,
        ..losing()
    };
    for mut user in [disabled, unconfirmed] {
        user.do_due(&origin(3));
        assert_kept(user, &[EventKind::EndOfSecondFactorsStopped]);
    }
}

#[test]
fn no_end_is_left_where_nothing_is_left_to_end() {
    let mut user = losing();
    user.passkeys.clear();
    user.drop_useless_codes();
    user.passkeys.push(passkey(1));
    user.do_due(&origin(9));
    assert!(user.has_second_factor(), "it was added since");
}

#[test]
fn a_backup_ends_nothing_where_it_is_restored() {
    let mut user = losing();
    user.end_links();
    user.do_due(&origin(9));
    assert!(user.has_second_factor());
}

#[test]
fn they_end_in_time_beside_reminders_of_upload_tokens() {
    let wanted = WantedToken::parse("laptop", "*", "publish", "7").unwrap();
    let mut user = losing();
    user.make_upload_token(&UploadTokenText::random(), &wanted, &origin(2))
        .unwrap();
    assert_eq!(user.due_at, Some(day(3)), "not the reminder on day 6");
    user.do_due(&origin(3));
    assert!(!user.has_second_factor());
    assert_eq!(user.due_at, Some(day(6)));
    user.passkeys.push(passkey(1));
    let reminded = Origin::of_operator(day(5).plus(Duration::from_secs(12 * 3600)));
    user.ask_for_end_of_second_factors(&reminded).unwrap();
    assert_eq!(user.due_at, Some(day(6)), "the reminder comes before");
    user.do_due(&origin(6));
    assert!(user.has_second_factor());
    assert_eq!(user.due_at, user.second_factors_end_at);
}
