//! `/account/sessions`, and the forms that end sessions.

use std::collections::HashSet;

use fpm_registry::accounts::token::Token;
use serde_json::{Value, json};

use crate::{
    ADA, MINUTE, PROGRAM,
    common::{Client, EVERY_CLIENT, Kept, Kind, PASSWORD, Registry},
    is_now,
};

contract! {
    the_list_of_sessions
    a_session_in_use_says_when_and_where
    a_handle_opens_nothing
    a_session_is_ended_by_its_handle
    to_end_the_own_session_is_a_logout
    a_handle_of_nobody_and_of_somebody_else_are_alike
    all_other_sessions_are_ended
    a_page_has_a_form_for_each_row
}

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

async fn sessions(client: &Client<'_>) -> Vec<Value> {
    let facts = client.facts("/account/sessions").await;
    assert_eq!(facts.as_object().unwrap().len(), 1, "{facts}");
    facts["sessions"].as_array().unwrap().clone()
}

/// The handle of the client's own session.
async fn handle(client: &Client<'_>) -> String {
    let sessions = sessions(client).await;
    let mut current = sessions.iter().filter(|session| session["current"] == true);
    let own = current.next().expect("the own session");
    assert!(current.next().is_none());
    own["handle"].as_str().unwrap().to_owned()
}

async fn the_list_of_sessions(registry: Registry) {
    registry.add_user(ADA).await;
    let at = |address: &str, name| {
        let mut client = registry.client_at(PROGRAM, address.parse().unwrap());
        client.user_agent = Some(name);
        client
    };
    let clients = [
        at("192.0.2.77", FIREFOX),
        at("2001:db8:1:2345:3:4:5:6", "curl/8.15.0"),
        at("::ffff:198.51.100.7", "<script>alert(1)</script>"),
    ];
    for client in &clients {
        registry.wait(MINUTE);
        client.login(ADA, PASSWORD).await;
    }
    registry.wait(MINUTE);
    let listed = sessions(&clients[1]).await;
    assert_eq!(listed.len(), 4, "with that of the signup");
    let expected = [
        ("Unknown device", "198.51.100.0/24", false),
        ("curl", "2001:db8:1::/48", true),
        ("Firefox on Linux", "192.0.2.0/24", false),
    ];
    for (session, (device, network, is_current)) in listed.iter().zip(expected) {
        let times = [&session["created_at"], &session["used_at"]];
        assert_eq!(times[0], times[1]);
        assert!(
            times[0]
                .as_str()
                .is_some_and(|time| time.len() == 20 && time.ends_with('Z'))
        );
        let whole = json!({
            "handle": session["handle"],
            "device": device,
            "network": network,
            "created_at": times[0],
            "used_at": times[1],
            "current": is_current,
        });
        assert_eq!(*session, whole);
    }
    let times: HashSet<_> = listed
        .iter()
        .map(|session| session["created_at"].clone())
        .collect();
    assert_eq!(times.len(), 4);
}

async fn a_session_in_use_says_when_and_where(registry: Registry) {
    let ada = registry.signed_up(PROGRAM, ADA).await;
    let before = sessions(&ada).await.remove(0);
    registry.wait(61 * MINUTE);
    let abroad = registry.client_at(PROGRAM, "203.0.113.9".parse().unwrap());
    abroad.set_cookie("uuid", &ada.cookie("uuid").unwrap());
    abroad.get("/account").await;
    let after = sessions(&ada).await.remove(0);
    assert!(is_now(&registry, &after["used_at"]), "{after}");
    let mut moved = before.clone();
    moved["used_at"] = after["used_at"].clone();
    moved["network"] = json!("203.0.113.0/24");
    assert_eq!(after, moved);
}

