//! The document of a user in MongoDB.

use crate::{
    ADA, MINUTE,
    common::{EVERY_CLIENT, Kept, PASSWORD, Registry, Setup},
};

/// The document of a user in MongoDB, as the contract says.
#[tokio::test(flavor = "multi_thread")]
async fn the_users_document_holds_what_the_contract_says() {
    use mongodb::bson::{Bson, Document, doc};

    let registry = Registry::start_as(Kept::Mongo, Setup::with_standard_hashes()).await;
    let users = registry
        .database
        .as_ref()
        .unwrap()
        .collection::<Document>("users");
    let client = registry.program();
    let fields = [
        ("name", "Ada"),
        ("email", "Ada@Example.org"),
        ("password", PASSWORD),
    ];
    client.post("/auth/signup", &fields).await;
    let user = users.find_one(doc! {"email": ADA}).await.unwrap().unwrap();
    assert_eq!(user.get_str("name").unwrap(), "Ada");
    assert!(
        user.get_str("password")
            .unwrap()
            .starts_with("$argon2id$v=19$m=19456,t=2,p=1$")
    );
    assert_eq!(
        user.get_datetime("createdAt").unwrap(),
        user.get_datetime("loginAt").unwrap()
    );
    assert_eq!(user.get_array("sessions").unwrap().len(), 1);
    assert!(!format!("{user:?}").contains(&client.cookie("uuid").unwrap()));

    registry.wait(MINUTE);
    client.post("/auth/logout", &[]).await;
    let user = users.find_one(doc! {"email": ADA}).await.unwrap().unwrap();
    let logged_out = user.get_datetime("lastLogout").unwrap();
    assert!(logged_out > user.get_datetime("loginAt").unwrap());
    assert_eq!(user.get_array("sessions").unwrap().len(), 0);

    client.login(ADA, PASSWORD).await;
    let uuid = registry.reset_uuid(ADA).await;
    let user = users.find_one(doc! {"email": ADA}).await.unwrap().unwrap();
    assert!(user.get_datetime("loginAt").unwrap() >= logged_out);
    assert!(matches!(
        user.get_document("reset").unwrap().get("digest"),
        Some(Bson::Binary(_))
    ));
    assert!(!format!("{user:?}").contains(&uuid));
}

/// A hash of an older backend is a refusal, not a failure.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_a_phc_string_cannot_log_in() {
    use mongodb::bson::{Document, doc};

    let registry = Registry::start(Kept::Mongo).await;
    let users = registry
        .database
        .as_ref()
        .unwrap()
        .collection::<Document>("users");
    let old = doc! {"name": "Ada", "email": ADA, "password": "9f86d081884c7d659a2feaa0c55ad015"};
    users.insert_one(old).await.unwrap();
    let answer = registry.program().login(ADA, PASSWORD).await;
    answer.assert_refused(EVERY_CLIENT[0], 401, "Invalid email or password", None);

    let uuid = registry.reset_uuid(ADA).await;
    let fields = [("uuid", uuid.as_str()), ("password", "plum tractor glow")];
    assert_eq!(
        registry
            .program()
            .post("/auth/reset-password", &fields)
            .await
            .status,
        200
    );
    assert_eq!(
        registry
            .program()
            .login(ADA, "plum tractor glow")
            .await
            .status,
        200
    );
}
