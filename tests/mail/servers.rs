//! What becomes of a mail, by the manner of the mail server.

use std::time::{Duration, Instant};

use fpm_registry::accounts::mail::{MailError, Mailer};

use crate::{
    ADA, mailer_to, notice,
    smtp::{Encryption, Manner, SmtpServer},
    temporary,
};

fn permanent(result: Result<(), MailError>) -> String {
    match result {
        Err(MailError::Permanent(reason)) => reason,
        other => panic!("not a permanent refusal: {other:?}"),
    }
}

#[tokio::test]
async fn greylisted_mail_is_taken_later_under_the_same_id() {
    let greylisting = Manner::RefuseRecipientOnce("451 4.7.1 try later, ada@example.org");
    let server = SmtpServer::start(Encryption::None, greylisting).await;
    let mailer = mailer_to(&server.url());
    let mail = notice();
    let reason = temporary(mailer.send(mail.clone()).await);
    assert_eq!(reason, "the mail server answered 451 4.7.1");
    assert!(server.mails().is_empty());

    let id = mail.id;
    mailer.send(mail).await.unwrap();
    let taken = server.mail_to(ADA).await;
    assert_eq!(
        taken.header("Message-ID"),
        Some(format!("<{id}@example.net>"))
    );
}

#[tokio::test]
async fn a_mail_refused_for_good_is_a_permanent_refusal_that_names_nobody() {
    for (manner, reason) in [
        (
            Manner::RefuseContent("552 5.2.2 <ada@example.org>: mailbox full"),
            "the mail server answered 552 5.2.2",
        ),
        (
            Manner::RefuseRecipientOnce("550-ada@example.org\r\n550 unknown"),
            "the mail server answered 550",
        ),
        (
            Manner::RefuseSender("553 no"),
            "the mail server answered 553",
        ),
    ] {
        let server = SmtpServer::start(Encryption::None, manner).await;
        assert_eq!(
            permanent(mailer_to(&server.url()).send(notice()).await),
            reason
        );
    }
}

#[tokio::test]
async fn a_refused_login_is_temporary_as_it_is_not_the_mails_fault() {
    let refusal = Manner::RefuseLogin("535 5.7.8 wrong password for ada:s3cret");
    let server = SmtpServer::start(Encryption::None, refusal).await;
    let url = format!("smtp://ada:s3cret@127.0.0.1:{}", server.port());
    let reason = temporary(mailer_to(&url).send(notice()).await);
    assert_eq!(reason, "the mail server answered 535 5.7.8");

    server.set_manner(Manner::RefuseSender("530 5.7.0 log in first"));
    let reason = temporary(mailer_to(&server.url()).send(notice()).await);
    assert_eq!(reason, "the mail server answered 530 5.7.0");
}

#[tokio::test]
async fn a_server_that_hangs_up_after_the_content_gets_the_mail_again() {
    let server = SmtpServer::start(Encryption::None, Manner::HangUpAfterContent).await;
    let mailer = mailer_to(&server.url());
    let mail = notice();
    let reason = temporary(mailer.send(mail.clone()).await);
    assert_eq!(reason, "the mail server hung up or did not speak SMTP");

    server.set_manner(Manner::Polite);
    mailer.send(mail).await.unwrap();
    let mails = server.mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0].header("Message-ID"), mails[1].header("Message-ID"));
}

#[tokio::test]
async fn a_taken_mail_counts_even_if_the_goodbye_is_never_answered() {
    let server = SmtpServer::start(Encryption::None, Manner::IgnoreQuit).await;
    mailer_to(&server.url()).send(notice()).await.unwrap();
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test]
async fn a_slow_server_gets_its_mail() {
    let slow = Manner::Slow(Duration::from_millis(300));
    let server = SmtpServer::start(Encryption::None, slow).await;
    mailer_to(&server.url()).send(notice()).await.unwrap();
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test]
async fn a_silent_server_is_given_up_after_15_seconds() {
    let server = SmtpServer::start(Encryption::None, Manner::Silent).await;
    let begun = Instant::now();
    let reason = temporary(mailer_to(&server.url()).send(notice()).await);
    assert_eq!(
        reason,
        "the mail server took over 15 s to be ready for mail"
    );
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn a_server_whose_answer_never_ends_is_cut_off_and_gets_the_mail_later() {
    let server = SmtpServer::start(Encryption::None, Manner::Endless).await;
    let mailer = mailer_to(&server.url());
    let mail = notice();
    let reason = temporary(mailer.send(mail.clone()).await);
    assert_eq!(reason, "network error: the mail server sent too much");

    server.set_manner(Manner::Polite);
    mailer.send(mail).await.unwrap();
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test]
async fn an_unreachable_server_fails_the_mail_and_not_the_start() {
    let server = SmtpServer::polite().await;
    let mailer = mailer_to(&server.url());
    drop(server);
    tokio::task::yield_now().await;
    let reason = temporary(mailer.send(notice()).await);
    assert!(reason.contains("Connection refused"), "{reason}");
}
