//! The letters: what each says, as it arrives at a mail server.

use fpm_registry::accounts::{
    clock::Timestamp,
    device_name::DeviceName,
    mail::{Letter, Mailer, SecurityNotice},
    security_event::SecurityEvent,
    token::Token,
};

use crate::{ADA, mail, mailer_to, notice, reset_mail, smtp::SmtpServer};

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
async fn a_right_password_without_a_second_factor_is_told_with_the_way_back() {
    let server = SmtpServer::polite().await;
    let token = Token::random();
    let told = mail(Letter::Security(SecurityNotice {
        event: SecurityEvent::SecondFactorMissing,
        at: Timestamp::from_millis(1_763_806_651_000),
        device: DeviceName::of_user_agent("curl/8.15.0"),
        not_me: Some(token.clone()),
    }));
    mailer_to(&server.url()).send(told).await.unwrap();
    let mail = server.mail_to(ADA).await;
    assert_eq!(
        mail.header("Subject").as_deref(),
        Some("Someone has the password of your fpm-registry account")
    );
    let link = format!(
        "https://registry.example.net/auth/not-me?uuid={}",
        token.reveal()
    );
    assert_eq!(mail.link(), Some(link));
    let text = mail.part("text/plain").unwrap();
    let words = "sent the right password of the\n\
        fpm-registry account with this email address on 22 November 2025 at 10:17 UTC,\n\
        but no second factor, and so was not logged in.\n\
        It calls itself: curl\n";
    assert!(text.contains(words), "{text}");
    assert!(
        text.contains("If it was you, you need not do anything."),
        "{text}"
    );
    assert!(text.lines().all(|line| line.len() < 100), "{text}");
}
