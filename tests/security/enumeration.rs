//! Enumeration: neither an answer nor its time tells who has an account.

use std::time::Instant;

use crate::{
    ADA, FORGOT, SECOND,
    socket::{Answer, Registry, Request, Setup, login, post},
};

/// ASVS 6.3.8, CS-Auth, CS-Forgot: nothing in an answer tells an account from none; and a wrong password is
/// compared for a like time where there is no account.
#[test]
fn an_address_with_an_account_looks_like_one_without() {
    let registry = Registry::start();
    registry.sign_up(ADA);
    let eve = "eve@example.org";
    let plain = |mut answer: Answer, email: &str| {
        let nonce = answer.nonce().unwrap_or("no nonce").to_owned();
        answer.body = answer.body.replace(&nonce, "").replace(email, "");
        answer
            .headers
            .retain(|(name, _)| !matches!(&**name, "date" | "x-request-id"));
        for (_, value) in &mut answer.headers {
            *value = value.replace(&nonce, "");
        }
        answer
    };
    for as_client in [|sent: Request| sent, |sent: Request| sent.by_browser()] {
        for sent in [
            |email| login(email, "wrong horse battery"),
            |email| post(FORGOT, &[("email", email)]),
        ] {
            let answer = |email| plain(registry.send(&as_client(sent(email))), email);
            assert_eq!(answer(ADA), answer(eve));
        }
    }
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..30 {
        for (email, times) in [ADA, eve].into_iter().zip(&mut times) {
            let started = Instant::now();
            registry.log_in(email, "wrong horse battery");
            times.push(started.elapsed());
        }
    }
    let [known, unknown] = times.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    });
    assert!(
        unknown * 2 > known && known * 2 > unknown,
        "{known:?} {unknown:?}"
    );
}

/// ASVS 6.3.8, CS-Forgot: a mail server that says nothing delays no answer, so that no time tells an account.
#[test]
fn a_silent_mail_server_delays_no_answer() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("smtp://{}", silent.local_addr().unwrap());
    let registry = Setup::unlimited().with("SMTP_URL", &url).start();
    registry.sign_up(ADA);
    let promise = "If this email has an account, a password reset link has been sent to it";
    let started = Instant::now();
    for email in [ADA, "eve@example.org", ADA, "eve@example.org"] {
        let asked = post(FORGOT, &[("email", email)]);
        registry.send(&asked).assert_done(promise);
    }
    assert!(started.elapsed() < 3 * SECOND, "{:?}", started.elapsed());
    let (mail, _) = silent.accept().expect("the mail is on its way");
    drop(mail);
}
