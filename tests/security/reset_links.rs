//! Reset links: where their uuid is seen, and that each works once.

use std::iter;

use crate::{
    ADA, RESET, at_once,
    mongod::database_name,
    on_mongo,
    socket::{NEW_PASSWORD, PASSWORD, Registry, get, post, request},
};

/// ASVS 3.4.5, 14.2.1, CS-Forgot: the uuid leaves the address before any page is shown, and is in no page.
#[test]
fn a_reset_link_leaves_the_address_before_any_page_is_shown() {
    let registry = Registry::start();
    registry.sign_up(ADA);
    let uuid = registry.reset_uuid(ADA);
    let link = get(&format!("{RESET}?uuid={uuid}&utm_source=mail")).by_browser();
    let moved = registry.send(&link);
    moved.assert_leads_to(RESET);
    assert_eq!(moved.body, "");
    let cookie = moved.cookie("reset").unwrap();
    assert_eq!(cookie, format!("reset={uuid}"));
    let page = registry.send(&get(RESET).by_browser().with("Cookie", &cookie));
    page.assert_page(200, "autocomplete=\"new-password\"");
    let refused = post(RESET, &[("password", "short")]).with("Cookie", &cookie);
    let refused = registry.send(&refused.by_browser());
    refused.assert_page(400, "Password must be at least 8 characters");
    for page in [page, refused] {
        assert!(!page.body.contains(&uuid));
        assert!(
            !page.body.contains("://"),
            "a foreign address: {}",
            page.body
        );
        assert_eq!(page.header("referrer-policy"), "same-origin");
    }
}

/// ASVS 6.5.1, CS-Forgot: mail scanners and previews open links, which uses nothing up.
#[test]
fn a_reset_link_opened_often_still_works_once() {
    let registry = Registry::start();
    registry.sign_up(ADA);
    let uuid = registry.reset_uuid(ADA);
    let link = format!("{RESET}?uuid={uuid}");
    let by_get = format!("{link}&password=plum+tractor+glow");
    for _ in 0..20 {
        registry
            .send(&get(&link).by_browser())
            .assert_leads_to(RESET);
        assert_eq!(registry.send(&get(&link)).status, 200);
        assert_eq!(registry.send(&request("HEAD", &link)).status, 200);
        assert_eq!(
            registry.send(&request("HEAD", &link).by_browser()).status,
            303
        );
        assert_eq!(registry.send(&request("HEAD", &by_get)).status, 200);
    }
    assert_eq!(registry.log_in(ADA, PASSWORD).status, 200);
    let reset = post(RESET, &[("uuid", &uuid), ("password", NEW_PASSWORD)]);
    registry
        .send(&reset)
        .assert_done("Password reset successful");
    registry
        .send(&reset)
        .assert_refused(404, "User not found", None);
    registry
        .send(&get(&link))
        .assert_refused(404, "User not found", None);
    registry
        .send(&get(&link).by_browser())
        .assert_page(404, "action=\"/auth/forgot-password\"");
    assert_eq!(registry.log_in(ADA, NEW_PASSWORD).status, 200);
}

/// ASVS 2.3.3, 6.5.1, 15.4.2, F11: of fifty at once with one link, also at two processes, one succeeds.
#[test]
fn one_link_changes_one_password_however_many_try_at_once() {
    one_of_fifty_resets_counts(&[Registry::start()]);
    let mongo = on_mongo(&database_name());
    one_of_fifty_resets_counts(&[mongo.start(), mongo.start()]);
}

fn one_of_fifty_resets_counts(processes: &[Registry]) {
    let registry = &processes[0];
    registry.sign_up(ADA);
    let uuid = registry.reset_uuid(ADA);
    let answers = at_once(50, |n| {
        let password = format!("{NEW_PASSWORD} {n}");
        let sent = post(RESET, &[("uuid", &uuid), ("password", &password)]);
        (processes[n % processes.len()].send(&sent), password)
    });
    let mut done = Vec::new();
    for (answer, password) in answers {
        if answer.status == 200 {
            answer.assert_done("Password reset successful");
            done.push(password);
        } else {
            answer.assert_refused(404, "User not found", None);
        }
    }
    assert_eq!(done.len(), 1);
    assert_eq!(registry.log_in(ADA, &done[0]).status, 200);
    assert_eq!(registry.log_in(ADA, PASSWORD).status, 401);
}

/// ASVS 6.5.1, 7.4.3, 6.3.7, CS-Forgot: a newer link ends the older; a reset ends all sessions, logs nobody
/// in, and is told to the owner by mail.
#[test]
fn a_reset_ends_sessions_logs_nobody_in_and_is_told_by_mail() {
    let registry = Registry::start();
    let laptop = registry.sign_up(ADA).session();
    let phone = registry.log_in(ADA, PASSWORD).session();
    let older = registry.reset_uuid(ADA);
    let newer = registry.reset_uuid(ADA);
    let reset = |uuid: &str| post(RESET, &[("uuid", uuid), ("password", NEW_PASSWORD)]);
    registry
        .send(&reset(&older))
        .assert_refused(404, "User not found", None);
    registry
        .send(&get(&format!("{RESET}?uuid={older}")))
        .assert_refused(404, "User not found", None);
    assert!(registry.is_logged_in(&laptop) && registry.is_logged_in(&phone));

    let done = registry.send(&reset(&newer).by_browser().with("Cookie", &laptop));
    done.assert_leads_to("/auth/login?notice=password-changed");
    assert_eq!(done.cookie("uuid"), None);
    assert!(!registry.is_logged_in(&laptop) && !registry.is_logged_in(&phone));
    let changed = "\r\nSubject: Your fpm-registry password was changed\r\n";
    let mut mails = iter::repeat_with(|| registry.next_mail());
    let notice = mails.find(|mail| mail.contains(changed)).unwrap();
    assert!(
        notice.contains("\r\nTo: ada@example.org\r\n") && !notice.contains(&newer),
        "{notice}"
    );
}
