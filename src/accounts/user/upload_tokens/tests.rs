//! The rules of upload tokens.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::time::Duration;

use super::*;
use crate::accounts::{
    lifetimes::DAY,
    user::tests::{ada, confirmed, day, email, kinds, mails, origin},
};

fn wanted(packages: &str, may: &str, days: &str) -> WantedToken {
    WantedToken::parse("laptop", packages, may, days).unwrap()
}

/// Makes a token on day `n`; its digest.
fn make(user: &mut User, wanted: &WantedToken, n: u32) -> Digest {
    let text = UploadTokenText::random();
    user.make_upload_token(&text, wanted, &origin(n)).unwrap();
    text.digest()
}

fn any() -> WantedToken {
    wanted("*", "publish", "30")
}

fn package(name: &str) -> PackageName {
    PackageName::parse(name).unwrap()
}

#[test]
fn a_token_is_made_by_who_has_a_confirmed_address() {
    let text = UploadTokenText::random();
    let mut user = ada();
    let before = user.clone();
    let refused = user.make_upload_token(&text, &any(), &origin(1));
    assert!(matches!(refused, Err(Error::EmailNotConfirmed)));
    assert_eq!(user, before);

    let mut user = confirmed();
    user.make_upload_token(&text, &any(), &origin(1)).unwrap();
    let token = user.upload_token(&text.digest()).unwrap();
    assert_eq!(
        (token.created_at, token.expires_at, token.used_at),
        (day(1), day(31), None)
    );
    assert_eq!(token.last4, text.last4());
    let event = user.events.last().unwrap();
    assert_eq!(
        (event.kind, event.about.as_str()),
        (EventKind::UploadTokenMade, "laptop")
    );
    let record = serde_json::to_string(&user).unwrap();
    assert!(!record.contains(text.reveal()), "only the digest is kept");
}

#[test]
fn a_user_has_a_hundred_live_tokens_at_most() {
    let mut user = confirmed();
    let first = make(&mut user, &wanted("*", "publish", "7"), 0);
    for _ in 1..100 {
        make(&mut user, &any(), 1);
    }
    let text = UploadTokenText::random();
    let refused = user.make_upload_token(&text, &any(), &origin(6));
    assert!(matches!(refused, Err(Error::TooManyUploadTokens(100))));
    let handle = user.upload_tokens[5].handle.clone();
    let refused = user.rotate_upload_token(&handle, &text, &origin(6));
    assert!(matches!(refused, Err(Error::TooManyUploadTokens(100))));
    make(&mut user, &any(), 7);
    assert!(user.upload_token(&first).is_some(), "told that it expired");
    user.end_upload_tokens(&origin(30));
    make(&mut user, &any(), 40);
    assert_eq!(user.upload_tokens.len(), 1);
}

#[test]
fn a_token_allows_what_its_scope_says() {
    let mut user = confirmed();
    let mut verdict = |packages, may, name, is_new, at| {
        let digest = make(&mut user, &wanted(packages, may, "30"), 0);
        let token = user.upload_token(&digest).unwrap();
        token.allows(&package(name), is_new, day(at))
    };
    for (packages, may, name, is_new) in [
        ("stdlib*", "publish", "stdlib2", true),
        ("stdlib*", "publish", "stdlib2", false),
        ("a stdlib", "publish-new", "stdlib", true),
        ("*", "publish-update", "stdlib", false),
        ("stdlib", "first-publish", "stdlib", true),
    ] {
        assert_eq!(verdict(packages, may, name, is_new, 29), Ok(()));
    }
    for (packages, may, name, is_new, sentence) in [
        (
            "stdlib* a",
            "publish",
            "json",
            true,
            "This token is for the packages stdlib* a",
        ),
        (
            "*",
            "publish-new",
            "json",
            false,
            "This token is for new packages, and this one exists already",
        ),
        (
            "json",
            "first-publish",
            "json",
            false,
            "This token is for a first publication, and this package exists already",
        ),
        (
            "*",
            "publish-update",
            "json",
            true,
            "This token is for new versions of packages, and this one does not exist yet",
        ),
    ] {
        let refusal = verdict(packages, may, name, is_new, 29).unwrap_err();
        assert_eq!(refusal.to_string(), sentence);
    }
    let late = verdict("*", "publish", "json", true, 30);
    assert_eq!(late, Err(TokenRefusal::Expired));
}

