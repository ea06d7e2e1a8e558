#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use super::*;
use crate::accounts::{
    error::CodeRefusal,
    mail::MailKind,
    recovery_code::RecoveryCodeText,
    secret_keys::SecretKeys,
    security_event::SecurityEvent::SecondFactorsEnded,
    user::{
        event::Origin,
        second_factors::tests::{add_app, keys, shown, with_app},
        tests::{confirmed, day, mails, origin, passkey, session},
    },
};

fn use_code(user: &mut User, code: &RecoveryCodeText, n: u32) -> Result<(), CodeRefusal> {
    user.use_code(&code.reveal(), false, None, &origin(n))
}

/// On which days the app, the recovery codes and the passkeys were made that are left after a link of a mail of day `at` is
/// used on day `now`.
fn left(user: &User, at: u32, now: u32) -> (Option<u32>, Option<u32>, Vec<u32>) {
    let mut user = user.clone();
    user.drop_second_factors_since(day(at), day(now));
    let day_of = |moment: Timestamp| (0..30).find(|n| day(*n) == moment).unwrap();
    let passkeys = user.passkeys.iter();
    (
        user.totp.map(|app| day_of(app.added_at)),
        user.recovery_codes.map(|codes| day_of(codes.made_at)),
        passkeys.map(|passkey| day_of(passkey.added_at)).collect(),
    )
}

#[test]
fn what_was_replaced_is_good_for_nothing_until_it_comes_back() {
    let keys = keys();
    let (mut user, former, former_codes) = with_app(&keys);
    use_code(&mut user, &former_codes[0], 2).unwrap();
    let (newer, newer_codes) = add_app(&mut user, &keys, 3);
    let of_app = |user: &mut User, secret, n| {
        user.use_code(&shown(secret, day(n), 0), false, Some(&keys), &origin(n))
    };
    assert_eq!(of_app(&mut user, &former, 4), Err(CodeRefusal::Wrong));
    let refused = use_code(&mut user, &former_codes[1], 4);
    assert_eq!(refused, Err(CodeRefusal::Wrong));
    user.drop_second_factors_since(day(2), day(5));
    assert_eq!(user.former_factors, []);
    assert_eq!(of_app(&mut user, &newer, 5), Err(CodeRefusal::Wrong));
    let refused = use_code(&mut user, &newer_codes[0], 5);
    assert_eq!(refused, Err(CodeRefusal::Wrong));
    assert_eq!(of_app(&mut user, &former, 5), Ok(()));
    let used = use_code(&mut user, &former_codes[0], 5);
    assert_eq!(used, Err(CodeRefusal::Wrong), "it was used before");
    assert_eq!(use_code(&mut user, &former_codes[1], 5), Ok(()));
}

#[test]
fn a_code_that_was_used_before_does_not_work_again() {
    let keys = keys();
    let (mut user, former, _) = with_app(&keys);
    let code = shown(&former, day(2), 0);
    let use_it = |user: &mut User| user.use_code(&code, false, Some(&keys), &origin(2));
    assert_eq!(use_it(&mut user), Ok(()));
    add_app(&mut user, &keys, 2);
    user.drop_second_factors_since(day(2), day(2));
    assert_eq!(use_it(&mut user), Err(CodeRefusal::Used));
}

#[test]
fn that_comes_back_which_was_there_at_the_moment() {
    let keys = keys();
    let (mut user, _, _) = with_app(&keys);
    add_app(&mut user, &keys, 3);
    user.make_recovery_codes(&[RecoveryCodeText::random()], &origin(4))
        .unwrap();
    add_app(&mut user, &keys, 5);
    let app_and_codes = |at| {
        let (app, codes, _) = left(&user, at, 6);
        (app, codes)
    };
    assert_eq!(app_and_codes(6), (Some(5), Some(5)));
    let before_its_own_mail = app_and_codes(5);
    assert_eq!(before_its_own_mail, (Some(3), Some(4)));
    assert_eq!(app_and_codes(4), (Some(3), Some(3)));
    assert_eq!(app_and_codes(2), (Some(1), Some(1)));
    assert_eq!(app_and_codes(1), (None, None));
}

#[test]
fn an_older_link_finds_what_a_newer_one_left() {
    let keys = keys();
    let (mut user, _, _) = with_app(&keys);
    add_app(&mut user, &keys, 3);
    add_app(&mut user, &keys, 5);
    user.drop_second_factors_since(day(4), day(6));
    assert_eq!(left(&user, 4, 6), (Some(3), Some(3), vec![]));
    assert_eq!(left(&user, 2, 6), (Some(1), Some(1), vec![]));
}

#[test]
fn what_was_removed_comes_back_only_if_else_no_second_factor_were_left() {
    let (mut user, _, _) = with_app(&keys());
    user.passkeys = vec![passkey(0), passkey(1), passkey(3)];
    for n in [1, 0, 0] {
        let handle = user.passkeys[n].handle.clone();
        assert!(user.end_passkey(&handle, &origin(4)));
    }
    assert!(user.end_totp(&origin(5)));
    assert!(!user.has_second_factor());
    for at in [2, 4, 5, 6] {
        assert_eq!(left(&user, at, 6), (None, None, vec![]), "{at}");
    }
    user.passkeys = vec![passkey(6)];
    for at in [2, 4, 5] {
        assert_eq!(left(&user, at, 6), (Some(1), Some(1), vec![]), "{at}");
    }
    assert_eq!(left(&user, 6, 6), (None, None, vec![]));
    assert_eq!(left(&user, 7, 7), (None, None, vec![6]));
    user.former_factors.retain(|former| former.totp.is_none());
    assert_eq!(left(&user, 2, 6), (None, None, vec![0, 1]));
    assert_eq!(left(&user, 4, 6), (None, None, vec![0, 1, 3]));
}

