//! The outbox: each mail is sent by one, and none is lost.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use fpm_registry::accounts::{
    device_name::DeviceName,
    id::UserId,
    mail::{MailId, MailKind, MailState, OutboxMail, OutboxSize, QueuedMail},
    security_event::SecurityEvent,
    store::{Key, Replaced, Store},
    user::User,
};

use crate::{
    DAY, HOUR, add_user, all, claim_all, email, find, lease, mail_from, notice, now, queue, user,
    with_attempts,
};

contract! {
    a_mail_is_claimed_as_queued
    the_mail_due_longest_comes_first
    a_claimed_mail_is_hidden_until_the_lease_ends
    claimers_at_once_never_share_a_mail
    a_retried_mail_waits_for_its_hour
    a_removed_mail_is_gone
    a_parked_mail_never_comes_back
    all_mails_are_listed_with_what_becomes_of_them
    the_size_of_the_outbox_is_told
    a_mail_is_sent_again_even_if_it_was_parked
    expedited_mail_is_due_but_not_what_others_hold
    a_notice_of_a_change_is_sent
    a_notice_of_a_change_that_is_refused_is_not_sent
}

async fn a_mail_is_claimed_as_queued(store: Arc<dyn Store>) {
    for kind in [
        MailKind::ResetLink,
        MailKind::Security(SecurityEvent::PasswordChanged),
        MailKind::AccountClosed,
        MailKind::ConfirmEmail,
        MailKind::Security(SecurityEvent::NewDevice),
        MailKind::Security(SecurityEvent::EmailChanged),
        MailKind::AccountDeleted,
        MailKind::AccountDisabled,
        MailKind::AccountEnabled,
        MailKind::AccountRecovered,
    ] {
        let mail = QueuedMail {
            user: Some(UserId::new(now())),
            device: Some(DeviceName::of_user_agent("curl/8")),
            ..QueuedMail::new(kind, email("ada@example.org"), now())
        };
        store.queue_mail(mail.clone()).await.unwrap();
        let before = now().minus(Duration::from_millis(1));
        assert_eq!(store.claim_mail(before, lease()).await.unwrap(), None);
        let claimed = store.claim_mail(now(), lease()).await.unwrap();
        assert_eq!(claimed, Some(with_attempts(mail, 1)));
    }
}

async fn the_mail_due_longest_comes_first(store: Arc<dyn Store>) {
    let mails: Vec<_> = [3, 1, 2]
        .map(|hours| mail_from(now().minus(hours * HOUR)))
        .into();
    for mail in &mails {
        store.queue_mail(mail.clone()).await.unwrap();
    }
    let claimed: Vec<_> = claim_all(&store).await.iter().map(|mail| mail.id).collect();
    assert_eq!(claimed, [mails[0].id, mails[2].id, mails[1].id]);
}

async fn a_claimed_mail_is_hidden_until_the_lease_ends(store: Arc<dyn Store>) {
    let mail = queue(&store).await;
    assert!(store.claim_mail(now(), lease()).await.unwrap().is_some());
    let last = lease().minus(Duration::from_millis(1));
    assert_eq!(store.claim_mail(last, lease()).await.unwrap(), None);
    let again = store.claim_mail(lease(), lease().plus(HOUR)).await.unwrap();
    assert_eq!(again, Some(with_attempts(mail, 2)));
}

async fn claimers_at_once_never_share_a_mail(store: Arc<dyn Store>) {
    let mut queued = HashSet::new();
    for _ in 0..40 {
        queued.insert(queue(&store).await.id);
    }
    let claimers = (0..4).map(|_| {
        let store = store.clone();
        async move { claim_all(&store).await }
    });
    let claimed: Vec<_> = all(claimers)
        .await
        .into_iter()
        .flatten()
        .map(|mail| mail.id)
        .collect();
    assert_eq!(claimed.len(), queued.len());
    assert_eq!(claimed.into_iter().collect::<HashSet<_>>(), queued);
}

async fn a_retried_mail_waits_for_its_hour(store: Arc<dyn Store>) {
    let mail = queue(&store).await;
    assert!(store.claim_mail(now(), lease()).await.unwrap().is_some());
    let soon = now().plus(Duration::from_secs(2));
    let reason = "450 try again later";
    store.retry_mail(&mail.id, soon, reason).await.unwrap();
    assert_eq!(store.claim_mail(now(), lease()).await.unwrap(), None);
    let listed = store.mails(9).await.unwrap();
    let failed = QueuedMail {
        last_failure: reason.to_owned(),
        ..mail
    };
    let waiting = OutboxMail {
        mail: with_attempts(failed.clone(), 1),
        state: MailState::Waiting(soon),
    };
    assert_eq!(listed, [waiting]);
    let again = store.claim_mail(soon, lease()).await.unwrap();
    assert_eq!(again, Some(with_attempts(failed, 2)));
}

async fn a_removed_mail_is_gone(store: Arc<dyn Store>) {
    let mail = queue(&store).await;
    assert!(store.claim_mail(now(), lease()).await.unwrap().is_some());
    assert!(store.remove_mail(&mail.id).await.unwrap());
    store.retry_mail(&mail.id, now(), "").await.unwrap();
    assert!(!store.remove_mail(&mail.id).await.unwrap());
    assert!(!store.remove_mail(&MailId::random()).await.unwrap());
    store.expedite_mail(now()).await.unwrap();
    assert_eq!(store.claim_mail(lease(), lease()).await.unwrap(), None);
}

