//! The mailer against a real SMTP server, and its folder.
#![cfg(feature = "ssr")]
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

#[path = "common/smtp.rs"]
mod smtp;

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use fpm_registry::{
    accounts::{
        clock::Timestamp,
        email::Email,
        mail::{Letter, Mail, MailError, MailId, Mailer},
        token::Token,
    },
    server::mail::{
        LettreMailer, Sender, Transport, folder::Folder, memory::Inbox,
        smtp::SmtpServer as Settings,
    },
};
use smtp::{Encryption, Manner, SmtpServer};
use url::Url;

const ADA: &str = "ada@example.org";

fn mailer(post: Transport) -> LettreMailer {
    let public_url = Url::parse("https://registry.example.net").unwrap();
    let from = Sender::parse("fpm-registry <noreply@example.net>").unwrap();
    LettreMailer::new(&public_url, from, post)
}

fn mailer_to(smtp_url: &str) -> LettreMailer {
    mailer(Transport::Smtp(Settings::parse(smtp_url).unwrap()))
}

fn mail(letter: Letter) -> Mail {
    Mail {
        id: MailId::random(),
        to: Email::parse(ADA).unwrap(),
        letter,
    }
}

fn reset_mail(token: &Token) -> Mail {
    mail(Letter::ResetLink(token.clone()))
}

fn notice() -> Mail {
    let moment = Timestamp::from_millis(1_763_806_651_000);
    mail(Letter::PasswordChanged(moment))
}

fn temporary(result: Result<(), MailError>) -> String {
    match result {
        Err(MailError::Temporary(reason)) => reason,
        other => panic!("not a temporary refusal: {other:?}"),
    }
}

fn permanent(result: Result<(), MailError>) -> String {
    match result {
        Err(MailError::Permanent(reason)) => reason,
        other => panic!("not a permanent refusal: {other:?}"),
    }
}

/// An empty folder of its own for each test.
fn data_dir(test: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&folder);
    folder
}

#[tokio::test]
async fn a_reset_mail_arrives_whole() {
    let server = SmtpServer::polite().await;
    let token = Token::random();
    let mail = reset_mail(&token);
    let id = mail.id;
    mailer_to(&server.url()).send(mail).await.unwrap();

    let mail = server.mail_to(ADA).await;
    assert_eq!(server.mails().len(), 1);
    assert_eq!(mail.from, "noreply@example.net");
    assert_eq!(mail.to, [ADA]);
    for (name, value) in [
        ("From", "fpm-registry <noreply@example.net>"),
        ("To", ADA),
        ("Subject", "Reset your fpm-registry password"),
        ("Message-ID", &format!("<{id}@example.net>")),
        ("Auto-Submitted", "auto-generated"),
        ("MIME-Version", "1.0"),
    ] {
        assert_eq!(mail.header(name).as_deref(), Some(value));
    }
    assert!(mail.header("Date").unwrap().ends_with(" +0000"));

    let link = format!(
        "https://registry.example.net/auth/reset-password?uuid={}",
        token.reveal()
    );
    assert_eq!(mail.link(), Some(link.clone()));
    let text = mail.part("text/plain").unwrap();
    assert_eq!(text.matches("http").count(), 1);
    assert!(text.contains("within 30 minutes"), "{text}");
    let html = mail.part("text/html").unwrap();
    assert!(html.contains(&format!("<a href=\"{link}\"")), "{html}");
    assert_eq!(html.matches("http").count(), 2);
    assert!(!html.contains("src="));
}

#[tokio::test]
async fn a_notice_tells_when_and_the_way_back() {
    let server = SmtpServer::polite().await;
    mailer_to(&server.url()).send(notice()).await.unwrap();

    let mail = server.mail_to(ADA).await;
    assert_eq!(
        mail.header("Subject").as_deref(),
        Some("Your fpm-registry password was changed")
    );
    assert_eq!(
        mail.link().as_deref(),
        Some("https://registry.example.net/auth/reset-password")
    );
    for part in ["text/plain", "text/html"] {
        let body = mail.part(part).unwrap();
        assert!(body.contains("22 November 2025 at 10:17 UTC"), "{body}");
    }
}

