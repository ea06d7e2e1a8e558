//! The account area: who gets in, what others reach of it, and what it tells.

use fpm_registry::forms::{FORMS, form::Gate};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    ADA, CONFIRM, EVE, MADE_UP, NOT_ME,
    forms::fields_of,
    keys::{Keys, Mailbox},
    mongod::database_name,
    on_mongo,
    socket::{NEW_PASSWORD, PASSWORD, Registry, Setup, encode, get, post, request},
};

const EXPORT: &str = "/account/export";
const AREA: [&str; 3] = ["/account", "/account/sessions", "/account/history"];

/// ASVS 7.2.1, 8.3.1: without a session that lives nothing of the area is shown or changed; a browser is sent to log in.
#[test]
fn the_account_area_is_closed_without_a_live_session() {
    let registry = Registry::start();
    let ended = registry.sign_up(ADA).session();
    let logout = post("/auth/logout", &[]).with("Cookie", &ended);
    assert_eq!(registry.send(&logout).status, 200);
    let made_up = format!("uuid={MADE_UP}");
    for cookie in ["", &ended, &made_up, "uuid=john"] {
        for path in AREA.into_iter().chain([EXPORT]) {
            for method in ["GET", "HEAD"] {
                let sent = request(method, path).with("Cookie", cookie);
                let answer = registry.send(&sent);
                assert_eq!(answer.status, 401, "{method} {path}");
                let page = registry.send(&sent.by_browser());
                let back = if path == EXPORT { "/account" } else { path };
                page.assert_leads_to(&format!("/auth/login?next={back}"));
                assert!(!page.body.contains("ada") && !answer.body.contains("ada"));
            }
        }
        for form in FORMS.iter().filter(|form| form.gate != Gate::Anyone) {
            let sent = post(form.path, &fields_of(form)).with("Cookie", cookie);
            registry
                .send(&sent)
                .assert_refused(401, "Log in first", None);
            let page = registry.send(&sent.by_browser());
            let back = form.page.unwrap();
            page.assert_leads_to(&format!("/auth/login?next={back}"));
        }
    }
    assert_eq!(registry.log_in(ADA, PASSWORD).status, 200);
}

/// ASVS 8.2.2, 7.5.2: a handle of another user's session is one that never was, and no handle opens anything.
#[test]
fn a_handle_is_of_use_to_its_user_alone() {
    let registry = Registry::start();
    let mailbox = Mailbox::new(&registry);
    let (ada, eve) = (mailbox.signed_up(ADA), mailbox.signed_up(EVE));
    let sessions = mailbox.facts("/account/sessions", &ada);
    let handle = sessions["sessions"][0]["handle"].as_str().unwrap();
    let end = |handle: &str| mailbox.send("/account/sessions/end", &[("session", handle)], &eve);
    let uuid = ada.split(['=', ';']).nth(1).unwrap();
    let digest = Sha256::digest(uuid::Uuid::try_parse(uuid).unwrap().as_bytes());
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    for other in [
        handle,
        "0123456789abcdef",
        "",
        uuid,
        &digest,
        "../sessions",
        "{\"$ne\":1}",
    ] {
        end(other).assert_refused(404, "Not found", None);
        assert!(!mailbox.is_alive(&format!("uuid={other}")) || other == uuid);
    }
    assert!(!digest.contains(handle) && !uuid.replace('-', "").contains(handle));
    assert!(mailbox.is_alive(&ada) && mailbox.is_alive(&eve));
}

/// ASVS 7.4.5, 7.5.2: a user sees every session, and ends one of them or all others.
#[test]
fn a_user_sees_and_ends_sessions() {
    for setup in [Setup::unlimited(), on_mongo(&database_name())] {
        let registry = setup.start();
        let mailbox = Mailbox::new(&registry);
        let here = mailbox.signed_up(ADA);
        let [phone, tablet, tv] = [(); 3].map(|()| mailbox.logged_in(ADA, PASSWORD));
        let listed = mailbox.facts("/account/sessions", &phone);
        let listed = listed["sessions"].as_array().unwrap();
        assert_eq!(listed.len(), 4);
        let own = listed
            .iter()
            .find(|row| row["current"] == Value::Bool(true));
        let handle = own.unwrap()["handle"].as_str().unwrap();
        let ended = mailbox.send("/account/sessions/end", &[("session", handle)], &here);
        ended.assert_done("Session ended");
        assert!(!mailbox.is_alive(&phone) && mailbox.is_alive(&tablet));
        let again = mailbox.send("/account/sessions/end", &[("session", handle)], &here);
        again.assert_refused(404, "Not found", None);
        let ended = mailbox.send("/account/sessions/end-others", &[], &here);
        let told: Value = serde_json::from_str(&ended.body).unwrap();
        assert_eq!((ended.status, &told["ended"]), (200, &2.into()));
        let live = [&here, &tablet, &tv].map(|cookies| mailbox.is_alive(cookies));
        assert_eq!(live, [true, false, false]);
    }
}

