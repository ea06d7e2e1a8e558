//! F4: the mail server fails, and nobody who asks for a link has to wait for it.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    proxy::{Fault, Proxy},
    report,
    smtp::{Encryption, Manner, SmtpServer},
    socket::{Registry, post},
    stage::Stage,
    wait_for,
};

/// How many users sign up and ask for a link in each fault, who get two mails each.
const LINKS: usize = 9;
/// How much longer the median answer may take than with a mail server that works.
const LATER: Duration = Duration::from_millis(100);
/// How long a fault lasts at least.
const FAULT: Duration = Duration::from_secs(3);
/// How long the last mail may take after that; every try waits twice as long as the one before.
const ARRIVAL: Duration = Duration::from_secs(40);

#[test]
#[ignore = "long"]
fn a_mail_server_out_of_order_delays_no_answer_and_loses_no_mail() {
    for (name, mut stage) in [("embedded", Stage::embedded()), ("MongoDB", Stage::mongo())] {
        stage.setup.meets_faults = true;
        let line = wait_for(Proxy::before(stage.smtp.address()));
        let stage = stage.with_mail_over(line.address());
        let (registry, _) = stage.start();
        let usual = Asked::links(&registry);
        usual.arrive(&stage.smtp);

        // Before the rest, while no other mail is waiting.
        let refusal = Manner::RefuseContent("552 5.3.4 too large");
        stage.smtp.set_manner(refusal);
        let refused = Asked::links(&registry);
        refused.was_no_slower_than(&usual);
        thread::sleep(FAULT);
        stage.smtp.set_manner(Manner::Polite);

        let mut seen = vec![format!("refused with 552: {} parked", 2 * LINKS)];
        let mut meets = |name: &str, begin: &dyn Fn(), end: &dyn Fn()| {
            begin();
            let asked = Asked::links(&registry);
            asked.was_no_slower_than(&usual);
            thread::sleep(FAULT);
            end();
            let healed = Instant::now();
            let mails = asked.arrive(&stage.smtp);
            seen.push(format!(
                "{name}: {LINKS} asked for in {:.1?} each, {mails} mails, the last {:.1?} after the fault",
                asked.median,
                healed.elapsed()
            ));
        };
        for (name, fault) in [
            ("down", Fault::Refuse),
            ("silent", Fault::Silence),
            ("a byte a second", Fault::Trickle(Duration::from_secs(1))),
            ("cut off", Fault::CutReply),
        ] {
            meets(name, &|| line.set(fault), &|| line.set(Fault::None));
        }
        for (name, manner) in [
            (
                "greylisting with 451",
                Manner::Greylist("451 4.7.1 come back later"),
            ),
            (
                "greylisting with 421",
                Manner::Greylist("421 4.3.2 come back later"),
            ),
            ("dropped after DATA", Manner::HangUpAfterContent),
            ("an answer without end", Manner::Endless),
        ] {
            let set = |manner: &Manner| stage.smtp.set_manner(manner.clone());
            meets(name, &|| set(&manner), &|| set(&Manner::Polite));
        }

        assert!(registry.peak_mib() < 250, "{} MiB", registry.peak_mib());
        let came = |user: &String| !stage.smtp.mails_to(user).is_empty();
        assert!(!refused.users.iter().any(came));
        let log = registry.stop();
        let refusals = log.matches("mail delivery failed permanently").count();
        assert_eq!(refusals, 2 * LINKS);
        report(&format!(
            "F4 {name}, usually {:.1?}; {}",
            usual.median,
            seen.join("; ")
        ));
    }
}

/// A certificate nobody vouches for: no mail goes out, least of all in plain text.
#[test]
fn a_mail_server_with_a_wrong_certificate_gets_nothing() {
    const ADA: &str = "ada@example.org";
    let mut tried = 0;
    for encryption in [Encryption::StartTls, Encryption::FromTheStart] {
        let server = wait_for(SmtpServer::start(encryption, Manner::Polite));
        let mut stage = Stage::embedded();
        stage.setup = stage.setup.with("SMTP_URL", &server.url());
        let (registry, _) = stage.start();
        registry.sign_up(ADA);
        let asked = registry.send(&post("/auth/forgot-password", &[("email", ADA)]));
        assert_eq!(asked.status, 200);
        // Long enough for a second try.
        thread::sleep(FAULT);
        let log = registry.stop();
        assert!(log.contains("mail delivery failed, will retry"), "{log}");
        assert!(log.contains("certificate"), "{log}");
        tried += log.matches("mail delivery failed, will retry").count();
        let said = server.commands();
        assert!(
            !said.iter().any(|line| line.starts_with("MAIL")),
            "{said:?}"
        );
        assert!(server.mails().is_empty());
    }
    report(&format!(
        "F4 wrong certificate: {tried} attempts, nothing said in plain text"
    ));
}

/// Users who have asked for a link.
struct Asked {
    users: Vec<String>,
    median: Duration,
}

impl Asked {
    fn links(registry: &Registry) -> Self {
        let user = || format!("user-{}@example.org", uuid::Uuid::new_v4().simple());
        let users: Vec<String> = std::iter::repeat_with(user).take(LINKS).collect();
        for user in &users {
            registry.sign_up(user);
        }
        let times = users.iter().map(|user| {
            let begun = Instant::now();
            let answer = registry.send(&post("/auth/forgot-password", &[("email", user)]));
            assert_eq!(answer.status, 200);
            begun.elapsed()
        });
        let mut times: Vec<Duration> = times.collect();
        times.sort();
        Self {
            users,
            median: times[LINKS / 2],
        }
    }

    fn was_no_slower_than(&self, usual: &Self) {
        let (now, usual) = (self.median, usual.median);
        assert!(now < usual + LATER, "{now:?}, usually {usual:?}");
    }

    /// Waits until each has both mails; how many there are.
    fn arrive(&self, smtp: &SmtpServer) -> usize {
        let begun = Instant::now();
        loop {
            let mails = self.users.iter().map(|user| smtp.mails_to(user));
            let mails: Vec<_> = mails.collect();
            let have_both = mails.iter().all(|mails| {
                let has = |link: &str| mails.iter().any(|mail| mail.content.contains(link));
                has("/auth/reset-password?uuid=") && has("/auth/confirm-email?uuid=")
            });
            if have_both {
                return mails.iter().map(Vec::len).sum();
            }
            assert!(begun.elapsed() < ARRIVAL, "{mails:?}");
            thread::sleep(Duration::from_millis(50));
        }
    }
}
