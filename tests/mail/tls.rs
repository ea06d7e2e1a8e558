//! TLS: nothing is said in plain text, and nothing to a server nobody vouches for.

use std::process::Command;

use fpm_registry::accounts::mail::Mailer;

use crate::{
    ADA, mailer_to, notice,
    smtp::{self, Encryption, Manner, SmtpServer},
    temporary,
};

#[tokio::test]
async fn nothing_is_said_in_plain_text_to_a_server_without_starttls() {
    let server = SmtpServer::polite().await;
    let url = format!("smtp://ada:s3cret@localhost:{}?tls=required", server.port());
    let reason = temporary(mailer_to(&url).send(notice()).await);
    assert!(reason.contains("STARTTLS"), "{reason}");

    let commands = server.commands();
    assert!(commands[0].starts_with("EHLO "), "{commands:?}");
    assert!(
        commands[1..].iter().all(|command| command == "QUIT"),
        "{commands:?}"
    );
    assert!(server.mails().is_empty());
}

#[tokio::test]
async fn a_certificate_nobody_vouches_for_is_refused() {
    for encryption in [Encryption::StartTls, Encryption::FromTheStart] {
        let server = SmtpServer::start(encryption, Manner::Polite).await;
        let reason = temporary(mailer_to(&server.url()).send(notice()).await);
        assert!(reason.contains("certificate"), "{reason}");
        let said = server.commands().join("\n");
        assert!(!said.contains("AUTH") && !said.contains("MAIL"), "{said}");
    }
}

/// Runs itself again with the server's certificate as the system's only one, which only the environment can say.
#[test]
fn mail_and_password_go_through_tls() {
    if std::env::var_os("SSL_CERT_FILE").is_some_and(|file| file == smtp::CERTIFICATE_FILE) {
        return send_through_tls();
    }
    let run = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "tls::mail_and_password_go_through_tls",
            "--nocapture",
        ])
        .env("SSL_CERT_FILE", smtp::CERTIFICATE_FILE)
        .env_remove("SSL_CERT_DIR")
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&run.stdout) + String::from_utf8_lossy(&run.stderr);
    assert!(
        run.status.success() && output.contains("1 passed"),
        "{output}"
    );
}

#[tokio::main]
async fn send_through_tls() {
    for encryption in [Encryption::StartTls, Encryption::FromTheStart] {
        let server = SmtpServer::start(encryption, Manner::Polite).await;
        let url = server
            .url()
            .replace("://", "://ada%40example.org:p%C3%A4ss%2F%3F@");
        mailer_to(&url).send(notice()).await.unwrap();
        let mail = server.mail_to(ADA).await;
        assert!(mail.encrypted);
        let login = ("ada@example.org".to_owned(), "päss/?".to_owned());
        assert_eq!(mail.login, Some(login));

        let other_name = server.url().replace("localhost", "127.0.0.1");
        let reason = temporary(mailer_to(&other_name).send(notice()).await);
        assert!(
            reason.contains("certificate not valid for name"),
            "{reason}"
        );
        assert_eq!(server.mails().len(), 1);

        server.set_manner(Manner::Endless);
        let reason = temporary(mailer_to(&server.url()).send(notice()).await);
        assert_eq!(reason, "network error: the mail server sent too much");
    }
}
