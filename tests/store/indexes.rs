//! The indexes of MongoDB: each query of a user uses one, and those of older versions make way.

use fpm_registry::accounts::{
    email::Email,
    store::{InsertError, Key},
};
use mongodb::{
    Database, IndexModel,
    bson::{Bson, Document, doc},
    options::IndexOptions,
};

use crate::{
    add, digest, email, find, hash, log_in,
    mongo::{binary, index_of, new_database, open, open_new_database, users},
    session, user,
    users::whole_user,
};

#[tokio::test(flavor = "multi_thread")]
async fn an_email_is_unique_among_those_who_have_one() {
    let (_store, database) = open_new_database().await;
    let index = index_of(&users(&database), "email").await;
    assert_eq!(index.name.as_deref(), Some("email_of_one_user"));
    assert_eq!(index.unique, Some(true));
    let is_text = doc! { "email": { "$gte": "" } };
    assert_eq!(index.partial_filter_expression, Some(is_text));
    let gone = (0..3).map(|_| doc! { "deletedAt": Bson::DateTime(mongodb::bson::DateTime::now()) });
    users(&database).insert_many(gone).await.unwrap();
    let twice = (0..2).map(|_| doc! { "email": "ada@example.org" });
    users(&database).insert_many(twice).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_email_index_of_an_older_version_makes_way() {
    let database = new_database().await;
    let unique = IndexOptions::builder().unique(true).build();
    let older = IndexModel::builder()
        .keys(doc! { "email": 1 })
        .options(unique);
    users(&database).create_index(older.build()).await.unwrap();
    let ada = doc! { "email": "ada@example.org", "password": hash("first").as_str() };
    users(&database).insert_one(ada).await.unwrap();
    for _ in ["first start", "second start"] {
        let store = open(&database).await;
        let names = users(&database).list_index_names().await.unwrap();
        assert!(names.contains(&"email_of_one_user".to_owned()), "{names:?}");
        assert!(!names.contains(&"email_1".to_owned()), "{names:?}");
        let second = store.insert(&user("ada@example.org")).await;
        assert!(matches!(second, Err(InsertError::Taken)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_of_an_older_backend_without_addresses_is_found() {
    let database = new_database().await;
    let older = doc! { "email": "ada@example.org", "password": hash("first").as_str() };
    users(&database).insert_one(older).await.unwrap();
    let store = open(&database).await;
    let ada = email("ada@example.org");
    let found = find(&store, Key::Email(&ada)).await.expect("a user");
    assert!(found.confirmed_at.is_none() && found.events.is_empty());
    assert_eq!(find(&store, Key::Address(&ada)).await, Some(found));
    let second = store.insert(&user("ada@example.org")).await;
    assert!(matches!(second, Err(InsertError::Taken)));
    assert!(log_in(&store, "ada@example.org", "first", session()).await);
    let found = find(&store, Key::Address(&ada)).await.expect("a user");
    assert_eq!(found.sessions.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_lookup_of_a_user_uses_an_index() {
    let (store, database) = open_new_database().await;
    let ada = add(&store, whole_user("ada@example.org")).await;
    let (address, digest) = (Email::as_str(&ada.email), binary(&digest()));
    for (filter, indexes) in [
        (doc! { "email": address }, &["email_of_one_user"][..]),
        (
            doc! { "$or": [{ "email": address }, { "addresses": address }] },
            &["email_of_one_user", "addresses_1"],
        ),
        (
            doc! { "email": address, "devices.digest": &digest },
            &["email_of_one_user"],
        ),
        (doc! { "sessions.digest": &digest }, &["sessions.digest_1"]),
        (doc! { "reset.digest": &digest }, &["reset.digest_1"]),
        (
            doc! { "confirmation.digest": &digest },
            &["confirmation.digest_1"],
        ),
        (doc! { "notMe.digest": &digest }, &["notMe.digest_1"]),
    ] {
        let plan = winning_plan(&database, &filter).await;
        assert!(!plan.contains("COLLSCAN"), "{filter}: {plan}");
        for index in indexes {
            let named = format!("\"indexName\": \"{index}\"");
            assert!(plan.contains(&named), "{filter}: {plan}");
        }
    }
}

async fn winning_plan(database: &Database, filter: &Document) -> String {
    let find = doc! { "find": "users", "filter": filter, "limit": 1 };
    let explain = doc! { "explain": find, "verbosity": "queryPlanner" };
    let explained = database.run_command(explain).await.unwrap();
    let planner = explained.get_document("queryPlanner").unwrap();
    planner.get_document("winningPlan").unwrap().to_string()
}
