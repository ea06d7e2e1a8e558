//! A deleted user: nothing but a tombstone stays, and the last mail is sent.

use std::{sync::Arc, time::Duration};

use fpm_registry::accounts::{
    error::Error,
    mail::{MailKind, QueuedMail},
    store::{Key, Replaced, Store},
    user::User,
    users::Users,
};
use mongodb::bson::{self, Document, doc};

use crate::{
    HOUR, add, add_user, claim_all, email, find, lives, log_in,
    mongo::{date, open_new_database, users},
    now, session,
    users::{every_key, whole_user},
    with_attempts,
};

contract! {
    nobody_is_found_by_a_key_of_a_deleted_user
    a_deletion_that_a_change_came_before_is_refused
    a_deleted_user_comes_not_back
    the_last_mail_reaches_the_outbox
    addresses_of_a_deleted_user_are_free
    a_deletion_is_made_anew_after_a_change
}

fn last_mail() -> QueuedMail {
    QueuedMail::new(MailKind::AccountDeleted, email("ada@example.org"), now())
}

async fn delete(store: &Arc<dyn Store>, user: &User, mail: Option<QueuedMail>) -> Replaced {
    store.delete(user, now(), mail).await.unwrap()
}

async fn nobody_is_found_by_a_key_of_a_deleted_user(store: Arc<dyn Store>) {
    let ada = add(&store, whole_user("ada@example.org")).await;
    let eve = add(&store, whole_user("eve@example.org")).await;
    assert_eq!(delete(&store, &ada, None).await, Replaced::Done);
    for key in every_key(&ada) {
        assert_eq!(find(&store, key).await, None, "{key:?}");
    }
    for session in &ada.sessions {
        assert!(!lives(&store, &session.digest).await);
    }
    for key in every_key(&eve) {
        assert_eq!(find(&store, key).await.as_ref(), Some(&eve), "{key:?}");
    }
    store.expedite_mail(now()).await.unwrap();
    assert_eq!(claim_all(&store).await, []);
}

async fn a_deletion_that_a_change_came_before_is_refused(store: Arc<dyn Store>) {
    let read = add_user(&store, "ada@example.org").await;
    assert!(log_in(&store, "ada@example.org", "first", session()).await);
    let deleted = delete(&store, &read, Some(last_mail())).await;
    assert_eq!(deleted, Replaced::Conflict);
    let ada = find(&store, Key::Id(&read.id))
        .await
        .expect("is still there");
    store.expedite_mail(now()).await.unwrap();
    assert_eq!(claim_all(&store).await, []);
    assert_eq!(delete(&store, &ada, None).await, Replaced::Done);
    assert_eq!(delete(&store, &ada, None).await, Replaced::Conflict);
}

async fn a_deleted_user_comes_not_back(store: Arc<dyn Store>) {
    let ada = add_user(&store, "ada@example.org").await;
    assert_eq!(delete(&store, &ada, None).await, Replaced::Done);
    let named = User {
        name: "Grace".to_owned(),
        ..ada.clone()
    };
    let replaced = store.replace(&ada, &named).await.unwrap();
    assert_eq!(replaced, Replaced::Conflict);
    assert!(!log_in(&store, "ada@example.org", "first", session()).await);
    assert_eq!(find(&store, Key::Id(&ada.id)).await, None);
}

async fn the_last_mail_reaches_the_outbox(store: Arc<dyn Store>) {
    let ada = add_user(&store, "ada@example.org").await;
    let mail = last_mail();
    let deleted = delete(&store, &ada, Some(mail.clone())).await;
    assert_eq!(deleted, Replaced::Done);
    assert_eq!(claim_all(&store).await, [with_attempts(mail, 1)]);
}

async fn addresses_of_a_deleted_user_are_free(store: Arc<dyn Store>) {
    for _ in 0..2 {
        let ada = add(&store, whole_user("ada@example.org")).await;
        let former = ada.held[0].email.clone();
        assert_eq!(delete(&store, &ada, None).await, Replaced::Done);
        let other = add_user(&store, former.as_str()).await;
        assert_eq!(delete(&store, &other, None).await, Replaced::Done);
    }
}

async fn a_deletion_is_made_anew_after_a_change(store: Arc<dyn Store>) {
    let ada = add_user(&store, "ada@example.org").await;
    let users = Users::new(store.clone());
    let refused = users.delete(Key::Id(&ada.id), now(), |_| Err(Error::NotYourEmail));
    assert!(matches!(refused.await, Err(Error::NotYourEmail)));
    assert_eq!(find(&store, Key::Id(&ada.id)).await.as_ref(), Some(&ada));
    let (deletion, ()) = tokio::join!(users.delete(Key::Id(&ada.id), now(), |_| Ok(None)), async {
        log_in(&store, "ada@example.org", "first", session()).await;
    });
    assert!(deletion.unwrap());
    assert_eq!(find(&store, Key::Id(&ada.id)).await, None);
    let nobody = users.delete(Key::Id(&ada.id), now(), |_| Ok(None));
    assert!(!nobody.await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_deleted_user_the_database_keeps_two_fields() {
    let (store, database) = open_new_database().await;
    for (address, mail) in [
        ("ada@example.org", None),
        ("eve@example.org", Some(last_mail())),
    ] {
        let user = add(&store, whole_user(address)).await;
        assert_eq!(delete(&store, &user, mail).await, Replaced::Done);
        let id = bson::oid::ObjectId::parse_str(user.id.as_str()).unwrap();
        let tombstone = users(&database).find_one(doc! { "_id": id }).await;
        let expected = doc! { "_id": id, "deletedAt": date(now()) };
        assert_eq!(tombstone.unwrap(), Some(expected));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_mail_a_crash_left_behind_is_sent() {
    let (store, database) = open_new_database().await;
    let id = bson::oid::ObjectId::new();
    let crashed = doc! { "_id": id, "deletedAt": date(now()), "notices": [{
        "_id": bson::Uuid::new(),
        "kind": "account-deleted",
        "to": "ada@example.org",
        "queuedAt": date(now()),
        "attempts": 0,
    }] };
    users(&database).insert_one(crashed).await.unwrap();
    let later = now().plus(Duration::from_secs(5));
    assert_eq!(
        store.claim_mail(later, later.plus(HOUR)).await.unwrap(),
        None
    );
    let sent: Vec<_> = claim_all(&store)
        .await
        .iter()
        .map(|mail| mail.kind)
        .collect();
    assert_eq!(sent, [MailKind::AccountDeleted]);
    let tombstone: Option<Document> = users(&database).find_one(doc! { "_id": id }).await.unwrap();
    assert_eq!(
        tombstone,
        Some(doc! { "_id": id, "deletedAt": date(now()) })
    );
}