#[test]
fn a_passkey_that_was_removed_stays_so_while_another_factor_is_left() {
    let (mut user, _, _) = with_app(&keys());
    user.passkeys = vec![passkey(2)];
    let handle = user.passkeys[0].handle.clone();
    assert!(user.end_passkey(&handle, &origin(4)));
    user.passkeys = vec![passkey(5)];
    assert_eq!(left(&user, 3, 6), (Some(1), Some(1), vec![]));
}

#[test]
fn the_app_comes_back_and_not_the_passkey_that_was_removed() {
    let keys = keys();
    let (mut user, _, _) = with_app(&keys);
    user.passkeys = vec![passkey(2)];
    let handle = user.passkeys[0].handle.clone();
    assert!(user.end_passkey(&handle, &origin(4)));
    add_app(&mut user, &keys, 5);
    assert_eq!(left(&user, 3, 6), (Some(1), Some(1), vec![]));
}

#[test]
fn passkeys_of_a_thief_push_out_none_of_the_owner() {
    let mut user = confirmed();
    user.passkeys = vec![passkey(0)];
    user.passkeys.extend((0..30).map(|_| passkey(2)));
    while let Some(last) = user.passkeys.pop() {
        let handle = last.handle.clone();
        user.passkeys.push(last);
        assert!(user.end_passkey(&handle, &origin(3)));
    }
    assert_eq!(user.former_factors.len(), MAX_FORMER_FACTORS);
    user.passkeys = vec![passkey(4)];
    assert_eq!(left(&user, 1, 5), (None, None, vec![0]));
}

#[test]
fn nothing_comes_back_after_seven_days_and_it_is_dropped_then() {
    let keys = keys();
    let (mut user, _, _) = with_app(&keys);
    add_app(&mut user, &keys, 2);
    assert_eq!(left(&user, 2, 8), (Some(1), Some(1), vec![]));
    assert_eq!(left(&user, 2, 9), (None, None, vec![]));
    let mut logged_in = user.clone();
    logged_in.log_in(session(8, 30), None, None);
    assert_eq!(logged_in.former_factors.len(), 1);
    logged_in.log_in(session(9, 30), None, None);
    assert_eq!(logged_in.former_factors, []);
    assert!(user.end_totp(&origin(9)));
    let kept = user.former_factors.iter();
    let kept: Vec<_> = kept.map(|former| former.replaced_at).collect();
    assert_eq!(kept, [day(9)]);
}

#[test]
fn many_changes_push_out_no_older_factor() {
    let keys = keys();
    let (mut user, _, _) = with_app(&keys);
    for _ in 0..50 {
        user.make_recovery_codes(&[RecoveryCodeText::random()], &origin(3))
            .unwrap();
    }
    assert_eq!(user.former_factors.len(), MAX_FORMER_FACTORS);
    add_app(&mut user, &keys, 4);
    assert_eq!(left(&user, 2, 5), (Some(1), Some(1), vec![]));
}

#[test]
fn nothing_is_left_of_them_after_an_operator_has_ended_all() {
    let keys = keys();
    let (mut user, _, _) = with_app(&keys);
    add_app(&mut user, &keys, 2);
    let operator = Origin::of_operator(day(3));
    user.ask_for_end_of_second_factors(&operator).unwrap();
    user.do_due(&origin(4));
    assert_eq!(user.former_factors, []);
    assert_eq!(left(&user, 2, 5), (None, None, vec![]));
    let last = mails(&user).pop().unwrap();
    assert_eq!(last.0, MailKind::Security(SecondFactorsEnded));
}

#[test]
fn there_is_nothing_former_of_who_adds_the_first_factor() {
    let keys = keys();
    let mut user = confirmed();
    add_app(&mut user, &keys, 1);
    assert_eq!(user.former_factors, []);
}

#[test]
fn the_secret_of_a_former_app_is_encrypted_anew() {
    let old = SecretKeys::random_file_text();
    let (mut user, secret, _) = with_app(&SecretKeys::parse(&old).unwrap());
    let both = [&SecretKeys::random_file_text(), &*old].concat();
    let both = SecretKeys::parse(&both).unwrap();
    add_app(&mut user, &both, 2);
    let ids: Vec<_> = both.ids().cloned().collect();
    let used: Vec<_> = user.secret_key_ids().collect();
    assert_eq!(used, ids);
    assert!(user.seal_anew(&both));
    assert!(!user.seal_anew(&both));
    let used: Vec<_> = user.secret_key_ids().collect();
    assert_eq!(used, [ids[0].clone(), ids[0].clone()]);
    user.drop_second_factors_since(day(2), day(3));
    let code = shown(&secret, day(3), 0);
    assert_eq!(user.use_code(&code, false, Some(&both), &origin(3)), Ok(()));
}