#[tokio::test]
async fn a_closed_account_gets_a_mail_with_a_way_in() {
    let server = SmtpServer::polite().await;
    let token = Token::random();
    let closed = mail(Letter::AccountClosed(token.clone()));
    mailer_to(&server.url()).send(closed).await.unwrap();
    let mail = server.mail_to(ADA).await;
    assert_eq!(
        mail.header("Subject").as_deref(),
        Some("Your fpm-registry account is closed to new devices")
    );
    let page = "https://registry.example.net/auth/reset-password";
    let link = format!("{page}?uuid={}", token.reveal());
    assert_eq!(mail.link(), Some(link));
    let text = mail.part("text/plain").unwrap();
    assert!(
        text.contains("Someone failed 100 times to log in"),
        "{text}"
    );
    assert!(
        text.contains(&format!("ask for another at\n{page}\n")),
        "{text}"
    );
    assert_eq!(text.matches("http").count(), 2);
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
async fn an_unreachable_server_fails_the_mail_and_not_the_start() {
    let server = SmtpServer::polite().await;
    let mailer = mailer_to(&server.url());
    drop(server);
    tokio::task::yield_now().await;
    let reason = temporary(mailer.send(notice()).await);
    assert!(reason.contains("Connection refused"), "{reason}");
}

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
        .args(["--exact", "mail_and_password_go_through_tls", "--nocapture"])
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
    }
}

#[tokio::test]
async fn a_folder_gets_a_file_with_the_link_and_the_log_names_it() {
    let data_dir = data_dir("folder");
    let log = Log::default();
    let listening = log.listen();
    let token = Token::random();
    let mailer = mailer(Transport::Folder(Folder::open(&data_dir).unwrap()));
    mailer.send(reset_mail(&token)).await.unwrap();
    drop(listening);

    let outbox = data_dir.join("outbox");
    let files: Vec<PathBuf> = fs::read_dir(&outbox)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let [file] = files.as_slice() else {
        panic!("not one file: {files:?}");
    };
    assert!(
        log.text()
            .contains(&format!("mail written file={}", file.display())),
        "{}",
        log.text()
    );
    assert!(file.extension().is_some_and(|extension| extension == "eml"));
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&outbox), mode(file)), (0o700, 0o600));

    let raw = fs::read_to_string(file).unwrap();
    let link = format!(
        "\r\n\r\nhttps://registry.example.net/auth/reset-password?uuid={}\r\n\r\n",
        token.reveal()
    );
    assert!(raw.contains(&link), "{raw}");
    assert!(!log.text().contains(ADA) && !log.text().contains(&token.reveal()));
}

#[test]
fn a_folder_that_cannot_be_written_is_one_sentence() {
    let data_dir = data_dir("blocked-folder");
    fs::create_dir_all(&data_dir).unwrap();
    fs::write(data_dir.join("outbox"), "a file in the way").unwrap();
    let sentence = Folder::open(&data_dir).err().unwrap().to_string();
    assert!(
        sentence.starts_with("DATA_DIR must be writable"),
        "{sentence}"
    );
    assert!(sentence.contains("blocked-folder/outbox"), "{sentence}");
}

#[tokio::test]
async fn a_folder_lost_later_is_temporary() {
    let data_dir = data_dir("lost-folder");
    let mailer = mailer(Transport::Folder(Folder::open(&data_dir).unwrap()));
    fs::remove_dir_all(&data_dir).unwrap();
    assert!(temporary(mailer.send(notice()).await).contains("No such file"));
}

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

