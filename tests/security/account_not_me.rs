//! How an account is taken back, and how it ends.

use mongodb::bson::{Bson, Document, doc};

use crate::{
    ADA, CONFIRM, EVE, FORGOT, MADE_UP, NOT_ME, RESET, WRONG, at_once,
    keys::{Keys, Mailbox},
    mongod::{Mongod, database_name},
    on_mongo,
    socket::{NEW_PASSWORD, PASSWORD, Registry, Setup, get, post, request, signup},
};

const SECURED: &str = "Account secured: a link to choose a new password has been sent";
const DEAD: &str = "User not found";

/// ASVS 6.3.5, 6.3.7, 7.4.3: a thief who has the password changes it, and the address. The mailbox that had the account
/// takes it back, with a link of before or of the change, once; nothing of the thief's opens anything any more.
#[test]
fn the_older_mailbox_takes_an_account_back() {
    for setup in [Setup::unlimited(), on_mongo(&database_name())] {
        let registry = setup.start();
        let mailbox = Mailbox::new(&registry);
        let owner = mailbox.confirmed(ADA);
        let thief = mailbox.logged_in(ADA, PASSWORD);
        let passwords = [("current_password", PASSWORD), ("password", NEW_PASSWORD)];
        let changed = mailbox.send("/account/password", &passwords, &thief);
        let thief = mailbox.cookies(&changed);
        mailbox.send("/account/email", &[("email", EVE)], &thief);
        let uuid = mailbox.link(EVE, CONFIRM);
        let moved = mailbox.send(CONFIRM, &[("uuid", &uuid)], &thief);
        moved.assert_done("Email confirmed");
        mailbox.logged_in(EVE, NEW_PASSWORD);
        let of_thief = mailbox.link(EVE, NOT_ME);
        let at_thief = registry.reset_uuid(EVE);
        assert!(!mailbox.is_alive(&owner));

        // Nobody gets the old address meanwhile, nor mail to it.
        let taken = registry.send(&signup(ADA));
        taken.assert_refused(400, "A user with this email already exists", Some("email"));
        registry
            .log_in(ADA, NEW_PASSWORD)
            .assert_refused(401, WRONG, None);
        registry.send(&post(FORGOT, &[("email", ADA)]));
        assert_eq!(mailbox.count(ADA, RESET), 0);

        let links = [(); 3].map(|()| mailbox.link(ADA, NOT_ME));
        let answers = at_once(10, |_| mailbox.send(NOT_ME, &[("uuid", &links[2])], ""));
        let done = answers.iter().filter(|answer| answer.status == 200);
        assert_eq!(done.count(), 1, "{answers:?}");
        let first = mailbox.link(ADA, RESET);
        let dead = [("of the thief", &of_thief), ("used", &links[2])];
        for (whose, uuid) in dead {
            let again = mailbox.send(NOT_ME, &[("uuid", uuid)], "");
            assert_eq!(again.status, 404, "{whose}");
        }
        assert!(!mailbox.is_alive(&thief));
        for (email, password) in [(EVE, NEW_PASSWORD), (ADA, NEW_PASSWORD), (ADA, PASSWORD)] {
            registry
                .log_in(email, password)
                .assert_refused(401, WRONG, None);
        }
        let reset = |uuid: &str| {
            let fields = [("uuid", uuid), ("password", "another tractor glow")];
            mailbox.send(RESET, &fields, "")
        };
        reset(&at_thief).assert_refused(404, DEAD, None);
        // The older links stay: the oldest mailbox has the last word.
        let older = mailbox.send(NOT_ME, &[("uuid", &links[0])], "");
        older.assert_done(SECURED);
        reset(&first).assert_refused(404, DEAD, None);
        let uuid = mailbox.link(ADA, RESET);
        reset(&uuid).assert_done("Password reset successful");
        let back = mailbox.logged_in(ADA, "another tractor glow");
        let history = mailbox.history(&back);
        let undone = [
            "logged-in",
            "password-reset",
            "secured",
            "secured",
            "email-undone",
            "email-changed",
        ];
        let told = history.iter().filter(|kind| *kind != "new-device");
        assert!(told.zip(&undone[1..]).all(|(a, b)| a == b), "{history:?}");
        // The thief's address is free again.
        assert_eq!(registry.sign_up(EVE).status, 200);
    }
}

