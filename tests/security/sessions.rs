//! Sessions: where they travel, where they begin and end.

use crate::{
    ADA, MADE_UP, WRONG,
    socket::{FORM, JSON, PARTS, PASSWORD, Registry, get, login, post, post_as, request},
};

/// ASVS 14.2.1, CS-Session: a session is read from its cookie alone and written nowhere else.
#[test]
fn a_session_travels_in_its_cookie_alone() {
    let registry = Registry::start();
    let answer = registry.sign_up(ADA);
    let session = answer.session();
    let uuid = session.trim_start_matches("uuid=");
    assert!(!answer.body.contains(uuid));
    let page = registry.send(&login(ADA, PASSWORD).by_browser().with("Cookie", &session));
    page.assert_leads_to("/");
    let session = page.session();
    let uuid = session.trim_start_matches("uuid=");
    assert!(
        !registry
            .send(&get("/").with("Cookie", &session))
            .body
            .contains(uuid)
    );

    for elsewhere in [
        get(&format!("/?uuid={uuid}")),
        get(&format!("/;uuid={uuid}")),
        get("/").with("Authorization", format!("Bearer {uuid}")),
        get("/").with("X-Uuid", uuid),
        get("/").with(
            "Cookie",
            format!("UUID={uuid}; __Host-uuid={uuid}; reset={uuid}"),
        ),
    ] {
        let body = registry.send(&elsewhere).body;
        assert!(!body.contains("You are logged in as"), "{body}");
    }
    for content_type in [FORM, PARTS, JSON] {
        let logout = post_as(content_type, "/auth/logout", &[("uuid", uuid)]);
        registry
            .send(&logout)
            .assert_refused(404, "User not found", None);
    }
    assert!(registry.is_logged_in(&session));
}

/// ASVS 7.2.1, 7.2.2, 7.2.4, CS-Session: every login has a new random session, a made-up one is never
/// adopted, and the one a device had before ends.
#[test]
fn a_login_always_makes_a_new_session() {
    let registry = Registry::start();
    registry.sign_up(ADA);
    let made_up = format!("uuid={MADE_UP}");
    let mut sessions = vec![made_up];
    for _ in 0..30 {
        let before = sessions.last().unwrap().clone();
        let answer = registry.send(&login(ADA, PASSWORD).with("Cookie", &before));
        answer.assert_done("Login successful");
        let session = answer.session();
        let uuid = uuid::Uuid::try_parse(session.trim_start_matches("uuid=")).unwrap();
        assert_eq!(uuid.get_version(), Some(uuid::Version::Random));
        assert!(
            !registry.is_logged_in(&before),
            "the session before lives on"
        );
        assert!(!sessions.contains(&session));
        sessions.push(session);
    }
    assert!(registry.is_logged_in(sessions.last().unwrap()));
    let refused = login(ADA, "wrong").with("Cookie", sessions.last().unwrap());
    registry.send(&refused).assert_refused(401, WRONG, None);
    assert!(
        registry.is_logged_in(sessions.last().unwrap()),
        "a failure ends nothing"
    );
}

/// ASVS 7.4.1, 3.5.3: a logout is a POST, ends the session on the server, and clears the cookie.
#[test]
fn only_a_post_logs_out_and_then_for_good() {
    let registry = Registry::start();
    let session = registry.sign_up(ADA).session();
    for method in ["GET", "HEAD", "PUT", "DELETE"] {
        let answer = registry.send(&request(method, "/auth/logout").with("Cookie", &session));
        assert_eq!((answer.status, answer.header("allow")), (405, "POST"));
        assert!(registry.is_logged_in(&session));
    }
    let logout = post("/auth/logout", &[]).with("Cookie", &session);
    registry.send(&logout).assert_done("Logout successful");
    assert!(!registry.is_logged_in(&session));
    registry
        .send(&logout)
        .assert_refused(404, "User not found", None);
}