#[test]
fn a_good_smtp_url_says_where_mail_goes() {
    for (url, description) in [
        (
            "smtps://mail.example.org",
            "SMTP with TLS at mail.example.org:465",
        ),
        (
            "smtps://u:p@mail.example.org:4465/",
            "SMTP with TLS at mail.example.org:4465",
        ),
        (
            "smtps://mail.example.org?tls=required",
            "SMTP with TLS at mail.example.org:465",
        ),
        (
            "smtps://[2001:db8::1]",
            "SMTP with TLS at [2001:db8::1]:465",
        ),
        (
            "smtp://u:p@mail.example.org:587?tls=required",
            "SMTP with STARTTLS at mail.example.org:587",
        ),
        (
            "smtp://Mail.Example.org?tls=required",
            "SMTP with STARTTLS at mail.example.org:587",
        ),
        (
            "smtp://mail.example.org",
            "unencrypted SMTP at mail.example.org:25",
        ),
        (
            "smtp://u:p@localhost:1025",
            "unencrypted SMTP at localhost:1025",
        ),
        ("smtp://u:p@127.8.9.1", "unencrypted SMTP at 127.8.9.1:25"),
        ("smtp://u:p@[::1]:2525", "unencrypted SMTP at [::1]:2525"),
    ] {
        let settings = Settings::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!(format!("{settings:?}"), description);
        assert_eq!(Transport::Smtp(settings).describe(), description);
    }
}

#[test]
fn a_bad_smtp_url_is_one_sentence_without_the_password() {
    for (url, hint) in [
        ("", "must be a URL"),
        ("mail.example.org", "must be a URL"),
        ("mail.example.org:25", "must"),
        ("https://u:s3cret@mail.example.org", "must begin with"),
        ("smtp:mail.example.org", "must"),
        ("smtp://", "must name a host"),
        ("smtps://u:s3cret@", "must"),
        ("smtp://u:s3cret@:25", "must"),
        ("smtps://u:s3/cret@mail.example.org", "percent-encoded"),
        ("smtps://u:s3#cret@mail.example.org", "percent-encoded"),
        ("smtps://u:s3?cret@mail.example.org", "percent-encoded"),
        (
            "smtps://mail.example.org/s3cret",
            "must end after host and port",
        ),
        ("smtps://u:s3cret@mail.example.org:99999", "must be a URL"),
        ("smtps://u:s3cret@mail.example.org:0", "port 0"),
        ("smtps://u:s3cret@mail%20example.org", "must name a host"),
        (
            "smtp://u:s3cret@mail.example.org?tls=opportunistic",
            "tls=opportunistic",
        ),
        (
            "smtp://u:s3cret@mail.example.org?tls=none",
            "no parameter but tls=required",
        ),
        (
            "smtps://mail.example.org?tls=none",
            "no parameter but tls=required",
        ),
        (
            "smtp://mail.example.org?tls=required&tls=opportunistic",
            "no parameter but",
        ),
        ("smtp://u:s3cret@mail.example.org", "unencrypted"),
        ("smtp://u:s3cret@128.0.0.1", "unencrypted"),
        ("smtp://u:s3cret@localhost.example.org", "unencrypted"),
        ("smtp://u:s3cret@[::2]", "unencrypted"),
        ("smtps://:s3cret@mail.example.org", "a user"),
        ("smtps://u@mail.example.org", "a password"),
        ("smtps://u:@mail.example.org", "a password"),
        ("smtps://u:s3cret%FF@mail.example.org", "UTF-8"),
    ] {
        let error = Settings::parse(url)
            .err()
            .unwrap_or_else(|| panic!("accepted: {url}"));
        let shown = format!("{error} {error:?}");
        assert!(error.to_string().starts_with("SMTP_URL "), "{url}: {shown}");
        assert!(error.to_string().contains(hint), "{url}: {shown}");
        assert!(
            !shown.contains("s3") && !shown.contains('\n'),
            "{url}: {shown}"
        );
    }
}

#[test]
fn mail_from_is_one_plain_address() {
    for good in [
        "fpm-registry <noreply@localhost>",
        "a@b.org",
        "\"Die Å, GmbH\" <a@b.org>",
    ] {
        assert!(Sender::parse(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "noreply",
        "a@b.org, c@d.org",
        "a@b.org junk",
        "A <a@b.org",
        "A\r\nBcc: x@y.org <a@b.org>",
        "\"A\r\nBcc: x@y.org\" <a@b.org>",
        "a@bücher.example",
        "å@b.org",
    ] {
        let error = Sender::parse(bad)
            .err()
            .unwrap_or_else(|| panic!("accepted: {bad:?}"));
        assert!(
            error.to_string().starts_with("MAIL_FROM must be"),
            "{error}"
        );
    }
}

/// What is logged on this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || log.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