/// ASVS 6.5.1, 8.2.2: an account is taken back by the link of a mail alone: a session does not know it, a made-up one is
/// none, and a browser without scripts or login does it by the page.
#[test]
fn only_the_link_of_a_mail_takes_an_account_back() {
    let registry = Registry::start();
    let keys = Keys::of_a_user(&registry, ADA);
    let mailbox = Mailbox::new(&registry);
    for uuid in [MADE_UP, "", "*", &keys.confirm, &keys.session[5..41]] {
        let refused = mailbox.send(NOT_ME, &[("uuid", uuid)], &keys.session);
        refused.assert_refused(404, DEAD, None);
    }
    let page = registry.send(&get(&format!("{NOT_ME}?uuid={MADE_UP}")).by_browser());
    page.assert_page(404, "This link no longer works");
    assert!(mailbox.is_alive(&keys.session));

    let link = get(&format!("{NOT_ME}?uuid={}", keys.not_me)).by_browser();
    let moved = registry.send(&link);
    moved.assert_leads_to(NOT_ME);
    let cookie = moved.cookie("not-me").unwrap();
    let page = registry.send(&get(NOT_ME).by_browser().with("Cookie", &cookie));
    page.assert_page(200, "Take my account back");
    assert!(!page.body.contains(&keys.not_me) && !page.body.contains("ada@"));
    let field = page.body.split("name=\"link\" value=\"").nth(1).unwrap();
    // A form that was drawn for another link is about another account.
    for (link, is_done) in [("0123456789abcdef", false), (&field[..16], true)] {
        let sent = post(NOT_ME, &[("link", link)]).with("Cookie", &cookie);
        let answer = registry.send(&sent.by_browser());
        match is_done {
            true => answer.assert_leads_to("/auth/reset-password?notice=sent"),
            false => assert_eq!(answer.status, 404),
        }
        assert_eq!(mailbox.is_alive(&keys.session), !is_done);
    }
    let opened = registry.send(&request("HEAD", NOT_ME).with("Cookie", &cookie));
    assert_eq!(opened.status, 404);
}

/// ASVS 7.4.2, 14.2.7, 15.4.2: a deleted account is gone whatever happens at the same moment, and its address begins
/// anew.
#[tokio::test]
async fn a_deleted_account_is_gone() {
    let name = database_name();
    for setup in [Setup::unlimited(), on_mongo(&name)] {
        let registry = setup.start();
        let mailbox = Mailbox::new(&registry);
        let ada = mailbox.confirmed(ADA);
        mailbox.send("/account/name", &[("name", "Ada Secret")], &ada);
        let id = mailbox.facts("/account/export", &ada)["id"].take();
        let reset = registry.reset_uuid(ADA);
        let gone = |email: &str, password: &str| {
            let fields = [("email", email), ("current_password", password)];
            mailbox.send("/account/delete", &fields, &ada)
        };
        gone(ADA, "wrong horse battery").assert_refused(
            403,
            "This is not your current password",
            Some("current_password"),
        );
        gone(EVE, PASSWORD).assert_refused(400, "This is not your email", Some("email"));
        assert!(mailbox.is_alive(&ada));
        let answers = at_once(12, |n| match n % 4 {
            0 => gone(ADA, PASSWORD),
            1 => registry.log_in(ADA, PASSWORD),
            2 => mailbox.send("/account/name", &[("name", "Still here")], &ada),
            _ => registry.send(&post(FORGOT, &[("email", ADA)])),
        });
        let deleted = answers
            .iter()
            .filter(|a| a.body.contains("Account deleted"));
        assert_eq!(deleted.count(), 1, "{answers:?}");
        for answer in &answers {
            assert!([200, 401].contains(&answer.status), "{answer:?}");
            let session = answer.cookie("uuid").filter(|pair| pair != "uuid=");
            assert!(session.is_none_or(|session| !mailbox.is_alive(&session)));
        }
        assert!(!mailbox.is_alive(&ada));
        registry
            .log_in(ADA, PASSWORD)
            .assert_refused(401, WRONG, None);
        let used = [("uuid", reset.as_str()), ("password", NEW_PASSWORD)];
        mailbox
            .send(RESET, &used, "")
            .assert_refused(404, DEAD, None);
        assert_eq!(mailbox.count(ADA, "account was deleted"), 1);

        if setup.folder().join("registry.redb").exists() {
            let again = mailbox.confirmed(ADA);
            let anew = mailbox.facts("/account/export", &again);
            assert_ne!(anew["id"], id);
            assert_eq!(anew["history"].as_array().unwrap().len(), 2);
            continue;
        }
        let client = mongodb::Client::with_uri_str(Mongod::shared().uri()).await;
        let users = client
            .unwrap()
            .database(&name)
            .collection::<Document>("users");
        let deleted = doc! { "deletedAt": { "$exists": true } };
        let kept = users
            .find_one(deleted)
            .hint(mongodb::options::Hint::Keys(doc! { "_id": 1 }));
        let kept = kept.await.unwrap().unwrap();
        let fields: Vec<&String> = kept.keys().collect();
        assert!(
            fields
                .iter()
                .all(|name| ["_id", "deletedAt", "notices"].contains(&name.as_str())),
            "{fields:?}"
        );
        let notices = kept.get("notices").and_then(Bson::as_array);
        assert!(notices.is_none_or(Vec::is_empty));
    }
}
