//! The address of an account: what asking for another one tells, who can confirm it, and whom it floods with mail.

use serde_json::Value;

use crate::{
    ADA, CONFIRM, EVE, FORGOT, at_once,
    keys::Mailbox,
    mongod::database_name,
    on_mongo,
    socket::{Answer, Registry, Setup, get, post, request, signup},
};

const CHANGE: &str = "/account/email";
const ASKED: &str = "A confirmation link has been sent to the new address";
const TAKEN: &str = "A user with this email already exists";
const DEAD: &str = "User not found";

fn ask(mailbox: &Mailbox<'_>, email: &str, cookies: &str) {
    let answer = mailbox.send(CHANGE, &[("email", email)], cookies);
    answer.assert_done(ASKED);
}

fn confirm(mailbox: &Mailbox<'_>, uuid: &str, cookies: &str) -> Answer {
    mailbox.send(CONFIRM, &[("uuid", uuid)], cookies)
}

/// Has a user's address changed, and confirms it.
fn move_to(mailbox: &Mailbox<'_>, email: &str, cookies: &str) {
    ask(mailbox, email, cookies);
    let uuid = mailbox.link(email, CONFIRM);
    confirm(mailbox, &uuid, cookies).assert_done("Email confirmed");
}

/// ASVS 6.3.8: to ask for an address tells nothing of its account, neither in the answer nor in what the user sees
/// later; not of a confirmed one, of one that is not, nor of one that is held.
#[test]
fn asking_for_an_address_tells_nothing_of_its_account() {
    for setup in [Setup::unlimited(), on_mongo(&database_name())] {
        let registry = setup.start();
        let mailbox = Mailbox::new(&registry);
        mailbox.confirmed(ADA);
        mailbox.signed_up("bob@example.org");
        let former = mailbox.confirmed("carol@example.org");
        move_to(&mailbox, "carol@new.example", &former);
        let eve = mailbox.confirmed(EVE);
        let mut seen: Vec<(Answer, Answer, Value)> = Vec::new();
        for email in [
            "nobody@example.org",
            ADA,
            "bob@example.org",
            "carol@example.org",
            "carol@new.example",
        ] {
            let sent = post(CHANGE, &[("email", email)]).with("Cookie", &eve);
            let answers = [sent.clone(), sent.by_browser()].map(|sent| {
                let mut answer = registry.send(&sent);
                answer
                    .headers
                    .retain(|(name, _)| !matches!(&**name, "date" | "x-request-id"));
                answer
            });
            mailbox.count(email, "");
            let mut export = mailbox.facts("/account/export", &eve);
            let asked = &mut export["email_to_confirm"];
            for moment in ["asked_at", "expires_at"] {
                assert!(asked[moment].is_string(), "{email}: {asked}");
                asked[moment] = Value::Null;
            }
            assert_eq!(asked["email"], email);
            asked["email"] = Value::Null;
            let [program, browser] = answers;
            seen.push((program, browser, asked.take()));
        }
        assert!(seen.iter().all(|other| *other == seen[0]), "{seen:?}");
        let in_use = "has an fpm-registry account already";
        assert_eq!(mailbox.count(ADA, in_use), 2);
        for untold in ["bob@example.org", "carol@example.org"] {
            assert_eq!(mailbox.count(untold, in_use), 0, "{untold}");
        }
    }
}

/// ASVS 6.5.1, 8.2.2, 15.4.2: a link confirms once, for the user it was made for, and only while that user is logged in:
/// whoever gets a mail that was not meant for them confirms nothing.
#[test]
fn a_link_confirms_for_its_user_alone() {
    for setup in [Setup::unlimited(), on_mongo(&database_name())] {
        let registry = setup.start();
        let mailbox = Mailbox::new(&registry);
        let (ada, eve) = (mailbox.confirmed(ADA), mailbox.confirmed(EVE));
        // Eve asks for an address that is Mallory's.
        let mallory = mailbox.confirmed("mallory@example.org");
        ask(&mailbox, "m@new.example", &eve);
        let uuid = mailbox.link("m@new.example", CONFIRM);
        for _ in 0..3 {
            confirm(&mailbox, &uuid, "").assert_refused(401, "Log in first", None);
            for other in [&ada, &mallory] {
                confirm(&mailbox, &uuid, other).assert_refused(404, DEAD, None);
            }
        }
        let page = post(CONFIRM, &[("uuid", &uuid)]).with("Cookie", &mallory);
        registry.send(&page.by_browser()).assert_page(404, DEAD);
        let answers = at_once(20, |_| confirm(&mailbox, &uuid, &eve).status);
        assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1);
        assert!(answers.iter().all(|status| [200, 404].contains(status)));
        assert_eq!(mailbox.facts("/account", &eve)["email"], "m@new.example");
        confirm(&mailbox, &uuid, &eve).assert_refused(404, DEAD, None);
        let link = format!("{CONFIRM}?uuid={uuid}");
        let dead = registry.send(&get(&link).by_browser());
        dead.assert_page(404, "This link no longer works");
        assert_eq!(registry.send(&request("HEAD", &link)).status, 404);
    }
}

