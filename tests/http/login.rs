//! `POST /auth/login`, and its page.

use crate::{
    ADA, DAY,
    common::{EVERY_CLIENT, Kept, Kind, PASSWORD, Registry},
};

contract! {
    login_with_the_right_password
    login_with_a_wrong_or_unknown_pair
    login_without_a_field
    login_gives_a_new_session_and_ends_the_old
    login_adopts_no_made_up_session
    login_leads_to_next
    login_page
    login_refused_keeps_what_was_typed
}

async fn login_with_the_right_password(registry: Registry) {
    registry.add_user(ADA).await;
    for kind in EVERY_CLIENT {
        let client = registry.client(kind);
        let answer = client.login("  ADA@example.org ", PASSWORD).await;
        answer.assert_done(kind, "Login successful", "/");
        let [session, device] = &answer.set_cookies()[..] else {
            panic!("two cookies: {:?}", answer.set_cookies());
        };
        for (cookie, name, life) in [(session, "uuid", "2592000"), (device, "device", "31536000")] {
            let attributes = format!("; HttpOnly; SameSite=Lax; Path=/; Max-Age={life}");
            assert!(cookie.starts_with(name), "{cookie}");
            assert!(cookie.ends_with(&attributes), "{cookie}");
        }
        assert_eq!(client.cookie("uuid").unwrap().len(), 36);
        assert!(client.is_logged_in().await);
    }
}

async fn login_with_a_wrong_or_unknown_pair(registry: Registry) {
    registry.add_user(ADA).await;
    for kind in EVERY_CLIENT {
        for (email, password) in [
            (ADA, "wrong"),
            (ADA, "Correct horse battery"),
            (ADA, " correct horse battery"),
            ("eve@example.org", PASSWORD),
            ("john", "doe"),
            ("\"john\"", "\"doe\""),
        ] {
            let client = registry.client(kind);
            let answer = client.login(email, password).await;
            answer.assert_refused(kind, 401, "Invalid email or password", None);
            assert_eq!(answer.set_cookies(), [""; 0]);
        }
        registry.wait(DAY);
    }
}

async fn login_without_a_field(registry: Registry) {
    for kind in EVERY_CLIENT {
        let client = registry.client(kind);
        for fields in [
            &[][..],
            &[("email", ""), ("password", "")],
            &[("password", "x")],
        ] {
            let answer = client.post("/auth/login", fields).await;
            answer.assert_refused(kind, 400, "Email is required", Some("email"));
        }
        let answer = client.post("/auth/login", &[("email", "john")]).await;
        answer.assert_refused(kind, 400, "Password is required", Some("password"));
    }
}

async fn login_gives_a_new_session_and_ends_the_old(registry: Registry) {
    registry.add_user(ADA).await;
    registry.add_user("bob@example.org").await;
    let client = registry.program();
    client.login(ADA, PASSWORD).await;
    let first = client.cookie("uuid").unwrap();
    for email in [ADA, "bob@example.org"] {
        let before = client.cookie("uuid").unwrap();
        client.login(email, PASSWORD).await;
        assert_ne!(client.cookie("uuid").unwrap(), before);
        let thief = registry.program();
        thief.set_cookie("uuid", &before);
        assert!(
            !thief.is_logged_in().await,
            "the session before {email}'s login lives on"
        );
    }
    assert_ne!(client.cookie("uuid").unwrap(), first);
    assert!(client.is_logged_in().await);
}

async fn login_adopts_no_made_up_session(registry: Registry) {
    registry.add_user(ADA).await;
    let client = registry.program();
    for made_up in [
        "936da01f-9abd-4d9d-80c7-02af85c822a8",
        "john",
        "{\"$ne\":1}",
    ] {
        client.set_cookie("uuid", made_up);
        assert!(!client.is_logged_in().await);
        client.login(ADA, PASSWORD).await;
        assert_ne!(client.cookie("uuid").unwrap(), made_up);
    }
}

async fn login_leads_to_next(registry: Registry) {
    registry.add_user(ADA).await;
    for (next, location) in [
        ("/packages?q=a%20b", "/packages?q=a%20b"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/%2fevil.example", "/"),
    ] {
        let fields = [("email", ADA), ("password", PASSWORD), ("next", next)];
        let answer = registry.browser().post("/auth/login", &fields).await;
        answer.assert_done(Kind::Browser, "", location);
        let hydrated = registry
            .client(Kind::HydratedForm)
            .post("/auth/login", &fields)
            .await;
        assert_eq!(hydrated.header("location"), location);
        assert!(hydrated.headers.contains_key("serverfnredirect"));
    }
    let page = registry
        .browser()
        .get("/auth/login?next=/packages%3Fq=x")
        .await;
    assert!(
        page.body
            .contains("<input type=\"hidden\" name=\"next\" value=\"/packages?q=x\""),
        "{}",
        page.body
    );
    assert!(
        page.body
            .contains("href=\"/auth/signup?next=/packages%3Fq%3Dx\"")
    );
}

async fn login_page(registry: Registry) {
    registry.add_user(ADA).await;
    for (path, username) in [
        ("/auth/login", "username webauthn"),
        ("/auth/signup", "username"),
    ] {
        for client in [registry.program(), registry.browser()] {
            let page = client.get(path).await;
            assert_eq!(
                (page.status.as_u16(), page.header("content-type")),
                (200, "text/html; charset=utf-8")
            );
            assert_eq!(page.header("cache-control"), "no-store");
            assert!(page.header("vary").contains("Accept"));
            let username = format!("autocomplete=\"{username}\"");
            assert!(page.body.contains(&username), "{}", page.body);
            assert!(page.body.ends_with("</body></html>"), "{}", page.body);
            assert!(page.body.contains("-password\">Password</label>"));
        }
        let program = registry.program();
        program.login(ADA, PASSWORD).await;
        assert_eq!(program.get(path).await.status, 200);
        let browser = registry.browser();
        browser.login(ADA, PASSWORD).await;
        for (query, location) in [
            ("", "/"),
            ("?next=/packages", "/packages"),
            ("?next=//evil", "/"),
        ] {
            let answer = browser.get(&format!("{path}{query}")).await;
            answer.assert_done(Kind::Browser, "", location);
        }
    }
}

async fn login_refused_keeps_what_was_typed(registry: Registry) {
    let fields = [
        ("email", "<b>\"ada\"</b>"),
        ("password", "hunter2-secret"),
        ("next", "/packages"),
    ];
    let page = registry.browser().post("/auth/login", &fields).await;
    assert_eq!(page.status, 401);
    assert!(
        page.body
            .contains("value=\"&lt;b&gt;&quot;ada&quot;&lt;/b&gt;\""),
        "{}",
        page.body
    );
    assert!(page.body.contains("name=\"next\" value=\"/packages\""));
    assert!(!page.body.contains("hunter2-secret"));
    assert!(!page.body.contains("<b>"));
}
