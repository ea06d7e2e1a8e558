//! Requests that pages of other sites make (cross-site request forgery).

use fpm_registry::forms::{FORMS, form::Gate};

use crate::{
    ADA, EVE, NO_METHOD, NOT_ME, RESET,
    forms::fields_of,
    keys::{Keys, SECOND_FACTOR},
    socket::{Answer, FORM, JSON, PARTS, PASSWORD, PUBLIC_URL, Registry, get, post, post_as},
};

const OTHER_SITE: &str = "This request came from another site";

/// ASVS 3.5.1, 3.5.2, 3.5.3, CS-CSRF: what pages of other sites send is refused for every form, login and
/// signup included, in every encoding.
#[test]
fn pages_of_other_sites_can_send_nothing() {
    let registry = Registry::start();
    let session = registry.sign_up(ADA).session();
    let sites = [
        None,
        Some("same-origin"),
        Some("none"),
        Some("same-site"),
        Some("cross-site"),
    ];
    let origins = [
        None,
        Some(PUBLIC_URL),
        Some("http://evil.example"),
        Some("null"),
    ];
    for form in FORMS {
        let path = form.path;
        for content_type in [FORM, PARTS, JSON, "text/plain"] {
            for site in sites {
                for origin in origins {
                    let mut sent = post_as(content_type, path, &fields_of(form));
                    if let Some(site) = site {
                        sent = sent.with("Sec-Fetch-Site", site);
                    }
                    if let Some(origin) = origin {
                        sent = sent.with("Origin", origin);
                    }
                    let case = format!("{path} {content_type} {site:?} {origin:?}");
                    match (site, origin) {
                        (Some("same-origin" | "none"), _) | (None, None | Some(PUBLIC_URL)) => {
                            let answer = registry.send(&sent);
                            let is_text = content_type == "text/plain";
                            assert!(!answer.body.contains(OTHER_SITE), "{case}");
                            assert_eq!(answer.status == 415, is_text, "{case}");
                        }
                        _ => {
                            let answer = registry.send(&sent.with("Cookie", &session));
                            answer.assert_refused(403, OTHER_SITE, None);
                            assert_eq!(answer.all("set-cookie"), [""; 0], "{case}");
                        }
                    }
                }
            }
        }
    }
    assert!(
        registry.is_logged_in(&session),
        "another site logged Ada out"
    );
}

/// CS-CSRF, double submit: a form of a page brings the digest of the page's cookie, and another one is refused,
/// though neither `Sec-Fetch-Site` nor `Origin` came. Programs bring none.
#[test]
fn a_form_with_a_token_brings_that_of_its_page() {
    let registry = Registry::start();
    registry.sign_up(ADA);
    let keys = Keys::of_a_user(&registry, EVE);
    for form in FORMS {
        // A token is the browser's, whichever page brings it.
        let (page, path) = (form.page.unwrap_or("/auth/login"), form.path);
        let right = match path {
            // Ada has her account.
            "/auth/signup" => 400,
            // Nobody is logged in, and no such link was sent.
            _ if form.gate != Gate::Anyone => 401,
            SECOND_FACTOR => 401,
            "/auth/logout" | RESET | NOT_ME | "/auth/token/end" => 404,
            "/auth/token/check" | "/auth/token/used" => 403,
            // Nothing was asked.
            "/auth/passkey" => 400,
            _ => 200,
        };
        let open = keys.open(page).by_browser();
        let first = registry.send(&open);
        let cookie = first.cookie("form").unwrap();
        let token = token_in(&first);
        let other = token_in(&registry.send(&open));
        assert_ne!(token, other, "{page}: every browser has its own");
        assert!(!cookie.contains(&token), "{page}: the cookie is not told");
        let again = registry.send(&open.with("Cookie", &cookie));
        assert_eq!(token_in(&again), token, "{page}: it stays");
        assert_eq!(again.all("set-cookie"), [""; 0], "{page}");

        for content_type in [FORM, PARTS, JSON] {
            let send = |token: &str| {
                let mut fields = fields_of(form);
                fields.push(("csrf_token", token));
                registry.send(&post_as(content_type, path, &fields).with("Cookie", &cookie))
            };
            let words = "This form is out of date, send it again";
            for wrong in [other.as_str(), "wapiti", ""] {
                send(wrong).assert_refused(403, words, None);
            }
            let status = send(&token).status;
            assert_eq!(status, right, "{path} {content_type}");
        }
    }
    let wrong = [
        ("email", ADA),
        ("password", PASSWORD),
        ("csrf_token", "wapiti"),
    ];
    let cookie = registry.send(&get("/auth/login")).cookie("form").unwrap();
    let refused = post("/auth/login", &wrong)
        .by_browser()
        .with("Cookie", &cookie);
    let refused = registry.send(&refused);
    refused.assert_page(403, "This form is out of date, send it again");
    let right = token_in(&refused);
    let fields = [
        ("email", ADA),
        ("password", PASSWORD),
        ("csrf_token", &right),
    ];
    let sent_again = post("/auth/login", &fields)
        .by_browser()
        .with("Cookie", &cookie);
    registry.send(&sent_again).assert_leads_to("/");
}

/// What the form of a page brings back.
fn token_in(page: &Answer) -> String {
    let (_, rest) = page
        .body
        .split_once("name=\"csrf_token\" value=\"")
        .unwrap();
    rest.split('"').next().unwrap().to_owned()
}

/// ASVS 3.5.3, CS-CSRF: other sites and mails may link here, and no link changes anything.
#[test]
fn a_link_from_another_site_changes_nothing() {
    let registry = Registry::start();
    let session = registry.sign_up(ADA).session();
    let uuid = registry.reset_uuid(ADA);
    let from_elsewhere = |path: &str| {
        let request = get(path).by_browser().with("Sec-Fetch-Site", "cross-site");
        registry.send(&request.with("Cookie", &session))
    };
    from_elsewhere(&format!("{RESET}?uuid={uuid}")).assert_leads_to(RESET);
    let path = format!("{RESET}?uuid={uuid}&password=plum+tractor+glow");
    from_elsewhere(&path).assert_page(400, "A password must not be sent in an address");
    from_elsewhere("/auth/logout").assert_page(405, NO_METHOD);
    let path = "/auth/login?email=ada%40example.org&password=correct+horse+battery";
    assert_eq!(from_elsewhere(path).all("set-cookie"), [""; 0]);
    assert!(registry.is_logged_in(&session));
    assert_eq!(registry.log_in(ADA, PASSWORD).status, 200);
}
