//! The mail server: reached, encrypted, logged in to, and sent a mail.

use std::fs;

use crate::{
    examine, setup,
    smtp::{CERTIFICATE_FILE, Encryption, Manner, SmtpServer},
    socket::Setup,
};

const ADA: &str = "ada@example.org";
const CONNECT: &str = "correct host and port in SMTP_URL, or see whether the mail server runs and no firewall is between";
const ENCRYPT: &str = "write smtps:// or ?tls=required as the mail server offers, and its name as in its certificate, which this machine has to trust";
const LOG_IN: &str =
    "correct user and password in SMTP_URL, with special characters percent-encoded";

/// With this mail server, whose certificate is trusted.
fn mailing_to(url: &str) -> Setup {
    setup()
        .with("SMTP_URL", url)
        .with("SSL_CERT_FILE", CERTIFICATE_FILE)
}

/// With a user and a password, which nobody may print.
fn with_login(url: &str) -> String {
    url.replace("://", "://ada:s3cret@")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_takes_a_test_mail() {
    for (encryption, name) in [
        (Encryption::None, "unencrypted SMTP"),
        (Encryption::StartTls, "SMTP with STARTTLS"),
        (Encryption::FromTheStart, "SMTP with TLS"),
    ] {
        let server = SmtpServer::start(encryption, Manner::Polite).await;
        let (url, port) = (with_login(&server.url()), server.port());
        let host = server.url().contains("localhost");
        let host = if host { "localhost" } else { "127.0.0.1" };
        let setup = mailing_to(&url);
        let found = format!("ok       mail         {name} at {host}:{port} takes mail");
        let examined = examine(&setup, &[]);
        examined.assert_line(&found);
        assert_eq!(examined.line("test mail"), None);
        assert!(server.mails().is_empty());

        let examined = examine(&setup, &["--send-to", ADA]);
        examined.assert_line(&found);
        examined.assert_line("ok       test mail    it was accepted; see whether it arrives");
        let mail = server.mail_to(ADA).await;
        let subject = mail.header("Subject");
        assert_eq!(subject.as_deref(), Some("Test of the mail of fpm-registry"));
        assert_eq!(mail.login, Some(("ada".to_owned(), "s3cret".to_owned())));
        assert!(!examined.lines.contains("s3cret") && !examined.lines.contains(ADA));
    }
}

#[test]
fn without_a_mail_server_a_test_mail_is_a_file() {
    let setup = setup();
    let examined = examine(&setup, &["--send-to", ADA]);
    let mut mails = fs::read_dir(setup.folder().join("outbox")).unwrap();
    let mail = mails.next().unwrap().unwrap().path();
    examined.assert_line(&format!(
        "ok       test mail    it is in {}, and was sent to nobody",
        mail.display()
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_out_of_reach_is_wrong() {
    let setup = mailing_to("smtp://127.0.0.1:1");
    let examined = examine(&setup, &["--send-to", ADA]);
    examined.assert_line(&format!(
        "wrong    mail         unencrypted SMTP at 127.0.0.1:1: Connection error: Connection refused (os error 111); {CONNECT}"
    ));
    assert_eq!(examined.line("test mail"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_without_the_tls_that_is_asked_for_is_wrong() {
    let plain = SmtpServer::polite().await;
    let encrypted = SmtpServer::start(Encryption::FromTheStart, Manner::Polite).await;
    for url in [
        format!("smtps://localhost:{}", plain.port()),
        format!("smtp://localhost:{}?tls=required", plain.port()),
        encrypted.url().replace("localhost", "127.0.0.1"),
    ] {
        let examined = examine(&mailing_to(&with_login(&url)), &[]);
        let line = examined.line("mail").unwrap();
        assert!(line.starts_with("wrong "), "{line}");
        assert!(line.ends_with(ENCRYPT), "{line}");
        assert!(!line.contains("s3cret"), "{line}");
    }
    let nobody_vouches = setup().with("SMTP_URL", &encrypted.url());
    let examined = examine(&nobody_vouches, &[]);
    let line = examined.line("mail").unwrap();
    assert!(line.contains("certificate"), "{line}");
    assert!(line.ends_with(ENCRYPT), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_the_mail_server_refuses_is_wrong() {
    let refusal = Manner::RefuseLogin("535 5.7.8 wrong password for ada:s3cret");
    let server = SmtpServer::start(Encryption::None, refusal).await;
    let examined = examine(&mailing_to(&with_login(&server.url())), &[]);
    examined.assert_line(&format!(
        "wrong    mail         unencrypted SMTP at 127.0.0.1:{}: the mail server answered 535 5.7.8; {LOG_IN}",
        server.port()
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_whose_answer_never_ends_is_wrong() {
    let server = SmtpServer::start(Encryption::StartTls, Manner::Endless).await;
    let examined = examine(&mailing_to(&server.url()), &[]);
    examined.assert_line(&format!(
        "wrong    mail         SMTP with STARTTLS at localhost:{}: network error: the mail server sent too much; {ENCRYPT}",
        server.port()
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_mail_that_the_mail_server_refuses_is_wrong() {
    let refusal = Manner::RefuseSender("553 5.7.1 not from ada@example.org");
    let server = SmtpServer::start(Encryption::None, refusal).await;
    let examined = examine(&mailing_to(&server.url()), &["--send-to", ADA]);
    examined.assert_line(
        "wrong    test mail    the mail server answered 553 5.7.1; let the mail server accept mail from MAIL_FROM to this address",
    );
}

#[test]
fn mail_in_files_is_a_warning_and_a_test_mail_becomes_one() {
    let setup = setup();
    let examined = examine(&setup, &["--send-to", ADA]);
    examined.assert_line(
        "warning  mail         SMTP_URL is unset, so that mails become files in DATA_DIR/outbox; name your mail server in it",
    );
    let files = fs::read_dir(setup.folder().join("outbox")).unwrap();
    assert_eq!(files.count(), 1);
}

#[test]
fn an_address_that_is_none_gets_no_mail() {
    let output = setup()
        .command()
        .args(["doctor", "--send-to", "nobody"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "fpm-registry: invalid value 'nobody' for '--send-to <ADDRESS>': Enter a valid email address\n"
    );
}