#[test]
fn what_a_later_version_allows_is_not_known() {
    let mut user = confirmed();
    let digest = make(&mut user, &any(), 0);
    let mut record = serde_json::to_value(&user).unwrap();
    record["uploadTokens"][0]["may"] = "publish-docs".into();
    let user: User = serde_json::from_value(record.clone()).unwrap();
    let token = user.upload_token(&digest).unwrap();
    let refusal = token.allows(&package("json"), true, day(1));
    assert_eq!(refusal, Err(TokenRefusal::OfLaterVersion));
    assert_eq!(serde_json::to_value(&user).unwrap(), record);
}

#[test]
fn a_replaced_token_works_for_another_day_and_is_replaced_once() {
    let mut user = confirmed();
    let old = make(&mut user, &wanted("stdlib", "publish-new", "90"), 0);
    let handle = user.upload_token(&old).unwrap().handle.clone();
    let text = UploadTokenText::random();
    user.rotate_upload_token(&handle, &text, &origin(10))
        .unwrap();
    let new = user.upload_token(&text.digest()).unwrap().clone();
    let replaced = user.upload_token(&old).unwrap().clone();
    assert_eq!((new.created_at, new.expires_at), (day(10), day(100)));
    assert_eq!(
        (new.name, new.packages, new.may),
        (replaced.name, replaced.packages, replaced.may)
    );
    assert_ne!(new.handle, replaced.handle);
    assert_eq!(
        (replaced.replaced_at, replaced.expires_at),
        (Some(day(10)), day(11))
    );
    let again = user.rotate_upload_token(&handle, &text, &origin(10));
    assert!(matches!(again, Err(Error::AlreadyReplaced)));
    let late = user.rotate_upload_token(&handle, &text, &origin(11));
    assert!(matches!(late, Err(Error::NotFound)));

    let short = make(&mut user, &wanted("*", "publish", "7"), 10);
    let handle = user.upload_token(&short).unwrap().handle.clone();
    let six_and_a_half = Origin {
        at: day(16).plus(DAY / 2),
        ..origin(16)
    };
    let text = UploadTokenText::random();
    user.rotate_upload_token(&handle, &text, &six_and_a_half)
        .unwrap();
    let replaced = user.upload_token(&short).unwrap();
    assert_eq!(replaced.expires_at, day(17), "it lives no longer for that");
}

#[test]
fn a_token_ends_once_by_its_handle_or_by_who_has_its_text() {
    let mut user = confirmed();
    let (first, second) = (make(&mut user, &any(), 0), make(&mut user, &any(), 0));
    let handle = user.upload_token(&first).unwrap().handle.clone();
    assert!(user.end_upload_token(&handle, &origin(1)));
    assert!(!user.end_upload_token(&handle, &origin(1)));
    assert_eq!(mails(&user), [], "the user did it");

    assert!(!user.end_upload_token_by_holder(&second, true, &origin(30)));
    assert!(user.end_upload_token_by_holder(&second, true, &origin(1)));
    assert!(!user.end_upload_token_by_holder(&second, true, &origin(1)));
    let told = (MailKind::UploadTokenEnded, &email("ada@example.org"));
    assert_eq!(mails(&user), [told]);
    assert!(user.notices[0].upload_token.is_some());
    assert_eq!(
        kinds(&user.events[3..]),
        [
            EventKind::UploadTokenEnded,
            EventKind::UploadTokenEndedByHolder
        ]
    );
}

#[test]
fn a_token_for_a_first_publication_is_used_once() {
    let mut user = confirmed();
    let first = make(&mut user, &wanted("stdlib", "first-publish", "7"), 0);
    let other = make(&mut user, &wanted("stdlib", "publish", "7"), 0);
    let mut used = |digest, name, at| {
        let used = user.use_upload_token_up(digest, &package(name), &origin(at));
        used.map_err(|refusal| refusal.to_string())
    };
    let for_stdlib = "This token is for the packages stdlib".to_owned();
    assert_eq!(used(&first, "json", 1), Err(for_stdlib));
    let not_first = "This token is not for a first publication".to_owned();
    assert_eq!(used(&other, "stdlib", 1), Err(not_first));
    let expired = "This upload token has expired: make a new one".to_owned();
    assert_eq!(used(&first, "stdlib", 7), Err(expired));
    assert_eq!(used(&first, "stdlib", 1), Ok(()));
    let ended = "This upload token was ended or never made: make a new one".to_owned();
    assert_eq!(used(&first, "stdlib", 1), Err(ended));
    let last = user.events.last().unwrap();
    assert_eq!(last.kind, EventKind::UploadTokenUsedUp);
    assert!(user.upload_token(&other).is_some());
}

