//! The mailer against a real SMTP server, and its folder.
#![cfg(feature = "ssr")]
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

#[path = "../common/smtp.rs"]
mod smtp;

mod folder;
mod letters;
mod memory;
mod servers;
mod settings;
mod tls;

use fpm_registry::{
    accounts::{
        clock::Timestamp,
        device_name::DeviceName,
        email::Email,
        mail::{Letter, Mail, MailError, MailId, SecurityNotice},
        security_event::SecurityEvent,
        token::Token,
    },
    server::mail::{LettreMailer, Sender, Transport, smtp::SmtpServer as Settings},
};
use url::Url;

const ADA: &str = "ada@example.org";

fn mailer(transport: Transport) -> LettreMailer {
    let public_url = Url::parse("https://registry.example.net").unwrap();
    let from = Sender::parse("fpm-registry <noreply@example.net>").unwrap();
    LettreMailer::new(&public_url, from, transport)
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
    mail(Letter::ResetLink {
        token: token.clone(),
        has_password: true,
    })
}

fn notice() -> Mail {
    let moment = Timestamp::from_millis(1_763_806_651_000);
    mail(Letter::Security(SecurityNotice {
        event: SecurityEvent::PasswordChanged,
        at: moment,
        device: DeviceName::default(),
        not_me: None,
    }))
}

fn temporary(result: Result<(), MailError>) -> String {
    match result {
        Err(MailError::Temporary(reason)) => reason,
        other => panic!("not a temporary refusal: {other:?}"),
    }
}
