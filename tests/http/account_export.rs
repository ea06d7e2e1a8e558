//! `GET /account/export`.

use fpm_registry::accounts::{token::Token, upload_token_text::UploadTokenText};
use serde_json::json;

use crate::{
    ADA, PROGRAM,
    common::{
        EVERY_CLIENT, Kept, PASSWORD, Registry,
        mails::{CONFIRM, NOT_ME},
    },
    is_now,
    upload_tokens::make,
};

contract! {
    an_export_is_a_file_to_keep
    an_export_holds_everything_but_secrets
}

async fn an_export_is_a_file_to_keep(registry: Registry) {
    let ada = registry.signed_up(PROGRAM, ADA).await;
    for kind in EVERY_CLIENT {
        let client = registry.client(kind);
        client.set_cookie("uuid", &ada.cookie("uuid").unwrap());
        let answer = client.get("/account/export").await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.header("content-disposition"),
            "attachment; filename=\"fpm-registry-account.json\""
        );
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.json()["email"], json!(ADA));
        assert_eq!(client.head("/account/export").await.body, "");
    }
    let answer = ada.post("/account/export", &[]).await;
    assert_eq!(answer.status, 405);
}

async fn an_export_holds_everything_but_secrets(registry: Registry) {
    let mut ada = registry.program();
    ada.user_agent = Some("Firefox/145.0 on Linux, my own");
    let fields = [
        ("name", "Ada Lovelace"),
        ("email", ADA),
        ("password", PASSWORD),
    ];
    ada.post("/auth/signup", &fields).await;
    let signup = registry.mailed_link(ADA, CONFIRM).await;
    ada.post(CONFIRM, &[("uuid", &signup)]).await;
    let upload_token = make(&ada, "*", "publish").await;
    let phone = registry.program();
    phone.login(ADA, PASSWORD).await;
    let new_device = registry.mailed_link(ADA, NOT_ME).await;
    ada.post("/account/email", &[("email", "b@example.org")])
        .await;
    let change = registry.mailed_link("b@example.org", CONFIRM).await;
    ada.post(CONFIRM, &[("uuid", &change)]).await;
    let changed = registry.mailed_link(ADA, NOT_ME).await;
    ada.post("/account/email", &[("email", "c@example.org")])
        .await;
    let pending = registry.mailed_link("c@example.org", CONFIRM).await;
    let reset = registry.reset_uuid("b@example.org").await;

    let export = ada.facts("/account/export").await;
    assert!(export["id"].is_string() && export.get("last_logout").is_some());
    for key in [
        "created_at",
        "email_confirmed_at",
        "login_at",
        "password_changed_at",
    ] {
        assert!(is_now(&registry, &export[key]), "{key} of {export}");
    }
    assert_eq!(
        (&export["name"], &export["email"]),
        (&json!("Ada Lovelace"), &json!("b@example.org"))
    );
    assert_eq!(export["email_to_confirm"]["email"], json!("c@example.org"));
    assert_eq!(export["former_emails"][0]["email"], json!(ADA));
    assert_eq!(
        export["sessions"][0]["user_agent"],
        json!("Firefox/145.0 on Linux, my own")
    );
    assert!(export["reset_link_expires_at"].is_string());
    for (list, length) in [
        ("sessions", 2),
        ("known_devices", 2),
        ("undo_links", 2),
        ("upload_tokens", 1),
        ("history", 7),
    ] {
        assert_eq!(
            export[list].as_array().map(Vec::len),
            Some(length),
            "{list} of {export}"
        );
    }
    assert_eq!(
        export["history"],
        ada.facts("/account/history").await["events"]
    );
    for secret in [
        "the hash of the password",
        "the digests of sessions, known devices, upload tokens, recovery codes and mailed links",
        "the secrets of authenticator apps, and what passkeys and logins are checked with",
    ] {
        let left_out = export["left_out"].as_array().unwrap();
        assert!(left_out.contains(&json!(secret)), "{left_out:?}");
    }

    let text = export.to_string().to_lowercase();
    let cookies = [&ada, &phone].map(|client| ["uuid", "device"].map(|name| client.cookie(name)));
    let cookies = cookies.into_iter().flatten().flatten();
    let digest = UploadTokenText::parse(&upload_token).unwrap().digest();
    for secret in [upload_token, digest.to_string()] {
        assert!(
            !text.contains(&secret.to_lowercase()),
            "{secret} is in {text}"
        );
    }
    let tokens = cookies.chain([signup, new_device, change, changed, pending, reset]);
    for token in tokens {
        let digest = Token::parse(&token).unwrap().digest();
        let bytes: Vec<String> = digest.as_bytes().iter().map(u8::to_string).collect();
        for secret in [token, digest.to_string().to_lowercase(), bytes.join(",")] {
            assert!(!text.contains(&secret), "{secret} is in {text}");
        }
    }
    for word in ["argon2", "digest\":", "password\":", "hash\":"] {
        assert!(!text.contains(word), "{word} is in {text}");
    }
}
