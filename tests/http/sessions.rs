//! How long sessions live, what a clock put right does to them, and their cookies under https.

use crate::{
    ADA, DAY, MINUTE, PROGRAM,
    common::{EVERY_CLIENT, Kept, PASSWORD, Registry},
};

contract! {
    session_ends_after_thirty_days
    session_ends_after_fourteen_days_without_use
    a_clock_that_jumps_back_and_is_put_right
}

async fn session_ends_after_thirty_days(registry: Registry) {
    registry.add_user(ADA).await;
    let client = registry.program();
    client.login(ADA, PASSWORD).await;
    for _ in 0..2 {
        registry.wait(10 * DAY);
        assert!(client.is_logged_in().await);
    }
    registry.wait(10 * DAY);
    assert!(!client.is_logged_in().await);
    let answer = client.post("/auth/logout", &[]).await;
    answer.assert_refused(EVERY_CLIENT[0], 404, "User not found", None);
}

async fn session_ends_after_fourteen_days_without_use(registry: Registry) {
    registry.add_user(ADA).await;
    let client = registry.program();
    client.login(ADA, PASSWORD).await;
    registry.wait(13 * DAY);
    assert!(client.is_logged_in().await);
    registry.wait(14 * DAY);
    assert!(!client.is_logged_in().await);

    client.login(ADA, PASSWORD).await;
    registry.wait(13 * DAY);
    assert_eq!(client.head("/").await.status, 200);
    registry.wait(2 * DAY);
    assert!(!client.is_logged_in().await, "HEAD was a use");
}

async fn a_clock_that_jumps_back_and_is_put_right(registry: Registry) {
    registry.add_user(ADA).await;
    let browser = registry.browser();
    assert_eq!(browser.login(ADA, PASSWORD).await.status, 303);
    let page_of = |uuid: &str| format!("/auth/reset-password?uuid={uuid}");
    let before = registry.reset_uuid(ADA).await;
    registry.fail_logins("bob@example.org", 10).await;

    registry.turn_back(60 * MINUTE);
    assert!(browser.is_logged_in().await);
    let answer = registry.program().get(&page_of(&before)).await;
    assert_eq!(answer.status, 200);
    // A wait ends when it would have ended, and says so.
    let answer = registry.program().login("bob@example.org", PASSWORD).await;
    answer.assert_wait(PROGRAM, 60 * 60 + 30);
    // What begins now is as good as ever.
    let answer = registry.program().login(ADA, PASSWORD).await;
    answer.assert_done(PROGRAM, "Login successful", "/");
    let newer = registry.reset_uuid(ADA).await;
    for (uuid, status) in [(&before, 404), (&newer, 200)] {
        let answer = registry.program().get(&page_of(uuid)).await;
        assert_eq!(answer.status.as_u16(), status);
    }
    registry.fail_logins(ADA, 10).await;
    let answer = registry.program().login(ADA, PASSWORD).await;
    answer.assert_wait(PROGRAM, 30);

    registry.wait(60 * MINUTE);
    assert!(browser.is_logged_in().await);
    let answer = registry.program().get(&page_of(&newer)).await;
    assert_eq!(answer.status, 404, "no link lives longer than it should");
    let answer = registry.program().login(ADA, PASSWORD).await;
    answer.assert_done(PROGRAM, "Login successful", "/");
    let answer = registry.program().login("bob@example.org", PASSWORD).await;
    answer.assert_wait(PROGRAM, 30);
}

/// Under https, cookies are bound to the host and to https.
#[tokio::test(flavor = "multi_thread")]
async fn https_marks_the_cookies() {
    let registry = Registry::start_at(Kept::Embedded, "https://registry.example.org").await;
    registry.add_user(ADA).await;
    let client = registry.browser();
    let answer = client.login(ADA, PASSWORD).await;
    let [session, device] = &answer.set_cookies()[..] else {
        panic!("two cookies");
    };
    for (cookie, name, life) in [
        (session, "__Host-uuid=", "2592000"),
        (device, "__Host-device=", "31536000"),
    ] {
        let attributes = format!("; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age={life}");
        assert!(cookie.starts_with(name), "{cookie}");
        assert!(cookie.ends_with(&attributes), "{cookie}");
    }
    assert_eq!(
        answer.header("strict-transport-security"),
        "max-age=63072000; includeSubDomains"
    );
    assert!(client.is_logged_in().await);
    registry
        .program()
        .post("/auth/forgot-password", &[("email", ADA)])
        .await;
    let mail = registry.mail(ADA, "Reset your fpm-registry password").await;
    let link = mail.link().unwrap();
    assert!(
        link.starts_with("https://registry.example.org/auth/reset-password?uuid="),
        "{link}"
    );
}