/// ASVS 2.3.3, 15.4.2: an address that several ask for at once, in two tabs or by two users, and that somebody signs up
/// with meanwhile, goes to one of them; the newest link of a user ends the older.
#[test]
fn an_address_goes_to_one_account() {
    for setup in [Setup::unlimited(), on_mongo(&database_name())] {
        let registry = setup.start();
        let mailbox = Mailbox::new(&registry);
        let (ada, eve) = (mailbox.confirmed(ADA), mailbox.confirmed(EVE));
        ask(&mailbox, "older@new.example", &ada);
        let older = mailbox.link("older@new.example", CONFIRM);
        let wanted = "wanted@new.example";
        let links = [&ada, &eve].map(|cookies| {
            ask(&mailbox, wanted, cookies);
            mailbox.link(wanted, CONFIRM)
        });
        confirm(&mailbox, &older, &ada).assert_refused(404, DEAD, None);
        let answers = at_once(12, |n| match n % 3 {
            0 => confirm(&mailbox, &links[0], &ada),
            1 => confirm(&mailbox, &links[1], &eve),
            _ => registry.send(&signup(wanted)),
        });
        let done = answers.iter().filter(|answer| answer.status == 200);
        assert_eq!(done.count(), 1, "{answers:?}");
        let refused = answers.iter().filter(|answer| answer.status != 200);
        for answer in refused {
            let is_known = [TAKEN, DEAD]
                .iter()
                .any(|words| answer.body.contains(words));
            assert!(is_known, "{answer:?}");
        }
        let owners = [&ada, &eve].map(|user| mailbox.facts("/account", user)["email"].take());
        let owners = owners.iter().filter(|email| **email == wanted).count();
        assert!(owners <= 1);
    }
}

/// ASVS 2.4.1, CS-Email: whoever is mailed unasked gets three mails in a quarter of an hour, from whichever form,
/// account and link they come.
#[test]
fn mails_to_one_address_share_a_counter() {
    let registry = Setup::new().start();
    let mailbox = Mailbox::new(&registry);
    let victim = "victim@example.org";
    let eve = mailbox.signed_up(victim);
    let mallory = mailbox.confirmed("mallory@example.org");
    ask(&mailbox, victim, &mallory);
    let asked = registry.send(&post(FORGOT, &[("email", victim)]));
    assert_eq!(asked.status, 200);
    for (path, fields, cookies) in [
        ("/account/confirm-email", &[][..], &eve),
        (CHANGE, &[("email", victim)], &mallory),
        (CHANGE, &[("email", "VICTIM@example.org ")], &mallory),
        (FORGOT, &[("email", victim)], &mallory),
    ] {
        let refused = mailbox.send(path, fields, cookies);
        assert_eq!(refused.status, 429, "{path}: {}", refused.body);
        assert!(refused.header("retry-after").parse::<u64>().unwrap() <= 900);
    }
    // The second went to nobody: the address has an account, which is not confirmed.
    assert_eq!(mailbox.count(victim, ""), 2);
}

/// ASVS 2.4.1, 6.3.7: an address changes three times in seven days, to and fro too, and each change is told to the
/// address before.
#[test]
fn an_address_changes_three_times_in_a_week() {
    for setup in [Setup::unlimited(), on_mongo(&database_name())] {
        let registry = setup.start();
        let mailbox = Mailbox::new(&registry);
        let ada = mailbox.confirmed(ADA);
        for email in ["b@example.org", ADA, "b@example.org"] {
            move_to(&mailbox, email, &ada);
        }
        let told = mailbox.send(CHANGE, &[("email", ADA)], &ada);
        told.assert_refused(429, "Too many attempts, try again in 7 days", None);
        let wait: u64 = told.header("retry-after").parse().unwrap();
        assert!((6 * 86_400..=7 * 86_400).contains(&wait), "{wait}");
        let changed = "The email of your fpm-registry account was changed";
        assert_eq!(mailbox.count(ADA, changed), 2);
        assert_eq!(mailbox.count("b@example.org", changed), 1);
        // A former address is held: nobody else signs up with it, and it logs nobody in.
        let taken = registry.send(&signup(ADA));
        taken.assert_refused(400, TAKEN, Some("email"));
        assert_eq!(registry.log_in(ADA, "correct horse battery").status, 401);
    }
}

/// ASVS 6.3.7, 1.3.11: an address that is not confirmed gets no mail but links to confirm and to reset.
#[test]
fn an_address_that_is_not_confirmed_is_told_of_nothing() {
    let registry = Registry::start();
    let mailbox = Mailbox::new(&registry);
    let victim = "victim@example.org";
    let eve = mailbox.signed_up(victim);
    mailbox.logged_in(victim, "correct horse battery");
    let passwords = [
        ("current_password", "correct horse battery"),
        ("password", "plum tractor glow"),
    ];
    let changed = mailbox.send("/account/password", &passwords, &eve);
    changed.assert_done("Password changed");
    let eve = mailbox.cookies(&changed);
    move_to(&mailbox, EVE, &eve);
    let gone = [("email", EVE), ("current_password", "plum tractor glow")];
    mailbox
        .send("/account/delete", &gone, &eve)
        .assert_done("Account deleted");
    assert_eq!(mailbox.count(victim, ""), 1);
    assert_eq!(mailbox.count(victim, CONFIRM), 1);
    // It is free, and whose it is signs up.
    assert_eq!(registry.sign_up(victim).status, 200);
}