async fn a_handle_opens_nothing(registry: Registry) {
    let ada = registry.signed_up(PROGRAM, ADA).await;
    let handle = handle(&ada).await;
    assert!(handle.len() == 16 && handle.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let uuid = ada.cookie("uuid").unwrap();
    let digest = Token::parse(&uuid).unwrap().digest().to_string();
    assert!(!digest.contains(&handle) && !uuid.replace('-', "").contains(&handle));
    let facts = ada.facts("/account/sessions").await.to_string();
    assert!(!facts.contains(&digest) && !facts.contains(&uuid));
    let thief = registry.program();
    thief.set_cookie("uuid", &handle);
    assert_eq!(thief.get("/account").await.status, 401);
}

async fn a_session_is_ended_by_its_handle(registry: Registry) {
    registry.add_user(ADA).await;
    for kind in EVERY_CLIENT {
        let (here, there, other) = (
            registry.client(kind),
            registry.program(),
            registry.browser(),
        );
        for client in [&here, &there, &other] {
            client.login(ADA, PASSWORD).await;
        }
        let named = handle(&there).await;
        let fields = [("session", &*named)];
        let answer = here.post("/account/sessions/end", &fields).await;
        let page = "/account/sessions?notice=session-ended";
        answer.assert_done(kind, "Session ended", page);
        assert_eq!(answer.set_cookies(), [""; 0]);
        assert!(!there.is_logged_in().await);
        assert!(here.is_logged_in().await && other.is_logged_in().await);
        if kind == Kind::Browser {
            assert!(here.get(page).await.body.contains("The session was ended."));
        }
        let again = here.post("/account/sessions/end", &fields).await;
        again.assert_refused(kind, 404, "Not found", None);
    }
}

async fn to_end_the_own_session_is_a_logout(registry: Registry) {
    registry.add_user(ADA).await;
    for kind in EVERY_CLIENT {
        let (here, there) = (registry.client(kind), registry.program());
        here.login(ADA, PASSWORD).await;
        there.login(ADA, PASSWORD).await;
        let uuid = here.cookie("uuid").unwrap();
        let own = handle(&here).await;
        let answer = here
            .post("/account/sessions/end", &[("session", &own)])
            .await;
        answer.assert_done(kind, "Session ended", "/auth/login");
        assert_eq!(
            answer.set_cookies(),
            ["uuid=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"]
        );
        here.set_cookie("uuid", &uuid);
        assert!(!here.is_logged_in().await && there.is_logged_in().await);
    }
}

async fn a_handle_of_nobody_and_of_somebody_else_are_alike(registry: Registry) {
    let eve = registry.signed_up(PROGRAM, "eve@example.org").await;
    let of_eve = handle(&eve).await;
    registry.add_user(ADA).await;
    for kind in EVERY_CLIENT {
        let client = registry.client(kind);
        client.login(ADA, PASSWORD).await;
        let ended = registry.program();
        ended.login(ADA, PASSWORD).await;
        let of_ended = handle(&ended).await;
        ended.post("/auth/logout", &[]).await;
        for fields in [
            &[("session", &*of_eve)][..],
            &[("session", &*of_ended)],
            &[("session", "0123456789abcdef")],
            &[("session", "")],
            &[],
        ] {
            let answer = client.post("/account/sessions/end", fields).await;
            answer.assert_refused(kind, 404, "Not found", None);
            if kind == Kind::Browser {
                assert!(answer.body.contains("<h1>Sessions</h1>"), "{}", answer.body);
            }
        }
        assert!(client.is_logged_in().await);
    }
    assert!(eve.is_logged_in().await);
}

async fn all_other_sessions_are_ended(registry: Registry) {
    registry.add_user(ADA).await;
    let eve = registry.signed_up(PROGRAM, "eve@example.org").await;
    for kind in EVERY_CLIENT {
        let here = registry.client(kind);
        here.login(ADA, PASSWORD).await;
        here.post("/account/sessions/end-others", &[]).await;
        let others = [registry.program(), registry.browser()];
        for other in &others {
            other.login(ADA, PASSWORD).await;
        }
        for ended in [2, 0] {
            let answer = here.post("/account/sessions/end-others", &[]).await;
            let page = "/account/sessions?notice=others-ended";
            match kind {
                Kind::Browser => {
                    answer.assert_leads_to(page);
                    let told = here.get(page).await;
                    assert!(told.body.contains("All other sessions were ended."));
                }
                _ => {
                    let message = "All other sessions ended";
                    let body = json!({"message": message, "code": 200, "ended": ended});
                    assert_eq!((answer.status.as_u16(), answer.json()), (200, body));
                }
            }
            assert_eq!(answer.set_cookies(), [""; 0]);
        }
        for other in &others {
            assert!(!other.is_logged_in().await);
        }
        assert_eq!(sessions(&here).await.len(), 1);
    }
    assert!(eve.is_logged_in().await);
}

async fn a_page_has_a_form_for_each_row(registry: Registry) {
    let browser = registry.signed_up(Kind::Browser, ADA).await;
    let page = browser.get("/account/sessions").await;
    assert!(page.body.contains("You are logged in nowhere else."));
    for _ in 0..2 {
        registry.program().login(ADA, PASSWORD).await;
    }
    let page = browser.get("/account/sessions").await;
    assert_eq!(
        page.body
            .matches("action=\"/account/sessions/end\"")
            .count(),
        3
    );
    assert_eq!(
        page.body
            .matches("action=\"/account/sessions/end-others\"")
            .count(),
        1
    );
    assert_eq!(page.body.matches("This session").count(), 1);
    for session in sessions(&browser).await {
        let handle = session["handle"].as_str().unwrap();
        let field = format!("name=\"session\" value=\"{handle}\"");
        assert_eq!(page.body.matches(&field).count(), 1, "{}", page.body);
        for fact in ["network", "created_at"] {
            assert!(
                page.body.contains(session[fact].as_str().unwrap()),
                "{fact}"
            );
        }
    }
    assert!(!page.body.contains(&browser.cookie("uuid").unwrap()));
}
