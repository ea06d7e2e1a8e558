//! `POST /account/delete`.

use mongodb::bson::{Document, doc};
use serde_json::json;

use crate::{
    ADA, DAY, PROGRAM,
    common::{
        Client, EVERY_CLIENT, Kept, Kind, PASSWORD, Registry, WRONG_PASSWORD as WRONG,
        mails::{CONFIRM, NOT_ME, RESET},
    },
};

contract! {
    an_account_is_deleted
    an_account_that_is_not_confirmed_gets_no_last_mail
    a_deletion_that_is_refused_changes_nothing
    nothing_leads_to_a_deleted_account
    the_address_is_free_again
}

const GONE: &str = "Your fpm-registry account was deleted";

async fn delete(client: &Client<'_>, email: &str) {
    let fields = [("email", email), ("current_password", PASSWORD)];
    let answer = client.post("/account/delete", &fields).await;
    answer.assert_done(PROGRAM, "Account deleted", "");
}

async fn an_account_is_deleted(registry: Registry) {
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let email = format!("ada{n}@example.org");
        let client = registry.confirmed(kind, &email).await;
        let uuid = client.cookie("uuid").unwrap();
        let typed = format!(" {} ", email.to_uppercase());
        let fields = [("email", &*typed), ("current_password", PASSWORD)];
        let answer = client.post("/account/delete", &fields).await;
        answer.assert_done(kind, "Account deleted", "/?notice=account-deleted");
        assert_eq!(
            answer.set_cookies(),
            ["uuid=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"]
        );
        if kind == Kind::Browser {
            let home = client.get("/?notice=account-deleted").await;
            assert!(home.body.contains("Your account was deleted."));
        }
        client.set_cookie("uuid", &uuid);
        assert!(!client.is_logged_in().await, "the old cookie is dead");
        let answer = registry.client(kind).login(&email, PASSWORD).await;
        answer.assert_refused(kind, 401, "Invalid email or password", None);
        assert_eq!(registry.subjects_to(&email).await, [GONE]);
    }
}

async fn an_account_that_is_not_confirmed_gets_no_last_mail(registry: Registry) {
    let ada = registry.signed_up(PROGRAM, ADA).await;
    delete(&ada, ADA).await;
    let subjects = registry.subjects_to(ADA).await;
    assert!(!subjects.contains(&GONE), "{subjects:?}");
}

async fn a_deletion_that_is_refused_changes_nothing(registry: Registry) {
    registry.add_user("eve@example.org").await;
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let email = format!("ada{n}@example.org");
        let client = registry.signed_up(kind, &email).await;
        let before = client.facts("/account").await;
        let (enter, not_it) = (
            "Enter your current password",
            "This is not your current password",
        );
        for (typed, password, code, message, field) in [
            ("", "", 403, enter, "current_password"),
            (&*email, "", 403, enter, "current_password"),
            (&email, WRONG, 403, not_it, "current_password"),
            ("", PASSWORD, 400, "Email is required", "email"),
            ("ada", PASSWORD, 400, "Enter a valid email address", "email"),
            (
                "eve@example.org",
                PASSWORD,
                400,
                "This is not your email",
                "email",
            ),
        ] {
            let fields = [("email", typed), ("current_password", password)];
            let answer = client.post("/account/delete", &fields).await;
            answer.assert_refused(kind, code, message, Some(field));
            assert_eq!(answer.set_cookies(), [""; 0]);
            if kind == Kind::Browser && !typed.is_empty() {
                assert!(
                    answer.body.contains(&format!("value=\"{typed}\"")),
                    "it is kept"
                );
            }
        }
        assert_eq!(client.facts("/account").await, before);
    }
}

async fn nothing_leads_to_a_deleted_account(registry: Registry) {
    let ada = registry.confirmed(PROGRAM, ADA).await;
    let phone = registry.program();
    phone.login(ADA, PASSWORD).await;
    let not_me = registry.mailed_link(ADA, NOT_ME).await;
    ada.post("/account/email", &[("email", "new@example.org")])
        .await;
    let confirm = registry.mailed_link("new@example.org", CONFIRM).await;
    let reset = registry.reset_uuid(ADA).await;
    delete(&ada, ADA).await;
    assert!(!phone.is_logged_in().await);
    for (page, uuid) in [(NOT_ME, &not_me), (CONFIRM, &confirm), (RESET, &reset)] {
        let answer = registry.program().get(&format!("{page}?uuid={uuid}")).await;
        answer.assert_refused(PROGRAM, 404, "User not found", None);
    }
    let answer = phone.post("/account/name", &[("name", "Eve")]).await;
    answer.assert_refused(PROGRAM, 401, "Log in first", None);
    registry
        .program()
        .post("/auth/forgot-password", &[("email", ADA)])
        .await;
    assert_eq!(
        registry.subjects_to(ADA).await,
        [GONE],
        "and no mail after it"
    );
}

async fn the_address_is_free_again(registry: Registry) {
    let ada = registry.confirmed(PROGRAM, ADA).await;
    let device = ada.cookie("device").unwrap();
    ada.post("/account/name", &[("name", "Grace")]).await;
    // A former address is free with it.
    ada.post("/account/email", &[("email", "new@example.org")])
        .await;
    let uuid = registry.mailed_link("new@example.org", CONFIRM).await;
    ada.post(CONFIRM, &[("uuid", &uuid)]).await;
    let id = ada.facts("/account/export").await["id"].clone();
    delete(&ada, "new@example.org").await;
    registry.wait(DAY);
    for email in ["new@example.org", ADA] {
        let again = registry.signed_up(PROGRAM, email).await;
        let facts = again.facts("/account").await;
        assert_eq!(facts["name"], json!("Ada Lovelace"));
        assert_eq!(
            (&facts["email_confirmed"], &facts["sessions"]),
            (&json!(false), &json!(1))
        );
        assert_ne!(again.facts("/account/export").await["id"], id);
        let history = again.facts("/account/history").await;
        assert_eq!(history["events"].as_array().unwrap().len(), 1);
        // The device of the old account is none of the new one.
        registry.fail_logins(email, 10).await;
        let old = registry.program();
        old.set_cookie("device", &device);
        old.login(email, PASSWORD).await.assert_wait(PROGRAM, 30);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_deleted_user_the_database_keeps_a_tombstone() {
    let registry = Registry::start(Kept::Mongo).await;
    let users = registry.database.as_ref().unwrap();
    let users = users.collection::<Document>("users");
    for email in [ADA, "eve@example.org"] {
        let client = registry.confirmed(PROGRAM, email).await;
        let ada = users.find_one(doc! { "email": email }).await.unwrap();
        let id = ada.unwrap().get("_id").unwrap().clone();
        delete(&client, email).await;
        registry.mail(email, GONE).await;
        let tombstone = users.find_one(doc! { "_id": &id }).await.unwrap().unwrap();
        let at = *tombstone.get_datetime("deletedAt").unwrap();
        assert_eq!(tombstone, doc! { "_id": id, "deletedAt": at });
        let ago = registry.clock.now().millis() - at.timestamp_millis();
        assert!((0..20_000).contains(&ago), "{ago} ms ago");
    }
}
