//! `POST /auth/signup`.

use crate::{
    ADA,
    common::{BREACHED, EVERY_CLIENT, Kept, Kind, PASSWORD, Registry},
};

contract! {
    signup_makes_an_account_and_logs_in
    signup_with_a_taken_email
    signup_with_a_bad_field
    a_password_of_any_unicode
    a_signup_says_what_we_write_about
}

async fn signup_makes_an_account_and_logs_in(registry: Registry) {
    for (number, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let email = format!("Ada{number}@Example.org");
        let client = registry.client(kind);
        let fields = [
            ("name", " Ada \u{1F986} "),
            ("email", &email),
            ("password", PASSWORD),
            ("next", "/packages"),
            ("role", "admin"),
        ];
        let answer = client.post("/auth/signup", &fields).await;
        answer.assert_done(kind, "Signup successful", "/packages");
        assert!(client.is_logged_in().await);
        let page = client.get("/").await;
        assert!(page.body.contains("Ada \u{1F986}") && page.body.contains(&email.to_lowercase()));
        registry
            .program()
            .login(&email, PASSWORD)
            .await
            .assert_done(Kind::HydratedForm, "Login successful", "");
    }
}

async fn signup_with_a_taken_email(registry: Registry) {
    registry.add_user(ADA).await;
    for kind in EVERY_CLIENT {
        let fields = [
            ("name", "Eve"),
            ("email", "ADA@EXAMPLE.ORG"),
            ("password", PASSWORD),
        ];
        let answer = registry.client(kind).post("/auth/signup", &fields).await;
        answer.assert_refused(
            kind,
            400,
            "A user with this email already exists",
            Some("email"),
        );
        assert_eq!(answer.set_cookies(), [""; 0]);
    }
    assert_eq!(registry.program().login(ADA, PASSWORD).await.status, 200);
}

async fn signup_with_a_bad_field(registry: Registry) {
    let long = "x".repeat(257);
    for kind in EVERY_CLIENT {
        for (name, email, password, message, field) in [
            ("", "", "", "Name is required", "name"),
            ("Ada", "", "", "Email is required", "email"),
            ("Ada", "ada", "", "Enter a valid email address", "email"),
            (
                "Ada",
                "ada@example.org\r\nBcc: x@y.org",
                PASSWORD,
                "Enter a valid email address",
                "email",
            ),
            ("Ada", ADA, "", "Password is required", "password"),
            (
                "Ada",
                ADA,
                "short",
                "Password must be at least 8 characters",
                "password",
            ),
            (
                "Ada",
                ADA,
                &long,
                "Password must be at most 256 characters",
                "password",
            ),
            (
                "Ada",
                ADA,
                "password",
                "Password is too easy to guess: it is one of the most common passwords",
                "password",
            ),
            ("Ada", ADA, BREACHED.0, BREACHED.1, "password"),
        ] {
            let fields = [("name", name), ("email", email), ("password", password)];
            let answer = registry.client(kind).post("/auth/signup", &fields).await;
            answer.assert_refused(kind, 400, message, Some(field));
        }
    }
    assert_eq!(registry.program().login(ADA, "password").await.status, 401);
}

async fn a_password_of_any_unicode(registry: Registry) {
    for (number, password) in [
        "пароль на ночь",
        "🦆🐢🦊🐙🦋🐝🐳🦔",
        "caf\u{e9} r\u{e9}sum\u{e9}",
        &format!("plum tractor glow{}", "\u{5d0}".repeat(239)),
    ]
    .into_iter()
    .enumerate()
    {
        let email = format!("ada{number}@example.org");
        let fields = [
            ("name", "Ada"),
            ("email", email.as_str()),
            ("password", password),
        ];
        let answer = registry.program().post("/auth/signup", &fields).await;
        answer.assert_done(EVERY_CLIENT[0], "Signup successful", "");
        for kind in EVERY_CLIENT {
            let answer = registry.client(kind).login(&email, password).await;
            answer.assert_done(kind, "Login successful", "/");
        }
    }
    let decomposed = registry
        .program()
        .login("ada2@example.org", "cafe\u{301} re\u{301}sume\u{301}")
        .await;
    decomposed.assert_done(EVERY_CLIENT[0], "Login successful", "");
}

async fn a_signup_says_what_we_write_about(registry: Registry) {
    let page = registry.browser().get("/auth/signup").await;
    assert!(page.body.contains("We write only about your account."));
}