async fn a_parked_mail_never_comes_back(store: Arc<dyn Store>) {
    let mail = queue(&store).await;
    assert!(store.claim_mail(now(), lease()).await.unwrap().is_some());
    store.park_mail(&mail.id, "550 no such user").await.unwrap();
    store.park_mail(&MailId::random(), "unknown").await.unwrap();
    store.retry_mail(&mail.id, now(), "").await.unwrap();
    store.expedite_mail(now()).await.unwrap();
    assert_eq!(
        store.claim_mail(now().plus(DAY), lease()).await.unwrap(),
        None
    );
}

/// Two mails that were claimed, the first of which was then parked.
async fn parked_and_claimed(store: &Arc<dyn Store>) -> (QueuedMail, QueuedMail) {
    let (parked, claimed) = (queue(store).await, queue(store).await);
    assert_eq!(claim_all(store).await.len(), 2);
    let reason = "550 no such user";
    store.park_mail(&parked.id, reason).await.unwrap();
    (parked, claimed)
}

async fn all_mails_are_listed_with_what_becomes_of_them(store: Arc<dyn Store>) {
    let (parked, claimed) = parked_and_claimed(&store).await;
    let waiting = queue(&store).await;
    let listed = store.mails(9).await.unwrap();
    let listed: HashMap<_, _> = listed
        .into_iter()
        .map(|mail| (mail.mail.id, mail))
        .collect();
    let of = |mail: &QueuedMail, attempts, state| OutboxMail {
        mail: with_attempts(mail.clone(), attempts),
        state,
    };
    let expected = [
        of(&parked, 1, MailState::Parked("550 no such user".to_owned())),
        of(&claimed, 1, MailState::Sending(lease())),
        of(&waiting, 0, MailState::Waiting(waiting.queued_at)),
    ];
    assert_eq!(listed, expected.map(|mail| (mail.mail.id, mail)).into());
    assert_eq!(store.mails(2).await.unwrap().len(), 2);
}

async fn the_size_of_the_outbox_is_told(store: Arc<dyn Store>) {
    let size = store.outbox_size().await.unwrap();
    let empty = OutboxSize {
        waiting: 0,
        parked: 0,
        oldest: None,
    };
    assert_eq!(size, empty);
    let hours_ago = [3, 1, 2].map(|hours| now().minus(hours * HOUR));
    let mails = hours_ago.map(mail_from);
    for mail in &mails {
        store.queue_mail(mail.clone()).await.unwrap();
    }
    // One is being sent, and the oldest can never be.
    store.claim_mail(now(), lease()).await.unwrap();
    store.park_mail(&mails[0].id, "no such user").await.unwrap();
    store.claim_mail(now(), lease()).await.unwrap();
    let size = store.outbox_size().await.unwrap();
    let two_wait = OutboxSize {
        waiting: 2,
        parked: 1,
        oldest: Some(hours_ago[2]),
    };
    assert_eq!(size, two_wait);
}

async fn a_mail_is_sent_again_even_if_it_was_parked(store: Arc<dyn Store>) {
    let (parked, claimed) = parked_and_claimed(&store).await;
    assert!(!store.requeue_mail(&claimed.id, now()).await.unwrap());
    assert!(!store.requeue_mail(&MailId::random(), now()).await.unwrap());
    assert!(store.requeue_mail(&parked.id, now()).await.unwrap());
    let again = store.claim_mail(now(), lease()).await.unwrap();
    assert_eq!(again, Some(with_attempts(parked.clone(), 2)));
    store
        .park_mail(&parked.id, "550 no such user")
        .await
        .unwrap();
    assert!(store.remove_mail(&parked.id).await.unwrap());
    assert_eq!(store.mails(9).await.unwrap().len(), 1);
}

async fn expedited_mail_is_due_but_not_what_others_hold(store: Arc<dyn Store>) {
    let (waiting, held) = (queue(&store).await, queue(&store).await);
    assert_eq!(claim_all(&store).await.len(), 2);
    store
        .retry_mail(&waiting.id, now().plus(HOUR), "")
        .await
        .unwrap();
    store.expedite_mail(now()).await.unwrap();
    let claimed: Vec<_> = claim_all(&store).await.iter().map(|mail| mail.id).collect();
    assert_eq!(claimed, [waiting.id]);
    let late = store.claim_mail(lease(), lease().plus(HOUR)).await.unwrap();
    assert!(late.is_some_and(|mail| [waiting.id, held.id].contains(&mail.id)));
}

async fn a_notice_of_a_change_is_sent(store: Arc<dyn Store>) {
    let before = add_user(&store, "ada@example.org").await;
    let notice = notice("ada@example.org");
    let after = User {
        notices: vec![notice.clone()],
        ..before.clone()
    };
    let replaced = store.replace(&before, &after).await.unwrap();
    assert_eq!(replaced, Replaced::Done);
    assert_eq!(claim_all(&store).await, [with_attempts(notice, 1)]);
    let kept = User {
        rev: Some(2),
        ..before
    };
    assert_eq!(find(&store, Key::Id(&kept.id)).await, Some(kept));
}

async fn a_notice_of_a_change_that_is_refused_is_not_sent(store: Arc<dyn Store>) {
    let before = add_user(&store, "ada@example.org").await;
    let eve = add_user(&store, "eve@example.org").await;
    let after = User {
        notices: vec![notice("ada@example.org")],
        ..before.clone()
    };
    let as_eve = User {
        email: eve.email.clone(),
        ..after.clone()
    };
    let stranger = user("ada@example.org");
    for (before, after, outcome) in [
        (&before, &as_eve, Replaced::Taken),
        (&stranger, &after, Replaced::Conflict),
    ] {
        assert_eq!(store.replace(before, after).await.unwrap(), outcome);
    }
    store.expedite_mail(now()).await.unwrap();
    assert_eq!(claim_all(&store).await, []);
}
