//! Mails kept in memory, for tests.

use std::time::Duration;

use fpm_registry::{
    accounts::{email::Email, mail::Mailer, token::Token},
    server::mail::{Transport, memory::Inbox},
};

use crate::{ADA, mailer, notice, reset_mail};

#[tokio::test]
async fn a_test_waits_for_a_mail_in_memory() {
    let inbox = Inbox::default();
    let mailer = mailer(Transport::Memory(inbox.clone()));
    let token = Token::random();
    let mail = reset_mail(&token);
    let (found, ()) = tokio::join!(inbox.next(ADA), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        mailer.send(mail).await.unwrap();
    });
    let found = found.unwrap();
    assert_eq!(found.uuid(), Some(token.reveal().as_str()));
    assert!(found.raw.contains(found.link().unwrap()));
    assert_eq!(found.subject, "Reset your fpm-registry password");
    assert!(inbox.take(ADA).is_none());
}

#[tokio::test]
async fn every_address_of_an_account_can_get_mail() {
    let inbox = Inbox::default();
    let mailer = mailer(Transport::Memory(inbox.clone()));
    let longest = format!(
        "{}@{}.org",
        "a".repeat(64),
        ["b".repeat(61).as_str(); 3].join(".")
    );
    for address in [
        "!#$%&'*+/=?^_{|}~-@example.org",
        "o'neil@xn--bcher-kva.example",
        "a@1.2.3.4",
        "a@9.b-c.example",
        &longest[..],
    ] {
        let mut mail = notice();
        mail.to = Email::parse(address).unwrap();
        mailer.send(mail).await.unwrap();
        assert!(inbox.take(&address.to_lowercase()).is_some());
    }
}