#[test]
fn a_user_is_reminded_three_days_before_a_token_expires() {
    let mut user = confirmed();
    let (week, month) = (
        make(&mut user, &wanted("*", "publish", "7"), 0),
        make(&mut user, &wanted("*", "publish", "30"), 0),
    );
    assert_eq!(user.due_at, Some(day(4)));
    user.do_due(&origin(3));
    assert_eq!((mails(&user), user.due_at), (vec![], Some(day(4))));
    user.do_due(&origin(4));
    let told = (MailKind::UploadTokenExpires, &email("ada@example.org"));
    assert_eq!((mails(&user), user.due_at), (vec![told], Some(day(27))));
    user.do_due(&origin(5));
    assert_eq!(mails(&user).len(), 1, "told once");

    let handle = user.upload_token(&month).unwrap().handle.clone();
    let text = UploadTokenText::random();
    user.rotate_upload_token(&handle, &text, &origin(5))
        .unwrap();
    assert_eq!(user.due_at, Some(day(32)), "the new one, not the old one");
    user.do_due(&origin(40));
    assert_eq!(user.due_at, None);
    assert_eq!(mails(&user).len(), 1, "none about what has expired");
    assert!(user.upload_token(&week).is_some(), "told that it expired");
}

#[test]
fn whoever_takes_an_account_back_or_is_disabled_has_no_tokens() {
    let mut user = confirmed();
    make(&mut user, &any(), 0);
    let mut disabled = user.clone();
    disabled.disable(&Origin::of_operator(day(1)));
    assert_eq!(disabled.upload_tokens, []);
    user.recover(
        &email("ada@example.org"),
        None,
        &Origin::of_operator(day(1)),
    );
    assert_eq!(user.upload_tokens, []);
}

#[test]
fn the_record_of_a_user_stays_small_however_often_tokens_are_replaced() {
    let mut user = confirmed();
    let first = make(&mut user, &wanted("*", "publish", "365"), 0);
    let mut handle = user.upload_token(&first).unwrap().handle.clone();
    for n in 0..300 {
        let text = UploadTokenText::random();
        if let Err(refused) = user.rotate_upload_token(&handle, &text, &origin(n / 90)) {
            assert!(matches!(refused, Error::TooManyUploadTokens(100)));
            continue;
        }
        let new = user.upload_token(&text.digest()).unwrap();
        handle = new.handle.clone();
        assert!(user.upload_tokens.len() <= 200);
    }
    assert!(user.upload_tokens.len() > 150);
    assert!(
        user.live_upload_tokens(day(3))
            .any(|token| token.handle == handle)
    );
}

#[test]
fn a_replaced_token_for_a_first_publication_ends_at_once() {
    let mut user = confirmed();
    let old = make(&mut user, &wanted("stdlib", "first-publish", "7"), 0);
    let handle = user.upload_token(&old).unwrap().handle.clone();
    let text = UploadTokenText::random();
    user.rotate_upload_token(&handle, &text, &origin(1))
        .unwrap();
    assert!(user.upload_token(&old).is_none());
    assert!(user.upload_token(&text.digest()).is_some());
}

#[test]
fn several_tokens_that_expire_soon_are_told_of_by_one_mail() {
    let mut user = confirmed();
    let soonest = make(&mut user, &wanted("*", "publish", "7"), 0);
    for _ in 0..9 {
        make(&mut user, &wanted("*", "publish", "7"), 1);
    }
    user.do_due(&origin(5));
    let told = user.notices[0].upload_token.as_ref().unwrap();
    assert_eq!(told.handle, user.upload_token(&soonest).unwrap().handle);
    assert_eq!((mails(&user).len(), user.due_at), (1, None));
}

#[test]
fn who_was_disabled_by_a_version_without_tokens_is_disabled_anew() {
    let mut user = confirmed();
    make(&mut user, &any(), 0);
    user.disabled_at = Some(day(0));
    assert!(user.disable(&Origin::of_operator(day(1))));
    assert_eq!(user.upload_tokens, []);
    assert!(!user.disable(&Origin::of_operator(day(1))));
}

#[test]
fn a_use_is_noted_once_an_hour() {
    let mut user = confirmed();
    let token = make(&mut user, &any(), 0);
    assert!(user.touch_upload_token(&token, day(1)));
    let before = user.clone();
    assert!(!user.touch_upload_token(&token, day(1).plus(Duration::from_secs(3599))));
    assert_eq!(user, before);
    assert!(user.touch_upload_token(&token, day(1).plus(Duration::from_secs(3600))));
}