/// ASVS 3.5.3, CS-CSRF: a link does nothing, whatever it says; the links of mails included, which scanners open.
#[test]
fn no_link_changes_an_account() {
    let registry = Registry::start();
    let mailbox = Mailbox::new(&registry);
    let keys = Keys::of_a_user(&registry, ADA);
    let state = || {
        let mut all = mailbox.facts(EXPORT, &keys.session);
        // Only the reading of it may have been noted.
        all["sessions"] = Value::Null;
        all
    };
    let before = state();
    for form in FORMS.iter().filter(|form| form.path != "/auth/logout") {
        let fields = encode("", &fields_of(form));
        for method in ["GET", "HEAD"] {
            for site in ["cross-site", "none"] {
                let path = format!("{}?{fields}", form.path);
                let sent = request(method, &path).with("Sec-Fetch-Site", site);
                registry.send(&sent.with("Cookie", &keys.session).by_browser());
            }
        }
    }
    for (path, uuid) in [(CONFIRM, &keys.confirm), (NOT_ME, &keys.not_me)] {
        let link = format!("{path}?uuid={uuid}");
        for _ in 0..20 {
            let opened = registry.send(&get(&link).by_browser());
            opened.assert_leads_to(path);
            assert_eq!(registry.send(&get(&link)).status, 200);
            assert_eq!(registry.send(&request("HEAD", &link)).status, 200);
            assert_eq!(registry.send(&keys.open(path).by_browser()).status, 200);
        }
    }
    assert_eq!(state(), before);
    let confirmed = mailbox.send(CONFIRM, &[("uuid", &keys.confirm)], &keys.session);
    confirmed.assert_done("Email confirmed");
    let secured = mailbox.send(NOT_ME, &[("uuid", &keys.not_me)], "");
    assert_eq!(secured.status, 200, "{}", secured.body);
}

/// ASVS 6.5.2, 14.2.1, 14.2.6: what a user takes along or sees has no uuid, digest or hash, on both stores.
#[test]
fn nothing_shown_of_an_account_opens_it() {
    for setup in [Setup::unlimited(), on_mongo(&database_name())] {
        let registry = setup.start();
        let keys = Keys::of_a_user(&registry, ADA);
        let reset = registry.reset_uuid(ADA);
        let cookies = keys
            .session
            .split("; ")
            .map(|pair| &pair[pair.len() - 36..]);
        let links = [keys.confirm.as_str(), &keys.not_me, &reset];
        let secrets: Vec<&str> = cookies.chain(links).collect();
        assert_eq!(secrets.len(), 5);
        let export = registry.send(&get(EXPORT).with("Cookie", &keys.session));
        let saved_as = "attachment; filename=\"fpm-registry-account.json\"";
        assert_eq!(export.header("content-disposition"), saved_as);
        let pages = AREA.map(|path| keys.open(path));
        let pages = pages
            .iter()
            .flat_map(|sent| [sent.clone(), sent.clone().by_browser()]);
        let pages = pages.chain([CONFIRM, NOT_ME].map(|path| keys.open(path).by_browser()));
        for answer in pages.map(|sent| registry.send(&sent)).chain([export]) {
            assert_eq!(answer.status, 200, "{}", answer.body);
            for secret in &secrets {
                let uuid = uuid::Uuid::try_parse(secret).unwrap();
                let digest = Sha256::digest(uuid.as_bytes());
                let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
                // A form of a link says by 16 digits which link it is for.
                let told = answer.body.replace(&format!("\"{}\"", &digest[..16]), "");
                for secret in [*secret, &uuid.simple().to_string(), &digest[..16]] {
                    assert!(!told.contains(secret), "{told}");
                }
            }
            assert!(!answer.body.contains("argon2"), "{}", answer.body);
        }
    }
}

/// ASVS 16.2.5, 16.4.1: of all that happens in an account the log tells by the user's id alone.
#[test]
fn the_log_tells_of_accounts_by_their_ids_alone() {
    let registry = Registry::start();
    let mailbox = Mailbox::new(&registry);
    let keys = Keys::of_a_user(&registry, ADA);
    let mut secrets: Vec<String> = keys.session.split("; ").map(str::to_owned).collect();
    for secret in &mut secrets {
        *secret = secret.split('=').nth(1).unwrap().to_owned();
    }
    secrets.extend([keys.confirm.clone(), keys.not_me.clone()]);
    for (path, uuid) in [(CONFIRM, &keys.confirm), (NOT_ME, &keys.not_me)] {
        registry.send(&get(&format!("{path}?uuid={uuid}")).by_browser());
    }
    let wrong = [("current_password", "hunter2-secret"), ("email", ADA)];
    mailbox.send("/account/delete", &wrong, &keys.session);
    mailbox.send("/account/name", &[("name", "hunter2-name")], &keys.session);
    mailbox.send(CONFIRM, &[("uuid", &keys.confirm)], &keys.session);
    let passwords = [("current_password", PASSWORD), ("password", NEW_PASSWORD)];
    let changed = mailbox.send("/account/password", &passwords, &keys.session);
    secrets.push(changed.session().replace("uuid=", ""));
    mailbox.send(NOT_ME, &[("uuid", &keys.not_me)], "");
    mailbox.count(ADA, "");
    let log = registry.stop();
    for told in [
        r#"event="wrong-current-password" user="#,
        r#"event="email-confirmed" user="#,
        r#"event="password-changed" user="#,
        r#"event="not-me" user="#,
    ] {
        assert!(log.contains(told), "{told} is not in {log}");
    }
    let typed = ["hunter2", "horse", "plum", "@example.org"].map(str::to_owned);
    for secret in secrets.iter().chain(&typed) {
        assert!(!log.contains(secret), "{secret} is in {log}");
    }
}
