//! `POST /auth/forgot-password`.

use crate::{
    ADA, MINUTE,
    common::{EVERY_CLIENT, Kept, Registry},
};

contract! {
    forgot_password_answers_all_addresses_alike
    forgot_password_with_a_bad_address
}

const PROMISE: &str = "If this email has an account, a password reset link has been sent to it";

async fn forgot_password_answers_all_addresses_alike(registry: Registry) {
    registry.add_user(ADA).await;
    registry.wait(15 * MINUTE);
    for kind in EVERY_CLIENT {
        let known = registry
            .client(kind)
            .post("/auth/forgot-password", &[("email", ADA)])
            .await;
        let unknown = registry
            .client(kind)
            .post("/auth/forgot-password", &[("email", "eve@example.org")])
            .await;
        known.assert_done(kind, PROMISE, "/auth/reset-password?notice=sent");
        known.assert_like(&unknown);
        registry.mail(ADA, "Reset your fpm-registry password").await;
        registry.wait(5 * MINUTE);
    }
    assert!(registry.inbox.take("eve@example.org").is_none());
    let page = registry
        .browser()
        .get("/auth/reset-password?notice=sent")
        .await;
    assert!(page.body.contains(PROMISE));
}

async fn forgot_password_with_a_bad_address(registry: Registry) {
    for kind in EVERY_CLIENT {
        for (email, message) in [
            ("", "Email is required"),
            ("ada", "Enter a valid email address"),
            (
                "ada@example.org, eve@example.org",
                "Enter a valid email address",
            ),
        ] {
            let answer = registry
                .client(kind)
                .post("/auth/forgot-password", &[("email", email)])
                .await;
            answer.assert_refused(kind, 400, message, Some("email"));
        }
    }
}
