//! `POST /auth/logout`.

use crate::{
    ADA,
    common::{EVERY_CLIENT, Kept, Kind, PASSWORD, Registry},
};

contract! {
    logout_ends_the_session
    logout_without_a_session
    logout_ends_one_device_only
}

async fn logout_ends_the_session(registry: Registry) {
    registry.add_user(ADA).await;
    for kind in EVERY_CLIENT {
        let client = registry.client(kind);
        client.login(ADA, PASSWORD).await;
        let session = client.cookie("uuid").unwrap();
        let answer = client.post("/auth/logout", &[]).await;
        answer.assert_done(kind, "Logout successful", "/auth/login");
        assert_eq!(
            answer.set_cookies(),
            ["uuid=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"]
        );
        client.set_cookie("uuid", &session);
        assert!(!client.is_logged_in().await);
    }
}

async fn logout_without_a_session(registry: Registry) {
    for kind in EVERY_CLIENT {
        for cookie in ["", "john", "936da01f-9abd-4d9d-80c7-02af85c822a8"] {
            let client = registry.client(kind);
            client.set_cookie("uuid", cookie);
            let answer = client.post("/auth/logout", &[]).await;
            match kind {
                Kind::Browser => answer.assert_done(kind, "", "/auth/login"),
                _ => answer.assert_refused(kind, 404, "User not found", None),
            }
            assert_eq!(
                answer.set_cookies(),
                ["uuid=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"]
            );
        }
    }
}

async fn logout_ends_one_device_only(registry: Registry) {
    registry.add_user(ADA).await;
    let (laptop, phone) = (registry.program(), registry.browser());
    laptop.login(ADA, PASSWORD).await;
    phone.login(ADA, PASSWORD).await;
    laptop.post("/auth/logout", &[]).await;
    assert!(!laptop.is_logged_in().await);
    assert!(phone.is_logged_in().await);
}
